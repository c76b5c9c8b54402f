"""Composes one section of the film: window, clocks, voices, scenes, layers, pictures, in this order.

Bounded: the window's segments, a section's voices (2 MB each), one decoded picture per person, the encoder's queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from recorder.account.manifest import Incident
from recorder.film.canvas import Canvas, cover
from recorder.film.director import Director
from recorder.film.film import PieceWriter
from recorder.film.film_plan import FilmPlan, window_of
from recorder.film.grid import FILM_HEIGHT_PX, FILM_WIDTH_PX
from recorder.film.labels import Labels
from recorder.film.layers import Showing, plan_layers
from recorder.film.pictures import PicturePlayer, PictureStream, new_stream
from recorder.film.plates import Plates
from recorder.film.scenes import SCREEN, ScenePlan, plan_scenes
from recorder.film.survey import HOLE_WAIT_NS, KeyFrame, Problem, Survey, WindowSurvey
from recorder.film.timeline import ALIGNMENT_TICKS, TICK_NS, PieceKind, Section
from recorder.film.voices import Speech, Voices
from recorder.journal import RecordKind
from recorder.reading.windows import BEFORE_NS, JournalPlace, SegmentReader, segments_of
from recorder.redactions import RedactionPlan
from recorder.withheld import Spans


class NewBreaks(Exception):
    """The window holds damage that the timeline does not know yet; plan again with these."""

    def __init__(self, breaks: tuple[Incident, ...]) -> None:
        super().__init__(f"{len(breaks)} stretches cannot be read")
        self.breaks = breaks


@dataclass(frozen=True, slots=True)
class MadeSection:
    """What is told of a section beside its file."""

    problems: tuple[Problem, ...]
    speech: tuple[Speech, ...]


class SectionMaker:
    """Makes sections one after another; streams pass warm from one to the next. One thread, any order.

    `between_frames` is called before every frame: it may sleep, or raise to stop the work.
    """

    def __init__(self, between_frames: Callable[[], None] = lambda: None) -> None:
        self._between_frames = between_frames
        self._reader = SegmentReader()
        self._warm_for: tuple[int, Spans, RedactionPlan] | None = None
        self._streams: dict[int, PictureStream] = {}
        self._canvas = Canvas(FILM_WIDTH_PX, FILM_HEIGHT_PX)
        self._plates: Plates | None = None
        self._plates_of: Labels | None = None

    def make(self, film: FilmPlan, section: Section, target: Path) -> MadeSection:
        """Compose `section` into `target`. FilmError, NewBreaks; damage the film knows of becomes problems."""
        span = window_of(film, section)
        window = None if span is None else self._look(film, span)
        survey, notes, problems = (Survey({}, 0), None, []) if window is None else window
        voices = Voices(film, section, survey, notes)
        scenes = plan_scenes(
            film.there,
            layout=film.labels.layout,
            presiding=film.labels.presiding,
            speakers=voices.speakers,
            single=film.labels.single,
        )
        pictures = self._pictures(film, section, survey, scenes, notes)
        director = Director(
            canvas=self._canvas,
            plates=self._plates_for(film.labels),
            labels=film.labels,
            clock=film.recording.clock,
            scenes=scenes,
            stories=list(survey.stories.values()),
            pictures=pictures.players,
            plan=film.plan,
        )
        with PieceWriter(
            target,
            width=FILM_WIDTH_PX,
            height=FILM_HEIGHT_PX,
            ticks=section.ticks,
            lead_ticks=ALIGNMENT_TICKS,
        ) as writer:
            self._paint(film, section, voices, pictures, director, writer)
        self._warm_for = (section.until_ns, film.timeline.withheld, film.plan)
        return MadeSection((*problems, *voices.problems(), *pictures.problems()), voices.speech())

    def _look(self, film: FilmPlan, span: tuple[int, int]) -> tuple[Survey, WindowSurvey, list[Problem]]:
        from_ns, until_ns = span
        tracks = film.tracks_between(from_ns, until_ns)
        notes = WindowSurvey(tracks, film.recording.gaps, from_ns)
        breaks: list[Incident] = []
        problems: list[Problem] = []
        for segment in self._reader.between(film.recording, from_ns, until_ns):
            breaks += segment.breaks
            problems += segment.problems
            for index, (at_ns, record) in enumerate(segment.records):
                notes.take(record, at_ns, (segment.number, index))
        new = tuple(one for one in breaks if (one.from_ns, one.until_ns) not in film.known_breaks)
        if new:
            raise NewBreaks(new)
        first_keys = notes.first_keys()
        older: dict[int, KeyFrame] = {}
        for track in tracks:
            if track.info.kind != "video" or track.started_ns >= from_ns:
                continue
            if track.number in first_keys and first_keys[track.number] <= from_ns + BEFORE_NS // 2:
                continue
            found = self._reader.last_key_before(film.recording, track, from_ns)
            if found is not None:
                older[track.number] = found[0]
        return notes.settle(older), notes, problems

    def _pictures(
        self,
        film: FilmPlan,
        section: Section,
        survey: Survey,
        scenes: ScenePlan,
        notes: WindowSurvey | None,
    ) -> _Pictures:
        sources: dict[tuple[str, bool], list[int]] = {}
        for number, story in survey.stories.items():
            info = story.track.info
            if info.kind == "video" and (film.labels.single is None or film.labels.single.shows(info)):
                sources.setdefault((info.identity, info.source == SCREEN), []).append(number)
        pictures = _Pictures(notes, survey.wait_ns + HOLE_WAIT_NS)
        is_next = self._warm_for == (section.from_ns, film.timeline.withheld, film.plan)
        warm, self._streams, self._warm_for = (self._streams if is_next else {}), {}, None
        for (identity, is_screen), numbers in sources.items():

            def wanted(at_ns: int, identity: str = identity, is_screen: bool = is_screen) -> int:
                return scenes.at(at_ns).picture_height_px(identity, is_screen=is_screen)

            if not any(wanted(moment) for moment in _moments(section, scenes)):
                continue
            plan = plan_layers([survey.stories[number] for number in numbers], wanted)
            showings = _showings_within(plan, survey, section)
            for showing in showings:
                if showing.track not in self._streams:
                    self._streams[showing.track] = self._stream(film, survey, showing, warm, notes)
            hidden = film.timeline.withheld | film.plan.masked(identity)
            player = PicturePlayer(survey.stories, showings, self._streams, hidden)
            pictures.add((identity, is_screen), player, self._streams)
        return pictures

    def _stream(
        self,
        film: FilmPlan,
        survey: Survey,
        showing: Showing,
        warm: dict[int, PictureStream],
        notes: WindowSurvey | None,
    ) -> PictureStream:
        """The stream as the section before left it, or a cold one fed since the key frame it needs."""
        track = survey.stories[showing.track].track
        assert notes is not None
        packets = notes.packets[track.number]
        known = warm.get(track.number)
        if (
            known is not None
            and packets
            and known.next_place >= packets[0].place
            and known.decoder is not None
        ):
            return known
        first_place = packets[0].place if packets else (0, 0)
        if not packets or showing.decode_from_ns >= packets[0].at_ns:
            return new_stream(track.info.codec, first_place)
        found = self._reader.last_key_before(film.recording, track, packets[0].at_ns)
        stream = new_stream(track.info.codec, first_place)
        if found is not None:
            self._catch_up(film, survey, showing, stream, found[1], first_place)
        return stream

    def _catch_up(
        self,
        film: FilmPlan,
        survey: Survey,
        showing: Showing,
        stream: PictureStream,
        place: JournalPlace,
        until: JournalPlace,
    ) -> None:
        """Feed and decode a stream from a key frame long before its window."""
        whole = Showing(showing.track, 0, 0, showing.until_ns)
        player = PicturePlayer(survey.stories, [whole], {showing.track: stream})
        for segment in segments_of(film.recording):
            if not place[0] <= segment.number <= until[0]:
                continue
            for index, (at_ns, record) in enumerate(self._reader.read(film.recording, segment).records):
                is_ours = record.track == showing.track and record.kind == RecordKind.PACKET
                if is_ours and place <= (segment.number, index) < until:
                    player.feed(showing.track, record.payload, at_ns)
            player.advance(segment.last_ns)

    def _paint(
        self,
        film: FilmPlan,
        section: Section,
        voices: Voices,
        pictures: _Pictures,
        director: Director,
        writer: PieceWriter,
    ) -> None:
        chunks = voices.mixed()
        for _ in range(ALIGNMENT_TICKS):
            writer.sound(next(chunks))
        tick = 0
        for part in section.parts:
            is_hearing = part.kind is PieceKind.HEARING
            if not is_hearing:
                director.paint_card(part)
            for index in range(part.ticks):
                self._between_frames()
                if is_hearing:
                    at_ns = part.from_ns + index * TICK_NS
                    pictures.feed_until(at_ns + TICK_NS)
                    director.paint_hearing(at_ns, voices.speaking(tick))
                frame = director.canvas.to_frame()
                if is_hearing:
                    for region in film.plan.regions_at(at_ns):
                        cover(frame, region.x, region.y, region.width, region.height)
                writer.picture(frame)
                writer.sound(next(chunks))
                tick += 1
        for chunk in chunks:
            writer.sound(chunk)

    def _plates_for(self, labels: Labels) -> Plates:
        if self._plates is None or self._plates_of != labels:
            self._plates, self._plates_of = Plates(labels), labels
        return self._plates


def _moments(section: Section, scenes: ScenePlan) -> Iterator[int]:
    for part in section.parts:
        if part.kind is PieceKind.HEARING:
            for scene in scenes.within(part.from_ns, part.until_ns):
                yield max(scene.from_ns, part.from_ns)


def _showings_within(plan: Sequence[Showing], survey: Survey, section: Section) -> list[Showing]:
    """The showings a section needs; what began before it is decoded from the last key frame before it."""
    kept = []
    for showing in plan:
        if showing.until_ns <= section.from_ns or showing.from_ns >= section.until_ns:
            continue
        decode_from_ns = showing.decode_from_ns
        if showing.from_ns < section.from_ns:
            keys = [key.at_ns for key in survey.stories[showing.track].key_frames]
            decode_from_ns = max([decode_from_ns, *(at for at in keys if at <= section.from_ns - TICK_NS)])
        kept.append(Showing(showing.track, decode_from_ns, showing.from_ns, showing.until_ns))
    return kept


class _Pictures:
    """The players of a section and the packets they still need, by track."""

    def __init__(self, notes: WindowSurvey | None, wait_ns: int) -> None:
        self.players: dict[tuple[str, bool], PicturePlayer] = {}
        self._notes, self._wait_ns = notes, wait_ns
        self._next: dict[int, int] = {}
        self._player_of: dict[int, PicturePlayer] = {}
        self._streams: dict[int, PictureStream] = {}

    def add(self, key: tuple[str, bool], player: PicturePlayer, streams: dict[int, PictureStream]) -> None:
        """A player; its streams are fed from where they stand."""
        assert self._notes is not None
        self.players[key] = player
        for number in player.tracks:
            packets = self._notes.packets[number]
            place = streams[number].next_place
            self._next[number] = next(
                (index for index, packet in enumerate(packets) if packet.place >= place), len(packets)
            )
            self._player_of[number] = player
            self._streams[number] = streams[number]

    def feed_until(self, at_ns: int) -> None:
        """Feed what arrived until a moment and the time late packets need."""
        assert self._notes is not None or not self._next
        until_ns = at_ns + self._wait_ns
        for number, player in self._player_of.items():
            packets = self._notes.packets[number] if self._notes is not None else []
            index = self._next[number]
            while index < len(packets) and packets[index].at_ns <= until_ns:
                packet = packets[index]
                player.feed(number, packet.raw, packet.at_ns)
                segment, record = packet.place
                self._streams[number].next_place = (segment, record + 1)
                index += 1
            self._next[number] = index
            ended = index == len(packets) and player.ended_ns(number) <= until_ns
            if ended and not self._streams[number].has_ended:
                player.end(number)

    def problems(self) -> list[Problem]:
        """What the decoders refused."""
        found = []
        for (identity, is_screen), player in self.players.items():
            if player.broken_frames:
                source = "screen" if is_screen else "camera"
                detail = f"{identity} {source}: {player.broken_frames} frames"
                found.append(Problem("picture.undecodable", detail))
        return found
