"""Measures one room once a second, from counters its streams keep anyway: nothing here is done per packet."""

from dataclasses import dataclass, field
from typing import Final

from signaling.events import ConnectionState
from signaling.publishing.publication import Layer, Publication
from signaling.residence import CountsForwarded, ResidenceMeter
from signaling.rooms.measures import (
    PersonMeasures,
    PersonTotals,
    PublishedTrack,
    ReceivedLayer,
    RoomMeasures,
    WatchedTrack,
)
from signaling.rooms.participant import Participant
from signaling.rooms.room import Room
from signaling.rtp.histogram import Histogram, RecentSpread, Spread
from signaling.rtp.rewriter import NO_SOURCE
from signaling.traffic import Traffic
from signaling.watching.slot import Slot

MAX_PEOPLE: Final = 256  # remembered after they left; beyond it the one who came first is forgotten


@dataclass(slots=True)
class _Account:
    """What has been added up for one person."""

    traffic: Traffic = field(default_factory=Traffic)
    state_ms: dict[ConnectionState, float] = field(default_factory=dict)
    worst_rtt_ms: float | None = None

    def frozen(self, identity: str) -> PersonTotals:
        def seconds(state: ConnectionState) -> float:
            return round(self.state_ms.get(state, 0.0) / 1000, 1)

        return PersonTotals(
            identity=identity,
            traffic=self.traffic.copy(),
            present_s=round(sum(self.state_ms.values()) / 1000, 1),
            weak_s=seconds(ConnectionState.WEAK),
            silent_s=seconds(ConnectionState.SILENT),
            lost_s=seconds(ConnectionState.LOST),
            worst_rtt_ms=self.worst_rtt_ms,
        )


class RoomMeter:
    """Keeps what one room adds up to; `traffic` of the whole engine is fed alongside."""

    def __init__(self, room: Room, step: CountsForwarded, everywhere: Traffic, now_ms: float) -> None:
        self.residence = Histogram()
        self.traffic = Traffic()
        self._room = room
        self._clock = ResidenceMeter(self.residence, step)
        self._everywhere = everywhere
        self._opened_ms = self._sampled_ms = now_ms
        self._accounts: dict[str, _Account] = {}
        self._before: dict[object, Traffic] = {}  # a stream's counters at the last sample
        self._recent = RecentSpread(now_ms)

    def sample(self, now_ms: float) -> None:
        """Take what grew since the last time. Before the connections are judged: rates are of now."""
        elapsed_ms, self._sampled_ms = now_ms - self._sampled_ms, now_ms
        seen: dict[object, Traffic] = {}
        for participant in self._room.participants.values():
            account = self._account(participant.identity)
            account.state_ms[participant.state] = account.state_ms.get(participant.state, 0.0) + elapsed_ms
            rtt_ms = participant.facts.rtt_ms
            if rtt_ms is not None and rtt_ms > (account.worst_rtt_ms or 0.0):
                account.worst_rtt_ms = round(rtt_ms, 1)
            person = Traffic()
            for source, totals in self._streams(participant, now_ms):
                before = self._before.get(source)
                person.add(totals if before is None else totals.since(before))
                seen[source] = totals
            for sum_of in (account.traffic, self.traffic, self._everywhere):
                sum_of.add(person)
        self._before = seen
        self._recent.note(self.residence.spread(), now_ms)

    def _account(self, identity: str) -> _Account:
        if identity not in self._accounts and len(self._accounts) >= MAX_PEOPLE:
            del self._accounts[next(iter(self._accounts))]
        return self._accounts.setdefault(identity, _Account())

    def _streams(self, participant: Participant, now_ms: float) -> list[tuple[object, Traffic]]:
        """(what counts, its counters of now) of everything a person sends and is sent."""
        found: list[tuple[object, Traffic]] = []
        if participant.publisher is not None:
            transport = participant.publisher.transport
            if transport.line is not None:
                transport.line.stayed(self.residence)  # every packet, timed by the thread
            else:
                transport.agent.meter = self._clock
        for publication in participant.publications.values():
            for layer in publication.layers.values():
                stream = layer.stream
                stream.rate.sample(stream.reception.bytes, stream.reception.received, now_ms)
                found.append((layer, _arrived(layer)))
        for slot in participant.viewer.slots if participant.viewer is not None else ():
            if slot.leg is not None:
                rewriter = slot.leg.rewriter
                slot.rate.sample(rewriter.octets_sent, rewriter.packets_sent, now_ms)
                found.append((slot.leg, _sent(slot)))
        return found

    @property
    def residence_recent(self) -> Spread:
        """The last minute or so."""
        return self._recent.of(self.residence.spread())

    def measures(self, now_ms: float) -> RoomMeasures:
        """Everything, as it is now."""
        return RoomMeasures(
            room=self._room.name,
            open_s=round((now_ms - self._opened_ms) / 1000, 1),
            held=self._room.held,
            residence=self.residence.spread(),
            residence_recent=self.residence_recent,
            traffic=self.traffic.copy(),
            people=tuple(_person(each) for each in self._room.participants.values()),
            totals=tuple(account.frozen(identity) for identity, account in self._accounts.items()),
        )


def _arrived(layer: Layer) -> Traffic:
    stream = layer.stream
    return Traffic(
        packets_in=stream.reception.received,
        bytes_in=stream.reception.bytes,
        nacks_asked=stream.losses.asked,
        recovered=stream.losses.recovered,
        given_up=stream.losses.given_up,
        keyframes_asked=stream.keyframes.requests,
    )


def _sent(slot: Slot) -> Traffic:
    leg = slot.leg
    if leg is None:
        return Traffic()
    return Traffic(
        packets_out=leg.rewriter.packets_sent,
        bytes_out=leg.rewriter.octets_sent,
        nacks_heard=slot.nacks_heard,
        repairs_sent=slot.repairs_sent,
        keyframes_heard=slot.keyframes_heard,
        congested=leg.dropped,
    )


def _person(participant: Participant) -> PersonMeasures:
    viewer = participant.viewer
    return PersonMeasures(
        identity=participant.identity,
        state=participant.state,
        facts=participant.facts,
        down_estimate_bps=int(viewer.estimate.limit_bps) if viewer is not None else 0,
        published=tuple(_published(each) for each in participant.publications.values()),
        watched=tuple(
            _watched(slot, slot.publication)
            for slot in (viewer.slots if viewer is not None else ())
            if slot.publication is not None
        ),
    )


def _published(publication: Publication) -> PublishedTrack:
    return PublishedTrack(
        source=publication.source,
        kind=publication.kind,
        codec=publication.codec,
        flows=publication.is_flowing,
        layers=tuple(_received(layer) for layer in publication.layers.values()),
    )


def _received(layer: Layer) -> ReceivedLayer:
    stream = layer.stream
    return ReceivedLayer(
        rid=layer.rid,
        height_px=stream.height_px,
        bps=int(stream.rate.bits_per_second),
        packets=stream.reception.received,
        loss_ratio=round(stream.loss_ratio, 4),
        jitter_ms=round(stream.jitter.milliseconds, 2),
        nacks_asked=stream.losses.asked,
        recovered=stream.losses.recovered,
        given_up=stream.losses.given_up,
        keyframes_asked=stream.keyframes.requests,
    )


def _watched(slot: Slot, publication: Publication) -> WatchedTrack:
    leg = slot.leg
    source = leg.rewriter.source if leg is not None else NO_SOURCE
    layer = publication.layer_of(source)
    rtt_ms = slot.round_trip.rtt_ms
    return WatchedTrack(
        identity=publication.identity,
        source=publication.source,
        kind=publication.kind,
        sending=leg is not None and leg.is_live and publication.is_flowing and layer is not None,
        rid=layer.rid if layer is not None else None,
        height_px=layer.stream.height_px if layer is not None else 0,
        bps=int(slot.rate.bits_per_second),
        packets=leg.rewriter.packets_sent if leg is not None else 0,
        loss_ratio=round(slot.loss_ratio, 4),
        rtt_ms=round(rtt_ms, 1) if rtt_ms is not None else None,
        nacks_heard=slot.nacks_heard,
        repairs_sent=slot.repairs_sent,
        keyframes_heard=slot.keyframes_heard,
        congested=leg.dropped if leg is not None else 0,
    )
