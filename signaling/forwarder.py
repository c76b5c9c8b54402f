"""The forward step: one packet in, one protected datagram per leg out, inside the datagram callback.

No task, queue or object is made per packet. The step stands behind `ForwardStep`, so that a native twin can take
its place and pass the same tests.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from signaling.dtls import MAX_PLAIN_BYTES, scratch, scratch_c, scratch_length, srtp_protect
from signaling.ice import NoPathError
from signaling.rtp.packet import MediaPacket
from signaling.rtp.rewriter import Rewriter
from signaling.transport import Transport

CONGESTION_PAUSE_MS: Final = (
    200.0  # after a full send buffer a picture waits this long, then asks for a key frame
)


class Leg:
    """One viewer's copy of one publication.

    `is_live` says that the viewer's answer named this leg; until then nothing is sent. `blocked_until_ms` is set when
    the send buffer was full: a picture then stops up to the next key frame, a voice only loses that packet.
    """

    __slots__ = (
        "blocked_until_ms",
        "dropped",
        "is_live",
        "is_video",
        "rewrite",
        "rewriter",
        "transport",
    )

    def __init__(self, transport: Transport, rewriter: Rewriter, *, is_video: bool) -> None:
        self.transport = transport
        self.rewriter = rewriter
        self.rewrite = rewriter.forward
        self.is_video = is_video
        self.is_live = False
        self.blocked_until_ms = 0.0
        self.dropped = 0

    def congested(self, now_ms: float) -> None:
        """The send buffer is full."""
        self.dropped += 1
        if self.is_video:
            self.rewriter.pause()
            self.blocked_until_ms = now_ms + CONGESTION_PAUSE_MS


class ForwardStep(Protocol):
    """Sends one parsed packet to every leg. Must not raise and must not block."""

    forwarded: int
    failed: int

    def forward(self, packet: MediaPacket, legs: Sequence[Leg], now_ms: float) -> None: ...


class PythonForwardStep:
    """The reference: pure Python around libsrtp and `send`."""

    def __init__(self) -> None:
        self.forwarded = 0
        self.failed = 0

    def forward(self, packet: MediaPacket, legs: Sequence[Leg], now_ms: float) -> None:
        buffer: Any = scratch
        length: Any = scratch_length
        sent = 0
        for leg in legs:
            data = leg.rewrite(packet)
            if data is None:
                continue
            transport = leg.transport
            channel = transport.channel
            size = len(data)
            if channel is None or channel.tx_context is None or size > MAX_PLAIN_BYTES:
                self.failed += 1
                continue
            buffer[:size] = data
            length[0] = size
            if srtp_protect(channel.tx_context, scratch_c, length):
                self.failed += 1
                continue
            try:
                transport.agent.send(buffer[: length[0]])
            except BlockingIOError:
                leg.congested(now_ms)
            except (NoPathError, OSError):
                self.failed += 1
            else:
                sent += 1
        self.forwarded += sent
