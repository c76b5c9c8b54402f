"""Second pass over a recording: the packets are replayed beside the film's own time, frame by frame.

Bounded: one journal segment, what waits for its moment (at most `LONGEST_WAIT_NS` of packets), one decoded
picture per person, and the encoder's short queue.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator

from recorder.canvas import cover
from recorder.director import Director
from recorder.film import FilmWriter
from recorder.journal import Record, RecordKind
from recorder.labels import Labels
from recorder.layers import plan_layers
from recorder.pictures import PicturePlayer
from recorder.recording import Recording
from recorder.redactions import RedactionPlan
from recorder.scenes import SCREEN, ScenePlan, plan_scenes
from recorder.sound import CHUNK_SAMPLES, Mixer, VoicePlayer, is_speaking, sample_at
from recorder.survey import Problem, Survey, replay
from recorder.timeline import TICK_NS, Piece, PieceKind, Timeline

# A packet that fills a hole comes this much later than its neighbours (see rtp_order).
_HOLE_WAIT_NS = 2_000_000_000
_SKIP_STEP_NS = 1_000_000_000


class SecondPass:
    """One film being made."""

    def __init__(
        self,
        recording: Recording,
        survey: Survey,
        timeline: Timeline,
        labels: Labels,
        plan: RedactionPlan | None = None,
    ) -> None:
        self._timeline, self._survey = timeline, survey
        self._plan = plan = plan or RedactionPlan()
        stories = survey.stories
        scenes = plan_scenes(stories.values(), list(labels.people))
        self._voices = {
            number: VoicePlayer(story, timeline.withheld | plan.muted(story.track.info.identity))
            for number, story in stories.items()
            if story.track.info.kind == "audio"
        }
        self._pictures = _picture_players(survey, scenes, timeline, plan)
        self._player_of = {number: player for player in self._pictures.values() for number in player.tracks}
        self._director = Director(
            labels=labels,
            clock=recording.clock,
            scenes=scenes,
            stories=list(stories.values()),
            pictures=self._pictures,
            plan=plan,
        )
        self._mixer = Mixer()
        self._wait_ns = survey.wait_ns + _HOLE_WAIT_NS
        self._replay = replay(recording)
        self._next = next(self._replay, None)

    def run(self, writer: FilmWriter, progress: Callable[[float], None]) -> None:
        """Paint and mix the whole film into the writer."""
        for piece in self._timeline.pieces:
            is_hearing = piece.kind is PieceKind.HEARING
            for tick, voices in enumerate(self._hearing(piece) if is_hearing else self._card(piece)):
                frame = self._director.canvas.to_frame()
                if is_hearing:
                    for region in self._plan.regions_at(piece.from_ns + tick * TICK_NS):
                        cover(frame, region.x, region.y, region.width, region.height)
                writer.picture(frame)
                self._write_sound(writer, self._mixer.mix(voices))
                progress(writer.duration_s)
        self._write_sound(writer, self._mixer.flush())

    def problems(self) -> list[Problem]:
        """What the decoders refused, per track."""
        found = [
            Problem("sound.undecodable", f"track {number}: {voice.broken_frames} frames")
            for number, voice in self._voices.items()
            if voice.broken_frames
        ]
        for (identity, is_screen), player in self._pictures.items():
            if player.broken_frames:
                source = "screen" if is_screen else "camera"
                detail = f"{identity} {source}: {player.broken_frames} frames"
                found.append(Problem("picture.undecodable", detail))
        return found

    def _hearing(self, piece: Piece) -> Iterator[list[array[int]]]:
        first_sample = sample_at(piece.from_ns)
        self._skip_to(piece.from_ns)
        for tick in range(piece.ticks):
            at_ns = piece.from_ns + tick * TICK_NS
            self._feed_until(at_ns + TICK_NS + self._wait_ns)
            # Every chunk begins where the one before ended: 1920 samples are exactly one film frame.
            chunks = {
                number: chunk
                for number, voice in self._voices.items()
                if (chunk := voice.take(first_sample + tick * CHUNK_SAMPLES)) is not None
            }
            speaking = frozenset(
                self._survey.stories[number].track.info.identity
                for number, chunk in chunks.items()
                if is_speaking(chunk)
            )
            self._director.paint_hearing(at_ns, speaking)
            yield list(chunks.values())

    def _card(self, piece: Piece) -> Iterator[list[array[int]]]:
        self._director.paint_card(piece)
        for _ in range(piece.ticks):
            yield []

    def _skip_to(self, from_ns: int) -> None:
        """Pass over what is not shown, such as the minutes before the opening, without keeping it."""
        for voice in self._voices.values():
            voice.skip_to(sample_at(from_ns))
        while self._next is not None and self._next[0] < from_ns:
            at_ns = min(self._next[0] + _SKIP_STEP_NS, from_ns)
            self._feed_until(at_ns)
            for player in self._pictures.values():
                player.advance(at_ns - self._wait_ns)

    def _feed_until(self, until_ns: int) -> None:
        while self._next is not None and self._next[0] <= until_ns:
            at_ns, item = self._next
            if isinstance(item, Record):
                self._feed(item, at_ns)
            self._next = next(self._replay, None)
            if self._next is None:
                self._end_all()

    def _feed(self, record: Record, at_ns: int) -> None:
        number = record.track
        if record.kind == RecordKind.PACKET:
            if (voice := self._voices.get(number)) is not None:
                voice.feed(record.payload, at_ns)
            elif (player := self._player_of.get(number)) is not None:
                player.feed(number, record.payload, at_ns)
        elif record.kind == RecordKind.TRACK_END:
            if (voice := self._voices.get(number)) is not None:
                voice.end()
            elif (player := self._player_of.get(number)) is not None:
                player.end(number)

    def _end_all(self) -> None:
        for voice in self._voices.values():
            voice.end()
        for number, player in self._player_of.items():
            player.end(number)

    @staticmethod
    def _write_sound(writer: FilmWriter, chunk: array[int] | None) -> None:
        if chunk is not None:
            writer.sound(chunk)


def _picture_players(
    survey: Survey, scenes: ScenePlan, timeline: Timeline, plan: RedactionPlan
) -> dict[tuple[str, bool], PicturePlayer]:
    sources: dict[tuple[str, bool], list[int]] = {}
    for number, story in survey.stories.items():
        info = story.track.info
        if info.kind == "video":
            sources.setdefault((info.identity, info.source == SCREEN), []).append(number)
    players = {}
    for (identity, is_screen), numbers in sources.items():

        def wanted(at_ns: int, identity: str = identity, is_screen: bool = is_screen) -> int:
            return scenes.at(at_ns).picture_height_px(identity, is_screen=is_screen)

        showings = plan_layers([survey.stories[number] for number in numbers], wanted)
        hidden = timeline.withheld | plan.masked(identity)
        players[identity, is_screen] = PicturePlayer(survey.stories, showings, hidden)
    return players
