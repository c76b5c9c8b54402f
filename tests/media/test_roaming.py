"""A phone whose router gives it another port: found by its own media, long before its next check."""

from typing import Any

from aiortc import RTCPeerConnection

from hearing_server.robots.network.conditions import Conditions, OneWay
from hearing_server.robots.network.relay import Relay
from tests.media.robots import both_paths, house


def never_check_again(connection: RTCPeerConnection | None) -> None:
    """Without its regular checks only media can tell where it is."""
    assert connection is not None
    ice: Any = connection.getTransceivers()[0].receiver.transport.transport._connection
    ice._query_consent_task.cancel()


@both_paths
async def test_port__when_a_router_changes_it__then_both_ways_follow_without_a_check(path: str) -> None:
    async with house() as place:
        line = Relay(Conditions.both(OneWay(delay_ms=5)))
        await line.start(place.engine.udp_port)
        try:
            phone, other = await place.join("phone"), await place.join("other")
            phone.alter_answer = line.through
            await phone.publish()
            await other.publish()
            await phone.sees("other", "camera")
            await other.sees("phone", "camera")
            never_check_again(phone.sending)
            never_check_again(phone.watching)
            line.move()
            await other.sees("phone", "camera", "microphone", more=20)
            await phone.sees("other", "camera", "microphone", more=20)
            assert line.moves == 1
        finally:
            await line.stop()
