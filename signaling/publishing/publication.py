"""What one person publishes: a source, its layers as they arrive, and who gets which packet of them."""

import time
from dataclasses import dataclass
from itertools import compress
from typing import Final

from signaling.forwarder import Fanout, ForwardStep, Leg
from signaling.negotiation import AcceptedSection
from signaling.publishing.layer_demand import LayerDemand, LayerRest
from signaling.rtp.extensions import ExtensionIds
from signaling.rtp.incoming import Levels
from signaling.rtp.packet import FLAG_KEYFRAME, Codec
from signaling.rtp.rates import LayerOffer
from signaling.rtp.speaker import SpeakerDetector
from signaling.sink import PacketSink, TakePackets, TrackInfo, taker_of
from signaling.transport import Transport

# A layer is left out when this many pictures of a sibling came without one of its own: of single packets on a line that
# loses a tenth five in a row are lost once an hour. And never sooner than a wait for repeats.
CEASED_PICTURES: Final = 5
CEASED_MS: Final = 200.0


class Layer:
    """One incoming stream of a publication (the only one, or one simulcast layer)."""

    def __init__(
        self,
        publication: "Publication",
        section: AcceptedSection,
        ssrc: int,
        rid: str | None,
        transport: Transport | None = None,
    ) -> None:
        ids = ExtensionIds.from_uris(section.extensions)
        self.publication = publication
        self.rid = rid
        self.payload_type = section.payload_type
        self.stream = publication.step.incoming(
            ssrc=ssrc,
            codec=Codec(section.codec),
            clock_rate_hz=section.clock_rate_hz,
            payload_type=section.payload_type,
            red_payload_type=section.red_payload_type,
            audio_level_id=ids.audio_level,
            keyframe_interval_ms=publication.keyframe_interval_ms,
        )
        self.track = TrackInfo(
            track_id=f"{publication.identity}-{publication.source}-{rid or 'only'}-{ssrc:08x}",
            identity=publication.identity,
            source=publication.source,
            kind=publication.kind,
            codec=section.codec,
            clock_rate_hz=section.clock_rate_hz,
            ssrc=ssrc,
            layer=rid,
            payload_type=section.payload_type,
            red_payload_type=section.red_payload_type,
        )
        self.fanout = publication.step.fanout(self.stream, transport, self)
        self._sinks: tuple[PacketSink, ...] = ()
        self._takers: tuple[TakePackets, ...] = ()
        self._taken_ns = 0  # of the newest packet that the thread handed over
        self._levels = Levels(0, 0, 0)  # that the speakers were told
        self.keyframe_ms = float("-inf")  # when the last key frame came
        self.rest = LayerRest()
        self.has_ceased = False  # its encoder leaves it out while its siblings run

    @property
    def is_arriving(self) -> bool:
        """Something of it came within the last second."""
        return self.stream.rate.packets_per_second > 0

    def is_here(self, now_ms: float) -> bool:
        """Not at rest: packets come, as far as we were told."""
        return not self.has_ceased and self.rest.is_arriving(self.stream.last_arrival_ms, now_ms)

    def is_coming(self, now_ms: float) -> bool:
        """Here, or asked for so lately that it will be."""
        return not self.has_ceased and self.rest.is_coming(self.stream.last_arrival_ms, now_ms)

    def offer(self) -> LayerOffer:
        """What the layer is to a viewer; one at rest has the rate it had."""
        stream = self.stream
        bitrate_bps = max(stream.rate.bits_per_second, self.rest.expected_bps)
        return LayerOffer(stream.ssrc, bitrate_bps, stream.height_px, stream.temporal.shares)

    @property
    def sinks(self) -> tuple[PacketSink, ...]:
        """Who records it."""
        return self._sinks

    @sinks.setter
    def sinks(self, sinks: tuple[PacketSink, ...]) -> None:
        self._sinks = sinks
        self._takers = tuple(taker_of(sink) for sink in sinks)
        self.fanout.tap(is_heard=bool(sinks))

    @property
    def heard_ns(self) -> int:
        """When the last packet came, allowed out or not; 0 before the first."""
        return max(0, round(self.stream.last_arrival_ms * 1e6))

    def receive(self, packet: bytes, now_ns: int) -> None:
        """One decrypted packet of this layer, RTX unwrapped. The hot path."""
        parsed = self.fanout.take(packet, now_ns)
        if parsed is None or not self.publication.is_flowing:
            return
        track_id = self.track.track_id
        for sink in self._sinks:
            sink.packet(track_id, packet, now_ns)
        if parsed.flags & FLAG_KEYFRAME:
            self._keyframe_passed(now_ns)

    # What the native thread tells (`native.plane.StreamOwner`)

    def took(self, packets: list[tuple[int, bytes]]) -> None:
        """Packets that the thread accepted and forwarded already."""
        publication, since_ns = self.publication, self.publication.flowing_since_ns
        self._taken_ns = packets[-1][0]
        if packets[0][0] < since_ns:  # what came before the word was given back is not for the record either
            packets = [each for each in packets if each[0] >= since_ns]
        if not publication.is_flowing or not packets:
            return
        for take in self._takers:
            take(self.track.track_id, packets)

    def overloaded(self, until_ns: int) -> None:
        """Packets since the last one came and went out, yet this process was too busy to record them: say so."""
        if self.publication.is_flowing:
            since_ns = max(self._taken_ns, self.publication.flowing_since_ns)
            for sink in self._sinks:
                sink.track_event(self.track.track_id, "overloaded", since_ns)
                sink.track_event(self.track.track_id, "relieved", until_ns)

    def keyframe_came(self, at_ns: int) -> None:
        self.stream.keyframes.arrived()
        if self.publication.is_flowing and at_ns >= self.publication.flowing_since_ns:
            self._keyframe_passed(at_ns)

    def _keyframe_passed(self, now_ns: int) -> None:
        self.keyframe_ms = now_ns / 1_000_000
        self.publication.keyframe_arrived(self)

    # Loudness

    def listen(self, now_ms: float) -> None:
        """With the room's clock: tell the speakers how loud it was since the last time."""
        before, now = self._levels, self.stream.levels
        if now.told == before.told:
            return
        self._levels = now
        if self.publication.is_flowing:
            self.publication.speakers.levels(
                self.publication.identity,
                now.told - before.told,
                now.loud - before.loud,
                now.loudness - before.loudness,
                now_ms,
            )

    def forget_levels(self) -> None:
        """What was said up to now nobody was to hear."""
        self._levels = self.stream.levels


@dataclass(frozen=True, slots=True)
class LayerOffers:
    """The layers of a picture as a viewer may choose them: those that `coming` bring packets (soon), all `known` ones.

    The same object twice when no layer rests.
    """

    coming: tuple[LayerOffer, ...]
    known: tuple[LayerOffer, ...]


class Publication:
    """One source of one identity. Survives reconnects: layers come and go, legs stay.

    Nothing leaves it while `is_flowing` is False (muted by the person or the court, room held).
    """

    def __init__(
        self,
        identity: str,
        section: AcceptedSection,
        step: ForwardStep,
        speakers: SpeakerDetector[str],
        *,
        keyframe_interval_ms: float,
    ) -> None:
        self.identity = identity
        self.source = section.source
        self.kind = section.kind
        self.codec = section.codec
        self.step = step
        self.speakers = speakers
        self.keyframe_interval_ms = keyframe_interval_ms
        self.self_muted = False
        self.court_muted = False
        self.is_flowing = True
        self.flowing_since_ns = 0
        self.rids = section.rids
        self.demand = LayerDemand(section.rids)
        self.owed_ms = (
            0.0  # since when its sender should be sending again, after a rest of its own or of ours
        )
        self.layers: dict[str | None, Layer] = {}
        self.legs: list[Leg] = []
        self._offered: tuple[float, LayerOffers] | None = None

    @property
    def is_video(self) -> bool:
        return self.kind == "video"

    def layer_of(self, ssrc: int) -> Layer | None:
        for layer in self.layers.values():
            if layer.stream.ssrc == ssrc:
                return layer
        return None

    def fanout_of(self, ssrc: int) -> Fanout | None:
        """Where one layer goes, and what is kept of it."""
        layer = self.layer_of(ssrc)
        return layer.fanout if layer is not None else None

    def take_layers_beside(self, rids: tuple[str, ...]) -> list[Layer]:
        """Forget the layers that a new description does not name, and return them: names are the peer's to choose."""
        kept = rids or (None,)
        return [self.layers.pop(rid) for rid in list(self.layers) if rid not in kept]

    def offers(self, now_ms: float) -> LayerOffers:
        """What viewers can choose from at this moment; made once for all of them."""
        if self._offered is None or self._offered[0] != now_ms:
            known = {layer: layer.offer() for layer in self.layers.values()}
            is_coming = [layer.is_coming(now_ms) for layer in known]
            every = tuple(known.values())
            coming = every if all(is_coming) else tuple(compress(every, is_coming))
            self._offered = now_ms, LayerOffers(coming, every)
        return self._offered[1]

    def watch_layers(self, now_ms: float) -> bool:
        """Every 20 ms. True when an encoder has just left a layer out for want of room, or brings one again.

        Its viewers would look at a still picture until its rate has fallen to nothing, a second later; the pictures of
        all layers leave together, so a few of a sibling's are proof enough.
        """
        if len(self.layers) < 2:
            return False
        layers = self.layers.values()
        paces = [each.stream.rate.packets_per_second for each in layers]
        slowest = min((pace for pace in paces if pace > 0), default=0.0)
        if slowest <= 0:
            return False
        newest_ms = max(each.stream.last_arrival_ms for each in layers)
        ceased_ms = max(CEASED_MS, CEASED_PICTURES * 1000 / slowest)
        changed = False
        for layer in layers:
            rest, last_ms = layer.rest, layer.stream.last_arrival_ms
            has_ceased = newest_ms - last_ms > ceased_ms and not rest.is_off and not rest.is_due(now_ms)
            changed |= has_ceased != layer.has_ceased
            layer.has_ceased = has_ceased
        if changed:
            self.forget_offers()
        return changed

    def forget_offers(self) -> None:
        """A layer was told to rest or to come."""
        self._offered = None

    def route(self) -> None:
        """Recompute which leg hears which layer, after any change of rights, wishes or layers."""
        for layer in self.layers.values():
            ssrc = layer.stream.ssrc
            heard_by = [
                leg for leg in self.legs if leg.is_live and ssrc in (leg.rewriter.source, leg.rewriter.target)
            ]
            layer.fanout.hear(heard_by if self.is_flowing else ())

    def keyframe_arrived(self, layer: Layer) -> None:
        """Legs that waited for this layer have just switched: the layer they left need not feed them any more."""
        if len(self.layers) > 1:
            self.route()

    def stop_flow(self) -> None:
        for layer in self.layers.values():
            layer.fanout.catch_up()
        self.is_flowing = False
        for leg in self.legs:
            leg.rewriter.pause()
        for layer in self.layers.values():
            layer.stream.losses.forget()
        if self.kind == "audio":
            self.speakers.remove(self.identity)
        self.route()

    def start_flow(self) -> None:
        """Let it out again; the owner of each leg selects its layer afterwards."""
        self.is_flowing = True
        self.flowing_since_ns = time.monotonic_ns()
        for layer in self.layers.values():
            layer.forget_levels()
            layer.fanout.forget()  # nobody is shown what was sent while it was not to be seen
        self.route()
