"""The forward step on real SRTP contexts: what every viewer decrypts, and what a full send buffer does."""

import os
import socket
import struct
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from pylibsrtp import Policy, Session

from signaling.dtls import MAX_PLAIN_BYTES
from signaling.forwarder import PythonForwardStep, PythonLeg
from signaling.negotiation import AcceptedSection
from signaling.publication import Layer, Publication
from signaling.rtp.extensions import WIDE_ID, build_block, transport_sequence
from signaling.rtp.header import parse_header
from signaling.rtp.rewriter import Rewriter, RewriterSettings
from signaling.rtp.send_history import SendHistory
from signaling.rtp.speaker import SpeakerDetector

SECTION = AcceptedSection("0", "camera", "video", "VP8", 90000, 96, 97, None, {}, (), (), {})


class Bench:
    """A publication with viewers that are UDP sockets, each with an SRTP key of its own."""

    def __init__(self, viewers: int) -> None:
        self.sockets: list[socket.socket] = []
        self.step = PythonForwardStep()
        self.publication = Publication(
            "per_1", SECTION, self.step, SpeakerDetector(), keyframe_interval_ms=500
        )
        self.layer = Layer(self.publication, SECTION, 1234, None)
        self.publication.layers[None] = self.layer
        self.viewers = [self._viewer(number) for number in range(viewers)]
        self.publication.route()

    def _viewer(self, number: int) -> tuple[socket.socket, Session]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.setblocking(False)
        theirs.setblocking(False)
        key = os.urandom(44)
        sessions = [
            Session(Policy(key=key, ssrc_type=kind, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_256_GCM))
            for kind in (Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND)
        ]
        transport: Any = SimpleNamespace(
            channel=SimpleNamespace(tx_context=sessions[0]._srtp[0], keep=sessions[0]),
            agent=SimpleNamespace(send=ours.send, keep=ours),
            wide=SendHistory(),
        )
        settings = RewriterSettings(
            ssrc=100 + number,
            payload_type=96,
            clock_rate_hz=90000,
            needs_keyframe=True,
            extension=build_block(mid_id=4, mid="7", has_wide_sequence=True),
            has_wide_sequence=True,
        )
        rewriter = Rewriter(settings)
        leg = PythonLeg(transport, rewriter, is_video=True, wide_at=settings.wide_at)
        leg.is_live = True
        rewriter.select(1234)
        self.publication.legs.append(leg)
        self.sockets += [ours, theirs]
        return theirs, sessions[1]

    def send(self, number: int, *, keyframe: bool = False, size: int = 100) -> None:
        payload = b"\x10" + (b"\x00" if keyframe else b"\x01") + bytes([number & 0xFF]) * size
        head = struct.pack("!BBHII", 0x80, 0x80 | 96, number & 0xFFFF, number * 3000 & 0xFFFFFFFF, 1234)
        self.layer.receive(head + payload, number * 33_000_000)

    def received(self, viewer: int) -> list[bytes]:
        theirs, session = self.viewers[viewer]
        found = []
        while True:
            try:
                found.append(session.unprotect(theirs.recv(2048)))
            except BlockingIOError:
                return found


MakeBench = Callable[[int], Bench]


def leg_of(bench: Bench, viewer: int) -> PythonLeg:
    leg = bench.publication.legs[viewer]
    assert isinstance(leg, PythonLeg)
    return leg


@pytest.fixture
def make_bench() -> Iterator[MakeBench]:
    made: list[Bench] = []

    def make(viewers: int) -> Bench:
        made.append(Bench(viewers))
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
        sent = leg_of(bench, viewer).transport.wide
        assert sent is not None
        history = sent.sent(0, 10)
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
    leg_of(bench, 0).transport.channel = None
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
    assert len(bench.received(0)) + bench.step.failed + bench.layer.stream.refused == 1
