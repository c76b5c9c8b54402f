"""How many SSRCs one secured way may use: libsrtp never forgets one, so a participant could make it grow for ever."""

import time
from types import SimpleNamespace
from typing import Any

from pylibsrtp import Error as SrtpError

from signaling.gateway import Gateway
from signaling.paths.guards import MAX_SOURCES, SourceGate
from signaling.settings import MediaSettings
from signaling.transport import Transport
from tests.unit.signaling.native.threads import packet, sessions

SETTINGS = MediaSettings(
    host="127.0.0.1",
    announced_addresses=("127.0.0.1",),
    grant_keys=(b"k",),
    native=False,
    media_per_transport_per_s=1 << 30,
    rtcp_per_transport_per_s=1 << 30,
)


def ssrc_of(number: int) -> bytes:
    return number.to_bytes(4, "big")


def test_gate__when_full__then_known_ones_pass_and_new_ones_do_not() -> None:
    gate = SourceGate()
    for number in range(MAX_SOURCES):
        assert gate.allows(ssrc_of(number))
        gate.proven(ssrc_of(number))
    assert not gate.allows(ssrc_of(MAX_SOURCES))
    assert gate.allows(ssrc_of(7))


def test_gate__when_forged_packets_name_many__then_nothing_is_used_up() -> None:
    gate = SourceGate()
    assert all(gate.allows(ssrc_of(number)) for number in range(10 * MAX_SOURCES))


async def test_transport__when_a_participant_makes_up_ssrcs__then_packets_and_reports_of_new_ones_are_limited() -> (
    None
):
    gateway = await Gateway.open(SETTINGS)
    try:
        packets: list[bytes] = []
        reports: list[bytes] = []
        transport = Transport(
            gateway, lambda data, _: packets.append(data), lambda data, _: reports.append(data), lambda: None
        )
        phone, ours = sessions()

        def open_report(data: bytes) -> bytes | None:
            try:
                return ours.unprotect_rtcp(data)
            except SrtpError:
                return None

        channel: Any = SimpleNamespace(unprotect=ours.unprotect, unprotect_rtcp=open_report, close=None)
        transport.channel = channel
        forged = b"\x80\xc9\x00\x01" + ssrc_of(1 << 20) + bytes(40)
        for _ in range(3):
            transport._media(forged, time.monotonic_ns())
        for number in range(MAX_SOURCES + 20):
            plain = packet(1, ssrc=number + 1, payload=b"\x10\x00")
            transport._media(phone.protect(plain), time.monotonic_ns())
            report = b"\x80\xc9\x00\x01" + ssrc_of(number + 1)
            transport._media(phone.protect_rtcp(report), time.monotonic_ns())
        assert (len(packets), len(reports)) == (MAX_SOURCES, MAX_SOURCES)
        assert transport.limited == 40
        transport.channel = None
        await transport.close()
    finally:
        await gateway.close()
