"""Attacks that killed stock calls (empty datagram, forged ClientHello) and everything malformed: the call lives on."""

import asyncio
import random
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest
from aioice import stun
from pylibsrtp import Error as SrtpError

from signaling.errors import SignalingError
from signaling.rtp.keyframes import KeyframeAllowance
from tests.media.notebook import Notebook
from tests.media.robots import House, Robot, grant, house, until

# A ClientHello record as it stands on the wire: handshake, DTLS 1.2, epoch 0 (the body need not be right).
CLIENT_HELLO = bytes.fromhex("16fefd0000000000000000002f010000230000000000000023fefd") + b"\x07" * 34
ALERT = bytes.fromhex("15fefd000000000000000000020228")


@contextmanager
def attacker() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        yield opened


async def call(place: House) -> tuple[Robot, Robot]:
    judge, party = await place.join("judge"), await place.join("party")
    await party.publish()
    await judge.sees("party", "microphone", "camera")
    return judge, party


def junk(seed: int) -> list[bytes]:
    """Every kind of first byte, every odd length, cut-off STUN, RTP and RTCP."""
    chance = random.Random(seed)
    made = [
        b"",
        b"\x00",
        b"\x80",
        b"\x16",
        CLIENT_HELLO,
        ALERT,
        b"\x80\xc8",
        b"\x80\xc8\xff\xff" + b"\x00" * 8,
    ]
    for first in range(256):
        made.append(bytes([first]) + chance.randbytes(chance.randrange(1, 80)))
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = "somebody:else"
    request.add_message_integrity(b"guessed")
    whole = bytes(request)
    made += [whole, *(whole[:size] for size in range(len(whole)))]
    for _ in range(200):
        broken = bytearray(whole)
        broken[chance.randrange(len(broken))] = chance.randrange(256)
        made.append(bytes(broken))
    return made


async def test_call__when_a_stranger_sends_junk__then_it_is_counted_and_the_call_goes_on() -> None:
    async with house() as place:
        judge, _party = await call(place)
        answered = place.engine.stats().stun_answered
        with attacker() as enemy:
            enemy.setblocking(False)
            for data in junk(3):
                enemy.sendto(data, ("127.0.0.1", place.engine.udp_port))
            await judge.sees("party", "microphone", "camera", more=20)
            with pytest.raises(BlockingIOError):
                enemy.recv(2048)  # not one byte came back: no reflector, no oracle
        dropped = place.engine.stats().dropped
        assert dropped["empty"] >= 1
        assert dropped["stranger"] > 100
        assert dropped["stun_malformed"] > 50
        assert dropped["stun_refused"] >= 1
        assert place.engine.stats().stun_answered - answered < 10


async def test_handshake__when_a_stranger_floods_hellos_and_alerts_meanwhile__then_the_call_is_set_up() -> (
    None
):
    async with house() as place:
        with attacker() as enemy:
            judge, party = await place.join("judge"), await place.join("party")

            def flood(sdp: str) -> str:
                for _ in range(300):
                    enemy.sendto(CLIENT_HELLO, ("127.0.0.1", place.engine.udp_port))
                    enemy.sendto(ALERT, ("127.0.0.1", place.engine.udp_port))
                return sdp

            judge.alter_answer = party.alter_answer = flood
            await party.publish()
            await judge.sees("party", "microphone", "camera")


async def test_call__when_a_participant_sends_garbage_inside_its_own_channel__then_others_do_not_notice() -> (
    None
):
    async with house() as place:
        judge, party = await call(place)
        mole = await place.join("mole")
        await mole.publish()
        await judge.sees("mole", "camera")
        assert mole.sending is not None
        sender = next(each for each in mole.sending.getTransceivers() if each.kind == "video").sender
        camera = place.engine._rooms["hearing"].participants["mole"].publications["camera"]
        stream = next(iter(camera.layers.values())).stream
        sent, ssrc, chance = 0, sender._ssrc, random.Random(5)
        for number in range(600):
            at, whose = (
                (stream.report_block(0.0).highest_sequence + 5 + number % 50) & 0xFFFF,
                ssrc + number % 3,
            )
            head = struct.pack(
                "!BBHII", 0x80 | chance.randrange(64), chance.randrange(128), at, number, whose
            )
            with suppress(SrtpError):  # libsrtp refuses to send some of it
                await sender.transport._send_rtp(head + chance.randbytes(chance.randrange(0, 60)))
                sent += 1
            kind = chance.randrange(192, 224)
            report = struct.pack("!BBHI", 0x80 | chance.randrange(32), kind, chance.randrange(20), ssrc)
            with suppress(SrtpError):
                await sender.transport._send_rtp(report + chance.randbytes(chance.randrange(0, 80)))
                sent += 1
        assert sent > 400
        await judge.sees("party", "microphone", "camera", more=20)
        assert (await place.engine.snapshot("hearing")).participants[1].identity == party.identity


async def test_picture__when_one_viewer_reports_it_broken_without_end__then_its_sender_is_spared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(KeyframeAllowance, "BURST", 2.0)
    async with house() as place:
        judge, _party = await call(place)
        camera = place.engine._rooms["hearing"].participants["party"].publications["camera"]
        (layer,) = camera.layers.values()
        viewer = place.engine._rooms["hearing"].participants["judge"].viewer
        assert viewer is not None
        slot = next(each for each in viewer.slots if each.kind == "video")
        assert judge.watching is not None
        receiver = next(each for each in judge.watching.getTransceivers() if each.kind == "video").receiver
        before, heard, since_s = layer.stream.keyframes.requests, slot.keyframes_heard, time.monotonic()
        for _ in range(200):
            await receiver._send_rtcp_pli(slot.ssrc)
            await asyncio.sleep(0.02)
        elapsed_s = time.monotonic() - since_s
        assert slot.keyframes_heard - heard > 150
        # The throttle alone would let two a second through.
        assert 1 <= layer.stream.keyframes.requests - before <= 3 + elapsed_s / 2
        await judge.sees("party", "camera")


def _has_tracks(notebook: Notebook, count: int) -> bool:
    return len(notebook.tracks) == count


async def test_tracks__when_one_participant_connects_anew_without_end__then_no_more_are_started_than_by_one_who_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("signaling.publishing.publisher.NEW_LAYERS_PER_MINUTE", 4)
    async with house() as place:
        notebook = Notebook()
        await place.engine.attach_sink("hearing", notebook)
        party = await place.join("party")
        for turn in (1, 2):
            await party.publish()
            await until(partial(_has_tracks, notebook, 2 * turn))
        await party.publish()
        publisher = place.engine._rooms["hearing"].participants["party"].publisher
        assert publisher is not None
        await until(lambda: publisher.unknown > 20)
        assert len(notebook.tracks) == 4


MALFORMED = [
    "",
    "v=0",
    "not sdp at all",
    "v=0\r\nm=audio\r\n",
    "v=0\r\n" + "a=x\r\n" * 7000,
    "v=0\r\na=" + "x" * 5000,
    "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF a b c\r\n",
    "v=0\r\nm=audio 99999 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n",
    "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:x\r\n",
    "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=fingerprint:sha-256 nothex\r\n",
    "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=extmap:0 urn:x\r\n",
    "v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" * 2,
    "v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 300,
    "v=0\r\nm=audio 9 X 111\r\na=mid:0\r\na=ssrc:99999999999 cname:x\r\na=ice-ufrag:é\r\n",
]


@pytest.mark.parametrize("sdp", MALFORMED)
async def test_publish__when_the_description_is_malformed__then_one_typed_error(sdp: str) -> None:
    async with house() as place:
        joined = await place.engine.join(grant("party"))
        with pytest.raises(SignalingError) as refused:
            await place.engine.publish(joined.seat, sdp=sdp, sources={"0": "microphone"})
        assert refused.value.code in ("sdp.malformed", "sdp.unsupported")


async def test_publish__when_a_description_is_mutated_at_random__then_only_typed_errors_come_out() -> None:
    async with house() as place:
        party = await place.join("party")
        captured: list[str] = []
        publish = place.engine.publish

        async def capture(seat: str, *, sdp: str, sources: dict[str, str]) -> str:
            captured.append(sdp)
            return await publish(seat, sdp=sdp, sources=sources)

        place.engine.publish = capture  # type: ignore[method-assign, assignment]
        await party.publish()
        chance, refused = random.Random(11), 0
        joined = await place.engine.join(grant("mutant"))
        for _ in range(400):
            text = list(captured[0])
            for _ in range(chance.randrange(1, 6)):
                at = chance.randrange(len(text))
                if chance.random() < 0.5:
                    text[at] = chr(
                        chance.choice((0, 10, 13, 32, 58, 47, 255, 0x4E2D, chance.randrange(33, 127)))
                    )
                else:
                    del text[at : at + chance.randrange(1, 40)]
            try:
                await publish(joined.seat, sdp="".join(text), sources={"0": "microphone", "1": "camera"})
            except SignalingError:
                refused += 1
        assert 20 < refused < 400
        await asyncio.sleep(0.1)
        assert place.engine.stats().transports < 10, "refused or replaced connections were not given back"


async def test_stun__when_the_rate_is_exceeded__then_further_checks_are_not_answered() -> None:
    async with house(stun_per_address_per_s=10) as place:
        _judge, party = await call(place)
        publisher = place.engine._rooms["hearing"].participants["party"].publisher
        assert publisher is not None
        credentials = publisher.transport.agent.credentials
        with attacker() as peer:
            peer.settimeout(0.5)
            for _ in range(60):  # a peer that holds the password, from one more address
                check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
                check.attributes["USERNAME"] = f"{credentials.ufrag}:{publisher.transport.agent.remote_ufrag}"
                check.attributes["PRIORITY"] = 1
                check.attributes["ICE-CONTROLLING"] = 1
                check.add_message_integrity(credentials.password.encode())
                peer.sendto(bytes(check), ("127.0.0.1", place.engine.udp_port))
        await party.place.robots[0].sees("party", "microphone")
        assert place.engine.stats().dropped["stun_limited"] >= 40


async def test_media__when_a_participant_floods_its_own_channel__then_the_excess_is_not_forwarded() -> None:
    async with house(media_per_transport_per_s=60) as place:
        judge, party = await place.join("judge"), await place.join("party")
        await party.publish()  # 50 voices and 15 pictures a second
        await judge.sees("party", "microphone", more=40)
        publisher = place.engine._rooms["hearing"].participants["party"].publisher
        assert publisher is not None
        await until(lambda: publisher.transport.limited >= 10)
