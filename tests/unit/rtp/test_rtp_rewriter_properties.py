"""One viewer's continuous stream under anything: loss, disorder, duplicates, switches, pauses, thinning, wraps."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from struct import unpack

from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.rtp.packet import MediaPacket
from signaling.rtp.stream import IncomingStream
from tests.unit.rtp.streams import FRAME_MS, Vp8Source, vp8_stream
from tests.unit.rtp.viewer import Viewer, video_rewriter

LAYERS = (1, 2, 3)


@dataclass
class World:
    """Three simulcast layers, a bad network, and one viewer whose wishes change at random."""

    seed: int
    loss: float
    disorder: int
    commands: float
    rng: random.Random = field(init=False)
    streams: dict[int, IncomingStream] = field(init=False)
    sources: dict[int, Vp8Source] = field(init=False)
    viewer: Viewer = field(init=False)
    sent: dict[int, dict[int, bytes]] = field(
        init=False
    )  # everything the layers sent: ssrc -> number -> bytes
    origin: dict[int, tuple[int, int]] = field(
        default_factory=dict
    )  # outgoing number -> (ssrc, incoming number)
    starts: list[MediaPacket] = field(default_factory=list)
    now_ms: float = 0.0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.sources = {
            ssrc: Vp8Source(
                ssrc=ssrc,
                sequence=self.rng.choice((65500, 0, self.rng.randrange(65536))),
                timestamp=self.rng.choice((0xFFFFA000, self.rng.randrange(1 << 32))),
                picture_id=self.rng.choice((32750, self.rng.randrange(1 << 15))),
                tl0_index=self.rng.randrange(256),
                temporal_layers=True,
            )
            for ssrc in LAYERS
        }
        self.streams = {ssrc: vp8_stream(ssrc) for ssrc in LAYERS}
        self.sent = {ssrc: {} for ssrc in LAYERS}
        self.viewer = Viewer(video_rewriter())

    def run(self, frames: int) -> None:
        """Play `frames` frames of every layer."""
        in_flight: list[tuple[int, int, bytes]] = []  # (delivery step, ssrc, packet)
        self.viewer.rewriter.select(1)
        for step in range(frames):
            self.now_ms = step * FRAME_MS
            self.command()
            for ssrc, source in self.sources.items():
                key = step == 0 or self.rng.random() < 0.08
                for packet in source.frame(key=key, packets=self.rng.randrange(1, 5)):
                    self.sent[ssrc][int.from_bytes(packet[2:4], "big")] = packet
                    if self.rng.random() >= self.loss:
                        late = (
                            self.rng.randrange(self.disorder)
                            if self.disorder and self.rng.random() < 0.2
                            else 0
                        )
                        in_flight.append((step + late, ssrc, packet))
                        if self.rng.random() < 0.05:
                            in_flight.append((step + late + 1, ssrc, packet))
            for due, ssrc, packet in [entry for entry in in_flight if entry[0] <= step]:
                in_flight.remove((due, ssrc, packet))
                self.deliver(ssrc, packet)

    def command(self) -> None:
        """The viewer wishes something else now and then."""
        if self.rng.random() >= self.commands:
            return
        rewriter = self.viewer.rewriter
        match self.rng.randrange(6):
            case 0:
                rewriter.pause()
            case 1 | 2:
                rewriter.limit_temporal(self.rng.randrange(3))
            case _:
                rewriter.select(self.rng.choice(LAYERS))

    def deliver(self, ssrc: int, packet: bytes) -> None:
        """A packet reaches the server."""
        before = self.viewer.rewriter.source
        media = self.streams[ssrc].accept(packet, self.now_ms)
        seen = self.viewer.feed(media)
        if seen is None or media is None:
            return
        self.origin[seen.out] = (ssrc, media.sequence)
        if self.viewer.rewriter.source != before:
            self.starts.append(media)
        if seen.payload:
            assert seen.payload[5:] == media.payload[5:], "the body is untouched"


WORLDS = st.builds(
    World,
    seed=st.integers(0, 1 << 32),
    loss=st.sampled_from([0.0, 0.02, 0.3]),
    disorder=st.sampled_from([0, 3, 8]),
    commands=st.sampled_from([0.0, 0.1, 0.5]),
)


@settings(max_examples=60)
@given(WORLDS)
def test_rewriter__anything_happens__the_viewer_sees_one_continuous_stream(world: World) -> None:
    world.run(120)
    world.viewer.check_continuity()
    for media in world.starts:
        assert media.flags & 1, "a layer begins with a key frame"


@settings(max_examples=60)
@given(WORLDS)
def test_rewriter__every_number_sent_or_missing__is_traced_to_its_origin(world: World) -> None:
    world.run(120)
    rewriter = world.viewer.rewriter
    newest = max(world.viewer.packets, default=0)
    for out, origin in world.origin.items():
        if out > newest - 200:
            assert rewriter.locate(out & 0xFFFF) == origin
    if not world.viewer.packets:
        return
    used = set(world.origin.values())
    for hole in world.viewer.holes:
        if hole > newest - 200:
            found = rewriter.locate(hole & 0xFFFF)
            assert found is not None
            assert found not in used, "a hole belongs to a packet that was not sent"
            assert found[1] & 0xFFFF in world.sent[found[0]], "and that the publisher did send"


@settings(max_examples=40)
@given(WORLDS)
def test_rewriter__all_losses_repaired__nothing_is_missing_and_frames_are_whole(world: World) -> None:
    world.run(100)
    viewer = world.viewer
    if not viewer.packets:
        return
    oldest_kept = max(viewer.packets) - 200
    for hole in [out for out in viewer.holes if out > oldest_kept]:
        found = viewer.rewriter.locate(hole & 0xFFFF)
        assert found is not None
        ssrc, sequence = found
        media = world.streams[ssrc].cache.get(sequence)
        if media is None:  # the publisher's own repair comes first, then ours
            arrived = world.streams[ssrc].accept(world.sent[ssrc][sequence & 0xFFFF], world.now_ms)
            assert arrived is not None
            seen = viewer.feed(arrived)
            if seen is not None:
                assert seen.out == hole, "a late packet finds its own place"
                continue
            media = arrived
        repair = viewer.rewriter.retransmit(hole & 0xFFFF, media, world.now_ms)
        assert repair is not None
        assert viewer.take(repair).out == hole
    viewer.check_continuity()
    recent = [seen for seen in viewer.in_order() if seen.out > oldest_kept]
    assert [seen.out for seen in recent] == list(range(recent[0].out, recent[-1].out + 1))
    for before, after in itertools.pairwise(recent):
        if before.descriptor and after.descriptor and before.timestamp == after.timestamp:
            first, second = unpack("!III", before.payload[-12:]), unpack("!III", after.payload[-12:])
            assert second == (*first[:2], first[2] + 1), "packets of one frame stand in their order"


@settings(max_examples=40)
@given(st.integers(0, 1 << 32), st.sampled_from([0.1, 0.5]))
def test_rewriter__no_loss__leaves_no_hole_whatever_is_dropped_on_purpose(seed: int, commands: float) -> None:
    world = World(seed=seed, loss=0.0, disorder=0, commands=commands)
    world.run(150)
    if world.viewer.packets:
        assert world.viewer.holes == []
    for seen in world.viewer.packets.values():
        assert seen.payload, "nothing needs padding when nothing is late"
