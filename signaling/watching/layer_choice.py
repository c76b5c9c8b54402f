"""Which layer each m-line of one viewer gets now, and which one it would get if every layer were sent.

The second answer is what publishers are asked for (`layer_demand`): a layer that rests because nobody watched it is
asked for with the rate it had. A leg that runs goes on with what it has until the asked one brings its key frame; a
dark one starts with the best of those that come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from signaling.forwarder import Leg
from signaling.publishing.layer_demand import Want
from signaling.publishing.publication import Layer, LayerOffers, Publication
from signaling.rooms.attention import PictureKey
from signaling.rtp.rates import LayerOffer
from signaling.rtp.rewriter import ALL_TEMPORAL_LAYERS, NO_SOURCE
from signaling.watching.allocation import (
    OTHERS_PRIORITY,
    SCREEN_PRIORITY,
    SPEAKER_PRIORITY,
    VOICE_PRIORITY,
    Allocation,
    Wish,
    allocate,
)
from signaling.watching.showing import Showing
from signaling.watching.slot import Slot

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


class _Line(NamedTuple):
    """One m-line with a picture that this viewer wants."""

    slot: Slot
    publication: Publication
    leg: Leg
    wish_px: int
    priority: int
    offers: LayerOffers


def decide(
    slots: Sequence[Slot],
    showing: Showing,
    budget_bps: float,
    now_ms: float,
    *,
    may_climb: bool = True,
    may_starve: bool = True,
) -> Decisions:
    """Share the line among the m-lines whose answer is here and whose owner may be heard and seen.

    Without `may_climb` no picture gets better now (the line was in trouble a moment ago). Without `may_starve` the
    smallest layer of every picture goes out however little the line seems to carry: for viewers whose feedback does not
    tell what arrives, so that the estimate is a guess.
    """
    made: list[tuple[int, Decision]] = []
    lines: list[_Line] = []
    voices_bps = 0.0
    for slot in slots:
        publication, leg = slot.publication, slot.leg
        if publication is None or leg is None or not leg.is_live or not publication.is_flowing:
            continue
        if now_ms < leg.blocked_until_ms:
            continue
        wish_px = showing.wish_px(publication)
        if not publication.is_video:
            voice = next(iter(publication.layers.values()), None) if wish_px > 0 else None
            voices_bps += voice.stream.rate.bits_per_second if voice is not None else 0.0
            made.append((VOICE_PRIORITY, Decision(slot, voice, ALL_TEMPORAL_LAYERS, None)))
        elif wish_px <= 0:
            made.append((VOICE_PRIORITY, Decision(slot, None, ALL_TEMPORAL_LAYERS, None)))
        else:
            priority = _PRIORITIES[showing.urgency(publication)]
            lines.append(_Line(slot, publication, leg, wish_px, priority, publication.offers(now_ms)))
    left_bps = budget_bps - voices_bps
    given = allocate(
        [_wish(line, showing, line.offers.coming, may_starve) for line in lines],
        left_bps,
        may_climb=may_climb,
    )
    ideal = given
    if any(line.offers.coming is not line.offers.known for line in lines):
        ideal = allocate(
            [_wish(line, showing, line.offers.known, may_starve) for line in lines],
            left_bps,
            may_climb=may_climb,
        )
    made += [(line.priority, _decision(line, given, ideal, now_ms)) for line in lines]
    made.sort(key=lambda each: each[0])
    starved = frozenset(
        (line.publication.identity, line.publication.source)
        for line in lines
        if line.slot.mid in given.starved
    )
    next_bps = ideal.next_bps + voices_bps if ideal.next_bps is not None else None
    return Decisions(tuple(decision for _, decision in made), starved, next_bps)


def _wish(line: _Line, showing: Showing, layers: tuple[LayerOffer, ...], may_starve: bool) -> Wish:
    source = line.leg.rewriter.source
    return Wish(
        key=line.slot.mid,
        priority=line.priority,
        layers=layers,
        max_height_px=line.wish_px,
        current=source if source != NO_SOURCE else None,
        current_temporal=line.slot.max_temporal,
        is_vital=not may_starve or showing.is_vital(line.publication),
        was_starved=line.slot.was_starved,
    )


def _decision(line: _Line, given: Allocation, ideal: Allocation, now_ms: float) -> Decision:
    slot, publication = line.slot, line.publication
    want, is_starved = _want(line, ideal), slot.mid in given.starved
    share = given.shares.get(slot.mid)
    layer = publication.layer_of(share.layer) if share is not None else None
    if share is None or layer is None:
        return Decision(slot, None, ALL_TEMPORAL_LAYERS, want, is_starved)
    if line.leg.rewriter.source == NO_SOURCE and not layer.is_here(now_ms):
        here = [each for each in publication.layers.values() if each.is_here(now_ms)]
        smaller = [each for each in here if each.stream.height_px <= layer.stream.height_px]
        layer = max(smaller, key=lambda each: each.stream.height_px, default=layer)
    return Decision(slot, layer, share.max_temporal, want)


def _want(line: _Line, ideal: Allocation) -> Want | None:
    publication = line.publication
    if line.slot.mid in ideal.starved:
        return None
    share = ideal.shares.get(line.slot.mid)
    layer = publication.layer_of(share.layer) if share is not None else None
    if layer is None:
        return Want(taller=True)
    height_px = layer.stream.height_px
    tallest_px = max(each.stream.height_px for each in publication.layers.values())
    return Want(layer.rid, taller=height_px == tallest_px and line.wish_px > height_px)


def is_climb(line: Decision) -> bool:
    """A picture that is being sent gets better by this decision."""
    leg, publication, layer = line.slot.leg, line.slot.publication, line.layer
    if leg is None or publication is None or layer is None or leg.rewriter.target == layer.stream.ssrc:
        return False
    present = publication.layer_of(leg.rewriter.source)
    if present is None:
        return False
    if layer is present:
        return line.max_temporal > line.slot.max_temporal
    return layer.stream.height_px > present.stream.height_px


def thin(line: Decision) -> None:
    """Tell the leg its temporal limit. While it waits for another layer the present one must not grow."""
    slot, leg, highest = line.slot, line.slot.leg, line.max_temporal
    if leg is None or line.layer is None:
        return
    if leg.rewriter.source not in (NO_SOURCE, line.layer.stream.ssrc):
        highest = min(highest, slot.max_temporal)
    if highest != slot.max_temporal:
        slot.max_temporal = highest
        leg.rewriter.limit_temporal(highest)
