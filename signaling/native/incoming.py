"""One incoming stream whose meters the forwarding thread keeps: `rtp.incoming.Incoming` over reading.c.

A look reads everything at once and serves all that is asked until the next drain: not older than the room's tick.
"""

from __future__ import annotations

from typing import Any, Final

from signaling.native.numbering import loss_rules
from signaling.native.plane import Plane
from signaling.rtp.clock import SenderClock
from signaling.rtp.incoming import Levels
from signaling.rtp.keyframes import KeyframeThrottle
from signaling.rtp.nack import DEFAULT_RTT_MS
from signaling.rtp.packet import Codec
from signaling.rtp.rates import RateMeter
from signaling.rtp.rtcp import ReportBlock
from signaling.rtp.temporal import shares_of

CODECS: Final = {Codec.OPUS: "CODEC_OPUS", Codec.VP8: "CODEC_VP8", Codec.H264: "CODEC_H264"}
_NEVER: Final = -1


class NativeLosses:
    """`nack.LossDetector` in the thread."""

    __slots__ = ("_rtt_ms", "_stream")

    def __init__(self, stream: NativeIncoming) -> None:
        self._stream = stream
        self._rtt_ms = DEFAULT_RTT_MS

    @property
    def rtt_ms(self) -> float:
        return self._rtt_ms

    @rtt_ms.setter
    def rtt_ms(self, value: float) -> None:
        self._rtt_ms = value
        self._stream.tune()

    @property
    def pending(self) -> int:
        return int(self._stream.look().pending)

    @property
    def asked(self) -> int:
        return int(self._stream.look().asked)

    @property
    def recovered(self) -> int:
        return int(self._stream.look().recovered)

    @property
    def given_up(self) -> int:
        return int(self._stream.look().given_up)

    @property
    def needs_keyframe(self) -> bool:
        return bool(self._stream.look().needs_keyframe)

    @needs_keyframe.setter
    def needs_keyframe(self, value: bool) -> None:
        if not value:
            self._stream.healed()

    def due(self, now_ms: float) -> list[int]:
        return self._stream.due(now_ms)

    def forget(self) -> None:
        self._stream.forget_losses()


class NativeMeters:
    """Reception, jitter and temporal layers: three faces of one reading."""

    __slots__ = ("_stream", "_ticks_per_ms")

    def __init__(self, stream: NativeIncoming, clock_rate_hz: int) -> None:
        self._stream = stream
        self._ticks_per_ms = clock_rate_hz / 1000

    @property
    def received(self) -> int:
        return int(self._stream.look().meters.received)

    @property
    def bytes(self) -> int:
        return int(self._stream.look().meters.bytes)

    @property
    def ticks(self) -> int:
        return int(self._stream.look().meters.jitter)

    @property
    def milliseconds(self) -> float:
        return float(self._stream.look().meters.jitter) / self._ticks_per_ms

    @property
    def shares(self) -> tuple[float, ...]:
        meters = self._stream.look().meters
        return shares_of(list(meters.temporal_bytes), meters.temporal_samples)


class NativeIncoming:
    """See the module. Before `attach`, and when its line had no room for it, nothing ever came."""

    def __init__(
        self,
        *,
        ssrc: int,
        codec: Codec,
        clock_rate_hz: int,
        payload_type: int,
        red_payload_type: int | None = None,
        audio_level_id: int = 0,
        keyframe_interval_ms: float = 500.0,
    ) -> None:
        self.ssrc, self.codec, self.clock_rate_hz = ssrc, codec, clock_rate_hz
        self.payload_type, self.red_payload_type = payload_type, red_payload_type
        self.audio_level_id = audio_level_id
        self.keyframes = KeyframeThrottle(keyframe_interval_ms)
        self.clock = SenderClock(clock_rate_hz)
        self.rate = RateMeter()
        self.loss_ratio = 0.0
        self._trusts_repeats = True
        self.losses = NativeLosses(self)
        self.reception = self.jitter = self.temporal = NativeMeters(self, clock_rate_hz)
        self._plane: Plane | None = None
        self._number = 0
        self._looked = _NEVER  # the drain after which `_state` was read
        self._state: Any = None

    def facts(self, plane: Plane) -> Any:
        """A struct stream_facts *, for opening it."""
        return plane.ffi.new(
            "struct stream_facts *",
            {
                "ssrc": self.ssrc,
                "codec": getattr(plane.lib, CODECS[self.codec]),
                "clock_rate_hz": self.clock_rate_hz,
                "payload_type": self.payload_type,
                "red_payload_type": -1 if self.red_payload_type is None else self.red_payload_type,
                "audio_level_id": self.audio_level_id,
                "rules": loss_rules(self.codec),
            },
        )

    def attach(self, plane: Plane, number: int) -> None:
        """The thread opened it under this handle (0: it did not)."""
        self._plane, self._number = plane, number
        self._state = plane.ffi.new("struct stream_state *")
        self._state.meters.newest = self._state.meters.last_arrival_ms = -1
        self._looked = _NEVER

    def look(self) -> Any:
        """A struct stream_state *, as of the last drain or later."""
        plane = self._plane
        if plane is None:
            raise RuntimeError("the stream was not opened")
        if self._looked != plane.drains and plane.is_open:
            self._looked = plane.drains
            plane.lib.stream_read(plane.handle, self._number, self._state)
        return self._state

    def look_again(self) -> Any:
        """As of now."""
        self._looked = _NEVER
        return self.look()

    @property
    def is_troubled(self) -> bool:
        """Packets are missing or a key frame is needed, as of the last drain."""
        return self._plane is not None and self._number in self._plane.troubled

    @property
    def trusts_repeats(self) -> bool:
        return self._trusts_repeats

    @trusts_repeats.setter
    def trusts_repeats(self, value: bool) -> None:
        self._trusts_repeats = value
        self.tune()

    @property
    def levels(self) -> Levels:
        meters = self.look().meters
        return Levels(meters.levels, meters.loud, meters.loudness)

    @property
    def last_arrival_ms(self) -> float:
        return float(self.look().meters.last_arrival_ms)

    @property
    def drift_ms(self) -> float:
        return float(self.look().meters.drift_ms)

    @property
    def width_px(self) -> int:
        return int(self.look().width_px)

    @property
    def height_px(self) -> int:
        return int(self.look().height_px)

    @property
    def refused(self) -> int:
        return int(self.look().refused)

    def tune(self) -> None:
        """Tell the thread what paces its requests."""
        if (plane := self._plane) is not None and plane.is_open:
            plane.lib.stream_tune(plane.handle, self._number, self.losses.rtt_ms, self._trusts_repeats)

    def healed(self) -> None:
        if (plane := self._plane) is not None and plane.is_open:
            plane.lib.stream_healed(plane.handle, self._number)
            self._looked = _NEVER

    def due(self, now_ms: float) -> list[int]:
        if (plane := self._plane) is None or not plane.is_open:
            return []
        count = plane.lib.stream_due(plane.handle, self._number, now_ms, plane.asked)
        self._looked = _NEVER
        return list(plane.asked[0:count])

    def forget_losses(self) -> None:
        if (plane := self._plane) is not None and plane.is_open:
            plane.lib.stream_forget_losses(plane.handle, self._number)
            self._looked = _NEVER

    def report_block(self, now_ms: float) -> ReportBlock:
        """As IncomingStream.report_block."""
        lost = 0
        if (plane := self._plane) is not None and plane.is_open:
            plane.lib.stream_interval(plane.handle, self._number, plane.ratio, plane.lost)
            self.loss_ratio, lost = float(plane.ratio[0]), int(plane.lost[0])
        meters = self.look_again().meters
        last_report, delay = self.clock.echo(now_ms)
        highest = max(0, int(meters.newest) - 0x10000)
        return ReportBlock(self.ssrc, self.loss_ratio, lost, highest, int(meters.jitter), last_report, delay)
