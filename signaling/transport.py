"""One secured way to one browser: ICE agent, secure channel, and the split of what comes in."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from signaling.dtls import MIN_MEDIA_BYTES, SecureChannel
from signaling.errors import SignalingError
from signaling.gateway import Gateway
from signaling.native.plane import Line
from signaling.negotiation import LocalTransport
from signaling.paths.guards import SecondGate, SourceGate
from signaling.paths.ice import IceAgent, NoPathError, Path
from signaling.rtp.arrivals import ArrivalLog
from signaling.rtp.send_history import SendHistory, WideHistory
from signaling.sdp import Description, Fingerprint
from signaling.watching.pacing import Pacing

logger = logging.getLogger(__name__)

EARLY_RECORDS: Final = 8  # a browser may say hello before its answer reached us
COMPOUND_BYTES: Final = 1100  # with trailer and headers below every MTU
_SECOND_NS: Final = 1_000_000_000

PacketHandler = Callable[[bytes, int], None]


class Transport:
    """Carries SRTP both ways once `state` is "connected".

    States: "new", "connecting", "connected", "failed" (also when the peer said goodbye), "closed" (by us).
    `on_rtp` and `on_rtcp` get decrypted bytes and the arrival in monotonic ns; `on_state` is called after each change.
    """

    def __init__(
        self, gateway: Gateway, on_rtp: PacketHandler, on_rtcp: PacketHandler, on_state: Callable[[], None]
    ) -> None:
        if gateway.transports >= gateway.settings.max_transports:
            raise SignalingError("room.full", "transports")
        gateway.transports += 1
        self._gateway = gateway
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._on_state = on_state
        self.agent = IceAgent(on_media=self._media, on_dtls=self._dtls, on_path=self._path_selected)
        self.agent.opens = self._opens
        gateway.table.add(self.agent)
        # With the native thread: our RTP's other half. It opens, forwards and closes packets; we see them afterwards.
        self.line = Line(gateway.plane, self) if gateway.plane is not None else None
        self.agent.line = self.line.number if self.line is not None else 0
        # What left and what came under transport-wide numbers. With the thread it keeps both.
        self.wide: SendHistory | None = None
        self._log: ArrivalLog | None = None
        self.pacing: Pacing | None = None  # of pictures; with the thread it does that too
        self.state = "new"
        self.fingerprint: Fingerprint | None = None
        self.feedback_ssrc = secrets.randbelow(0xFFFFFFFF) + 1
        self.channel: SecureChannel | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._handshake: asyncio.Task[None] | None = None
        self._early: list[bytes] = []
        self.connected_ns = 0
        self.media_ns = 0  # when the last good RTP packet came
        self.heard_ns = 0  # when the last good RTP or RTCP packet came
        self._refused = 0
        self._limited = 0
        self._media_limit = gateway.settings.media_per_transport_per_s
        self._media_window_ns = 0
        self._media_count = 0
        self._reports = SecondGate(gateway.settings.rtcp_per_transport_per_s)
        self._records = SecondGate(gateway.settings.dtls_per_transport_per_s)
        self._sources, self._reporters = SourceGate(), SourceGate()

    def number_sent(self) -> None:
        """Number what leaves: `history` remembers when it did."""
        if self.line is None and self.wide is None:
            self.wide = SendHistory()

    def pace(self, rate_bps: float) -> None:
        """What pictures may take of the line to the peer from now on; 0: as much as they like."""
        if self.line is not None:
            self.line.pace(rate_bps)
        elif rate_bps or self.pacing is not None:
            self.pacing = self.pacing or Pacing()
            self.pacing.pace(rate_bps)

    @property
    def history(self) -> WideHistory | None:
        return self.line if self.line is not None else self.wide

    def watch_numbers(self, extension_id: int) -> ArrivalLog | None:
        """Note when packets with the sender's transport-wide numbers arrive (0: no more).

        Without the thread: a log to be fed. The thread feeds itself, and tells, see `tell_arrivals_of`.
        """
        if self.line is not None:
            self.line.watch_numbers(extension_id)
            return None
        self._log = self._log or ArrivalLog()
        return self._log

    def tell_arrivals_of(self, ssrc: int) -> None:
        """The stream that the thread's feedback names; 0: none, then nothing is told."""
        if self.line is not None:
            # Not `feedback_ssrc`: the thread counts what it sends by itself, and a count must not be used twice.
            self.line.tell(self.feedback_ssrc ^ 1, ssrc)

    # What the hot path reads: the SRTP context, and the function that takes a protected packet.
    @property
    def context(self) -> Any:
        return self.channel.tx_context if self.channel is not None else None

    @property
    def refused(self) -> int:
        """Packets that failed authentication."""
        return self._refused + (self.line.counters()[0] if self.line is not None else 0)

    @property
    def limited(self) -> int:
        """RTP and RTCP beyond the rate."""
        return self._limited + (self.line.counters()[1] if self.line is not None else 0)

    @property
    def kind(self) -> str | None:
        return self.agent.selected.kind if self.agent.selected is not None else None

    @property
    def last_heard_ns(self) -> int:
        """Any proof of life: checks, media, reports."""
        return max(self.agent.heard_ns, self.heard_ns)

    def local(self) -> LocalTransport:
        return self._gateway.describe(self.agent)

    def restart_ice(self) -> None:
        """Fresh credentials for the next description; the running connection goes on until the peer moves."""
        self._gateway.table.restart(self.agent)

    def accept_remote(self, remote: Description) -> bool:
        """Take the peer's credentials; True when its certificate is new, so that a handshake begins."""
        self.agent.remote_ufrag, self.agent.remote_password = remote.ufrag, remote.password
        alive = self.state in ("connecting", "connected")
        if self.fingerprint == remote.fingerprint and alive:
            return False
        self._start_channel(remote.fingerprint)
        return True

    def _start_channel(self, fingerprint: Fingerprint) -> None:
        self._drop_channel()
        self._sources, self._reporters = SourceGate(), SourceGate()
        self.fingerprint = fingerprint
        self.agent.proof = None  # nothing but the handshake can leave until it is through
        channel = SecureChannel(
            self._gateway.certificate,
            lambda data: self.agent.send(data),
            lambda state: self._channel_state(channel, state),
        )
        self.channel = channel
        for record in self._early:
            channel.feed(record)
        self._early.clear()
        self._set_state("connecting")
        self._handshake = self._own(
            channel.handshake(fingerprint, self._gateway.settings.handshake_timeout_s)
        )

    def _drop_channel(self) -> None:
        if self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None
        if self.channel is not None:
            if self.line is not None:
                self.line.use_keys(None)
            self._own(self.channel.close())
            self.channel = None

    def _own(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("a handshake ended badly: %s", type(error).__name__)
            if self.state == "connecting":
                self._set_state("failed")

    def _channel_state(self, channel: SecureChannel, state: str) -> None:
        if channel is self.channel:
            if state == "connected" and self._gateway.settings.prove_paths:
                self.agent.guard()
            if state == "connected" and self.line is not None:
                self.line.use_keys(channel.media_contexts())
            # The peer's goodbye ends the channel, not the transport: a fresh certificate may follow.
            self._set_state("connected" if state == "connected" else "failed")

    def _set_state(self, state: str) -> None:
        if self.state not in (state, "closed"):
            self.state = state
            if state == "connected":
                self.connected_ns = time.monotonic_ns()
            self._on_state()

    def _path_selected(self, path: Path) -> None:
        if self.line is not None:
            self.line.route(path.descriptor)
        self._on_state()

    def _dtls(self, record: bytes, now_ns: int) -> None:
        if not self._records.allows(now_ns):
            self._limited += 1
        elif self.channel is not None:
            self.channel.feed(record)
        elif len(self._early) < EARLY_RECORDS:
            self._early.append(record)

    def _media(self, packet: bytes, now_ns: int) -> None:
        channel = self.channel
        if channel is None or len(packet) < MIN_MEDIA_BYTES:
            return
        if 192 <= packet[1] <= 223:
            self._report(channel, packet, now_ns)
            return
        if self.line is not None:
            self.line.receive(packet, now_ns)  # it guards, opens and forwards
            return
        if now_ns - self._media_window_ns > _SECOND_NS:
            self._media_window_ns, self._media_count = now_ns, 0
        self._media_count += 1
        ssrc = packet[8:12]
        if self._media_count > self._media_limit or not self._sources.allows(ssrc):
            self._limited += 1
            return
        plain = channel.unprotect(packet)
        if plain is None:
            self._refused += 1
            return
        self._sources.proven(ssrc)
        self.media_ns = self.heard_ns = now_ns
        self._on_rtp(plain, now_ns)

    def _opens(self, packet: bytes, now_ns: int) -> bool:
        """Is this our peer's, from wherever it comes? Then it is taken in as well, for it opens only once.

        Beside the native thread our own keys know nothing of its packet counts: they open reports at any time, media
        until the counter of a stream has gone round. Media opened so are the thread's to take in, once they are routed.
        """
        channel, ssrc = self.channel, packet[8:12]
        if channel is None or self.state != "connected" or len(packet) < MIN_MEDIA_BYTES:
            return False
        if 192 <= packet[1] <= 223:
            report = channel.unprotect_rtcp(packet)
            if report is not None:
                self.heard_ns = now_ns
                self._on_rtcp(report, now_ns)
            return report is not None
        if not self._sources.allows(ssrc):
            return False
        plain = channel.unprotect(packet)
        if plain is None:
            return False
        self._sources.proven(ssrc)
        if self.line is not None:
            self.line.receive(packet, now_ns)
        else:
            self.media_ns = self.heard_ns = now_ns
            self._on_rtp(plain, now_ns)
        return True

    def _report(self, channel: SecureChannel, packet: bytes, now_ns: int) -> None:
        ssrc = packet[4:8]
        if not self._reports.allows(now_ns) or not self._reporters.allows(ssrc):
            self._limited += 1
            return
        plain = channel.unprotect_rtcp(packet)
        if plain is None:
            self._refused += 1
            return
        self._reporters.proven(ssrc)
        self.heard_ns = now_ns
        self._on_rtcp(plain, now_ns)

    def send_rtcp(self, packet: bytes) -> None:
        """Protect and send; nothing happens while there is no way to the peer."""
        if self.channel is None:
            return
        protected = self.channel.protect_rtcp(packet)
        if protected is not None:
            self._transmit(protected)

    def send_reports(self, reports: Iterable[bytes]) -> None:
        """Some RTCP packets, in as few datagrams as hold them (compound, RFC 3550 6.1)."""
        together = b""
        for report in reports:
            if len(together) + len(report) > COMPOUND_BYTES:
                self.send_rtcp(together)
                together = b""
            together += report
        if together:
            self.send_rtcp(together)

    def send_rtp(self, packet: bytes, *, wide_at: int = 0) -> bool:
        """Off the hot path: a repair, or what had to wait. False: the send buffer is full.

        `wide_at`: where its transport-wide number belongs, 0 when it has none.
        """
        if self.channel is None:
            return True
        now_ms = time.monotonic_ns() / 1_000_000
        if self.line is not None:
            self.line.send(packet, now_ms, wide_at=wide_at)
            return True
        if wide_at and self.wide is not None:
            number = self.wide.next(len(packet), now_ms)
            packet = packet[:wide_at] + number.to_bytes(2, "big") + packet[wide_at + 2 :]
        protected = self.channel.protect(packet)
        return protected is None or self._transmit(protected)

    # What the native thread tells (`native.plane.LineOwner`)

    def heard(self, at_ns: int) -> None:
        self.media_ns = self.heard_ns = at_ns
        if self.agent.selected is not None:
            self.agent.selected.heard_ns = at_ns

    def took_media(self, packet: bytes, at_ns: int) -> None:
        self.heard(at_ns)
        self._on_rtp(packet, at_ns)

    def transmit(self, protected: bytes) -> bool:
        return self._transmit(protected)

    def _transmit(self, protected: bytes) -> bool:
        """False when the send buffer is full: reports and repairs are repeated, a picture must stop."""
        try:
            self.agent.send(protected)
        except BlockingIOError:
            return False
        except (NoPathError, OSError):
            return True  # the way broke; silence will tell
        return True

    async def close(self) -> None:
        """Say goodbye, forget the keys, free the address. Idempotent."""
        if self.state == "closed":
            return
        self.state = "closed"
        if self.pacing is not None:
            self.pacing.close()
        channel, self.channel = self.channel, None
        pending = list(self._tasks)
        for task in pending:
            task.cancel()
        if self.line is not None:
            self.line.close()  # first: what follows waits, and nothing may pass meanwhile
        if channel is not None:
            await channel.close()
        await asyncio.gather(*pending, return_exceptions=True)
        self._gateway.table.remove(self.agent)
        self._gateway.transports -= 1
