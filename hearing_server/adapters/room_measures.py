"""The media floor's measures in words of the court: for `/metrics`, for support, for the judge's list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hearing_server.kernel import HearingId, PersonId
from hearing_server.ports.measures import Measure
from hearing_server.ports.media import PathFacts
from hearing_server.ports.room_media import (
    ArrivingLayer,
    Delays,
    PersonMedia,
    PersonSum,
    RoomMedia,
    SentTrack,
    ShownTrack,
)
from signaling.engine import EngineStats
from signaling.events import ConnectionFacts, ConnectionState
from signaling.rooms.measures import PersonMeasures, PersonTotals, PublishedTrack, RoomMeasures, WatchedTrack
from signaling.rtp.histogram import Spread

_TRAFFIC = {
    "packets_in": ("hearing_received_packets", "RTP packets from publishers"),
    "bytes_in": ("hearing_received_bytes", "Bytes of RTP from publishers"),
    "packets_out": ("hearing_sent_packets", "RTP packets to viewers, repairs not counted"),
    "bytes_out": ("hearing_sent_bytes", "Payload bytes to viewers, repairs not counted"),
    "nacks_asked": ("hearing_nacks_asked", "Packets asked of publishers again"),
    "recovered": ("hearing_recovered_packets", "Missing packets that came after all"),
    "given_up": ("hearing_given_up_packets", "Missing packets that never came"),
    "keyframes_asked": ("hearing_keyframes_asked", "Key frames asked of publishers"),
    "nacks_heard": ("hearing_nacks_heard", "Packets viewers asked for again"),
    "repairs_sent": ("hearing_repairs_sent", "Packets sent to viewers again"),
    "keyframes_heard": ("hearing_keyframes_heard", "Picture losses reported by viewers"),
    "congested": ("hearing_congested_packets", "Packets dropped at a full send buffer"),
}


def node_measures(stats: EngineStats) -> list[Measure]:
    """Everything of one media engine, with labels whose values are a fixed few."""
    return [
        Measure("hearing_rooms", "Rooms open on this node", stats.rooms),
        Measure("hearing_seats", "People seated in rooms", stats.participants),
        Measure("hearing_transports", "Media transports", stats.transports),
        Measure("hearing_forwarded_packets", "Packets forwarded", stats.forwarded_packets, is_total=True),
        Measure("hearing_failed_packets", "Packets not sent", stats.failed_packets, is_total=True),
        Measure("hearing_native_forwarding", "1: the C thread forwards; 0: Python does", int(stats.is_native)),
        Measure("hearing_media_ring_dropped", "Packets forwarded but too many to be recorded", stats.ring_dropped,
                is_total=True),
        Measure("hearing_picture_starts", "Newcomers' pictures that began from the cache, or waited for a key frame",
                stats.starts.cached, is_total=True, part=("from", "cache")),
        Measure("hearing_picture_starts", "Newcomers' pictures that began from the cache, or waited for a key frame",
                stats.starts.asked, is_total=True, part=("from", "request")),
        Measure("hearing_room_events_dropped", "Room events dropped", stats.events_dropped, is_total=True),
        *(
            Measure("hearing_dropped_datagrams", "Datagrams thrown away", count, is_total=True, part=("reason", why))
            for why, count in sorted(stats.dropped.items())
        ),
        *(
            Measure("hearing_seats_by_connection", "Seats by the state of their path", stats.people.get(state.value, 0),
                    part=("connection", state.value))
            for state in ConnectionState
        ),
        *(
            Measure(name, text, getattr(stats.traffic, counter), is_total=True)
            for counter, (name, text) in _TRAFFIC.items()
        ),
        Measure(
            "hearing_residence_seconds",
            "Timed packets, from the kernel's arrival stamp to the last viewer's send",
            stats.residence.sum_ns / 1e9,
            buckets=tuple(stats.residence.cumulative()),
            count=stats.residence.total,
        ),
        Measure(
            "hearing_worst_room_residence_seconds",
            "99th percentile of the last minute in the room where it is highest",
            (stats.worst_room_ms or 0.0) / 1000,
        ),
    ]  # fmt: skip


def hearing_measures(rooms: Iterable[RoomMedia]) -> list[Measure]:
    """Per hearing: one series each while its room is open. Only behind the setting: ids become labels."""
    found = []
    for room in rooms:
        part = ("hearing", str(room.hearing_id))
        people = room.people
        figures = {
            "seats": ("People seated", len(people)),
            "weak_seats": (
                "Seats that are not well connected",
                sum(p.connection != "connected" for p in people),
            ),
            "up_bps": ("Bits per second from publishers", sum(p.up_bps for p in people)),
            "down_bps": ("Bits per second to viewers", sum(p.down_bps for p in people)),
            "worst_loss_ratio": ("Loss of the worst direction", max(_losses(people), default=0.0)),
            "worst_rtt_seconds": (
                "Round trip of the farthest",
                max((p.rtt_ms or 0 for p in people), default=0) / 1000,
            ),
            "residence_seconds": (
                "99th percentile of the last minute",
                (room.delays_recent.p99_ms or 0.0) / 1000,
            ),
        }
        found += [
            Measure(f"hearing_room_{name}", text, value, part=part) for name, (text, value) in figures.items()
        ]
    return found  # fmt: skip


def _losses(people: Sequence[PersonMedia]) -> list[float]:
    return [loss for person in people for loss in (person.loss_up, person.loss_down) if loss is not None]


def path_facts(facts: ConnectionFacts) -> PathFacts:
    """The judge's list speaks in whole milliseconds, tenths of a percent and kilobits."""
    return PathFacts(
        rtt_ms=_whole(facts.rtt_ms),
        loss_permille=_permille(facts.loss_ratio),
        transport=facts.transport,
        jitter_ms=_whole(facts.jitter_ms),
        loss_up_permille=_permille(facts.loss_up_ratio),
        loss_down_permille=_permille(facts.loss_down_ratio),
        up_kbps=round(facts.up_bps / 1000),
        down_kbps=round(facts.down_bps / 1000),
        up_height_px=facts.up_height_px,
        down_height_px=facts.down_height_px,
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _permille(ratio: float | None) -> int | None:
    return None if ratio is None else round(ratio * 1000)


def room_media(measures: RoomMeasures) -> RoomMedia:
    """A room's measures as the court's ports know them."""
    return RoomMedia(
        hearing_id=HearingId(measures.room),
        open_s=measures.open_s,
        held=measures.held,
        delays=_delays(measures.residence),
        delays_recent=_delays(measures.residence_recent),
        people=tuple(_person(each) for each in measures.people),
        totals=tuple(_sum(each) for each in measures.totals),
    )


def _delays(spread: Spread) -> Delays:
    def at(share: float) -> float | None:
        found = spread.quantile_ms(share)
        return None if found is None else round(found, 3)

    return Delays(timed=spread.total, p50_ms=at(0.5), p99_ms=at(0.99), p999_ms=at(0.999))


def _person(person: PersonMeasures) -> PersonMedia:
    facts = person.facts
    return PersonMedia(
        person_id=PersonId(person.identity),
        connection=person.state.value,
        transport=facts.transport,
        rtt_ms=facts.rtt_ms,
        jitter_ms=facts.jitter_ms,
        loss_up=facts.loss_up_ratio,
        loss_down=facts.loss_down_ratio,
        up_bps=facts.up_bps,
        down_bps=facts.down_bps,
        down_estimate_bps=person.down_estimate_bps,
        sends=tuple(_sent(track) for track in person.published),
        is_sent=tuple(_shown(track) for track in person.watched),
    )


def _sent(track: PublishedTrack) -> SentTrack:
    return SentTrack(
        source=track.source,
        kind=track.kind,
        codec=track.codec,
        flows=track.flows,
        layers=tuple(
            ArrivingLayer(
                layer=layer.rid,
                height_px=layer.height_px,
                bps=layer.bps,
                packets=layer.packets,
                loss=layer.loss_ratio,
                jitter_ms=layer.jitter_ms,
                nacks_asked=layer.nacks_asked,
                recovered=layer.recovered,
                given_up=layer.given_up,
                keyframes_asked=layer.keyframes_asked,
            )
            for layer in track.layers
        ),
    )


def _shown(track: WatchedTrack) -> ShownTrack:
    return ShownTrack(
        person_id=PersonId(track.identity),
        source=track.source,
        kind=track.kind,
        sending=track.sending,
        layer=track.rid,
        height_px=track.height_px,
        bps=track.bps,
        packets=track.packets,
        loss=track.loss_ratio,
        rtt_ms=track.rtt_ms,
        nacks_heard=track.nacks_heard,
        repairs_sent=track.repairs_sent,
        keyframes_heard=track.keyframes_heard,
        congested=track.congested,
    )


def _sum(totals: PersonTotals) -> PersonSum:
    traffic = totals.traffic
    return PersonSum(
        person_id=PersonId(totals.identity),
        present_s=totals.present_s,
        weak_s=totals.weak_s,
        silent_s=totals.silent_s,
        lost_s=totals.lost_s,
        worst_rtt_ms=totals.worst_rtt_ms,
        packets_in=traffic.packets_in,
        bytes_in=traffic.bytes_in,
        nacks_asked=traffic.nacks_asked,
        recovered=traffic.recovered,
        given_up=traffic.given_up,
        packets_out=traffic.packets_out,
        bytes_out=traffic.bytes_out,
        nacks_heard=traffic.nacks_heard,
        repairs_sent=traffic.repairs_sent,
        keyframes_heard=traffic.keyframes_heard,
        congested=traffic.congested,
    )
