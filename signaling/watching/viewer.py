"""The receiving connection of one participant: offers tracks, chooses layers, answers repairs."""

import math
import secrets
from collections.abc import Callable
from typing import Final

from signaling.errors import SignalingError
from signaling.events import OfferedTrack
from signaling.forwarder import ForwardStep, Leg
from signaling.gateway import Gateway
from signaling.negotiation import (
    OFFERED_RED,
    OfferSection,
    write_offer,
)
from signaling.publishing.layer_demand import Want
from signaling.publishing.publication import Layer, Publication
from signaling.rtp import rtcp
from signaling.rtp.clock import RoundTrip, timestamp_shift
from signaling.rtp.keyframes import KeyframeAllowance
from signaling.rtp.nack import AnswerLimiter
from signaling.rtp.rates import RateMeter
from signaling.rtp.rewriter import ALL_TEMPORAL_LAYERS, NO_SOURCE
from signaling.rtp.transport_cc import TransportFeedback
from signaling.sdp import Description
from signaling.transport import Transport
from signaling.watching.early_copies import EarlyCopies
from signaling.watching.layer_choice import Decision, decide, is_climb, thin
from signaling.watching.line_estimate import LineEstimate
from signaling.watching.pacing import Pace
from signaling.watching.picture_start import due_before_start
from signaling.watching.prober import Prober
from signaling.watching.repairing import Repairs
from signaling.watching.showing import Showing
from signaling.watching.slot import Slot, numbering_of

REPLAY_FRESH_MS: Final = 500.0  # a cached key frame starts a newcomer only while the stream runs
MAX_SLOTS: Final = 128
# Browsers report ten times a second while anything is sent to them. After a longer silence they were away (asleep, in
# a tunnel), and what they decoded last is too old for the pictures that come now; they themselves ask only after 3 s.
AWAY_MS: Final = 1500.0
LOSS_SMOOTHING: Final = 0.3  # three reports: one burst does not make a line weak


class Viewer:
    """Owns one transport. `on_offer(version, sdp, tracks)` carries each offer out; one is open at a time."""

    def __init__(
        self,
        gateway: Gateway,
        step: ForwardStep,
        *,
        on_state: Callable[[], None],
        on_offer: Callable[[int, str, tuple[OfferedTrack, ...]], None],
        want_keyframe: Callable[[Layer, float], None],
        showing: Showing,
    ) -> None:
        self._settings = gateway.settings
        self._step = step
        self._on_offer = on_offer
        self._on_want_keyframe = want_keyframe
        self._starts = gateway.starts
        self.slots: list[Slot] = []
        self._by_ssrc: dict[int, Slot] = {}
        self.showing = showing
        self._version = 0
        self._open_since_ms: float | None = None  # an offer waits for its answer since then
        self._changed = False
        self.estimate = LineEstimate(start_bps=gateway.settings.viewer_start_bps)
        self._prober = Prober(self.estimate.path)
        self._repairs = Repairs(self.estimate, gateway.settings.remb_interval_s)
        self._copies = EarlyCopies(self.estimate, gateway.settings.remb_interval_s)
        self._next_bps: float | None = None  # what the next better picture takes of the line
        self.sent_bps = 0.0
        self._octets_before = 0
        self._heard_ms = math.inf  # of the last report; nothing is missed before the first
        self._dropped_before = 0
        self.loss_ratio: float | None = None
        self.rtt_ms: float | None = None
        self.transport = Transport(gateway, lambda packet, now_ns: None, self._rtcp, on_state)
        self.transport.number_sent()
        self._pace = Pace(self.estimate, self.transport.pace)

    # Offers and answers

    def attach(self, publication: Publication) -> None:
        """Give a publication an m-line: a free one of its kind, else a new one. Call `negotiate` afterwards."""
        if any(slot.publication is publication for slot in self.slots):
            return
        slot = next((s for s in self.slots if s.publication is None and s.kind == publication.kind), None)
        if slot is None:
            if len(self.slots) >= MAX_SLOTS:
                raise SignalingError("room.full", "sections")
            slot = Slot(mid=str(len(self.slots)), kind=publication.kind, codec=publication.codec)
            self.slots.append(slot)
        slot.publication, slot.codec = publication, publication.codec
        slot.limiter, slot.round_trip, slot.loss_ratio = AnswerLimiter(), RoundTrip(), 0.0
        slot.packets_before, slot.highest, slot.copied_to = 0, None, None
        slot.max_temporal = ALL_TEMPORAL_LAYERS
        slot.rate, slot.nacks_heard, slot.repairs_sent, slot.keyframes_heard = RateMeter(), 0, 0, 0
        slot.keyframes = KeyframeAllowance()
        slot.want = Want()  # something of it, until line and wishes are known
        slot.ssrc = self._new_ssrc()
        slot.rtx_ssrc = self._new_ssrc() if publication.is_video else None
        numbering = numbering_of(slot, publication)
        slot.leg = self._step.leg(self.transport, numbering, is_video=publication.is_video)
        self._by_ssrc[slot.ssrc] = slot
        publication.legs.append(slot.leg)
        self._changed = True

    def detach(self, publication: Publication) -> None:
        """Stop at once; the m-line becomes free with the next offer."""
        for slot in self.slots:
            if slot.publication is publication and slot.leg is not None:
                slot.leg.is_live = False
                if slot.leg in publication.legs:
                    publication.legs.remove(slot.leg)
                publication.route()
                slot.leg.close()
                self._by_ssrc.pop(slot.ssrc, None)
                slot.publication = slot.leg = slot.want = None
                self._changed = True

    def detach_all(self) -> None:
        for slot in self.slots:
            if slot.publication is not None:
                self.detach(slot.publication)

    def _new_ssrc(self) -> int:
        while True:
            ssrc = secrets.randbelow(0xFFFFFFFE) + 1
            if ssrc not in self._by_ssrc and all(slot.rtx_ssrc != ssrc for slot in self.slots):
                return ssrc

    def negotiate(self, now_ms: float) -> None:
        """Send an offer if something changed and none is open; a lost answer is given up after a while."""
        if self._open_since_ms is not None:
            if now_ms - self._open_since_ms < self._settings.answer_timeout_s * 1000:
                return
            self._changed = True
        if not self._changed or not self.slots:
            return
        self._changed = False
        self._version += 1
        self._open_since_ms = now_ms
        offer = write_offer(self._sections(), self.transport.local(), offer_red=self._settings.accept_red)
        self._on_offer(self._version, offer, self.tracks())

    def _sections(self) -> list[OfferSection]:
        sections = []
        for slot in self.slots:
            publication = slot.publication
            sections.append(
                OfferSection(
                    mid=slot.mid,
                    kind=slot.kind,
                    codec=slot.codec,
                    identity=publication.identity if publication else None,
                    source=publication.source if publication else None,
                    ssrc=slot.ssrc,
                    rtx_ssrc=slot.rtx_ssrc,
                )
            )
        return sections

    def tracks(self) -> tuple[OfferedTrack, ...]:
        return tuple(
            OfferedTrack(slot.mid, slot.publication.identity, slot.publication.source, slot.kind)
            for slot in self.slots
            if slot.publication is not None
        )

    def answer(self, version: int, remote: Description, now_ms: float) -> None:
        """Take the browser's answer: legs it receives become live."""
        if version != self._version or self._open_since_ms is None:
            raise SignalingError("answer.stale")
        taken = {s.mid for s in remote.sections if not s.rejected and s.direction in ("recvonly", "sendrecv")}
        takes_red = {s.mid for s in remote.sections if OFFERED_RED in s.payload_types}
        self._open_since_ms = None
        fresh = self.transport.accept_remote(remote)
        for slot in self.slots:
            if slot.leg is None:
                continue
            slot.leg.is_live = slot.mid in taken
            if slot.kind == "audio":
                slot.leg.rewriter.take_redundancy(OFFERED_RED if slot.mid in takes_red else None)
            if fresh:
                slot.leg.rewriter.pause()  # a new decoder needs a key frame
        if fresh:
            for slot, layer in due_before_start(self.slots, self.showing, self.estimate.limit_bps, now_ms):
                self._want_keyframe(slot, layer, now_ms)
        self.choose_layers(now_ms)
        self.negotiate(now_ms)

    def restart(self, now_ms: float) -> None:
        """Fresh ICE credentials and a whole new offer, for a moved or reloaded browser."""
        self.transport.restart_ice()
        self._open_since_ms = None
        self._changed = True
        self.negotiate(now_ms)

    # Layers

    def choose_layers(self, now_ms: float) -> None:
        """Every second and after changes: who is shown, and which layer each leg gets."""
        if self.transport.state != "connected":
            return
        publications = [slot.publication for slot in self.slots if slot.publication is not None]
        self.showing.choose(publications, now_ms)
        may_climb = self.estimate.may_climb(now_ms)
        decisions = decide(
            self.slots,
            self.showing,
            self.estimate.limit_bps,
            now_ms,
            may_climb=may_climb,
            may_starve=self.estimate.is_live,
        )
        for slot in self.slots:
            if slot.publication is None or not slot.publication.is_flowing:
                slot.want = None
        for line in decisions.lines:
            line.slot.want = line.want
            self._apply(line, now_ms)
        self._next_bps = decisions.next_bps
        self.showing.tell(publications, decisions.starved)

    def _apply(self, line: Decision, now_ms: float) -> None:
        publication, leg = line.slot.publication, line.slot.leg
        if publication is None or leg is None:
            return
        line.slot.was_starved = line.is_starved
        if line.layer is not None:
            if is_climb(line):
                self.estimate.climbed(now_ms)
            thin(line)
            self._select(line.slot, publication, leg, line.layer, now_ms)
        elif leg.rewriter.source != NO_SOURCE or leg.rewriter.target != NO_SOURCE:
            leg.rewriter.pause()
            publication.route()

    def _select(self, slot: Slot, publication: Publication, leg: Leg, layer: Layer, now_ms: float) -> None:
        """Ask a leg to go over to a layer; called again while it waits, because reports may have come meanwhile."""
        rewriter, ssrc = leg.rewriter, layer.stream.ssrc
        if rewriter.source == ssrc:
            if rewriter.target != NO_SOURCE:
                rewriter.select(ssrc)  # the better layer went away while it was waited for
                publication.route()
            return
        is_waiting = rewriter.target == ssrc
        before = publication.layer_of(rewriter.last_source)
        shift = timestamp_shift(before.stream.clock, layer.stream.clock) if before is not None else None
        rewriter.select(ssrc, timestamp_shift=shift)
        if is_waiting:
            # The key frame may have passed just before the order took hold, or the request was lost: ask on.
            if publication.is_video and rewriter.target != NO_SOURCE:
                self._want_keyframe(slot, layer, now_ms)
            return
        if publication.is_video:
            # Only a dark picture starts in the past; a running one would step back and play old packets in a burst.
            is_dark = rewriter.source == NO_SOURCE
            if is_dark and now_ms - layer.stream.last_arrival_ms < REPLAY_FRESH_MS:
                layer.fanout.replay(leg, now_ms)
            if is_dark and rewriter.target == NO_SOURCE:
                self._starts.cached += 1
            elif is_dark:
                self._starts.asked += 1
            if rewriter.target != NO_SOURCE:
                self._want_keyframe(slot, layer, now_ms)
        publication.route()

    def _want_keyframe(self, slot: Slot, layer: Layer, now_ms: float) -> None:
        if layer.stream.keyframes.is_wanted or slot.keyframes.allows(
            now_ms
        ):  # one that is due costs nothing more
            self._on_want_keyframe(layer, now_ms)

    # Reports

    def _rtcp(self, datagram: bytes, now_ns: int) -> None:
        now_ms = now_ns / 1_000_000
        if now_ms - self._heard_ms > AWAY_MS:
            self._came_back(now_ms)
        self._heard_ms = now_ms
        for message in rtcp.parse(datagram):
            if isinstance(message, rtcp.Nack):
                self._repair(message, now_ms)
            elif isinstance(message, rtcp.KeyframeRequest):
                self._keyframe(message.ssrc, now_ms)
            elif isinstance(message, rtcp.ReceiverReport | rtcp.SenderReport):
                self._reported(message.blocks, now_ms)
            elif isinstance(message, rtcp.Remb):
                self.estimate.remb(message.bitrate_bps, self.sent_bps, now_ms)
            elif isinstance(message, TransportFeedback):
                self._acknowledged(message, now_ms)

    def _came_back(self, now_ms: float) -> None:
        """Every running picture begins anew with a whole one."""
        for slot in self.slots:
            if slot.leg is None or slot.publication is None or not slot.publication.is_flowing:
                continue
            layer = slot.publication.layer_of(slot.leg.rewriter.source)
            if layer is not None and slot.publication.is_video:
                self._want_keyframe(slot, layer, now_ms)

    def _acknowledged(self, message: TransportFeedback, now_ms: float) -> None:
        history = self.transport.history
        if history is None:
            return
        is_less = self.estimate.feedback(message, history, now_ms, self.rtt_ms)
        self._pace.update(self.sent_bps)
        if is_less:
            self.choose_layers(now_ms)  # a queue grows now: half a second later it is half a second long

    def tick(self, now_ms: float) -> bool:
        """With the room's clock: repeat what was wished for early or must not be lost, probe for a better picture.

        True while there is something to do with every step.
        """
        self._repairs.tick(now_ms)
        self._copies.tick(self.slots, now_ms)
        history = self.transport.history
        if history is not None and (self._prober.is_running or self.estimate.is_live):
            needed_bps = None if self._next_bps is None else self._next_bps - self.estimate.voices_bps
            self._prober.tick(needed_bps, self.slots, history, now_ms)
        return self._prober.is_running or self._repairs.are_wished or self._copies.is_copying

    def _repair(self, request: rtcp.Nack, now_ms: float) -> None:
        slot = self._by_ssrc.get(request.ssrc)
        if self._repairs.accepts(len(request.sequences)) and slot is not None:
            self._repairs.answer(slot, request.sequences, now_ms)

    def _keyframe(self, ssrc: int, now_ms: float) -> None:
        slot = self._by_ssrc.get(ssrc)
        if slot is None or slot.leg is None or slot.publication is None:
            return
        slot.keyframes_heard += 1
        layer = slot.publication.layer_of(slot.leg.rewriter.source)
        if layer is not None and slot.publication.is_flowing:
            self._want_keyframe(slot, layer, now_ms)

    def _reported(self, blocks: tuple[rtcp.ReportBlock, ...], now_ms: float) -> None:
        for block in blocks:
            slot = self._by_ssrc.get(block.ssrc)
            if slot is None:
                continue
            slot.highest = block.highest_sequence & 0xFFFF
            slot.loss_ratio += (block.fraction_lost - slot.loss_ratio) * LOSS_SMOOTHING
            if slot.round_trip.returned(block.last_report, block.delay, now_ms) is not None:
                self.rtt_ms = slot.limiter.rtt_ms = slot.round_trip.rtt_ms or 0.0

    def report(self, now_ms: float) -> None:
        """Once a second: sender reports, so that lips stay in step, and the loss estimate."""
        octets = lost = packets = 0.0
        dropped, reports = 0, list[bytes]()
        for slot in self.slots:
            leg, publication = slot.leg, slot.publication
            if leg is None or publication is None or not leg.is_live:
                continue
            octets += leg.rewriter.octets_sent
            dropped += leg.dropped
            # Weighted by packets, or seven whole voices would hide one broken picture.
            sent_packets = max(0, leg.rewriter.packets_sent - slot.packets_before)
            slot.packets_before = leg.rewriter.packets_sent
            lost += slot.loss_ratio * sent_packets
            packets += sent_packets
            reports.append(self._report_of(slot, leg, publication, now_ms))
        self.transport.send_reports(reports)
        media_bps = max(0.0, octets - self._octets_before) * 8.0 / self._settings.remb_interval_s
        again_bytes = self._repairs.sent_bytes + self._copies.sent_bytes
        self.sent_bps = media_bps + again_bytes * 8.0 / self._settings.remb_interval_s
        self._octets_before = int(octets)
        self._repairs.begin(media_bps)
        self._copies.begin(media_bps)
        self.loss_ratio = lost / packets if packets else None
        congested, self._dropped_before = dropped > self._dropped_before, dropped
        loss_ratio = self.loss_ratio or 0.0
        self.estimate.voices_bps = sum(s.rate.bits_per_second for s in self.slots if s.kind == "audio")
        history = self.transport.history
        self.estimate.report(loss_ratio, self.sent_bps, history, is_congested=congested, now_ms=now_ms)
        self._pace.update(self.sent_bps)

    def _report_of(self, slot: Slot, leg: Leg, publication: Publication, now_ms: float) -> bytes:
        layer = publication.layer_of(leg.rewriter.source)
        now = layer.stream.clock.now(now_ms) if layer is not None else None
        timestamp = leg.rewriter.timestamp_of(now[1]) if now is not None else None
        if now is None or timestamp is None:
            return b""
        report = rtcp.build_sender_report(
            slot.ssrc,
            ntp=now[0],
            rtp_timestamp=timestamp,
            packets=leg.rewriter.packets_sent,
            octets=leg.rewriter.octets_sent,
        )
        slot.round_trip.sent(now[0], now_ms)
        return report + rtcp.build_cname(slot.ssrc, publication.identity)
