"""One test per private name of aiortc, aioice and pylibsrtp that signaling/dtls.py and signaling/paths/ice.py lean on.

When a pinned version moves, the test of the name that changed fails first and says which.
"""

import asyncio
import inspect
import os
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aioice import stun
from aiortc.rtcdtlstransport import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib

SIGNALING = Path(__file__).parents[2] / "signaling"
RTP = struct.pack("!BBHII", 0x80, 96, 1, 1, 1234) + b"payload of a packet"


class Pipe:
    """The three things RTCDtlsTransport asks of ICE."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue()
        self.peer: Pipe

    async def _recv(self) -> bytes:
        return await self.inbox.get()

    async def _send(self, data: bytes) -> None:
        self.peer.inbox.put_nowait(data)


def fingerprints(certificate: Any) -> RTCDtlsParameters:
    sha256 = next(each for each in certificate.getFingerprints() if each.algorithm == "sha-256")
    return RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(sha256.algorithm, sha256.value)])


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Any, Any]]:
    """A server and a client of aiortc after their handshake over `_recv` and `_send`."""
    server_pipe, client_pipe = Pipe("controlled"), Pipe("controlling")
    server_pipe.peer, client_pipe.peer = client_pipe, server_pipe
    certificates = [RTCCertificate.generateCertificate() for _ in range(2)]
    server: Any = RTCDtlsTransport(server_pipe, [certificates[0]])  # type: ignore[arg-type]
    client: Any = RTCDtlsTransport(client_pipe, [certificates[1]])  # type: ignore[arg-type]
    server._set_role("server")
    client._set_role("client")
    await asyncio.gather(
        server.start(fingerprints(certificates[1])), client.start(fingerprints(certificates[0]))
    )
    yield server, client
    await asyncio.gather(server.stop(), client.stop())


def policy(ssrc_type: int, key: bytes) -> Policy:
    return Policy(key=key, ssrc_type=ssrc_type, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_256_GCM)


async def test_dtls_transport_recv_send_role__when_ice_is_ours__then_the_handshake_passes(pair: Any) -> None:
    server, client = pair
    assert (server.state, client.state) == ("connected", "connected")


async def test_dtls_transport_set_role__when_server__then_it_answers_and_picks_gcm(pair: Any) -> None:
    server, _client = pair
    assert server._role == "server"
    assert server._ssl.get_selected_srtp_profile() == b"SRTP_AEAD_AES_256_GCM"


async def test_dtls_transport_ssl__when_connected__then_it_tells_the_profile(pair: Any) -> None:
    server, client = pair
    assert server._ssl.get_selected_srtp_profile() == client._ssl.get_selected_srtp_profile()


async def test_dtls_transport_tx_srtp__when_connected__then_the_peer_can_read_it(pair: Any) -> None:
    server, client = pair
    assert client._rx_srtp.unprotect(server._tx_srtp.protect(RTP)) == RTP


async def test_dtls_transport_rx_srtp__when_connected__then_it_reads_the_peer(pair: Any) -> None:
    server, client = pair
    assert server._rx_srtp.unprotect(client._tx_srtp.protect(RTP)) == RTP


async def test_dtls_transport_statechange__when_the_peer_stops__then_closed_is_emitted(pair: Any) -> None:
    server, client = pair
    closed = asyncio.Event()
    server.on("statechange", lambda: closed.set() if server.state == "closed" else None)
    await client.stop()
    await asyncio.wait_for(closed.wait(), 5)


def test_dtls_transport_statechange__when_created__then_it_is_an_event_emitter() -> None:
    transport: Any = RTCDtlsTransport(Pipe("controlled"), [RTCCertificate.generateCertificate()])  # type: ignore[arg-type]
    assert transport.state == "new"
    assert callable(transport.on)


def test_session_srtp__when_indexed__then_it_is_the_context_for_the_library_calls() -> None:
    key = os.urandom(44)
    sender, receiver = (
        Session(policy(kind, key)) for kind in (Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND)
    )
    buffer, length = ffi.new("char[]", 2048), ffi.new("int *")
    view = memoryview(ffi.buffer(buffer))
    view[: len(RTP)] = RTP
    length[0] = len(RTP)
    assert lib.srtp_protect(sender._srtp[0], buffer, length) == 0
    assert length[0] == len(RTP) + 16
    assert receiver.unprotect(bytes(view[: length[0]])) == RTP


def test_lib_srtp_unprotect__when_forged__then_it_refuses_with_a_code_and_does_not_raise() -> None:
    key = os.urandom(44)
    receiver = Session(policy(Policy.SSRC_ANY_INBOUND, key))
    buffer, length = ffi.new("char[]", 2048), ffi.new("int *")
    memoryview(ffi.buffer(buffer))[: len(RTP)] = RTP
    length[0] = len(RTP)
    assert lib.srtp_unprotect(receiver._srtp[0], buffer, length) != 0


def test_ffi_buffer__when_wrapped_in_a_memoryview__then_slices_share_the_memory() -> None:
    buffer = ffi.new("char[]", 16)
    view = memoryview(ffi.buffer(buffer))
    view[:3] = b"abc"
    assert ffi.buffer(buffer)[0:3] == b"abc"
    assert not view.readonly


def test_stun_parse_message__when_mutated__then_only_the_errors_we_catch_come_out() -> None:
    from signaling.paths.ice import STUN_ERRORS

    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = "ours:theirs"
    request.attributes["PRIORITY"] = 7
    request.add_message_integrity(b"password")
    whole = bytes(request)
    for at in range(len(whole)):
        for value in (0, 1, 0x20, 0x7F, 0xFF):
            broken = whole[:at] + bytes([value]) + whole[at + 1 :]
            for data in (broken, whole[:at]):
                try:
                    stun.parse_message(data)
                except STUN_ERRORS:
                    continue


def test_stun_check_message_integrity__when_the_key_is_wrong_or_absent__then_false() -> None:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = "ours:theirs"
    bare = stun.parse_message(bytes(request))
    assert bare.check_message_integrity(b"password") is False
    request.add_message_integrity(b"password")
    signed = stun.parse_message(bytes(request))
    assert signed.check_message_integrity(b"password") is True
    assert signed.check_message_integrity(b"other") is False


def test_stun_attributes__when_a_browser_checks__then_the_names_we_read_exist() -> None:
    for name in (
        "USERNAME",
        "USE-CANDIDATE",
        "ICE-CONTROLLED",
        "ICE-CONTROLLING",
        "XOR-MAPPED-ADDRESS",
        "ERROR-CODE",
    ):
        assert name in stun.ATTRIBUTES_BY_NAME


def test_adapter__when_signaling_is_searched__then_only_dtls_touches_private_names() -> None:
    private = ("._ssl", "._tx_srtp", "._rx_srtp", "._set_role", "._srtp[", "pylibsrtp._binding")
    users = {
        path.name
        for path in SIGNALING.rglob("*.py")
        if any(name in path.read_text(encoding="utf-8") for name in private)
    }
    assert users == {"dtls.py"}


def test_dtls_start__when_called__then_it_takes_the_remote_parameters_alone() -> None:
    assert list(inspect.signature(RTCDtlsTransport.start).parameters) == ["self", "remoteParameters"]
