"""Where a viewer can start: key frame tests on payloads, and the brake on key frame requests."""

from __future__ import annotations

from typing import Final

H264_NOTHING: Final = 0
H264_IDR: Final = 1  # starts an IDR slice
H264_PARAMETERS: Final = 2  # carries a sequence parameter set: where a WebRTC key frame begins

_NAL_IDR: Final = 5
_NAL_SPS: Final = 7
_NAL_STAP_A: Final = 24
_NAL_FU_A: Final = 28
# Parameter sets and the first slice stand in front; encoders put at most a handful of units together.
_MAX_AGGREGATED: Final = 16


def h264_start(payload: bytes) -> int:
    """H264_PARAMETERS, H264_IDR or H264_NOTHING for an RTP payload (RFC 6184: single NAL, STAP-A, FU-A)."""
    if not payload:
        return H264_NOTHING
    kind = payload[0] & 0x1F
    if kind == _NAL_FU_A:
        if len(payload) < 2 or not payload[1] & 0x80:  # only the first fragment starts anything
            return H264_NOTHING
        return _nal_start(payload[1] & 0x1F)
    if kind == _NAL_STAP_A:
        return _aggregate_start(payload)
    return _nal_start(kind)


def _nal_start(kind: int) -> int:
    if kind == _NAL_SPS:
        return H264_PARAMETERS
    return H264_IDR if kind == _NAL_IDR else H264_NOTHING


def _aggregate_start(payload: bytes) -> int:
    best, at, size = H264_NOTHING, 1, len(payload)
    for _ in range(_MAX_AGGREGATED):
        if at + 2 >= size:
            break
        length = payload[at] << 8 | payload[at + 1]
        if length == 0 or at + 2 + length > size:
            break
        best = max(best, _nal_start(payload[at + 2] & 0x1F))
        at += 2 + length
    return best


# A request that brought nothing within two round trips and this long was lost on the way, or its key frame was: asked
# again at once, twice at most. Encoders take requests that close together for one (libwebrtc: 300 ms).
UNHEARD_MS: Final = 200.0  # JVB's shortest interval
UNHEARD_REPEATS: Final = 2  # then the sender is away or has nothing to show
DEFAULT_RTT_MS: Final = 70.0  # LiveKit, until measured


class KeyframeThrottle:
    """Lets through at most one key frame request per source and interval, and asks again while none has come.

    `interval_ms` 500 for a low layer, up to 1000 for a high one (LiveKit), never below 200 (JVB): between what was
    answered and the next request. One that was not is repeated sooner.
    """

    __slots__ = ("_asked_ms", "_interval_ms", "_is_answered", "_repeats", "_wanted", "requests")

    def __init__(self, interval_ms: float = 500.0) -> None:
        self._interval_ms = interval_ms
        self._asked_ms = float("-inf")
        self._wanted = False
        self._is_answered = True
        self._repeats = 0  # of the last request
        self.requests = 0  # how many requests went out

    @property
    def is_wanted(self) -> bool:
        """Somebody waits for a key frame that has not come."""
        return self._wanted

    def want(self, now_ms: float, rtt_ms: float = DEFAULT_RTT_MS) -> bool:
        """A viewer needs a key frame. True when a PLI must be sent now; otherwise `due` will say so later."""
        self._wanted = True
        return self.due(now_ms, rtt_ms)

    def due(self, now_ms: float, rtt_ms: float = DEFAULT_RTT_MS) -> bool:
        """Called on a timer: True when a request is open and the interval is over. Sending is then counted."""
        is_repeat = not self._is_answered and self._repeats < UNHEARD_REPEATS
        wait_ms = min(UNHEARD_MS + 2 * rtt_ms, self._interval_ms) if is_repeat else self._interval_ms
        if not self._wanted or now_ms - self._asked_ms < wait_ms:
            return False
        self._repeats = 0 if self._is_answered else self._repeats + 1
        self._is_answered = False
        self._asked_ms = now_ms
        self.requests += 1
        return True

    def arrived(self) -> None:
        """A key frame came: nobody waits any more."""
        self._wanted = False
        self._is_answered = True


class KeyframeAllowance:
    """How often one viewer may have one picture begin anew: a key frame costs everybody who watches it sharpness.

    A lossy line needs a few close together, then one now and then; who asks without end is a broken or hostile page.
    """

    __slots__ = ("_filled_ms", "_left")

    BURST: Final = 8.0  # a join, a change of layer and some bad seconds
    EVERY_MS: Final = 2000.0  # afterwards: a quarter of what the publisher's throttle would let through

    def __init__(self) -> None:
        self._left = self.BURST
        self._filled_ms = float("-inf")

    def allows(self, now_ms: float) -> bool:
        """Count one more; False when it is too many."""
        self._left = min(self.BURST, self._left + (now_ms - self._filled_ms) / self.EVERY_MS)
        self._filled_ms = now_ms
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
