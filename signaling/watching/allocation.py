"""Who gets how much of one viewer's line: a pure function from wishes and a budget to layers.

The order is written in the wishes (smaller `priority` first). Everybody is shown small before anybody is shown
large; then the line is filled by priority, equals in turn. A picture that does not fit is left out, unless it is
vital: the court must see it even if it stutters.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

from signaling.rtp.rates import HEIGHT_TOLERANCE, UPGRADE_MARGIN, LayerOffer
from signaling.rtp.rewriter import ALL_TEMPORAL_LAYERS

VOICE_PRIORITY: Final = 0  # what is said is the hearing; everything else comes after
SCREEN_PRIORITY: Final = 10  # an exhibit must be legible
SPEAKER_PRIORITY: Final = 20
OTHERS_PRIORITY: Final = 30


@dataclass(frozen=True, slots=True)
class Wish:
    """One track a viewer would like to get. Priorities between the constants above are free for finer orders."""

    key: str
    priority: int
    layers: tuple[LayerOffer, ...]  # arriving now; empty: nothing to send
    max_height_px: int  # 0: not wanted
    current: int | None = None  # `LayerOffer.key` being sent now
    current_temporal: int = ALL_TEMPORAL_LAYERS
    is_vital: bool = False  # sent even when nothing fits
    was_starved: bool = False  # left out by the last allocation: comes back only with air, or it would flap


class Share(NamedTuple):
    """What one wish gets."""

    layer: int  # `LayerOffer.key`
    max_temporal: int  # 0..ALL_TEMPORAL_LAYERS
    bitrate_bps: float


@dataclass(frozen=True, slots=True)
class Allocation:
    """`shares` by wish key; a wish that is not in it gets nothing.

    `starved` are wishes that are left out for want of room (not because nothing is wanted or arriving).
    `next_bps` is what the line would have to carry for the next improvement; None when nothing is left to wish for.
    """

    shares: dict[str, Share] = field(default_factory=dict)
    spent_bps: float = 0.0
    next_bps: float | None = None
    starved: tuple[str, ...] = ()


class _Ladder:
    """The steps of one wish, smallest first, and where on them it stands (-1: nothing yet)."""

    __slots__ = ("at", "may_climb", "sent", "steps", "wish")

    def __init__(self, wish: Wish, may_climb: bool) -> None:
        self.wish = wish
        self.may_climb = may_climb
        self.steps = _steps(wish)
        self.at = -1
        self.sent = _sent_step(wish, self.steps)

    @property
    def spent_bps(self) -> float:
        return self.steps[self.at].bitrate_bps if self.at >= 0 else 0.0

    def cost_of_next(self) -> float | None:
        """What the next step up adds, with air when it is above what is being sent; None at the top."""
        if self.at + 1 >= len(self.steps):
            return None
        return self.cost_of(self.at + 1)

    def cost_of(self, index: int) -> float:
        """What this step adds to what is spent, with air when it is above what is being sent."""
        is_climb = index > self.sent and (index > 0 or self.wish.was_starved)
        return self.steps[index].bitrate_bps * (UPGRADE_MARGIN if is_climb else 1.0) - self.spent_bps

    def fits(self, index: int, left_bps: float) -> bool:
        """The line carries this step, and nothing forbids to go there now."""
        if not self.may_climb and index > self.sent and (self.sent >= 0 or self.wish.was_starved):
            return False
        return self.cost_of(index) <= left_bps


def allocate(wishes: Iterable[Wish], budget_bps: float, *, may_climb: bool = True) -> Allocation:
    """Share `budget_bps` out. Deterministic: equal priorities are served in the order of their keys.

    Without `may_climb` nothing that is being sent gets better and nothing that was left out comes back; what starts
    still starts.
    """
    ladders = [
        _Ladder(wish, may_climb) for wish in sorted(wishes, key=lambda wish: (wish.priority, wish.key))
    ]
    ladders = [ladder for ladder in ladders if ladder.steps]
    left_bps, starved = budget_bps, []
    for ladder in sorted(ladders, key=lambda ladder: not ladder.wish.is_vital):
        if ladder.fits(0, left_bps) or ladder.wish.is_vital:
            ladder.at = 0
            left_bps -= ladder.spent_bps
        else:
            starved.append(ladder.wish.key)
    shown = [ladder for ladder in ladders if ladder.at >= 0]
    for _, equals in groupby(shown, key=lambda ladder: ladder.wish.priority):
        left_bps = _climb(list(equals), left_bps)
    spent_bps = sum(ladder.spent_bps for ladder in ladders)
    return Allocation(
        shares={ladder.wish.key: ladder.steps[ladder.at] for ladder in shown},
        spent_bps=spent_bps,
        next_bps=_next_bps(ladders, spent_bps),
        starved=tuple(starved),
    )


def _steps(wish: Wish) -> list[Share]:
    """What the wish could be given: layers by height, the larger ones first with fewer pictures per second."""
    if wish.max_height_px <= 0 or not wish.layers:
        return []
    ordered = sorted(wish.layers, key=lambda layer: (layer.height_px, layer.bitrate_bps))
    alive = [layer for layer in ordered if layer.bitrate_bps > 0] or ordered[:1]
    steps: list[Share] = []
    for layer in alive:
        if steps and layer.height_px > wish.max_height_px * HEIGHT_TOLERANCE:
            break
        for temporal, share in enumerate(layer.shares[:-1]):
            thinned = Share(layer.key, temporal, layer.bitrate_bps * share)
            if temporal > 0 and (not steps or thinned.bitrate_bps > steps[-1].bitrate_bps):
                steps.append(thinned)  # the base layer alone is a slide show: never chosen
        steps.append(Share(layer.key, ALL_TEMPORAL_LAYERS, layer.bitrate_bps))
    return steps


def _sent_step(wish: Wish, steps: Sequence[Share]) -> int:
    """Index of the step being sent, -1 when none is. An unlisted thinning counts as the next one below."""
    sent = -1
    for index, step in enumerate(steps):
        if step.layer == wish.current and (sent < 0 or step.max_temporal <= wish.current_temporal):
            sent = index
    return sent


def _climb(ladders: list[_Ladder], left_bps: float) -> float:
    """Raise equals step by step, each in turn, while the line carries it; returns what is left."""
    open_ladders = list(ladders)
    while open_ladders:
        still: list[_Ladder] = []
        for ladder in open_ladders:
            target = _affordable(ladder, left_bps)
            if target is not None:
                before_bps = ladder.spent_bps
                ladder.at = target
                left_bps -= ladder.spent_bps - before_bps
                still.append(ladder)
        open_ladders = still
    return left_bps


def _affordable(ladder: _Ladder, left_bps: float) -> int | None:
    """The nearest higher step that fits. A step that costs less than the one below it is never a hurdle."""
    for index in range(ladder.at + 1, len(ladder.steps)):
        if ladder.fits(index, max(0.0, left_bps)):
            return index
    return None


def _next_bps(ladders: Iterable[_Ladder], spent_bps: float) -> float | None:
    """The line that the most urgent unfulfilled wish needs for its next step."""
    costs = ((ladder, ladder.cost_of_next()) for ladder in ladders)
    return next((spent_bps + cost for _, cost in costs if cost is not None), None)
