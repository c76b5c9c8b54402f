"""Second copies of what a lossy line must not lose: the pictures that all others build on, before anybody asks.

A base picture that is lost stops the picture until it was asked for, sent and has come: a round trip at least, and one
more for every tenth of the requests and the repeats. Where much is lost and there is room, its packets leave twice, a
step of the room's clock apart; one of a hundred is lost then instead of one of ten, whatever the round trip. Pictures
of the upper temporal layers are asked for as ever: without them a picture is less smooth, but goes on.
"""

from collections.abc import Sequence
from typing import Final

from signaling.rtp.delay_trend import Usage
from signaling.watching.line_estimate import LineEstimate
from signaling.watching.slot import Slot

LEAST_LOSS: Final = 0.05  # below it one request brings nearly everything in time
# Where a third is lost whatever is sent, something else is wrong (a policer), and more packets make it worse.
MOST_LOSS: Final = 0.3
SHARE: Final = (
    0.5  # of what the line carries besides pictures, voices and repeats: the other half stays for repeats
)
LONGEST_QUEUE_MS: Final = 30.0  # a line that holds packets back has no room for second ones


class EarlyCopies:
    """One viewer's account of them; `begin` opens the next interval between two reports."""

    __slots__ = ("_estimate", "_interval_s", "_room_bytes", "is_copying", "sent_bytes")

    def __init__(self, estimate: LineEstimate, interval_s: float) -> None:
        self._estimate = estimate
        self._interval_s = interval_s
        self._room_bytes = 0.0
        self.sent_bytes = 0
        self.is_copying = True  # at the last tick; a slot may come from another account

    def begin(self, media_bps: float) -> None:
        """A report was made; `media_bps` was sent besides repeats and copies."""
        self.sent_bytes = 0
        free_bps = max(0.0, self._estimate.limit_bps - media_bps)
        self._room_bytes = SHARE * free_bps / 8 * self._interval_s

    @property
    def are_due(self) -> bool:
        """The line loses enough to need them, and no queue grows."""
        estimate = self._estimate
        return (
            estimate.is_live
            and estimate.usage is not Usage.OVERUSE
            and LEAST_LOSS <= estimate.path.usual_loss <= MOST_LOSS
            and estimate.path.queue_ms < LONGEST_QUEUE_MS
        )

    def tick(self, slots: Sequence[Slot], now_ms: float) -> None:
        """With the room's clock: what left since the last tick and others build on leaves once more."""
        are_due = self.are_due
        if not are_due and not self.is_copying:
            return
        self.is_copying = are_due
        for slot in slots:
            leg, publication = slot.leg, slot.publication
            if leg is None or publication is None or slot.rtx_ssrc is None or not leg.is_live:
                continue
            if not are_due or not publication.is_flowing:
                slot.copied_to = None
                continue
            most_bytes = int(self._room_bytes) - self.sent_bytes
            slot.copied_to, sent_bytes = leg.copy_base(
                slot.copied_to, publication.fanout_of, now_ms, max(0, most_bytes)
            )
            self.sent_bytes += sent_bytes
