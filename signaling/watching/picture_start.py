"""How a newcomer's first picture begins: from the cache at once, or with a key frame that was asked for.

A request costs a round trip to the publisher and a picture's encoding. The answer to our offer comes two round trips
before the newcomer's keys stand, so whoever's key frame will be too old by then is asked already at the answer: it
arrives during the handshake, and the cache serves it. A longer replay instead was considered and left: what is older
than some 50 kB takes a phone's line longer to carry than a fresh key frame takes to come, and arrives as one burst.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from signaling.publishing.publication import Layer
from signaling.rtp.cache import REPLAY_PACKETS
from signaling.watching.layer_choice import decide
from signaling.watching.showing import Showing
from signaling.watching.slot import Slot

CONNECT_MS: Final = (
    200.0  # from an answer to standing keys on a common mobile line: two round trips and the phone's work
)


def due_before_start(
    slots: Sequence[Slot], showing: Showing, budget_bps: float, now_ms: float
) -> Iterator[tuple[Slot, Layer]]:
    """The pictures this viewer will begin with whose cached key frame will be out of reach when the keys stand."""
    publications = [slot.publication for slot in slots if slot.publication is not None]
    showing.choose(publications, now_ms)
    for line in decide(slots, showing, budget_bps, now_ms, may_climb=False).lines:
        layer = line.layer
        if layer is not None and layer.publication.is_video and _will_be_old(layer, now_ms):
            yield line.slot, layer


def _will_be_old(layer: Layer, now_ms: float) -> bool:
    behind_s = (now_ms - layer.keyframe_ms + CONNECT_MS) / 1000
    return behind_s * layer.stream.rate.packets_per_second >= REPLAY_PACKETS
