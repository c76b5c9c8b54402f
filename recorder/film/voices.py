"""All that is heard in a section of the film: voices on the hearing clock, who speaks when, the mix."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace

from recorder.film.film_plan import FilmPlan, sound_ticks
from recorder.film.labels import Layout
from recorder.film.sound import CHUNK_SAMPLES, Mixer, VoicePlayer, is_speaking, sample_at
from recorder.film.speakers import MEMORY_TURNS, TURN_NS, plan_speakers
from recorder.film.survey import HOLE_WAIT_NS, Problem, Survey, WindowSurvey
from recorder.film.timeline import ALIGNMENT_TICKS, FILM_RATE_HZ, TICK_NS, Section

# An Opus decoder that begins cold sounds right after 80 ms; the mixer's gain is itself again after a quarter second.
_VOICE_LEAD_NS = 1_000_000_000
# The mark of the speaking person stays this long, so that it does not flicker between words.
SPEAKING_HOLD_TICKS = FILM_RATE_HZ * 2 // 5
# Who takes a breath goes on speaking; what is shorter than a word is none.
BREATH_TICKS = FILM_RATE_HZ
SHORTEST_SPEECH_TICKS = FILM_RATE_HZ * 2 // 5


@dataclass(frozen=True, slots=True)
class Speech:
    """Somebody is heard, in ticks of a section."""

    identity: str
    from_tick: int
    until_tick: int


class Voices:
    """All that is heard in a section, and who is heard when."""

    def __init__(self, film: FilmPlan, section: Section, survey: Survey, notes: WindowSurvey | None) -> None:
        self._film, self._section = film, section
        self._may_focus = film.labels.layout is not Layout.GRID and any(
            len(now.people) > 1 for now in film.there
        )
        lead_ns = (MEMORY_TURNS + 1) * TURN_NS if self._may_focus else _VOICE_LEAD_NS
        self._ticks = list(sound_ticks(film.timeline, section))
        moments = [at_ns for at_ns in self._ticks if at_ns is not None]
        self._heard: list[frozenset[str]] = []
        self._chunks: list[list[array[int]]] = []
        self.speakers = None
        self._players: dict[int, VoicePlayer] = {}
        if not moments or notes is None:
            self._chunks = [[] for _ in self._ticks]
            self._heard = [frozenset() for _ in self._ticks]
            return
        until_ns = moments[-1] + survey.wait_ns + HOLE_WAIT_NS
        for number, story in survey.stories.items():
            info, single = story.track.info, film.labels.single
            if info.kind != "audio" or (single is not None and not single.hears(info)):
                continue
            silent = film.timeline.withheld | film.plan.muted(info.identity)
            player = VoicePlayer(story, silent)
            player.skip_to(sample_at(moments[0] - lead_ns))
            for packet in notes.packets[number]:
                if moments[0] - lead_ns - _VOICE_LEAD_NS <= packet.at_ns <= until_ns:
                    player.feed(packet.raw, packet.at_ns)
            player.end()
            self._players[number] = player
        before = [moments[0] - n * TICK_NS for n in range(round(lead_ns / TICK_NS), 0, -1)]
        heard: dict[str, list[int]] = {}
        for at_ns in before:
            self._take(survey, at_ns, heard)
        for tick_ns in self._ticks:
            chunks, speaking = self._take(survey, tick_ns, heard) if tick_ns is not None else ([], set[str]())
            self._chunks.append(chunks)
            self._heard.append(frozenset(speaking))
        if self._may_focus:
            presiding = frozenset(film.labels.presiding)
            self.speakers = plan_speakers(
                heard, moments[0], moments[-1], listens_to=frozenset(heard) - presiding
            )

    def _take(
        self, survey: Survey, at_ns: int, heard: dict[str, list[int]]
    ) -> tuple[list[array[int]], set[str]]:
        chunks: list[array[int]] = []
        speaking: set[str] = set()
        first_sample = sample_at(at_ns)
        for number, player in self._players.items():
            chunk = player.take(first_sample, CHUNK_SAMPLES)
            if chunk is None:
                continue
            chunks.append(chunk)
            identity = survey.stories[number].track.info.identity
            if is_speaking(chunk):
                speaking.add(identity)
                heard.setdefault(identity, []).append(at_ns)
        return chunks, speaking

    def speaking(self, tick: int) -> frozenset[str]:
        """Who was heard at a frame of the section or just before it."""
        at = tick + ALIGNMENT_TICKS
        return frozenset[str]().union(*self._heard[max(at - SPEAKING_HOLD_TICKS, 0) : at + 1])

    def speech(self) -> tuple[Speech, ...]:
        """Who is heard when, breaths bridged, coughs left out; in ticks of the section."""
        found: list[Speech] = []
        for identity in sorted(frozenset[str]().union(*self._heard)):
            runs: list[Speech] = []
            for tick in range(self._section.ticks):
                if identity not in self._heard[tick + ALIGNMENT_TICKS]:
                    continue
                if runs and tick - runs[-1].until_tick <= BREATH_TICKS:
                    runs[-1] = replace(runs[-1], until_tick=tick + 1)
                else:
                    runs.append(Speech(identity, tick, tick + 1))
            found += [run for run in runs if run.until_tick - run.from_tick >= SHORTEST_SPEECH_TICKS]
        return tuple(sorted(found, key=lambda one: (one.from_tick, one.identity)))

    def mixed(self) -> Iterator[array[int]]:
        """The mix, one chunk per film frame, from `ALIGNMENT_TICKS` before the section to `TAIL_TICKS` after it."""
        mixer = Mixer()
        for chunks in self._chunks:
            done = mixer.mix(chunks)
            if done is not None:
                yield done
        last = mixer.flush()
        if last is not None:
            yield last

    def problems(self) -> list[Problem]:
        """What the decoders refused."""
        return [
            Problem("sound.undecodable", f"track {number}: {player.broken_frames} frames")
            for number, player in self._players.items()
            if player.broken_frames
        ]
