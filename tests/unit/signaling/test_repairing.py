"""Repeats and requests on bad lines: said twice where a tenth is lost, and not at all where nothing would come."""

import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from signaling.forwarder import FanoutOf, PythonForwardStep
from signaling.gateway import Gateway
from signaling.line_estimate import LineEstimate
from signaling.negotiation import AcceptedSection
from signaling.prober import LENGTH_MS, Prober
from signaling.publication import Layer, Publication
from signaling.publisher import ASKED_TWICE_LOSS, CEASED_MS, Publisher
from signaling.repairing import LOSSY_SHARE, Repairs
from signaling.rtp import rtcp
from signaling.rtp.path_estimate import PathEstimate
from signaling.rtp.probing import LEAST_PACKETS
from signaling.rtp.send_history import SendHistory
from signaling.rtp.speaker import SpeakerDetector
from signaling.rtp.transport_cc import LOST, TransportFeedback
from signaling.settings import MediaSettings
from signaling.slot import Slot

CAMERA = AcceptedSection("0", "camera", "video", "VP8", 90000, 96, 97, None, {}, ("h", "f"), (), {})
SETTINGS = MediaSettings(host="127.0.0.1", announced_addresses=("127.0.0.1",), grant_keys=(b"k",))
PACKET_BYTES = 700


class Leg:
    """A leg that has every packet and counts what it repeats."""

    is_live = True
    blocked_until_ms = 0.0
    dropped = 0

    def __init__(self, history: SendHistory | None = None) -> None:
        self.repeated: list[int] = []
        self.is_here = True
        self._history = history

    def kept(self, sequence: int, fanout_of: FanoutOf, now_ms: float) -> int:
        return PACKET_BYTES if self.is_here else 0

    def repair(self, sequence: int, fanout_of: FanoutOf, now_ms: float) -> None:
        self.repeated.append(sequence)
        if self._history is not None:
            self._history.next(PACKET_BYTES, now_ms)


def slot_with(leg: Leg) -> Slot:
    publication = Publication(
        "per_1", CAMERA, PythonForwardStep(), SpeakerDetector(), keyframe_interval_ms=500
    )
    made = Slot(mid="0", kind="video", codec="VP8", publication=publication, rtx_ssrc=2, highest=100)
    made.leg = leg  # type: ignore[assignment]  # no rewriter: nothing here asks for it
    return made


def send_steadily(
    feedback: Callable[[TransportFeedback, SendHistory, float], object],
    history: SendHistory,
    is_lost: Callable[[int], bool],
    *,
    apart_ms: int = 10,
) -> None:
    """400 packets over an even line that loses some, ten acknowledged at a time."""
    for number in range(400):
        at_ms = number * apart_ms
        history.next(PACKET_BYTES, at_ms)
        if number % 10 == 9:
            first = number - 9
            reference, rest = divmod(first * apart_ms * 4, 256)
            arrivals = tuple(LOST if is_lost(first + n) else rest + n * apart_ms * 4 for n in range(10))
            feedback(TransportFeedback(1, 2, first, 0, reference, arrivals), history, at_ms + 20.0)


def repeats_on_a_line_that_loses(one_in: int) -> int:
    estimate, history, leg = LineEstimate(start_bps=2e6), SendHistory(), Leg()
    send_steadily(
        lambda message, sent, now_ms: estimate.feedback(message, sent, now_ms, 50.0),
        history,
        lambda number: number % one_in == 1,
    )
    Repairs(estimate, 1.0).answer(slot_with(leg), (7,), 4000.0)
    return len(leg.repeated)


def test_answer__line_loses_a_tenth__packet_goes_out_twice() -> None:
    assert repeats_on_a_line_that_loses(10) == 2


def test_answer__line_loses_one_in_fifty__packet_goes_out_once() -> None:
    assert repeats_on_a_line_that_loses(50) == 1


def test_answer__nothing_known_of_the_line__packet_goes_out_once() -> None:
    leg = Leg()
    Repairs(LineEstimate(start_bps=2e6), 1.0).answer(slot_with(leg), (7,), 0.0)
    assert leg.repeated == [7]


def test_answer__lossy_line_is_full_of_pictures__repeats_still_have_their_share() -> None:
    estimate, history, leg = LineEstimate(start_bps=2e6), SendHistory(), Leg()
    send_steadily(
        lambda message, past, now_ms: estimate.feedback(message, past, now_ms, 50.0),
        history,
        lambda number: number % 10 == 1,
    )
    repairs = Repairs(estimate, 1.0)
    repairs.begin(estimate.limit_bps)
    repairs.answer(slot_with(leg), tuple(range(1000)), 4000.0)
    assert len(leg.repeated) * PACKET_BYTES * 8 == pytest.approx(LOSSY_SHARE * estimate.limit_bps, rel=0.1)


@pytest.mark.parametrize(("one_in", "sent"), [(10, [7]), (50, [])])
def test_tick__packet_comes_after_it_was_asked_for__goes_out_once_more_on_a_lossy_line(
    one_in: int, sent: list[int]
) -> None:
    estimate, history, leg = LineEstimate(start_bps=2e6), SendHistory(), Leg()
    send_steadily(
        lambda message, past, now_ms: estimate.feedback(message, past, now_ms, 50.0),
        history,
        lambda number: number % one_in == 1,
    )
    repairs, leg.is_here = Repairs(estimate, 1.0), False
    repairs.answer(slot_with(leg), (7,), 4000.0)
    repairs.tick(4020.0)
    assert leg.repeated == []
    leg.is_here = True
    repairs.tick(4040.0)
    repairs.tick(4060.0)
    assert leg.repeated == sent


def test_probe__line_is_thin__lasts_until_enough_packets_left_to_prove_something() -> None:
    path, history, leg = PathEstimate(start_bps=100e3, floor_bps=64e3), SendHistory(), Leg()
    send_steadily(
        lambda message, sent, now_ms: path.feedback(message, sent, now_ms, 50.0),
        history,
        lambda number: False,
        apart_ms=40,
    )
    prober, slots, began_ms = Prober(path), [slot_with(leg)], 400 * 40.0
    prober.tick(path.limit_bps * 1.3, slots, history, began_ms)
    at_ms = began_ms
    while prober.is_running:
        at_ms += 20
        prober.tick(None, slots, history, at_ms)
    assert at_ms - began_ms > LENGTH_MS + 40
    assert len(leg.repeated) + (at_ms - began_ms) / 40 >= LEAST_PACKETS, "with the pictures that run on"


class Asking:
    """A publisher of one camera in two layers; keeps what it asks the browser for."""

    def __init__(self, gateway: Gateway) -> None:
        self.nacks: list[rtcp.Nack] = []
        self.keyframes: list[int] = []
        self.publisher = Publisher(gateway, lambda: None, lambda layer, now_ns: None)
        self.publisher.transport.send_rtcp = self._sent  # type: ignore[method-assign]
        camera = Publication(
            "per_1", CAMERA, PythonForwardStep(), SpeakerDetector(), keyframe_interval_ms=500
        )
        self.publisher._publications["0"] = camera
        for rid, ssrc in (("h", 10), ("f", 20)):
            camera.layers[rid] = Layer(camera, CAMERA, ssrc, rid)
        self.small, self.large = camera.layers["h"], camera.layers["f"]

    def _sent(self, packet: bytes) -> None:
        for message in rtcp.parse(packet):
            if isinstance(message, rtcp.Nack):
                self.nacks.append(message)
            elif isinstance(message, rtcp.KeyframeRequest):
                self.keyframes.append(message.ssrc)

    def picture(self, layer: Layer, number: int, at_ms: float) -> None:
        head = struct.pack("!BBHII", 0x80, 0x80 | 96, number, number * 3000, layer.stream.ssrc)
        layer.receive(head + b"\x10\x01" + bytes(50), round(at_ms * 1e6))


@asynccontextmanager
async def asking() -> AsyncIterator[Asking]:
    gateway = await Gateway.open(SETTINGS)
    made = Asking(gateway)
    try:
        yield made
    finally:
        await made.publisher.transport.close()
        await gateway.close()


async def test_ask__line_up_loses_a_tenth__request_is_said_twice() -> None:
    async with asking() as s:
        s.small.stream.loss_ratio = 2 * ASKED_TWICE_LOSS
        s.picture(s.small, 1, 0)
        s.picture(s.small, 3, 66)
        s.publisher.repair(70.0)
        assert [each.sequences for each in s.nacks] == [(2,), (2,)]


async def test_ask__layer_ended_while_its_sibling_runs__nothing_of_it_is_asked_for() -> None:
    async with asking() as s:
        for number in (1, 3):
            s.picture(s.large, number, number * 10)
        s.publisher.want_keyframe(s.large, 30)
        s.keyframes.clear()
        later_ms = 40 + CEASED_MS
        s.picture(s.small, 1, later_ms)
        s.publisher.repair(later_ms + 20)
        assert s.nacks == []
        assert s.keyframes == []


async def test_ask__only_layer_is_still__key_frame_is_asked_for_again() -> None:
    async with asking() as s:
        s.picture(s.large, 1, 0)
        s.publisher.want_keyframe(s.large, 10)
        s.keyframes.clear()
        s.publisher.repair(2 * CEASED_MS)
        assert s.keyframes == [20], "a still screen has no siblings, and answers"
