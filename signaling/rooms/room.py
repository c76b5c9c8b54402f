"""One room: who sits in it, what they publish, who may hear it. Rights are the routing table, nothing else."""

import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from signaling import events
from signaling.errors import SignalingError
from signaling.forwarder import ForwardStep
from signaling.gateway import Gateway
from signaling.grants import JoinGrant
from signaling.negotiation import AcceptedSection, accept
from signaling.publishing.publication import Layer, Publication
from signaling.publishing.publisher import Publisher
from signaling.rooms.attention import Attention
from signaling.rooms.floor import Floor
from signaling.rooms.participant import Participant
from signaling.rooms.room_demand import RoomDemand
from signaling.rooms.room_sinks import RoomSinks
from signaling.rooms.rounds import Rounds
from signaling.rtp.speaker import SpeakerDetector
from signaling.sdp import Description, parse
from signaling.sink import PacketSink
from signaling.watching.showing import Showing
from signaling.watching.viewer import Viewer

logger = logging.getLogger(__name__)


def _now_ms() -> float:
    return time.monotonic_ns() / 1_000_000


class Room:
    """Knows identities and grants, not judges. Everything runs on one event loop."""

    def __init__(
        self,
        name: str,
        gateway: Gateway,
        step: ForwardStep,
        *,
        emit: Callable[[events.RoomEvent], None],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.name = name
        self.participants: dict[str, Participant] = {}  # by identity
        self.removed: set[str] = set()
        self.court_mutes: set[tuple[str, str]] = set()  # (identity, source); outlives publications and seats
        self.self_mutes: set[tuple[str, str]] = set()
        self.held = False
        self._is_closing = False
        self.speakers: SpeakerDetector[str] = SpeakerDetector()
        limits = gateway.settings
        self.attention = Attention(last_n=limits.last_n)
        self.floor = Floor(self.attention, self.speakers, self.participants, max_voices=limits.max_voices)
        self.sinks = RoomSinks(self.layers, self._silence_of)
        self.demand = RoomDemand(
            name,
            self.participants,
            self.sinks,
            pause_after_ms=limits.layer_pause_s * 1000,
            emit=emit,
            want_keyframe=self._want_keyframe,
        )
        self.rounds = Rounds(self.participants, self.demand, gateway.pulse.wake)
        self._gateway = gateway
        self._step = step
        self._emit = emit
        self._spawn = spawn

    # Seats

    def join(self, grant: JoinGrant) -> events.Joined:
        """Take a seat. The same identity with the same seat key takes its own seat again, at any time.

        With another key (a second device, a browser that died and was signed in anew) it takes a deserted seat only:
        nobody is thrown out of a living one.
        """
        if grant.identity in self.removed:
            raise SignalingError("seat.removed")
        sitting = self.participants.get(grant.identity)
        seat = f"seat_{secrets.token_urlsafe(12)}"
        if sitting is None:
            if len(self.participants) >= self._gateway.settings.max_participants:
                raise SignalingError("room.full")
            self.participants[grant.identity] = Participant(grant.identity, seat, grant)
            self._emit(events.ParticipantJoined(self.name, seat, grant.identity))
        else:
            is_same_browser = secrets.compare_digest(sitting.grant.seat_key, grant.seat_key)
            if not is_same_browser and not sitting.is_deserted:
                raise SignalingError("seat.taken")
            before, sitting.seat, sitting.grant = sitting.seat, seat, grant
            self._emit(events.SeatReplaced(self.name, before, seat))
            for source in [each for each in sitting.publications if each not in grant.may_publish]:
                self.unpublish(sitting, source, "right withdrawn")
        participant = self.participants[grant.identity]
        self.attention.seated(grant.identity, grant.standing)
        if sitting is not None:
            self.demand.say_again(participant)
        if grant.may_subscribe:
            self._open_viewer(participant)
        else:
            self._close_viewer(participant)
        return events.Joined(seat, grant.identity, self.name, self.snapshot())

    def _open_viewer(self, participant: Participant) -> None:
        if participant.viewer is not None:
            participant.viewer.showing.forget_told()
            participant.viewer.restart(_now_ms())
            return
        viewer = Viewer(
            self._gateway,
            self._step,
            on_state=lambda: self._viewer_state(participant),
            on_offer=lambda version, sdp, tracks: self._offered(participant, version, sdp, tracks),
            want_keyframe=self._want_keyframe,
            showing=Showing(
                self.attention,
                lambda *what: self._emit(events.PicturesChanged(self.name, participant.seat, *what)),
            ),
        )
        participant.viewer = viewer
        for other in self.participants.values():
            if other is not participant:
                for publication in other.publications.values():
                    viewer.attach(publication)
        viewer.negotiate(_now_ms())

    def _close_viewer(self, participant: Participant) -> None:
        viewer, participant.viewer = participant.viewer, None
        if viewer is not None:
            viewer.detach_all()
            self._spawn(viewer.transport.close())

    def leave(self, participant: Participant, reason: str) -> None:
        """Give the seat up and close its connections."""
        if self.participants.get(participant.identity) is not participant:
            return
        del self.participants[participant.identity]
        for source in list(participant.publications):
            self.unpublish(participant, source, reason)
        self._close_viewer(participant)
        self.self_mutes = {mute for mute in self.self_mutes if mute[0] != participant.identity}
        self.attention.left(participant.identity)
        self.demand.left(participant)
        self._emit(events.ParticipantLeft(self.name, participant.seat, participant.identity, reason))
        self._spawn(participant.close())

    def remove(self, identity: str, reason: str) -> None:
        """Cut at once; the identity gets no seat until it is readmitted."""
        self.removed.add(identity)
        participant = self.participants.get(identity)
        if participant is not None:
            self.leave(participant, reason)

    def close(self, reason: str) -> None:
        self._is_closing = True
        for participant in list(self.participants.values()):
            self.leave(participant, reason)
        self.sinks.clear()

    # Publishing

    def publish(self, participant: Participant, sdp: str, sources: Mapping[str, str]) -> str:
        """Answer a publisher's offer: first time, added tracks, ICE restart, or a fresh connection."""
        offer = parse(sdp)
        sections = accept(
            offer, sources, participant.grant.may_publish, accept_red=self._gateway.settings.accept_red
        )
        before = publisher = participant.publisher
        if publisher is not None and self._is_fresh(publisher, offer):
            self._forget_streams(participant)
            participant.publisher = None
            self._spawn(publisher.transport.close())
            publisher = None
        if publisher is None:
            publisher = participant.publisher = Publisher(
                self._gateway, on_state=lambda: None, layer_started=self._layer_started, before=before
            )
        elif publisher.transport.agent.remote_ufrag not in (None, offer.ufrag):
            publisher.transport.restart_ice()
        publications = self._publications_for(participant, sections)
        for section in sections:
            for layer in publications[section.mid].take_layers_beside(section.rids):
                self._end_layer(layer, "layer withdrawn")
        answer = publisher.accept(offer, sections, publications)
        publisher.transport.accept_remote(offer)
        self._negotiate_all()
        return answer

    def _is_fresh(self, publisher: Publisher, offer: Description) -> bool:
        transport = publisher.transport
        return transport.state in ("failed", "closed") or transport.fingerprint != offer.fingerprint

    def _forget_streams(self, participant: Participant) -> None:
        """The browser starts anew: its SSRCs and numbers mean nothing any more, the viewers' legs stay."""
        for publication in participant.publications.values():
            for layer in publication.layers.values():
                self._end_layer(layer, "reconnected")
            publication.layers.clear()
            self.demand.offered(participant, publication, publication.rids)
            for leg in publication.legs:
                leg.rewriter.forget_sources()

    def _publications_for(
        self, participant: Participant, sections: list[AcceptedSection]
    ) -> dict[str, Publication]:
        wanted = {section.source: section for section in sections}
        for source, publication in list(participant.publications.items()):
            if source not in wanted:
                self.unpublish(participant, source, "stopped")
            elif publication.codec != wanted[source].codec:
                self.unpublish(participant, source, "codec changed")
        found: dict[str, Publication] = {}
        for section in sections:
            known = participant.publications.get(section.source)
            if known is not None and known.rids != section.rids:
                self.demand.offered(participant, known, section.rids)
            found[section.mid] = known if known is not None else self._new_publication(participant, section)
        return found

    def _new_publication(self, participant: Participant, section: AcceptedSection) -> Publication:
        publication = Publication(
            participant.identity,
            section,
            self._step,
            self.speakers,
            keyframe_interval_ms=self._gateway.settings.keyframe_interval_s * 1000,
        )
        participant.publications[section.source] = publication
        key = (participant.identity, section.source)
        publication.court_muted, publication.self_muted = key in self.court_mutes, key in self.self_mutes
        publication.is_flowing = not (self.held or publication.court_muted or publication.self_muted)
        self._emit(events.TrackPublished(self.name, participant.identity, section.source, section.kind))
        self.demand.published(participant, publication)
        for other in self.participants.values():
            if other is not participant and other.viewer is not None:
                other.viewer.attach(publication)
        return publication

    def unpublish(self, participant: Participant, source: str, reason: str) -> None:
        publication = participant.publications.pop(source, None)
        if publication is None:
            raise SignalingError("publish.unknown", source)
        publication.stop_flow()
        for other in self.participants.values():
            if other.viewer is not None:
                other.viewer.detach(publication)
        for layer in list(publication.layers.values()):
            self._end_layer(layer, reason)
        publication.layers.clear()
        self._emit(events.TrackUnpublished(self.name, participant.identity, source, reason))
        self._negotiate_all()

    def _layer_started(self, layer: Layer, now_ns: int) -> None:
        publication = layer.publication
        replaced = publication.layers.get(layer.rid)
        if replaced is not None:
            self._end_layer(replaced, "restarted")
        publication.layers[layer.rid] = layer
        self.sinks.started(layer, now_ns)
        self.rounds.is_stale = True

    def _end_layer(self, layer: Layer, cause: str) -> None:
        self.sinks.ended(layer, cause)
        layer.fanout.close()

    # Receiving

    def answer(self, participant: Participant, version: int, sdp: str) -> None:
        if participant.viewer is None:
            raise SignalingError("subscribe.not_allowed")
        participant.viewer.answer(version, parse(sdp), _now_ms())
        self.rounds.soon(participant.viewer)

    def restart_subscription(self, participant: Participant) -> None:
        if participant.viewer is None:
            raise SignalingError("subscribe.not_allowed")
        participant.viewer.restart(_now_ms())

    def _offered(
        self, participant: Participant, version: int, sdp: str, tracks: tuple[events.OfferedTrack, ...]
    ) -> None:
        self._emit(events.SubscriptionOffered(self.name, participant.seat, version, sdp, tracks))

    def _viewer_state(self, participant: Participant) -> None:
        if participant.viewer is not None:
            participant.viewer.choose_layers(_now_ms())  # a first picture does not wait for the clock
            self.rounds.soon(participant.viewer)

    def _negotiate_all(self) -> None:
        if self._is_closing:
            return  # nobody needs an offer about people who are all leaving
        now_ms = _now_ms()
        for participant in self.participants.values():
            if participant.viewer is not None:
                participant.viewer.negotiate(now_ms)

    def choose_layers(self, now_ms: float) -> None:
        self.rounds.everybody(now_ms)

    def _want_keyframe(self, layer: Layer, now_ms: float) -> None:
        owner = self.participants.get(layer.publication.identity)
        if owner is not None and owner.publisher is not None:
            owner.publisher.want_keyframe(layer, now_ms)

    # Rights

    def hold(self, held: bool) -> None:
        """Recess: nothing is forwarded, not to sinks either."""
        if held == self.held:
            return
        self.held = held
        for participant in self.participants.values():
            for publication in participant.publications.values():
                self._apply(publication, "held" if held else "released")

    def mute_by_self(self, participant: Participant, source: str, muted: bool) -> None:
        key = (participant.identity, source)
        self._remember(self.self_mutes, key, muted)
        publication = participant.publications.get(source)
        if publication is None or publication.self_muted == muted:
            return
        publication.self_muted = muted
        publication.owed_ms = _now_ms()
        self._apply(publication, "muted" if muted else "unmuted")
        self._emit(events.TrackMuted(self.name, *key, muted=muted, by_court=False, by=participant.identity))

    def mute_by_court(self, identity: str, source: str, muted: bool, by: str) -> None:
        """Also counts for a source that is published later, and for every seat the identity takes."""
        key = (identity, source)
        if (key in self.court_mutes) == muted:
            return
        self._remember(self.court_mutes, key, muted)
        participant = self.participants.get(identity)
        publication = participant.publications.get(source) if participant is not None else None
        if publication is not None:
            publication.court_muted = muted
            self._apply(publication, "muted" if muted else "unmuted")
        self._emit(events.TrackMuted(self.name, *key, muted=muted, by_court=True, by=by))

    def _remember(self, table: set[tuple[str, str]], key: tuple[str, str], muted: bool) -> None:
        if not muted:
            table.discard(key)
        elif len(table) < 4 * self._gateway.settings.max_participants:
            table.add(key)

    def _apply(self, publication: Publication, event: str) -> None:
        """Make the routing table say what the rights say."""
        flows = not (self.held or publication.court_muted or publication.self_muted)
        now_ns = time.monotonic_ns()
        for layer in publication.layers.values():
            self.sinks.tell(layer, event, now_ns)
        if flows == publication.is_flowing:
            return
        if flows:
            publication.start_flow()
            self.choose_layers(now_ns / 1_000_000)
            for layer in publication.layers.values():
                if layer.sinks:  # a recording goes on with a whole picture, too
                    self._want_keyframe(layer, now_ns / 1_000_000)
        else:
            publication.stop_flow()

    # Sinks and snapshots

    def layers(self) -> list[Layer]:
        return [
            layer
            for participant in self.participants.values()
            for publication in participant.publications.values()
            for layer in publication.layers.values()
        ]

    def _silence_of(self, publication: Publication) -> str | None:
        return None if publication.is_flowing else "held" if self.held else "muted"

    def attach_sink(self, sink: PacketSink) -> None:
        if self.sinks.attach(sink):
            self.choose_layers(_now_ms())
            self.renew_pictures()

    def detach_sink(self, sink: PacketSink) -> None:
        self.sinks.detach(sink)

    def renew_pictures(self) -> None:
        """A whole picture of everything: sinks begin, or go on after a pause of their own."""
        for layer in self.layers():
            self._want_keyframe(layer, _now_ms())

    def snapshot(self) -> events.RoomSnapshot:
        return events.RoomSnapshot(
            room=self.name,
            held=self.held,
            speaker=self.speakers.speaker,
            participants=tuple(participant.snapshot() for participant in self.participants.values()),
        )
