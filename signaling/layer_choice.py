"""Which layer each m-line of one viewer gets now, and which one it would get if every layer were sent.

The second answer is what publishers are asked for (`layer_demand`): a layer that rests because nobody watched it is
asked for with the rate it had. A leg that runs goes on with what it has until the asked one brings its key frame; a
dark one starts with the best of those that come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from signaling.allocation import (
    OTHERS_PRIORITY,
    SCREEN_PRIORITY,
    SPEAKER_PRIORITY,
    VOICE_PRIORITY,
    Allocation,
    Wish,
    allocate,
)
from signaling.attention import PictureKey
from signaling.layer_demand import Want
from signaling.publication import Layer
from signaling.rtp.rates import LayerOffer
from signaling.rtp.rewriter import ALL_TEMPORAL_LAYERS, NO_SOURCE
from signaling.showing import Showing
from signaling.slot import Slot

# By `Candidate.urgency`: screen, who speaks, who is looked at on purpose, the bench, parties, observers, not shown.
_PRIORITIES: Final = (
    SCREEN_PRIORITY,
    SPEAKER_PRIORITY,
    SPEAKER_PRIORITY + 2,
    SPEAKER_PRIORITY + 4,
    OTHERS_PRIORITY,
    OTHERS_PRIORITY + 10,
    OTHERS_PRIORITY + 20,
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What one m-line gets: a layer (None: nothing is sent) with its temporal limit; `want` is for the publisher."""

    slot: Slot
    layer: Layer | None
    max_temporal: int
    want: Want | None
    is_starved: bool = False  # the line has no room for it


@dataclass(frozen=True, slots=True)
class Decisions:
    """All m-lines that can carry something now, most urgent first. `starved`: no room on the line for these.

    `next_bps` is what the line would have to carry for the next better picture, a resting one included.
    """

    lines: tuple[Decision, ...]
    starved: frozenset[PictureKey]
    next_bps: float | None


def decide(slots: Sequence[Slot], showing: Showing, budget_bps: float, now_ms: float) -> Decisions:
    """Share the line among the m-lines whose answer is here and whose owner may be heard and seen."""
    open_slots = [
        slot
        for slot in slots
        if slot.leg is not None
        and slot.leg.is_live
        and now_ms >= slot.leg.blocked_until_ms
        and slot.publication is not None
        and slot.publication.is_flowing
    ]
    given = allocate([_wish(slot, showing, now_ms, resting=False) for slot in open_slots], budget_bps)
    ideal = given
    if any(not _is_coming(layer, now_ms) for slot in open_slots for layer in _layers(slot)):
        ideal = allocate([_wish(slot, showing, now_ms, resting=True) for slot in open_slots], budget_bps)
    lines = [_decision(slot, given, _want(slot, ideal, showing), now_ms) for slot in open_slots]
    lines.sort(key=lambda line: _priority(line.slot, showing))
    starved = frozenset(
        (publication.identity, publication.source)
        for slot in open_slots
        if slot.mid in given.starved and (publication := slot.publication) is not None
    )
    return Decisions(tuple(lines), starved, ideal.next_bps)


def _layers(slot: Slot) -> list[Layer]:
    return list(slot.publication.layers.values()) if slot.publication is not None else []


def _is_arriving(layer: Layer, now_ms: float) -> bool:
    return layer.rest.is_arriving(layer.stream.last_arrival_ms, now_ms)


def _is_coming(layer: Layer, now_ms: float) -> bool:
    return layer.rest.is_coming(layer.stream.last_arrival_ms, now_ms)


def _priority(slot: Slot, showing: Showing) -> tuple[int, str]:
    publication = slot.publication
    if publication is None or not publication.is_video:
        return VOICE_PRIORITY, slot.mid
    return _PRIORITIES[showing.urgency(publication)], slot.mid


def _wish(slot: Slot, showing: Showing, now_ms: float, *, resting: bool) -> Wish:
    """`resting`: count layers too that were told not to come."""
    publication, leg = slot.publication, slot.leg
    assert publication is not None
    assert leg is not None
    offers = tuple(
        LayerOffer(
            layer.stream.ssrc,
            max(layer.stream.rate.bits_per_second, layer.rest.expected_bps),
            layer.stream.height_px,
            layer.stream.temporal.shares,
        )
        for layer in publication.layers.values()
        if resting or _is_coming(layer, now_ms)
    )
    source = leg.rewriter.source
    return Wish(
        key=slot.mid,
        priority=_priority(slot, showing)[0],
        layers=offers,
        max_height_px=showing.wish_px(publication),
        current=source if source != NO_SOURCE else None,
        current_temporal=slot.max_temporal,
        is_vital=showing.is_vital(publication),
        was_starved=slot.was_starved,
    )


def _decision(slot: Slot, given: Allocation, want: Want | None, now_ms: float) -> Decision:
    publication, leg = slot.publication, slot.leg
    assert publication is not None
    assert leg is not None
    share = given.shares.get(slot.mid)
    layer = publication.layer_of(share.layer) if share is not None else None
    if share is None or layer is None:
        return Decision(slot, None, ALL_TEMPORAL_LAYERS, want)
    if leg.rewriter.source == NO_SOURCE and not _is_arriving(layer, now_ms):
        here = [each for each in publication.layers.values() if _is_arriving(each, now_ms)]
        smaller = [each for each in here if each.stream.height_px <= layer.stream.height_px]
        layer = max(smaller, key=lambda each: each.stream.height_px, default=layer)
    return Decision(slot, layer, share.max_temporal, want)


def _want(slot: Slot, ideal: Allocation, showing: Showing) -> Want | None:
    publication = slot.publication
    assert publication is not None
    wish_px = showing.wish_px(publication)
    if wish_px <= 0 or slot.mid in ideal.starved:
        return None
    share = ideal.shares.get(slot.mid)
    layer = publication.layer_of(share.layer) if share is not None else None
    if layer is None:
        return Want(taller=True)
    height_px = layer.stream.height_px
    tallest_px = max(each.stream.height_px for each in publication.layers.values())
    return Want(layer.rid, taller=height_px == tallest_px and wish_px > height_px)
