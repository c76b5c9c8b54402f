"""The secure channel of one transport, and THE ONLY module that touches private names of aiortc and pylibsrtp.

Each private name has a contract test in tests/contract/test_private_names.py; the versions are pinned. aiortc does
the DTLS handshake (RFC 5764) over our own ICE; the SRTP sessions it makes are then used directly, without its
receive loop, because that loop parses, queues and copies per packet.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from pylibsrtp import Error as SrtpError
from pylibsrtp._binding import ffi, lib

from signaling.sdp import Fingerprint

logger = logging.getLogger(__name__)

RECORD_QUEUE: Final = 64  # a handshake needs about 10 records; overflow drops the newest, DTLS repeats
PACKET_BYTES: Final = 2048
MAX_PLAIN_BYTES: Final = 1500  # what is accepted for protection; leaves room for the SRTP trailer
MIN_MEDIA_BYTES: Final = 12 + 10  # RTP header and the shortest tag we negotiate

# One scratch packet for the whole loop: media is handled on one thread, a packet at a time, so nothing is shared.
scratch_c: Any = ffi.new("char[]", PACKET_BYTES)
scratch: Any = memoryview(ffi.buffer(scratch_c))
scratch_length: Any = ffi.new("int *")
srtp_protect: Any = (
    lib.srtp_protect
)  # (context, scratch_c, scratch_length) -> 0 when the packet was protected
srtp_unprotect: Any = lib.srtp_unprotect
# The same two and the one for reports as addresses, for the native thread.
SRTP_FUNCTIONS: Final = tuple(
    int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))
    for name in ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp")
)


class MediaContexts:
    """SRTP contexts of one channel for another thread: libsrtp's are not to be shared. Alive as long as this is."""

    __slots__ = ("_sessions", "rx", "tx")

    def __init__(self, rx: Any, tx: Any) -> None:
        self._sessions = rx, tx
        self.rx, self.tx = (int(ffi.cast("uintptr_t", session._srtp[0])) for session in (rx, tx))


class Certificate:
    """The engine's DTLS certificate: one per process start, announced in every description."""

    def __init__(self) -> None:
        self._certificate: Any = RTCCertificate.generateCertificate()

    @property
    def fingerprint(self) -> Fingerprint:
        for each in self._certificate.getFingerprints():
            if each.algorithm == "sha-256":
                return Fingerprint(each.algorithm, each.value)
        raise RuntimeError("the certificate has no sha-256 fingerprint")

    @property
    def inner(self) -> Any:
        return self._certificate


class _IceAdapter:
    """What RTCDtlsTransport asks of its ICE transport: a role, `_recv` and `_send`."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._transmit = send
        self._records: asyncio.Queue[bytes] = asyncio.Queue(RECORD_QUEUE)

    def feed(self, record: bytes) -> None:
        if not self._records.full():
            self._records.put_nowait(record)

    async def _recv(self) -> bytes:
        return await self._records.get()

    async def _send(self, data: bytes) -> None:
        try:
            self._transmit(data)
        except OSError:
            return  # DTLS repeats a lost flight


class SecureChannel:
    """DTLS server, then SRTP both ways.

    `on_state` hears "connected", "failed" or "closed", each at most once. Packets go through `unprotect` and, on the
    hot path, through `srtp_protect(channel.tx_context, scratch_c, scratch_length)`.
    """

    def __init__(
        self, certificate: Certificate, send: Callable[[bytes], object], on_state: Callable[[str], None]
    ) -> None:
        self._adapter = _IceAdapter(send)
        ice: Any = self._adapter
        self._dtls: Any = RTCDtlsTransport(ice, [certificate.inner])
        self._on_state = on_state
        self._reported: set[str] = set()
        self._dtls.on("statechange", self._state_changed)
        self._tx_session: Any = None
        self._rx_session: Any = None
        self.tx_context: Any = None
        self._rx_context: Any = None

    @property
    def profile(self) -> str | None:
        """The negotiated SRTP profile, for facts and tests."""
        if self._dtls._ssl is None or self.tx_context is None:
            return None
        name: bytes = self._dtls._ssl.get_selected_srtp_profile()
        return name.decode()

    async def handshake(self, remote: Fingerprint, timeout_s: float) -> None:
        """Run the handshake as server; the peer's certificate must have the fingerprint from its description."""
        self._dtls._set_role("server")  # the client proposes, the server picks: that is how AES-GCM is chosen
        parameters = RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(remote.algorithm, remote.value)])
        try:
            async with asyncio.timeout(timeout_s):
                await self._dtls.start(parameters)
        except TimeoutError:
            self._report("failed")

    def media_contexts(self) -> MediaContexts:
        """A second pair of contexts with the same keys. Once they are used for RTP, ours must only be used for RTCP."""
        ours = self._dtls._tx_srtp, self._dtls._rx_srtp
        self._dtls._setup_srtp()
        contexts = MediaContexts(self._dtls._rx_srtp, self._dtls._tx_srtp)
        self._dtls._tx_srtp, self._dtls._rx_srtp = ours
        return contexts

    def feed(self, record: bytes) -> None:
        """One DTLS record from the peer's proven address."""
        self._adapter.feed(record)

    def unprotect(self, packet: bytes) -> bytes | None:
        """Plain RTP, or None when the packet is not the peer's (forged, replayed, malformed)."""
        size = len(packet)
        if self._rx_context is None or size < MIN_MEDIA_BYTES or size > PACKET_BYTES:
            return None
        scratch[:size] = packet
        scratch_length[0] = size
        if srtp_unprotect(self._rx_context, scratch_c, scratch_length):
            return None
        return bytes(scratch[: scratch_length[0]])

    def unprotect_rtcp(self, packet: bytes) -> bytes | None:
        if self._rx_session is None:
            return None
        try:
            plain: bytes = self._rx_session.unprotect_rtcp(packet)
        except (SrtpError, ValueError):
            return None
        return plain

    def protect_rtcp(self, packet: bytes) -> bytes | None:
        if self._tx_session is None:
            return None
        try:
            protected: bytes = self._tx_session.protect_rtcp(packet)
        except (SrtpError, ValueError):
            return None
        return protected

    def protect(self, packet: bytes) -> bytes | None:
        """Off the hot path (retransmissions): protect one RTP packet."""
        size = len(packet)
        if self.tx_context is None or size > MAX_PLAIN_BYTES:
            return None
        scratch[:size] = packet
        scratch_length[0] = size
        if srtp_protect(self.tx_context, scratch_c, scratch_length):
            return None
        return bytes(scratch[: scratch_length[0]])

    async def close(self) -> None:
        """Say goodbye to the peer and forget the keys."""
        self.tx_context = self._rx_context = None
        self._tx_session = self._rx_session = None
        self._reported.update(("connected", "failed", "closed"))
        await self._dtls.stop()

    def _state_changed(self) -> None:
        state = self._dtls.state
        if state == "connected":
            self._tx_session, self._rx_session = self._dtls._tx_srtp, self._dtls._rx_srtp
            self.tx_context = self._tx_session._srtp[0]
            self._rx_context = self._rx_session._srtp[0]
        if state in ("connected", "failed", "closed"):
            self._report(state)

    def _report(self, state: str) -> None:
        if state not in self._reported:
            self._reported.add(state)
            self._on_state(state)
