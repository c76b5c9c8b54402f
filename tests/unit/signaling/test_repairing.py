"""Repeats and requests on bad lines: said twice where a tenth is lost, and not at all where nothing would come."""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from signaling.forwarder import PythonForwardStep
from signaling.gateway import Gateway
from signaling.publishing.publication import CEASED_MS, CEASED_PICTURES, Layer, Publication
from signaling.publishing.publisher import ASKED_TWICE_LOSS, Publisher
from signaling.rtp import rtcp
from signaling.rtp.path_estimate import PathEstimate
from signaling.rtp.probing import LEAST_PACKETS
from signaling.rtp.send_history import SendHistory
from signaling.rtp.speaker import SpeakerDetector
from signaling.settings import MediaSettings
from signaling.watching.line_estimate import LineEstimate
from signaling.watching.prober import LENGTH_MS, Prober
from signaling.watching.repairing import LOSSY_SHARE, Repairs
from tests.unit.signaling.lossy_lines import CAMERA, PACKET_BYTES, Leg, send_steadily, slot_with

SETTINGS = MediaSettings(host="127.0.0.1", announced_addresses=("127.0.0.1",), grant_keys=(b"k",))


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
            camera.layers[rid].stream.rate.packets_per_second = 30.0
        self.camera = camera
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
        later_ms = 31 + CEASED_MS
        s.picture(s.small, 1, later_ms)
        assert s.camera.watch_layers(later_ms)
        s.publisher.repair(later_ms + 20)
        assert s.nacks == []
        assert s.keyframes == []


async def test_ask__only_layer_is_still__key_frame_is_asked_for_again() -> None:
    async with asking() as s:
        s.picture(s.large, 1, 0)
        s.publisher.want_keyframe(s.large, 10)
        s.keyframes.clear()
        s.publisher.repair(1000.0)
        assert s.keyframes == [20], "a still screen has no siblings, and answers"


async def test_ceased__layer_stops_while_its_sibling_runs__is_left_out_until_it_comes_again() -> None:
    async with asking() as s:
        s.picture(s.large, 1, 0)
        for number in range(20):
            s.picture(s.small, number, 33.0 * number)
            changed = s.camera.watch_layers(33.0 * number)
            assert changed == (33.0 * (number - 1) <= CEASED_MS < 33.0 * number)
        assert not s.large.is_coming(660.0)
        assert [each.key for each in s.camera.offers(660.0).coming] == [10]
        assert [each.key for each in s.camera.offers(660.0).known] == [10, 20], "it may be asked for"
        s.picture(s.large, 2, 660)
        assert s.camera.watch_layers(660.0)
        assert s.large.is_coming(660.0)


async def test_ceased__slow_pictures__are_given_as_many_of_the_siblings_first() -> None:
    async with asking() as s:
        s.small.stream.rate.packets_per_second = 5.0
        s.picture(s.large, 1, 0)
        s.picture(s.small, 1, 1000.0 * CEASED_PICTURES / 5.0)
        assert not s.camera.watch_layers(1000.0)
        s.picture(s.small, 2, 1200)
        assert s.camera.watch_layers(1200.0)


async def test_ceased__whole_line_is_dark__no_layer_is_left_out() -> None:
    async with asking() as s:
        s.picture(s.large, 1, 0)
        s.picture(s.small, 1, 0)
        assert not s.camera.watch_layers(5000.0)
