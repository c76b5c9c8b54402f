"""One test per private name of aiortc and aioice that the robots lean on for what browsers can and aiortc cannot."""

import inspect
from typing import Any

from aioice import ice
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter
from aiortc.rtcrtpreceiver import RTCRtpReceiver


async def test_transport__then_its_ice_connection_is_where_robots_look() -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        transceiver = peer.addTransceiver("audio", direction="recvonly")
        await peer.setLocalDescription(await peer.createOffer())
        transport = transceiver.receiver.transport.transport
        connection = transport._connection
        assert isinstance(connection, ice.Connection)
        assert transport.iceGatherer._connection is connection
        assert connection._nominated == {}
        assert {each.local_candidate.type for each in connection._protocols} == {"host"}
    finally:
        await peer.close()


def test_connection__then_credentials_may_be_taken_over_and_a_check_nominates() -> None:
    connection = ice.Connection(ice_controlling=True)
    connection.remote_username, connection.remote_password = "far", "secret"
    source = inspect.getsource(ice.Connection.build_request)
    assert "self.remote_username" in source
    assert '"USE-CANDIDATE"' in source
    assert list(inspect.signature(ice.Connection.build_request).parameters) == ["self", "pair", "nominate"]
    assert "integrity_key" in inspect.signature(ice.StunProtocol.request).parameters


async def test_stats__then_the_transport_says_what_it_received() -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        peer.addTransceiver("audio", direction="recvonly")
        found = [each for each in (await peer.getStats()).values() if each.type == "transport"]
        assert [each.bytesReceived for each in found] == [0]
    finally:
        await peer.close()


def test_receiver__then_each_packet_passes_the_method_that_robots_count() -> None:
    handle = inspect.signature(RTCRtpReceiver._handle_rtp_packet)
    assert list(handle.parameters) == ["self", "packet", "arrival_time_ms"]
    assert "receiver._handle_rtp_packet(" in inspect.getsource(RTCDtlsTransport._handle_rtp_data)


async def test_receiver__then_its_streams_are_where_robots_add_those_of_a_later_offer() -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        receiver: Any = peer.addTransceiver("video", direction="recvonly").receiver
        assert receiver._RTCRtpReceiver__started is False
        assert receiver._RTCRtpReceiver__rtx_ssrc == {}
        router = receiver.transport._rtp_router
        assert isinstance(router, RtpRouter)
        assert router.ssrc_table == {}
        assert "self.ssrc_table.get(packet.ssrc)" in inspect.getsource(RtpRouter.route_rtp)
    finally:
        await peer.close()
