"""What a stranger, or a participant who means harm, can cost: every guard in its place, over real sockets."""

import asyncio
import socket

from aioice import stun

from signaling.events import SubscriptionOffered
from signaling.paths.guards import STUN_COOKIE
from tests.media.robots import House, grant, house, until


async def open_tcp(place: House) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", place.engine.tcp_port)


async def is_closed_by_server(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(5.0):
            return await reader.read(100) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


async def test_tcp__when_a_stranger_sends_frames_that_are_no_checks__then_the_first_ends_the_connection() -> (
    None
):
    async with house() as place:
        for frame in (b"\x00\x00", b"\x00\x03\x80\x60\x00", b"\x00\x03\x16\xfe\xfd"):
            reader, writer = await open_tcp(place)
            writer.write(frame)
            assert await is_closed_by_server(reader), frame
            writer.close()
        dropped = place.engine.stats().dropped
        assert dropped["empty"] == 1
        assert dropped["stranger"] == 2


async def test_tcp__when_a_stranger_floods_checks__then_the_connection_ends_at_the_rate() -> None:
    async with house(tcp_frames_per_s=100) as place:
        reader, writer = await open_tcp(place)
        check = b"\x00\x01\x00\x00" + STUN_COOKIE + bytes(12)
        writer.write((len(check).to_bytes(2, "big") + check) * 300)
        assert await is_closed_by_server(reader)
        writer.close()
        dropped = place.engine.stats().dropped
        assert dropped["stun_malformed"] == 100  # read up to the rate, then not one more
        assert dropped["stun_limited"] == 1


async def test_tcp__when_strangers_hold_all_places__then_the_oldest_makes_room_and_people_still_come_in() -> (
    None
):
    async with house(tcp_unproven=4) as place:
        opened = [await open_tcp(place) for _ in range(4)]
        await until(lambda: len(place.engine._gateway.tcp._unproven) == 4)
        opened.append(await open_tcp(place))
        assert await is_closed_by_server(opened[0][0])
        assert len(place.engine._gateway.tcp._unproven) == 4
        for _, writer in opened:
            writer.close()


async def test_stun__when_a_participant_checks_from_anywhere__then_no_answer_is_longer_than_its_check() -> (
    None
):
    """Somebody with the password of his own seat may borrow an address: he must not gain a byte by it."""
    async with house() as place:
        party = await place.join("party")
        await party.publish()
        judge = await place.join("judge")
        await judge.sees("party", "microphone")
        publisher = place.engine._rooms["hearing"].participants["party"].publisher
        assert publisher is not None
        agent = publisher.transport.agent
        key = agent.credentials.password.encode()
        checks: list[bytes] = []
        for attributes in (
            {},
            {"ICE-CONTROLLED": 1},
            {"PRIORITY": 1, "ICE-CONTROLLED": 1},
            {"PRIORITY": 1, "ICE-CONTROLLING": 1},
        ):
            check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            check.attributes["USERNAME"] = f"{agent.credentials.ufrag}:{agent.remote_ufrag}"
            check.attributes.update(attributes)
            check.add_message_integrity(key)
            checks.append(bytes(check))
        for check_bytes in checks:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as borrowed:
                borrowed.setblocking(False)
                borrowed.bind(("127.0.0.1", 0))
                borrowed.sendto(check_bytes, ("127.0.0.1", place.engine.udp_port))
                before = place.engine.stats().stun_answered
                await until(lambda before=before: place.engine.stats().stun_answered > before)  # type: ignore[misc]
                received = 0
                for _ in range(3):
                    await asyncio.sleep(0.02)
                    try:
                        received += len(borrowed.recv(2048))
                    except BlockingIOError:
                        continue
                assert received <= len(check_bytes)


async def test_publish__when_names_of_layers_change_with_every_description__then_old_layers_are_forgotten() -> (
    None
):
    async with house() as place:
        party = await place.join("party")
        sdp = ""
        publish = place.engine.publish

        async def keep(seat: str, *, sdp: str, sources: dict[str, str]) -> str:
            texts.append(sdp)
            return await publish(seat, sdp=sdp, sources=sources)

        texts: list[str] = []
        place.engine.publish = keep  # type: ignore[method-assign, assignment]
        await party.publish()
        judge = await place.join("judge")
        await judge.sees("party", "camera")
        camera = place.engine._rooms["hearing"].participants["party"].publications["camera"]
        sdp = texts[0]
        head, _, video = sdp.partition("m=video")
        for number in range(5):
            rids = "".join(f"a=rid:n{number}x{each} send\r\n" for each in range(4))
            named = f"{head}m=video{video.rstrip()}\r\n{rids}"
            await publish(party.seat, sdp=named, sources={"0": "microphone", "1": "camera"})
            assert len(camera.layers) == 0, "the layer without a name is not in the new description"
        assert len(place.of(SubscriptionOffered)) >= 1


async def test_join__when_junk_floods_the_public_port_meanwhile__then_people_still_come_in() -> None:
    async with house() as place:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as enemy:
            enemy.setblocking(False)
            check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
            check.attributes["USERNAME"] = "somebody:else"
            check.add_message_integrity(b"guessed")
            junk = (bytes(check), b"\x80" * 60, b"", b"\x16" * 80)
            stop = asyncio.Event()

            async def flood() -> None:
                while not stop.is_set():
                    for _ in range(50):
                        for data in junk:
                            try:
                                enemy.sendto(data, ("127.0.0.1", place.engine.udp_port))
                            except BlockingIOError:
                                break
                    await asyncio.sleep(0.02)

            flooding = asyncio.create_task(flood())
            try:
                judge, party = await place.join("judge"), await place.join("party")
                await party.publish()
                await judge.sees("party", "microphone", "camera")
            finally:
                stop.set()
                await flooding
        dropped = place.engine.stats().dropped
        assert dropped["stun_refused"] > 100
        assert dropped["stun_limited"] == 0
        assert (await place.engine.join(grant("third"))).seat


async def test_media__when_a_participant_nominates_an_address_that_is_not_his__then_it_is_not_sent_there() -> (
    None
):
    """The hole of every lite agent: his signature is good, only the address is somebody else's."""
    async with house() as place:
        judge, party = await place.join("judge"), await place.join("party")
        await party.publish()
        await judge.sees("party", "microphone", "camera")
        viewer = place.engine._rooms["hearing"].participants["judge"].viewer
        assert viewer is not None
        agent = viewer.transport.agent
        true_path = agent.selected
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
            victim.setblocking(False)
            victim.bind(("127.0.0.1", 0))
            sent = received = 0
            for _ in range(20):
                check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
                check.attributes["USERNAME"] = f"{agent.credentials.ufrag}:{agent.remote_ufrag}"
                check.attributes.update({"PRIORITY": 1, "ICE-CONTROLLING": 1, "USE-CANDIDATE": None})
                check.add_message_integrity(agent.credentials.password.encode())
                sent += victim.sendto(bytes(check), ("127.0.0.1", place.engine.udp_port))
                await asyncio.sleep(0.05)
                while True:
                    try:
                        received += len(victim.recv(2048))
                    except BlockingIOError:
                        break
            assert agent.selected is true_path
            assert 0 < received < 2 * sent, "an answer for each check, a question now and then, no media"
        await judge.sees("party", "microphone", "camera", more=10)
