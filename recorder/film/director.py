"""Paints one film frame after another: places, pictures, captions, clock. Only what changed is painted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recorder.clock import HearingClock
from recorder.film.canvas import Canvas
from recorder.film.grid import FILM_HEIGHT_PX, FILM_WIDTH_PX, HEADER_HEIGHT_PX, fit
from recorder.film.labels import Labels
from recorder.film.pictures import PicturePlayer
from recorder.film.plates import Plates
from recorder.film.scenes import CAMERA, MICROPHONE, SCREEN, Place, Scene, ScenePlan
from recorder.film.single_track import Shown
from recorder.film.survey import CAMERA_SILENCE_NS, SCREEN_SILENCE_NS, TrackStory
from recorder.film.timeline import TICK_NS, Piece
from recorder.redactions import RedactionPlan

# A film frame shows the picture nearest to it, not the last one before: half a frame less of lag.
NEAREST_NS = TICK_NS // 2
# Sound may pause (a microphone that sends nothing in silence); after this the caption says so.
SOUND_SILENCE_NS = 5_000_000_000


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a place shows now, to see what changed."""

    caption: tuple[str | None, bool]
    absent: str | None
    size_px: tuple[int, int] | None


class Director:
    """Paints one section of a film on `canvas`. `pictures` by (identity, is_screen)."""

    def __init__(
        self,
        *,
        canvas: Canvas,
        plates: Plates,
        labels: Labels,
        clock: HearingClock,
        scenes: ScenePlan,
        stories: Sequence[TrackStory],
        pictures: Mapping[tuple[str, bool], PicturePlayer],
        plan: RedactionPlan,
    ) -> None:
        self.canvas = canvas
        self._labels, self._clock, self._scenes, self._pictures = labels, clock, scenes, pictures
        self._plates = plates
        self._plan = plan
        self._tracks: dict[tuple[str, str], list[TrackStory]] = {}
        for story in stories:
            self._tracks.setdefault((story.track.info.identity, story.track.info.source), []).append(story)
        self._scene: Scene | None = None
        self._shown: dict[Place, _Shown] = {}
        self._second = -1

    def paint_hearing(self, at_ns: int, speaking: frozenset[str]) -> None:
        """Bring the canvas to a moment of the hearing. `speaking`: identities heard just now."""
        scene = self._scenes.at(at_ns)
        if scene is not self._scene:
            self._paint_empty(scene)
        self._paint_clock(at_ns)
        for place in scene.places:
            player = self._pictures.get((place.identity, place.is_screen))
            is_new = player.advance(at_ns + NEAREST_NS) if player is not None else False
            is_speaking = not place.is_screen and place.identity in speaking
            self._paint_place(place, player, at_ns, is_new=is_new, speaking=is_speaking)
        for key, player in self._pictures.items():
            if all((place.identity, place.is_screen) != key for place in scene.places):
                player.advance(at_ns + NEAREST_NS)

    def paint_card(self, piece: Piece) -> None:
        """The whole canvas becomes the card of a pause or a break."""
        self._scene, self._second = None, -1
        local = [self._labels.local_time(self._clock.utc(at_ns)) for at_ns in (piece.from_ns, piece.until_ns)]
        self.canvas.paint(self._plates.card(piece.word, local[0], local[1]), 0, 0)

    def _paint_empty(self, scene: Scene) -> None:
        self._scene, self._second = scene, -1
        self._shown.clear()
        self.canvas.paint(self._plates.page(), 0, 0)
        self.canvas.paint(self._plates.header(hidden=scene.hidden), 0, 0)
        if not scene.places:
            note = self._plates.note(self._plates.word(self._why_nobody()))
            middle = (FILM_HEIGHT_PX + HEADER_HEIGHT_PX - note.height) // 2
            self.canvas.paint(note, ((FILM_WIDTH_PX - note.width) // 2) & ~1, middle & ~1)

    def _paint_clock(self, at_ns: int) -> None:
        utc_ns = self._clock.utc_ns(at_ns)
        if utc_ns // 1_000_000_000 != self._second:
            self._second = utc_ns // 1_000_000_000
            painting, left = self._plates.clock(self._labels.local_time(self._clock.utc(at_ns)))
            self.canvas.paint(painting, left, 0)

    def _paint_place(
        self, place: Place, player: PicturePlayer | None, at_ns: int, *, is_new: bool, speaking: bool
    ) -> None:
        absent = self._why_no_picture(place, player, at_ns)
        frame = player.frame if player is not None and absent is None else None
        caption = (None if place.is_screen else self._why_no_sound(place.identity, at_ns), speaking)
        size_px = (frame.width, frame.height) if frame is not None else None
        before, now = self._shown.get(place), _Shown(caption, absent, size_px)
        self._shown[place] = now
        if before is None or before.caption != now.caption:
            self._paint_caption(place, *caption)
        box = place.cell.picture
        if absent is not None:
            if before is None or before.absent != absent:
                plate = self._plates.absent_picture(place.identity, box.width, box.height, state=absent)
                self.canvas.paint(plate, box.x, box.y)
            return
        if before is None or before.size_px != size_px:
            self.canvas.paint(self._plates.panel(box.width, box.height), box.x, box.y)
            is_new = True
        if frame is not None and player is not None and is_new:
            self.canvas.paint_frame(frame, fit(frame.width, frame.height, box), player.reformatter)

    def _paint_caption(self, place: Place, state: str | None, speaking: bool) -> None:
        box = place.cell.caption
        painting = self._plates.caption(
            place.identity, box.width, state=state, speaking=speaking, screen=place.is_screen
        )
        self.canvas.paint(painting, box.x, box.y)

    def _why_no_picture(self, place: Place, player: PicturePlayer | None, at_ns: int) -> str | None:
        """None when there is a picture to show (or one that may not be); else the word that says why not."""
        if self._plan.masked(place.identity).holds(at_ns):
            return "masked"
        if self._labels.single is not None and self._labels.single.shown is Shown.VOICE:
            return "voice_only"
        live = self._live(place.identity, SCREEN if place.is_screen else CAMERA, at_ns)
        if not live:
            return "camera_off"
        if all(story.is_muted(at_ns) for story in live):
            return "camera_muted"
        silence_ns = SCREEN_SILENCE_NS if place.is_screen else CAMERA_SILENCE_NS
        if player is None or at_ns - player.frame_ns > silence_ns:
            return "no_picture"
        if player.frame is None and not player.is_hidden:
            return "no_picture"
        return None

    def _why_nobody(self) -> str:
        """The word for an empty page."""
        single = self._labels.single
        if single is None:
            return "nobody"
        return "not_shared" if single.shown is Shown.SCREEN else "not_there"

    def _why_no_sound(self, identity: str, at_ns: int) -> str | None:
        live = self._live(identity, MICROPHONE, at_ns)
        if not live:
            return "microphone_off"
        if all(story.is_muted(at_ns) for story in live):
            return "microphone_muted"
        if not any(_has_packets(story, at_ns) for story in live):
            return "no_sound"
        return None

    def _live(self, identity: str, source: str, at_ns: int) -> list[TrackStory]:
        stories = self._tracks.get((identity, source), ())
        return [story for story in stories if story.track.started_ns <= at_ns < story.track.ended_ns]


def _has_packets(story: TrackStory, at_ns: int) -> bool:
    started_ns = story.track.started_ns
    return at_ns - started_ns < SOUND_SILENCE_NS or any(
        first <= at_ns + SOUND_SILENCE_NS and at_ns - SOUND_SILENCE_NS <= last for first, last in story.spans
    )
