"""The forward step on real SRTP contexts, in Python and in the native thread: what every viewer decrypts, what a full
send buffer does, and that nothing passes once it is not allowed to."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from pylibsrtp import Session

from signaling.dtls import MAX_PLAIN_BYTES, MediaContexts
from signaling.forwarder import ForwardStep, Leg, PythonForwardStep
from signaling.native.plane import Line, Plane
from signaling.native.step import NativeForwardStep
from signaling.negotiation import AcceptedSection
from signaling.publishing.publication import Layer, Publication
from signaling.rtp.extensions import WIDE_ID, build_block, transport_sequence
from signaling.rtp.header import parse_header
from signaling.rtp.rewriter import RewriterSettings
from signaling.rtp.send_history import SendHistory
from signaling.rtp.speaker import SpeakerDetector
from tests.unit.signaling.native.threads import Owner, packet, picture, sessions, threads

SECTION = AcceptedSection("0", "camera", "video", "VP8", 90000, 96, 97, None, {}, (), (), {})


class Bench:
    """A publication with viewers that are sockets, each with an SRTP key of its own. `plane`: of the native step."""

    def __init__(self, viewers: int, plane: Plane | None) -> None:
        self.sockets: list[socket.socket] = []
        self.plane = plane
        self.step: ForwardStep = PythonForwardStep() if plane is None else NativeForwardStep(plane)
        self.publication = Publication(
            "per_1", SECTION, self.step, SpeakerDetector(), keyframe_interval_ms=500
        )
        publishes: Any = Owner()
        publishes.line = Line(plane, publishes) if plane is not None else None
        self.layer = Layer(self.publication, SECTION, 1234, None, publishes)
        self.publication.layers[None] = self.layer
        self.transports: list[Any] = []
        self.viewers = [self._viewer(number) for number in range(viewers)]
        self.publication.route()
        self.sent = 0

    def _viewer(self, number: int) -> tuple[socket.socket, Session]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.setblocking(False)
        theirs.setblocking(False)
        outbound, inbound = sessions()
        line = None
        if self.plane is not None:
            line = Line(self.plane, Owner())
            line.use_keys(MediaContexts(sessions()[1], outbound))
            line.route(ours.fileno())
        transport: Any = SimpleNamespace(
            channel=SimpleNamespace(tx_context=outbound._srtp[0], keep=outbound),
            agent=SimpleNamespace(send=ours.send, keep=ours),
            wide=SendHistory() if line is None else None,
            pacing=None,
            line=line,
        )
        transport.history = line or transport.wide
        transport.send_rtp = lambda plain, wide_at: ours.send(outbound.protect(plain))
        self.transports.append(transport)
        settings = RewriterSettings(
            ssrc=100 + number,
            payload_type=96,
            clock_rate_hz=90000,
            needs_keyframe=True,
            extension=build_block(mid_id=4, mid="7", has_wide_sequence=True),
            has_wide_sequence=True,
        )
        leg = self.step.leg(transport, settings, is_video=True)
        leg.is_live = True
        leg.rewriter.select(1234)
        self.publication.legs.append(leg)
        self.sockets += [ours, theirs]
        return theirs, inbound

    def lose_keys(self, viewer: int) -> None:
        transport = self.transports[viewer]
        transport.channel = None
        if transport.line is not None:
            transport.line.use_keys(None)

    def send(self, number: int, *, keyframe: bool = False, size: int = 100) -> None:
        self.sent += 1
        payload = picture(number, keyframe=keyframe, size=size)
        self.layer.receive(packet(number, ssrc=1234, payload=payload), number * 33_000_000)
        self.look()

    def look(self) -> None:
        """What Python sees of the thread, as after each tick of the room's clock."""
        if self.plane is not None:
            self.plane.drain()

    @property
    def refused(self) -> int:
        """What the parser did not take; the thread counts it for itself."""
        return self.sent - self.layer.stream.reception.received

    def received(self, viewer: int) -> list[bytes]:
        theirs, session = self.viewers[viewer]
        found = []
        while True:
            try:
                found.append(session.unprotect(theirs.recv(2048)))
            except BlockingIOError:
                return found


MakeBench = Callable[[int], Bench]


def leg_of(bench: Bench, viewer: int) -> Leg:
    return bench.publication.legs[viewer]


@pytest.fixture(params=["python", "native"])
def make_bench(request: pytest.FixtureRequest) -> Iterator[MakeBench]:
    made: list[Bench] = []
    with threads() if request.param == "native" else nullcontext() as native:

        def make(viewers: int) -> Bench:
            plane = native.plane() if native is not None else None
            made.append(Bench(viewers, plane))
            return made[-1]

        yield make
    for bench in made:
        for each in bench.sockets:
            each.close()


def test_forward__when_three_watch__then_each_decrypts_the_same_picture_under_its_own_ssrc(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(3)
    for number in range(100, 110):
        bench.send(number, keyframe=number == 100)
    for viewer in range(3):
        packets = bench.received(viewer)
        assert len(packets) == 10
        assert {packet[8:12] for packet in packets} == {struct.pack("!I", 100 + viewer)}
        assert [packet[-1] for packet in packets] == list(range(100, 110))
        numbers = [packet[2] << 8 | packet[3] for packet in packets]
        assert numbers == list(range(numbers[0], numbers[0] + 10))
        headers = [parse_header(packet) for packet in packets]
        wide = [
            transport_sequence(packet, header, WIDE_ID)
            for packet, header in zip(packets, headers, strict=True)
            if header
        ]
        assert wide == list(range(10)), "every transport counts its own packets"
        history = bench.transports[viewer].history.sent(0, 10)
        assert history.at_ms == [number * 33.0 for number in range(100, 110)]
        assert history.size_bytes == [len(packets[0])] * 10
    assert (bench.step.forwarded, bench.step.failed) == (30, 0)


def test_forward__when_the_send_buffer_is_full__then_the_picture_stops_until_it_is_selected_anew(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(2)
    bench.send(1, keyframe=True)
    leg = bench.publication.legs[0]
    number = 1
    while leg.dropped == 0:  # viewer 0 reads nothing; viewer 1 reads everything
        number += 1
        bench.send(number, size=1000)
        bench.received(1)
        assert number < 5000
    bench.received(0)
    bench.send(number + 1)
    assert bench.received(0) == [], "no delta frame may follow a hole"
    assert len(bench.received(1)) == 1, "the other viewer is not touched"
    leg.rewriter.select(1234)
    bench.publication.route()
    bench.send(number + 2)
    bench.send(number + 3, keyframe=True)
    assert [packet[-1] for packet in bench.received(0)] == [(number + 3) & 0xFF]


def test_forward__when_a_viewer_has_no_channel_any_more__then_the_others_still_get_theirs(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(2)
    bench.lose_keys(0)
    bench.send(1, keyframe=True)
    assert len(bench.received(1)) == 1
    assert bench.step.failed == 1


def test_forward__when_the_publication_is_muted__then_nothing_is_forwarded_and_later_it_starts_at_a_keyframe(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(1)
    bench.send(1, keyframe=True)
    bench.publication.stop_flow()
    bench.send(2)
    assert len(bench.received(0)) == 1
    bench.publication.start_flow()
    bench.publication.legs[0].rewriter.select(1234)
    bench.publication.route()
    bench.send(3)
    bench.send(4, keyframe=True)
    assert [packet[-1] for packet in bench.received(0)] == [4]


# 14 octets come before these; our extension block and the tag make them longer still: refused on the way in, refused
# on the way out, passed.
@pytest.mark.parametrize("size", [MAX_PLAIN_BYTES - 12, MAX_PLAIN_BYTES - 20, MAX_PLAIN_BYTES - 60, 1400, 1])
def test_forward__when_packets_are_as_large_as_allowed_or_tiny__then_they_pass_or_are_refused_safely(
    make_bench: MakeBench, size: int
) -> None:
    bench = make_bench(1)
    bench.send(1, keyframe=True, size=size)
    assert len(bench.received(0)) + bench.step.failed + bench.refused == 1


def test_forward__when_a_picture_was_sent_while_muted__then_it_neither_starts_a_viewer_nor_repairs_one(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(1)
    bench.send(1, keyframe=True)
    first = bench.received(0)
    bench.publication.stop_flow()
    bench.send(2, keyframe=True)
    bench.send(3)
    bench.publication.start_flow()
    leg, fanout = leg_of(bench, 0), bench.layer.fanout
    leg.rewriter.select(1234)
    fanout.replay(leg, 3 * 33.0)
    number = int.from_bytes(first[0][2:4], "big")
    for asked in range(number, number + 3):
        leg.repair(asked, bench.publication.fanout_of, 3 * 33.0)
    assert bench.received(0) == []


def test_forward__when_a_newcomer_selects_a_fresh_picture__then_it_is_played_from_its_keyframe(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(2)
    leg_of(bench, 1).rewriter.pause()
    for number in range(1, 5):
        bench.send(number, keyframe=number == 2)
    assert bench.received(1) == []
    leg_of(bench, 1).rewriter.select(1234)
    bench.layer.fanout.replay(leg_of(bench, 1), 4 * 33.0)
    assert [each[-1] for each in bench.received(1)] == [2, 3, 4]


def test_forward__when_a_viewer_asks_again__then_it_gets_the_same_packet_and_only_while_it_is_kept(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(1)
    bench.send(1, keyframe=True)
    bench.send(2)
    sent = bench.received(0)
    leg, fanout_of = leg_of(bench, 0), bench.publication.fanout_of
    number = int.from_bytes(sent[1][2:4], "big")
    assert leg.kept(number, fanout_of, 100.0) == len(picture(2))
    assert leg.kept(number + 1, fanout_of, 100.0) == 0
    assert leg.kept(number, fanout_of, 100_000.0) == 0, "two seconds are kept"
    leg.repair(number, fanout_of, 100.0)
    theirs, _ = bench.viewers[0]  # a plain repeat: not opened, the phone's replay window refuses it
    assert int.from_bytes(theirs.recv(2048)[2:4], "big") == number
    bench.look()
    assert leg.rewriter.retransmitted == 1


def test_forward__when_a_leg_closes__then_it_hears_nothing_more_and_the_others_go_on(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(2)
    bench.send(1, keyframe=True)
    gone = bench.publication.legs.pop(0)
    gone.close()
    bench.publication.route()
    bench.send(2)
    bench.send(3)
    assert [len(bench.received(viewer)) for viewer in (0, 1)] == [1, 3]


def layered(number: int, temporal: int, *, keyframe: bool = False) -> bytes:
    """A VP8 picture of one packet with picture id, TL0PICIDX and a temporal layer; its last octet is the number."""
    descriptor = bytes([0x90, 0xE0, 0x80, number, number // 2, temporal << 6 | 0x20])
    return descriptor + (b"\x00" if keyframe else b"\x01") + bytes([number]) * 50


def test_copy__when_others_build_on_a_picture__then_it_leaves_twice_once_and_within_the_room(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(1)
    leg, fanout_of = leg_of(bench, 0), bench.publication.fanout_of
    theirs, _ = bench.viewers[0]

    def say(*numbers: int) -> list[int]:
        for number in numbers:
            payload = layered(number, number % 2, keyframe=number == 0)
            bench.layer.receive(packet(number, ssrc=1234, payload=payload), number * 33_000_000)
        bench.look()
        return [int.from_bytes(each[2:4], "big") for each in bench.received(0)]

    def copied() -> list[int]:  # repeats of this leg are the same packets: not opened a second time
        found = []
        while True:
            try:
                found.append(int.from_bytes(theirs.recv(2048)[2:4], "big"))
            except BlockingIOError:
                return found

    sent = say(0, 1, 2)
    reached, size = leg.copy_base(None, fanout_of, 70.0, 10_000)
    assert (reached, size, copied()) == (sent[-1], 0, []), "nothing before the first step"
    sent = say(3, 4, 5, 6)
    reached, size = leg.copy_base(reached, fanout_of, 220.0, 10_000)
    assert (reached, size) == (sent[-1], 2 * len(layered(4, 0)))
    assert copied() == [sent[1], sent[3]]
    assert leg.copy_base(reached, fanout_of, 230.0, 10_000) == (reached, 0), "once is enough"
    sent = say(7, 8, 9, 10)
    assert leg.copy_base(reached, fanout_of, 350.0, len(layered(8, 0))) == (sent[-1], len(layered(8, 0)))
    assert copied() == [sent[1]]


def test_copy__when_a_picture_comes_late_from_its_publisher__then_it_leaves_twice_as_well(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(1)
    leg, fanout_of = leg_of(bench, 0), bench.publication.fanout_of

    def say(number: int) -> None:
        payload = layered(number, 0, keyframe=number == 0)
        bench.layer.receive(packet(number, ssrc=1234, payload=payload), number * 33_000_000)
        bench.look()

    say(0)
    first = int.from_bytes(bench.received(0)[0][2:4], "big")
    reached, _ = leg.copy_base(None, fanout_of, 10.0, 10_000)
    say(2)
    size = len(layered(1, 0))
    reached, sent_bytes = leg.copy_base(reached, fanout_of, 80.0, 10_000)
    assert (reached, sent_bytes) == (first + 2 & 0xFFFF, size)
    say(1)
    assert leg.copy_base(reached, fanout_of, 100.0, 10_000) == (reached, size)
    assert leg.copy_base(reached, fanout_of, 120.0, 10_000) == (reached, 0)
