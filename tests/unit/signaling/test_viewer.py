"""A viewer's decisions: repairs, what counts as loss, and how a picture changes its layer."""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from signaling.forwarder import PythonForwardStep, PythonLeg
from signaling.gateway import Gateway
from signaling.negotiation import AcceptedSection
from signaling.publishing.publication import Layer, Publication
from signaling.rooms.attention import Attention
from signaling.rtp import rtcp
from signaling.rtp.packet import MediaPacket
from signaling.rtp.rewriter import ALL_TEMPORAL_LAYERS, NO_SOURCE, Rewriter
from signaling.rtp.speaker import SpeakerDetector
from signaling.settings import MediaSettings
from signaling.watching.layer_choice import Decision, decide
from signaling.watching.repairing import REPAIR_FLOOR_BPS
from signaling.watching.showing import Showing
from signaling.watching.slot import Slot
from signaling.watching.viewer import AWAY_MS, Viewer

CAMERA = AcceptedSection("0", "camera", "video", "VP8", 90000, 96, 97, None, {}, ("h", "f"), (), {})
VOICE = AcceptedSection("1", "microphone", "audio", "opus", 48000, 111, None, None, {}, (), (), {})
SETTINGS = MediaSettings(host="127.0.0.1", announced_addresses=("127.0.0.1",), grant_keys=(b"k",))
LOW, HIGH = 10, 20
TICKS_PER_PICTURE = 3000


class Tape(PythonForwardStep):
    """A forward step that keeps what each viewer would get."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def forward(self, packet: MediaPacket, legs: tuple[PythonLeg, ...], now_ms: float) -> None:
        for leg in legs:
            data = leg.rewrite(packet)
            if data is not None:
                self.sent.append(data)


class Scene:
    """One viewer of one camera in two layers (or more publications), without a network in between."""

    def __init__(self, gateway: Gateway) -> None:
        self.tape = Tape()
        self.asked: list[Layer] = []
        self.repairs: list[bytes] = []
        self.viewer = Viewer(
            gateway,
            self.tape,
            on_state=lambda: None,
            on_offer=lambda version, sdp, tracks: None,
            want_keyframe=lambda layer, now_ms: self.asked.append(layer),
            showing=Showing(Attention(), lambda shown, because: None),
        )
        self.viewer.transport.send_rtp = self._repair  # type: ignore[method-assign]
        self.camera = self.publish(CAMERA)
        self.low, self.high = self.layer(self.camera, LOW, "h"), self.layer(self.camera, HIGH, "f")

    def _repair(self, packet: bytes, *, wide_at: int = 0) -> bool:
        self.repairs.append(packet)
        return True

    def publish(self, section: AcceptedSection) -> Publication:
        made = Publication("per_1", section, self.tape, SpeakerDetector(), keyframe_interval_ms=500)
        self.viewer.attach(made)
        made.legs[0].is_live = True
        return made

    def layer(self, publication: Publication, ssrc: int, rid: str | None) -> Layer:
        section = CAMERA if publication.is_video else VOICE
        publication.layers[rid] = Layer(publication, section, ssrc, rid)
        return publication.layers[rid]

    @property
    def leg(self) -> PythonLeg:
        leg = self.camera.legs[0]
        assert isinstance(leg, PythonLeg)
        return leg

    def slot(self, publication: Publication) -> Slot:
        return next(slot for slot in self.viewer.slots if slot.publication is publication)

    def picture(
        self, layer: Layer, number: int, at_ms: float, *, keyframe: bool = False, size: int = 50
    ) -> None:
        """One picture in one packet; its timestamp is `number` pictures after the layer's own beginning."""
        ssrc = layer.stream.ssrc
        payload = b"\x10" + (b"\x00" if keyframe else b"\x01") + bytes(size)
        head = struct.pack(
            "!BBHII", 0x80, 0x80 | 96, number & 0xFFFF, ssrc * 1000 + number * TICKS_PER_PICTURE, ssrc
        )
        layer.receive(head + payload, round(at_ms * 1e6))

    def select(self, layer: Layer, at_ms: float) -> None:
        self.viewer._select(self.slot(self.camera), self.camera, self.leg, layer, at_ms)

    def nack(self, number: int, at_ms: float) -> None:
        """The viewer misses this packet of the low layer, which ran as it came from number 1 on."""
        first_out = self.tape.sent[0][2] << 8 | self.tape.sent[0][3]
        wanted = (first_out + number - 1) & 0xFFFF
        message = rtcp.build_nack(1, self.slot(self.camera).ssrc, [wanted])
        self.viewer._rtcp(message, round(at_ms * 1e6))


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    gateway = await Gateway.open(SETTINGS)
    made = Scene(gateway)
    try:
        yield made
    finally:
        await made.viewer.transport.close()
        await gateway.close()


async def test_repair__when_asked_before_the_packet_came__then_no_answer_is_spent() -> None:
    async with scene() as s:
        s.select(s.low, 0)
        s.picture(s.low, 1, 0, keyframe=True)
        s.picture(s.low, 3, 60)  # 2 was lost on its way to us
        for at_ms in (70, 71, 72, 73):
            s.nack(2, at_ms)
        assert s.repairs == []
        s.picture(s.low, 2, 90)
        s.nack(2, 91)
        assert len(s.repairs) == 1
        s.nack(2, 92)
        assert len(s.repairs) == 1, "and only then the answers are counted"


async def test_repair__when_a_viewer_asks_for_more_than_its_line_carries__then_the_repairs_are_bounded() -> (
    None
):
    async with scene() as s:
        s.viewer.estimate.fallback.remb(REPAIR_FLOOR_BPS)
        s.select(s.low, 0)
        for number in range(1, 41):
            s.picture(s.low, number, number, keyframe=number == 1, size=1000)
        for number in range(1, 41):
            s.nack(number, 50)
        budget = int(REPAIR_FLOOR_BPS / 8)
        assert budget - 1100 < sum(len(packet) - 20 for packet in s.repairs) <= budget + 40 * len(s.repairs)
        assert len(s.repairs) < 20
        before = len(s.repairs)
        s.viewer.report(1000)
        assert s.viewer.sent_bps > 8 * budget, "repairs count as sent"
        s.nack(40, 1001)
        assert len(s.repairs) == before + 1, "the next second has a budget of its own"


async def test_loss__when_one_picture_breaks_among_many_voices__then_it_shows() -> None:
    async with scene() as s:
        voices = [s.publish(replace(VOICE, mid=str(number))) for number in range(7)]
        s.select(s.low, 0)
        for number in range(1, 200):
            s.picture(s.low, number, number, keyframe=number == 1)
        for voice in voices:
            rewriter = voice.legs[0].rewriter
            assert isinstance(rewriter, Rewriter), "the reference keeps its counters itself"
            rewriter.packets_sent += 5
        ours = s.slot(s.camera).ssrc
        others = [s.slot(voice).ssrc for voice in voices]
        blocks = [
            rtcp.ReportBlock(ssrc, 0.25 if ssrc == ours else 0.0, 9, 1, 1, 0, 0) for ssrc in (ours, *others)
        ]
        for second in range(20):
            s.viewer._rtcp(rtcp.build_receiver_report(1, blocks), second * 10**9)
        before_bps = s.viewer.estimate.limit_bps
        s.viewer.report(1000)
        assert s.viewer.loss_ratio is not None
        assert s.viewer.loss_ratio > 0.18
        assert s.viewer.estimate.limit_bps < before_bps
        s.viewer.report(2000)
        assert s.viewer.loss_ratio is None, "nothing was sent since, so nothing is known"


async def test_select__when_a_picture_runs__then_old_packets_of_the_better_layer_are_not_played() -> None:
    async with scene() as s:
        s.select(s.low, 0)
        for number in range(1, 11):
            s.picture(s.low, number, number * 33, keyframe=number == 1)
            s.picture(s.high, number, number * 33, keyframe=number == 1)
        sent = len(s.tape.sent)
        s.select(s.high, 340)
        assert len(s.tape.sent) == sent
        assert s.asked[-1] is s.high
        assert s.leg.rewriter.source == LOW, "the low layer goes on meanwhile"
        s.picture(s.low, 11, 363)
        s.picture(s.high, 11, 363, keyframe=True)
        assert s.leg.rewriter.source == HIGH


async def test_select__when_the_picture_is_dark__then_it_starts_with_what_is_kept() -> None:
    async with scene() as s:
        for number in range(1, 6):
            s.picture(s.low, number, number * 33, keyframe=number == 1)
        s.select(s.low, 170)
        assert len(s.tape.sent) == 5
        assert s.leg.rewriter.source == LOW
        assert s.leg.rewriter.target == NO_SOURCE


async def test_select__when_the_clocks_become_known_while_waiting__then_the_switch_is_exact() -> None:
    async with scene() as s:
        s.select(s.low, 0)
        for number in range(1, 11):
            s.picture(s.low, number, number * 33, keyframe=number == 1)
            s.picture(s.high, number, number * 33, keyframe=number == 1)
        s.select(s.high, 340)
        for layer in (s.low, s.high):
            layer.stream.clock.report(5 << 32, layer.stream.ssrc * 1000 + 10 * TICKS_PER_PICTURE, 350)
        s.select(s.high, 500)
        s.picture(s.high, 11, 900, keyframe=True)  # half a second late: arrival would tell another time
        before, after = (struct.unpack_from("!I", packet, 4)[0] for packet in s.tape.sent[-2:])
        assert (after - before) & 0xFFFFFFFF == TICKS_PER_PICTURE


async def test_thin__when_a_smaller_layer_is_waited_for__then_the_large_one_does_not_grow_meanwhile() -> None:
    async with scene() as s:
        slot = s.slot(s.camera)
        s.select(s.high, 0)
        s.picture(s.high, 1, 0, keyframe=True)
        s.viewer._apply(Decision(slot, s.high, 1, None), 10)
        assert slot.max_temporal == 1
        s.viewer._apply(Decision(slot, s.low, ALL_TEMPORAL_LAYERS, None), 20)
        assert s.leg.rewriter.source == HIGH
        assert slot.max_temporal == 1
        s.picture(s.low, 1, 30, keyframe=True)
        s.viewer._apply(Decision(slot, s.low, ALL_TEMPORAL_LAYERS, None), 40)
        assert slot.max_temporal == ALL_TEMPORAL_LAYERS


async def test_select__when_the_key_frame_was_missed__then_it_is_asked_for_until_the_picture_starts() -> None:
    async with scene() as s:
        s.select(s.low, 0)
        s.select(s.low, 500)  # a request that was lost, or a key frame that passed just before
        assert s.asked == [s.low, s.low]
        s.picture(s.low, 1, 600, keyframe=True)
        s.select(s.low, 1000)
        assert s.asked == [s.low, s.low], "a running picture needs none"


async def test_reports__when_a_browser_was_away__then_its_pictures_begin_with_a_whole_one() -> None:
    def report(s: Scene, at_ms: float) -> None:
        s.viewer._rtcp(rtcp.build_remb(1, 1_000_000, [s.slot(s.camera).ssrc]), round(at_ms * 1e6))

    async with scene() as s:
        s.select(s.low, 0)
        s.picture(s.low, 1, 10, keyframe=True)
        s.asked.clear()
        for at_ms in (100, 200, 200 + AWAY_MS):
            report(s, at_ms)
        assert s.asked == [], "it was never away"
        report(s, 40_000)
        assert s.asked == [s.low]
        report(s, 40_100)
        assert s.asked == [s.low], "asked once"
        s.camera.stop_flow()
        report(s, 80_000)
        assert s.asked == [s.low], "nothing flows in a recess"


async def test_choose__when_the_line_is_only_guessed_to_be_narrow__then_the_smallest_picture_still_goes_out() -> (
    None
):
    async with scene() as s:
        s.viewer.transport.state = "connected"
        for number in range(1, 60):
            for layer, size in ((s.low, 300), (s.high, 1000)):
                s.picture(layer, number, number * 33, keyframe=number == 1, size=size)
        for layer in (s.low, s.high):
            layer.stream.rate.sample(0, 0, 0)
            layer.stream.rate.sample(layer.stream.reception.bytes, layer.stream.reception.received, 1000)
        s.viewer.estimate.fallback.remb(1)
        s.viewer.choose_layers(2000)
        assert s.leg.rewriter.target == LOW, "no feedback: the estimate is a guess"
        measured = decide(s.viewer.slots, s.viewer.showing, 1.0, 2000.0)
        assert measured.starved == {("per_1", "camera")}, "a line that was measured carries what it carries"
