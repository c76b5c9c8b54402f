"""A viewer's line that loses, without a network: what its feedback says, and a leg that counts what it repeats."""

from collections.abc import Callable

from signaling.forwarder import FanoutOf, PythonForwardStep
from signaling.negotiation import AcceptedSection
from signaling.publishing.publication import Publication
from signaling.rtp.send_history import SendHistory
from signaling.rtp.speaker import SpeakerDetector
from signaling.rtp.transport_cc import LOST, TransportFeedback
from signaling.watching.slot import Slot

CAMERA = AcceptedSection("0", "camera", "video", "VP8", 90000, 96, 97, None, {}, ("h", "f"), (), {})
PACKET_BYTES = 700


class Leg:
    """A leg that has every packet and counts what it repeats."""

    is_live = True
    blocked_until_ms = 0.0
    dropped = 0

    def __init__(self, history: SendHistory | None = None) -> None:
        self.repeated: list[int] = []
        self.copied: list[int] = []
        self.newest = 0
        self.is_here = True
        self._history = history

    def kept(self, sequence: int, fanout_of: FanoutOf, now_ms: float) -> int:
        return PACKET_BYTES if self.is_here else 0

    def repair(self, sequence: int, fanout_of: FanoutOf, now_ms: float, *, is_probe: bool = False) -> None:
        self.repeated.append(sequence)
        if self._history is not None:
            self._history.next(PACKET_BYTES, now_ms)

    def copy_base(
        self, after: int | None, fanout_of: FanoutOf, now_ms: float, most_bytes: int
    ) -> tuple[int, int]:
        """Every packet is of a base picture."""
        numbers = range(self.newest if after is None else after, self.newest)
        taken = [number + 1 for number in numbers][: most_bytes // PACKET_BYTES]
        self.copied += taken
        return self.newest, len(taken) * PACKET_BYTES


def slot_with(leg: Leg) -> Slot:
    publication = Publication(
        "per_1", CAMERA, PythonForwardStep(), SpeakerDetector(), keyframe_interval_ms=500
    )
    made = Slot(mid="0", kind="video", codec="VP8", publication=publication, rtx_ssrc=2, highest=100)
    made.leg = leg  # type: ignore[assignment]  # no rewriter: nothing here asks for it
    return made


def send_steadily(
    feedback: Callable[[TransportFeedback, SendHistory, float], object],
    history: SendHistory,
    is_lost: Callable[[int], bool],
    *,
    apart_ms: int = 10,
) -> None:
    """400 packets over an even line that loses some, ten acknowledged at a time."""
    for number in range(400):
        at_ms = number * apart_ms
        history.next(PACKET_BYTES, at_ms)
        if number % 10 == 9:
            first = number - 9
            reference, rest = divmod(first * apart_ms * 4, 256)
            arrivals = tuple(LOST if is_lost(first + n) else rest + n * apart_ms * 4 for n in range(10))
            feedback(TransportFeedback(1, 2, first, 0, reference, arrivals), history, at_ms + 20.0)
