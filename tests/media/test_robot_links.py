"""The demo's robots at a real engine: what they are offered they receive, in whatever order it comes."""

from aiortc import RTCRtpReceiver

from hearing_server.robots.links import DownLink, configuration
from signaling.events import SubscriptionOffered
from tests.media.robots import House, Robot, Watched, house


class Newcomer(Robot):
    """Watches through the link that the demo's robots have."""

    def __init__(self, place: House, identity: str) -> None:
        super().__init__(place, identity)
        self.down = DownLink(
            lambda: (configuration([]), False), lambda state: None, self._on_track, self._send_answer
        )

    def _on_track(self, identity: str, source: str, receiver: RTCRtpReceiver) -> None:
        self.watched[identity, source] = Watched(receiver.track)

    async def _send_answer(self, version: int, sdp: str) -> None:
        await self.engine.answer(self.seat, version=version, sdp=sdp)

    async def answer(self, offer: SubscriptionOffered) -> None:
        tracks = [
            {"mid": each.mid, "identity": each.identity, "source": each.source} for each in offer.tracks
        ]
        await self.down.offered({"version": offer.version, "sdp": offer.sdp, "tracks": tracks})

    async def close(self) -> None:
        await self.down.close()
        await super().close()


async def _newcomer(place: House) -> Newcomer:
    newcomer = Newcomer(place, "newcomer")
    place.robots.append(newcomer)
    await newcomer.join()
    return newcomer


async def test_newcomer__to_a_room_with_several_cameras__sees_and_hears_everybody() -> None:
    async with house() as place:
        names = ("judge", "clerk", "party")
        for name in names:
            await (await place.join(name)).publish()
        newcomer = await _newcomer(place)
        for name in names:
            await newcomer.sees(name, "microphone", "camera", more=3)
        assert newcomer.down.peer is not None
        transports = {id(each.receiver.transport) for each in newcomer.down.peer.getTransceivers()}
        assert len(transports) == 1, "a section on a transport of its own never receives anything"


async def test_watcher__when_a_section_goes_to_somebody_else__sees_and_hears_them() -> None:
    async with house() as place:
        people = {name: await place.join(name) for name in ("judge", "party")}
        for each in people.values():
            await each.publish()
        watcher = await _newcomer(place)
        await watcher.sees("party", "microphone", "camera", more=3)
        await place.engine.leave(people["party"].seat, reason="left")
        await (await place.join("witness")).publish()
        await watcher.sees("witness", "microphone", "camera", more=3)
        await watcher.sees("judge", "microphone", "camera", more=3)
        assert watcher.down.peer is not None
        assert len(watcher.down.peer.getTransceivers()) == 4, "the witness has the sections of the party"
