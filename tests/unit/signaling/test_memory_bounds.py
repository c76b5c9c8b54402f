"""What one hostile participant can make the server hold: every table filled to its brim, and measured.

The sums stand in docs/OPERATIONS.md; a table that grows without bound, or a bound that is raised, fails here.
"""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from struct import pack

from signaling.publishing.publisher import MAX_STREAMS
from signaling.rtp import rtcp
from signaling.rtp.arrivals import MAX_WAITING, ArrivalLog
from signaling.rtp.cache import AUDIO_PACKETS, VIDEO_PACKETS
from signaling.rtp.nack import AnswerLimiter
from signaling.rtp.packet import Codec
from signaling.rtp.rewriter import Rewriter
from signaling.rtp.stream import IncomingStream
from signaling.watching.viewer import MAX_SLOTS
from tests.fuzz.room_targets import OFFER, HostileRoom
from tests.fuzz.rtp_targets import rewriter_settings
from tests.unit.rtp.streams import rtp, vp8_payload

MB = 1_000_000
MAX_PUBLISHER_MB = 32.0  # 8 pictures x 1024 packets x (1.4 kB, kept twice, and 0.6 kB around it), and a voice
MAX_SLOT_MB = 0.4  # of one m-line of a viewer
FULL_BODY = b"k" * 1380


@contextmanager
def measured() -> Iterator[Callable[[], float]]:
    """Call it inside for the MB allocated since the beginning and not given back."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield lambda: (tracemalloc.get_traced_memory()[0] - before) / MB
    finally:
        tracemalloc.stop()


def greedy_offer() -> str:
    """Camera and screen with as many layers as a description may name."""
    layers = "".join(f"a=rid:{rid} send\r\n" for rid in "qhfx")
    names = "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
    head, _, screen = OFFER.partition("m=video 9 UDP/TLS/RTP/SAVPF 98")
    camera = head.replace("a=rid:f send\r\n", "a=rid:f send\r\na=rid:x send\r\n")
    screen = screen.replace("H264/90000", "VP8/90000").replace("a=ssrc-group:FID 51 52\r\n", names + layers)
    return (
        camera
        + "m=video 9 UDP/TLS/RTP/SAVPF 98"
        + screen.replace("a=ssrc:51 cname:party\r\n", "").replace("a=ssrc:52 cname:party\r\n", "")
    )


def named(mid: str, rid: str) -> bytes:
    elements = b"\x40" + mid.encode() + b"\xa0" + rid.encode()
    return pack("!HH", 0xBEDE, 1) + elements


def fill_publisher(place: HostileRoom) -> None:
    """Eight pictures and a voice, all caches full of the largest packets; names, holes and numbers in plenty."""
    for number in range(VIDEO_PACKETS + 200):
        for stream, (mid, rid) in enumerate((mid, rid) for mid in "12" for rid in "qhfx"):
            if number % 11 == stream % 11:
                continue  # a hole: something to ask for
            payload = vp8_payload(
                start=True, key=number == 0, picture_id=number, tl0_index=number, body=FULL_BODY
            )
            place.publisher._rtp(
                rtp(
                    sequence=number,
                    timestamp=3000 * number,
                    ssrc=0x100 + stream,
                    payload_type=96 if mid == "1" else 98,
                    payload=payload,
                    extension=named(mid, rid),
                ),
                place.now_ns,
            )
        if number < AUDIO_PACKETS + 20:
            voice = rtp(sequence=number, ssrc=17, payload_type=111, payload=b"v" * 1400)
            place.publisher._rtp(voice, place.now_ns)
        place.now_ns += 100_000
    for stranger in range(5 * MAX_STREAMS):  # SSRCs that never were
        place.publisher._rtp(rtp(sequence=1, ssrc=0x9000 + stranger, payload_type=97), place.now_ns)
        place.publisher._rtcp(rtcp.build_cname(stranger, "x" * 255), place.now_ns)
    place.publisher.repair(place.now_ns / 1e6)


def test_publisher__when_every_table_is_full__then_it_holds_no_more_than_the_written_sum() -> None:
    place = HostileRoom(greedy_offer())
    place.room.detach_sink(place.sink)
    with measured() as now_mb:
        fill_publisher(place)
        once_mb = now_mb()
        fill_publisher(place)
        twice_mb = now_mb()
    layers = list(place.publisher.layers())
    assert len(layers) == 9, "the caches of eight pictures and a voice"
    streams = [layer.stream for layer in layers if isinstance(layer.stream, IncomingStream)]
    full = [sum(packet is not None for packet in stream.cache._slots) for stream in streams]
    assert min(full) > 0.85 * AUDIO_PACKETS
    assert sum(full) > 8 * 0.85 * VIDEO_PACKETS, "the test must fill what it measures"
    print(f"{once_mb:.1f} MB, then {twice_mb:.1f}")
    assert 15 < once_mb < MAX_PUBLISHER_MB
    assert twice_mb - once_mb < 3, "the second round only replaces the first"


def test_slot__when_a_viewer_asks_for_everything_and_the_picture_is_thinned__then_it_stays_below_its_bound() -> (
    None
):
    def fill() -> tuple[AnswerLimiter, Rewriter]:
        limiter = AnswerLimiter()
        for number in range(0x10000):
            limiter.allows(number, float(number))
        stream = IncomingStream(ssrc=1, codec=Codec.VP8, clock_rate_hz=90000, payload_type=96)
        rewriter = Rewriter(rewriter_settings(Codec.VP8, is_rich=True))
        rewriter.select(1)
        rewriter.limit_temporal(0)
        for number in range(4000):  # every second frame is left out: a span each
            payload = vp8_payload(
                start=True, key=number == 0, picture_id=number, tl0_index=number, temporal=number % 2
            )
            packet = stream.accept(
                rtp(sequence=number, timestamp=number * 3000, payload=payload), 5.0 * number
            )
            assert packet is not None
            rewriter.forward(packet)
        stream.cache.clear()
        return limiter, rewriter

    with measured() as now_mb:
        kept = fill()
        grown_mb = now_mb()
    assert len(kept[0]._answers) <= 512
    assert len(kept[1]._spans._spans) <= 256
    assert 0.05 < grown_mb < MAX_SLOT_MB
    assert MAX_SLOTS * MAX_SLOT_MB < 55, "the sum for a viewer of a full room, in docs/OPERATIONS.md"


def test_arrivals__when_nobody_takes_them__then_the_newest_are_dropped() -> None:
    log = ArrivalLog()
    for number in range(3 * MAX_WAITING):
        log.record(number & 0xFFFF, number)
    assert len(log.take()) == MAX_WAITING
    assert log.dropped == 2 * MAX_WAITING
