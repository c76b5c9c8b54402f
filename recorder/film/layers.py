"""Which simulcast layer is shown when. Planned from the first pass, so that a switch never waits for a picture.

A layer can only be entered through a key frame. Going to a better one waits for its next key frame; when the
shown layer ends, the next one has been decoded quietly since its last key frame and takes over at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recorder.film.survey import TrackStory

# Scaling up by a fifth is not seen; decoding four times the pixels is paid for.
ENOUGH = 0.8
# Hearing times of key frames lie up to the network's delay before the arrival of their packets.
_ARRIVAL_SLACK_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Showing:
    """Track number `track` is shown from `from_ns` to `until_ns`, and decoded from `decode_from_ns` on."""

    track: int
    decode_from_ns: int
    from_ns: int
    until_ns: int


def plan_layers(layers: Sequence[TrackStory], wanted_height_px: Callable[[int], int]) -> tuple[Showing, ...]:
    """Showings in order for the layers of one source. `wanted_height_px(at_ns)`: height of its place in the film."""
    moments = sorted({moment for story in layers for moment in _moments(story)})
    plan: list[Showing] = []
    shown: TrackStory | None = None
    for moment, following in zip(moments, [*moments[1:], None], strict=True):
        ready = [story for story in layers if _covers(story, moment) and _last_key(story, moment) is not None]
        best = _best(ready, moment, wanted_height_px(moment))
        if best is None:
            shown = None
        elif shown not in ready or (best is not shown and _last_key(best, moment) == moment):
            shown = best
            decode_from_ns = _last_key(best, moment)
            assert decode_from_ns is not None
            plan.append(Showing(best.track.number, decode_from_ns, moment, moment))
        if shown is not None:
            until_ns = following if following is not None else max(story.track.ended_ns for story in layers)
            last = plan[-1]
            plan[-1] = Showing(last.track, last.decode_from_ns, last.from_ns, max(until_ns, moment))
    return tuple(plan)


def _moments(story: TrackStory) -> list[int]:
    spans = [edge for span in story.spans for edge in span]
    return spans + [key.at_ns for key in story.key_frames]


def _covers(story: TrackStory, at_ns: int) -> bool:
    index = bisect_right(story.spans, at_ns + _ARRIVAL_SLACK_NS, key=lambda span: span[0]) - 1
    return index >= 0 and at_ns < story.spans[index][1]


def _last_key(story: TrackStory, at_ns: int) -> int | None:
    index = bisect_right(story.key_frames, at_ns, key=lambda key: key.at_ns) - 1
    return story.key_frames[index].at_ns if index >= 0 else None


def _height(story: TrackStory, at_ns: int) -> int:
    """Height at a moment; a layer that does not tell it is ranked by what it cost to send."""
    index = bisect_right(story.key_frames, at_ns, key=lambda key: key.at_ns) - 1
    told = story.key_frames[index].height_px
    return (
        told if told is not None else story.track.payload_bytes // max(story.track.recorded_ns >> 30, 1) >> 8
    )


def _best(ready: Sequence[TrackStory], at_ns: int, wanted_px: int) -> TrackStory | None:
    if not ready:
        return None
    ranked = sorted(ready, key=lambda story: (_height(story, at_ns), story.track.number))
    enough = (story for story in ranked if _height(story, at_ns) >= wanted_px * ENOUGH)
    return next(enough, ranked[-1])
