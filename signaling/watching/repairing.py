"""Answers what one viewer asks to hear or see again, within what its line can bear."""

from typing import Final

from signaling.forwarder import Leg
from signaling.rtp.delay_trend import Usage
from signaling.watching.line_estimate import LineEstimate
from signaling.watching.slot import Slot

REPAIR_SHARE: Final = 0.15  # of the estimate; beyond it repairs would cause the losses they repair
# Numbers a viewer may ask for between two reports: 12 streams of 125 packets a second, all of them lost twice.
ASKED_PER_REPORT: Final = 3000
LOSSY_SHARE: Final = 0.3  # of what is sent besides: a tenth, lost again now and then, twice, with air
REPAIR_FLOOR_BPS: Final = 100_000.0  # one damaged picture a second can always be repaired
# Where every tenth packet is lost, so is every tenth repeat, and the next request comes a tenth of a second later: then
# the picture stands. Two copies at once lose one in a hundred, for a share of the line that such losses leave free.
TWICE_LOSS: Final = 0.05
# Asked for before it came from its publisher: it goes out late by itself, and then it is lost as often as any other.
WISHED_MS: Final = 500.0  # later a key frame has healed the picture, or a newer request is here
MOST_WISHES: Final = 64  # beyond it the oldest is forgotten: its viewer asks again


class Repairs:
    """One viewer's account of repeats; `begin` opens the next interval between two reports."""

    __slots__ = ("_asked", "_estimate", "_interval_s", "_wishes", "media_bps", "sent_bytes")

    def __init__(self, estimate: LineEstimate, interval_s: float) -> None:
        self._estimate = estimate
        self._interval_s = interval_s
        self._asked = 0  # numbers in requests
        self._wishes: dict[
            tuple[str, int], tuple[Slot, Leg, float]
        ] = {}  # (mid, number) -> (.., .., until ms)
        self.sent_bytes = 0
        self.media_bps = 0.0  # sent besides repeats

    def begin(self, media_bps: float) -> None:
        """A report was made."""
        self.media_bps, self.sent_bytes, self._asked = media_bps, 0, 0

    def answer(self, slot: Slot, sequences: tuple[int, ...], now_ms: float) -> None:
        """Send again what is here; what did not come from the publisher goes out when it comes, unasked."""
        slot.nacks_heard += len(sequences)
        leg, publication = slot.leg, slot.publication
        if leg is None or publication is None or not leg.is_live or not publication.is_flowing:
            return
        budget_bytes, fanout_of = self._budget_bytes(), publication.fanout_of
        for sequence in sequences:
            size = leg.kept(sequence, fanout_of, now_ms)
            if not size:  # not here (yet): asking costs none of the answers
                self._wishes[slot.mid, sequence] = slot, leg, now_ms + WISHED_MS
                continue
            if self.sent_bytes + size > budget_bytes:
                return
            if not slot.limiter.allows(sequence, now_ms):
                continue
            slot.repairs_sent += 1
            copies = 2 if self._is_lossy and self.sent_bytes + 2 * size <= budget_bytes else 1
            self.sent_bytes += copies * size
            for _ in range(copies):
                leg.repair(sequence, fanout_of, now_ms)

    def tick(self, now_ms: float) -> None:
        """With the room's clock: what was asked for too early and has come meanwhile goes out a second time where the
        line loses much."""
        while len(self._wishes) > MOST_WISHES:
            del self._wishes[next(iter(self._wishes))]
        for (mid, sequence), (slot, leg, until_ms) in list(self._wishes.items()):
            publication = slot.publication
            is_current = (
                slot.leg is leg and publication is not None and publication.is_flowing and leg.is_live
            )
            if not is_current or publication is None or now_ms > until_ms:
                del self._wishes[mid, sequence]
                continue
            size = leg.kept(sequence, publication.fanout_of, now_ms)
            if not size:
                continue
            del self._wishes[mid, sequence]
            if self._is_lossy and self.sent_bytes + size <= self._budget_bytes():
                slot.repairs_sent += 1
                self.sent_bytes += size
                leg.repair(sequence, publication.fanout_of, now_ms)

    @property
    def are_wished(self) -> bool:
        """Something was asked for that has not come yet."""
        return bool(self._wishes)

    def accepts(self, count: int) -> bool:
        """Whether so many more numbers may be asked for before the next report."""
        self._asked += count
        return self._asked <= ASKED_PER_REPORT

    @property
    def _has_room(self) -> bool:
        return self._estimate.is_live and self._estimate.usage is not Usage.OVERUSE

    @property
    def _is_lossy(self) -> bool:
        return self._has_room and self._estimate.path.usual_loss >= TWICE_LOSS

    def _budget_bytes(self) -> float:
        """How many bytes of repeats may leave between two reports."""
        share_bps = max(REPAIR_FLOOR_BPS, REPAIR_SHARE * self._estimate.limit_bps)
        if self._has_room:
            # No queue grows: what is lost is lost by the radio, and all that is free may go into bringing it again.
            share_bps = max(share_bps, self._estimate.limit_bps - self.media_bps)
            if self._is_lossy:
                share_bps = max(share_bps, LOSSY_SHARE * self.media_bps)
        return share_bps / 8 * self._interval_s
