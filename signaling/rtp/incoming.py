"""What controllers read of one incoming stream, whoever counts: `stream.IncomingStream`, or the native thread."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypedDict

from signaling.rtp.clock import SenderClock
from signaling.rtp.keyframes import KeyframeThrottle
from signaling.rtp.packet import Codec
from signaling.rtp.rates import RateMeter
from signaling.rtp.rtcp import ReportBlock


class StreamFacts(TypedDict):
    """What is agreed about a stream before its first packet."""

    ssrc: int
    codec: Codec
    clock_rate_hz: int
    payload_type: int
    red_payload_type: int | None
    audio_level_id: int
    keyframe_interval_ms: float


class Levels(NamedTuple):
    """Loudness told since the start (RFC 6464): packets that told it, how many of them are speech, their sum."""

    told: int
    loud: int
    loudness: int


class Losses(Protocol):
    """What is missing; see `nack.LossDetector`."""

    rtt_ms: float
    needs_keyframe: bool

    @property
    def pending(self) -> int: ...
    @property
    def asked(self) -> int: ...
    @property
    def recovered(self) -> int: ...
    @property
    def given_up(self) -> int: ...

    def due(self, now_ms: float) -> list[int]: ...
    def forget(self) -> None: ...


class Reception(Protocol):
    """Totals since the start; see `clock.ReceptionMeter`."""

    @property
    def received(self) -> int: ...
    @property
    def bytes(self) -> int: ...


class Jitter(Protocol):
    """See `clock.JitterMeter`."""

    @property
    def ticks(self) -> int: ...
    @property
    def milliseconds(self) -> float: ...


class Shares(Protocol):
    """See `temporal.TemporalMeter`."""

    @property
    def shares(self) -> tuple[float, ...]: ...


class Incoming(Protocol):
    """One SSRC of a publisher. Times are monotonic ms."""

    ssrc: int
    codec: Codec
    payload_type: int
    red_payload_type: int | None
    audio_level_id: int
    clock: SenderClock
    keyframes: KeyframeThrottle
    rate: RateMeter  # fed by the owner's timer
    loss_ratio: float  # between the last two reports
    trusts_repeats: bool  # everybody gets RED as it comes: what it repeats is not missing

    @property
    def is_troubled(self) -> bool: ...
    @property
    def losses(self) -> Losses: ...
    @property
    def reception(self) -> Reception: ...
    @property
    def jitter(self) -> Jitter: ...
    @property
    def temporal(self) -> Shares: ...
    @property
    def levels(self) -> Levels: ...
    @property
    def last_arrival_ms(self) -> float: ...
    @property
    def width_px(self) -> int: ...
    @property
    def height_px(self) -> int: ...

    def report_block(self, now_ms: float) -> ReportBlock: ...
