"""The sending connection of one participant: finds the layer of every packet, repairs losses, reports back."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from signaling.gateway import Gateway
from signaling.negotiation import AcceptedSection, write_answer
from signaling.publishing.publication import Layer, Publication
from signaling.rtp import extensions, rtcp
from signaling.rtp.arrivals import ArrivalLog, FeedbackWriter, NumberReader
from signaling.rtp.cache import unwrap_rtx
from signaling.rtp.clock import RoundTrip
from signaling.rtp.extensions import ExtensionIds
from signaling.rtp.header import RtpHeader, parse_header
from signaling.rtp.rates import LossEstimate
from signaling.sdp import Description
from signaling.transport import Transport

MAX_STREAMS: Final = 32  # SSRCs remembered per connection, RTX included; the oldest is forgotten
NEW_STREAMS_PER_S: Final = (
    50  # resolving an unknown SSRC costs a header walk: bounded against a hostile sender
)
LOSS_SMOOTHING: Final = 0.3  # three reports: one burst does not make a line weak
# A rotating SSRC starts a track in every recording. Sources come and go a few times a minute at most.
NEW_LAYERS_PER_MINUTE: Final = 60
SENDER_REPORT_SPACING_MS: Final = (
    50.0  # per stream; browsers send one a second, each is written to the recording
)
# A line that loses this much loses the request as often: said twice, one of two is heard, and a browser that hears both
# answers once (it repeats no packet within a round trip). A request is a few octets.
ASKED_TWICE_LOSS: Final = 0.05
_SECOND_NS: Final = 1_000_000_000


class Publisher:
    """Owns one transport. `layer_started` is called when the first packet of a layer names its SSRC.

    `before` is the one it takes the place of.
    """

    def __init__(
        self,
        gateway: Gateway,
        on_state: Callable[[], None],
        layer_started: Callable[[Layer, int], None],
        before: "Publisher | None" = None,
    ) -> None:
        settings = gateway.settings
        self._layer_started = layer_started
        self._sections: dict[str, AcceptedSection] = {}
        self._publications: dict[str, Publication] = {}  # by mid
        self._ids = ExtensionIds()
        self._media: dict[int, Layer] = {}
        self._repair: dict[int, Layer] = {}
        # Browsers name a stream (mid, rid) only in its first packets: what they said is kept, so that a source that
        # is published again on the same connection is found again.
        self._names: dict[int, tuple[str, str | None]] = {}
        self._window_ns = 0
        self._window_count = 0
        # Whoever connects anew all the time starts no more tracks in a record than who stays.
        self._minute_ns: int = before._minute_ns if before is not None else 0
        self._minute_layers: int = before._minute_layers if before is not None else 0
        self.unknown = 0
        self.loss_ratio: float | None = None
        self._round_trip = RoundTrip()
        self._max_bps = settings.publisher_max_bps
        self.estimate = LossEstimate(
            start_bps=settings.publisher_start_bps,
            floor_bps=settings.publisher_min_bps,
            ceiling_bps=settings.publisher_max_bps,
        )
        self._is_told = False  # when its packets come, so that it finds its rate
        self._reader: tuple[NumberReader, ArrivalLog] | None = None  # only where Python reads the packets
        self._feedback = FeedbackWriter()
        self.transport = Transport(gateway, self._rtp, self._rtcp, on_state)

    @property
    def rtt_ms(self) -> float | None:
        """Round trip on the sending connection; None until the browser echoed our reference time (RFC 3611)."""
        return self._round_trip.rtt_ms

    def layers(self) -> Iterator[Layer]:
        for publication in self._publications.values():
            yield from publication.layers.values()

    def accept(
        self, offer: Description, sections: list[AcceptedSection], publications: Mapping[str, Publication]
    ) -> str:
        """Take the sections of an offer (mid -> publication) and answer. Streams of dropped sections are forgotten."""
        self._sections = {section.mid: section for section in sections}
        self._publications = dict(publications)
        uris: dict[str, int] = {}
        for section in sections:
            uris.update(section.extensions)
        self._ids = ExtensionIds.from_uris(uris)
        self._watch_numbers(self._ids.transport_cc)
        kept = {id(publications[section.mid]): section.rids or (None,) for section in sections}
        for table in (self._media, self._repair):
            for ssrc in [
                ssrc for ssrc, layer in table.items() if layer.rid not in kept.get(id(layer.publication), ())
            ]:
                del table[ssrc]
        return write_answer(offer, sections, self.transport.local())

    def _watch_numbers(self, extension_id: int) -> None:
        """The browser numbers its packets under this id (0: it does not) and wants to hear when they came."""
        log = self.transport.watch_numbers(extension_id)
        self._is_told = extension_id > 0
        self._reader = (NumberReader(extension_id), log) if log is not None and extension_id else None
        self._name_told()

    def _name_told(self) -> None:
        """Feedback names a stream of the connection; browsers look for one that has a picture."""
        picture = next((layer for layer in self.layers() if layer.publication.is_video), None)
        self.transport.tell_arrivals_of(picture.stream.ssrc if picture is not None else 0)

    def _rtp(self, packet: bytes, now_ns: int) -> None:
        if len(packet) < 12:
            return
        ssrc = int.from_bytes(packet[8:12], "big")
        if self._reader is not None:
            reader, log = self._reader
            number = reader.number(packet, ssrc)
            if number >= 0:
                log.record(number, now_ns)
        layer = self._media.get(ssrc)
        if layer is not None:
            layer.receive(packet, now_ns)
        else:
            self._receive_other(packet, ssrc, now_ns)

    def _receive_other(self, packet: bytes, ssrc: int, now_ns: int) -> None:
        """A retransmission, or a stream not seen before."""
        header = parse_header(packet)
        if header is None:
            return
        layer = self._repair.get(ssrc)
        if layer is None:
            if not self._may_resolve(now_ns):
                return
            layer = self._resolve(packet, header, now_ns)
            if layer is None:
                self.unknown += 1
                return
            if ssrc in self._media:
                layer.receive(packet, now_ns)
                return
        original = unwrap_rtx(packet, header, ssrc=layer.stream.ssrc, payload_type=layer.payload_type)
        if original is not None:
            layer.receive(original, now_ns)

    def _may_resolve(self, now_ns: int) -> bool:
        if now_ns - self._window_ns > _SECOND_NS:
            self._window_ns, self._window_count = now_ns, 0
        self._window_count += 1
        return self._window_count <= NEW_STREAMS_PER_S

    def _may_start(self, now_ns: int) -> bool:
        if now_ns - self._minute_ns > 60 * _SECOND_NS:
            self._minute_ns, self._minute_layers = now_ns, 0
        self._minute_layers += 1
        return self._minute_layers <= NEW_LAYERS_PER_MINUTE

    def _resolve(self, packet: bytes, header: RtpHeader, now_ns: int) -> Layer | None:
        """Find out by mid, rid, SSRC or payload type which layer an unknown SSRC belongs to (RFC 8843 9.2)."""
        section = self._section_of(packet, header)
        publication = self._publications.get(section.mid) if section is not None else None
        if section is None or publication is None:
            return None
        if header.payload_type in (section.payload_type, section.red_payload_type):
            if not self._may_start(now_ns):
                return None
            rid = self._rid_of(packet, header, self._ids.rid) if section.rids else None
            if section.rids and rid not in section.rids:
                return None
            self._name(header.ssrc, section.mid, rid)
            return self._new_layer(publication, section, header.ssrc, rid, now_ns)
        if header.payload_type != section.rtx_payload_type:
            return None
        layer = self._repaired_layer(packet, header, section, publication)
        if layer is not None:
            self._name(header.ssrc, section.mid, layer.rid)
            self._remember(self._repair, header.ssrc, layer)
        return layer

    def _rid_of(self, packet: bytes, header: RtpHeader, extension_id: int) -> str | None:
        rid = extensions.text(packet, header, extension_id)
        return rid if rid is not None else self._names.get(header.ssrc, ("", None))[1]

    def _name(self, ssrc: int, mid: str, rid: str | None) -> None:
        self._names[ssrc] = (mid, rid)
        while len(self._names) > MAX_STREAMS:
            del self._names[next(iter(self._names))]

    def _section_of(self, packet: bytes, header: RtpHeader) -> AcceptedSection | None:
        mid = extensions.text(packet, header, self._ids.mid)
        if mid is None and header.ssrc in self._names:
            mid = self._names[header.ssrc][0]
        if mid is not None:
            return self._sections.get(mid)
        sections = list(self._sections.values())
        found = [each for each in sections if header.ssrc in each.ssrcs or header.ssrc in each.rtx_of]
        if not found:
            known = (header.payload_type,)
            found = [
                each for each in sections if each.payload_type in known or each.rtx_payload_type in known
            ]
        return found[0] if len(found) == 1 else None

    def _repaired_layer(
        self, packet: bytes, header: RtpHeader, section: AcceptedSection, publication: Publication
    ) -> Layer | None:
        if section.rids:
            return publication.layers.get(self._rid_of(packet, header, self._ids.repaired_rid))
        media = section.rtx_of.get(header.ssrc)
        return self._media.get(media) if media is not None else publication.layers.get(None)

    def _new_layer(
        self, publication: Publication, section: AcceptedSection, ssrc: int, rid: str | None, now_ns: int
    ) -> Layer:
        layer = Layer(publication, section, ssrc, rid, self.transport)
        for table in (self._media, self._repair):
            for old in [
                old for old, each in table.items() if each.publication is publication and each.rid == rid
            ]:
                del table[old]
        self._remember(self._media, ssrc, layer)
        self._layer_started(layer, now_ns)
        self._name_told()
        if publication.is_video:
            self.send_remb()  # at once: the stock estimate would start at 300 kbit/s
        return layer

    def _remember(self, table: dict[int, Layer], ssrc: int, layer: Layer) -> None:
        table[ssrc] = layer
        while len(table) > MAX_STREAMS:
            del table[next(iter(table))]

    def _rtcp(self, datagram: bytes, now_ns: int) -> None:
        now_ms = now_ns / 1_000_000
        for message in rtcp.parse(datagram):
            if isinstance(message, rtcp.SenderReport):
                layer = self._media.get(message.ssrc)
                if layer is None:
                    continue
                if now_ms - layer.stream.clock.arrival_ms < SENDER_REPORT_SPACING_MS:
                    continue
                layer.stream.clock.report(message.ntp, message.rtp_timestamp, now_ms)
                layer.fanout.catch_up()
                for sink in layer.sinks:
                    sink.sender_report(layer.track.track_id, message.ntp, message.rtp_timestamp, now_ns)
            elif isinstance(message, rtcp.ReferenceEcho) and message.ssrc == self.transport.feedback_ssrc:
                self._round_trip.returned(message.last_reference, message.delay, now_ms)

    def acknowledge(self) -> None:
        """Every 100 ms: tell the browser when its packets came. The native thread does so by itself."""
        if self._reader is None:
            return
        arrivals = self._reader[1].take()
        picture = next((layer for layer in self.layers() if layer.publication.is_video), None)
        if picture is None:
            return
        ours, theirs = self.transport.feedback_ssrc, picture.stream.ssrc
        for message in self._feedback.write(arrivals, ours, theirs):
            self.transport.send_rtcp(message)

    def repair(self, now_ms: float) -> bool:
        """With each step of the clock: ask for what is missing, and for key frames somebody waits for.

        True while there is something to ask for.
        """
        is_asking = False
        for layer in self.layers():
            stream = layer.stream
            if not stream.is_troubled and not stream.keyframes.is_wanted:
                continue
            is_asking = True
            if layer.has_ceased:
                # Repeats of it would take more of the room it was left out for; it begins with a key frame.
                stream.losses.forget()
                continue
            if stream.losses.pending:
                missing = stream.losses.due(now_ms)
                if missing:
                    request = rtcp.build_nack(self.transport.feedback_ssrc, stream.ssrc, missing)
                    self.transport.send_rtcp(request)
                    if stream.loss_ratio >= ASKED_TWICE_LOSS:
                        self.transport.send_rtcp(request)
            if stream.losses.needs_keyframe:
                stream.losses.needs_keyframe = False
                if not layer.publication.is_video:
                    continue
                if layer.fanout.legs or layer.sinks:
                    self.want_keyframe(layer, now_ms)
            elif stream.keyframes.is_wanted and stream.keyframes.due(now_ms, stream.losses.rtt_ms):
                self._send_pli(layer)
        return is_asking

    def want_keyframe(self, layer: Layer, now_ms: float) -> None:
        """Somebody cannot decode this layer; asked at most once per interval."""
        if not layer.publication.is_video or layer.rest.is_off:
            return  # one that rests is asked for first, and brings one
        if layer.stream.keyframes.want(now_ms, layer.stream.losses.rtt_ms):
            self._send_pli(layer)

    def _send_pli(self, layer: Layer) -> None:
        request = rtcp.build_pli(self.transport.feedback_ssrc, layer.stream.ssrc)
        self.transport.send_rtcp(request)
        if layer.stream.loss_ratio >= ASKED_TWICE_LOSS:
            self.transport.send_rtcp(request)

    def report(self, now_ms: float, rtt_ms: float | None) -> None:
        """Once a second: receiver report, loss facts, bandwidth estimate. `rtt_ms` (of the other
        connection of the same person) paces the requests for repair until this one's own is known."""
        rtt_ms = self.rtt_ms if self.rtt_ms is not None else rtt_ms
        self._name_told()
        blocks = []
        weighted = packets = rate = 0.0
        for layer in self.layers():
            if rtt_ms is not None:
                layer.stream.losses.rtt_ms = rtt_ms
            if layer.has_ceased:
                layer.stream.losses.forget()
            layer.stream.trusts_repeats = all(
                leg.rewriter.redundancy is not None for leg in layer.publication.legs if leg.is_live
            )
            pace = layer.stream.rate.packets_per_second
            block = layer.stream.report_block(now_ms)
            blocks.append(block)
            weighted += block.fraction_lost * pace
            packets += pace
            if layer.publication.is_video:
                rate += layer.stream.rate.bits_per_second
        if not blocks:
            return
        if packets:
            lost = weighted / packets
            before = self.loss_ratio or 0.0
            self.loss_ratio = before + (lost - before) * LOSS_SMOOTHING
            self.estimate.report(lost, rate)
        # The reference time is only compared with itself, so our monotonic clock serves: it never steps.
        ours, reference = self.transport.feedback_ssrc, int(now_ms / 1000 * (1 << 32))
        self._round_trip.sent(reference, now_ms)
        report = rtcp.build_receiver_report(ours, blocks)
        self.transport.send_rtcp(report + rtcp.build_reference_time(ours, reference))
        self.send_remb()

    def send_remb(self) -> None:
        ssrcs = [layer.stream.ssrc for layer in self.layers() if layer.publication.is_video]
        if ssrcs:
            # With our feedback the browser estimates by itself, delay included; a cap by losses would only double it.
            limit_bps = self._max_bps if self._is_told else int(self.estimate.limit_bps)
            self.transport.send_rtcp(rtcp.build_remb(self.transport.feedback_ssrc, limit_bps, ssrcs))
