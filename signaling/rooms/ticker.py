"""The engine's clock: repairs with each step, speakers every 100 ms, connections every 500 ms, reports every second."""

from collections.abc import Callable, Iterable

from signaling.events import ConnectionChanged, ConnectionState, PathsMeasured, RoomEvent, SpeakerChanged
from signaling.publishing.publication import Layer
from signaling.rooms.meter import RoomMeter
from signaling.rooms.participant import Participant
from signaling.rooms.room import Room
from signaling.settings import MediaSettings

_NS = 1_000_000_000


class RoomClock:
    """Does for one room what is due. Holds the few things that are compared with the last time."""

    def __init__(
        self, room: Room, settings: MediaSettings, emit: Callable[[RoomEvent], None], meter: RoomMeter
    ) -> None:
        self._room = room
        self.meter = meter
        self._settings = settings
        self._emit = emit
        self._speaker_ms = self._judge_ms = self._report_ms = self._facts_ms = 0.0
        self._silent: set[str] = set()  # track ids the sinks were told are silent
        self.is_lively = True  # something is going on that the next step must see to

    def tick(self, now_ns: int) -> list[Participant]:
        """One step; returns the participants whose seat has been lost for too long."""
        now_ms = now_ns / 1_000_000
        participants = list(self._room.participants.values())
        is_lively = False
        for participant in participants:
            for publication in participant.publications.values():
                self._room.rounds.is_stale |= publication.watch_layers(now_ms)
            if participant.publisher is not None:
                is_lively |= participant.publisher.repair(now_ms)
            if participant.viewer is not None:
                is_lively |= participant.viewer.tick(now_ms)
        self._room.rounds.is_stale |= self._room.demand.watch(now_ms)
        if now_ms - self._speaker_ms >= 100:
            self._speaker_ms = now_ms
            self._update_speaker(now_ms)
            for participant in participants:
                if participant.publisher is not None:
                    participant.publisher.acknowledge()
        self._room.rounds.tick(now_ms)
        self.is_lively = is_lively or self._room.rounds.are_due or self._room.demand.is_waiting
        if now_ms - self._report_ms >= self._settings.remb_interval_s * 1000:
            self._report_ms = now_ms
            self.meter.sample(now_ms)
            self._report(participants, now_ms)
        if now_ms - self._judge_ms < 500:
            return []
        self._judge_ms = now_ms
        self._watch_layers(now_ns)
        lost = [participant for participant in participants if self._judge(participant, now_ns)]
        self._tell_facts(participants, now_ms)
        return lost

    def _tell_facts(self, participants: Iterable[Participant], now_ms: float) -> None:
        if now_ms - self._facts_ms < self._settings.facts_interval_s * 1000:
            return
        self._facts_ms = now_ms
        paths = tuple((each.identity, each.facts) for each in participants if each.transports())
        if paths:
            self._emit(PathsMeasured(self._room.name, paths))

    def _update_speaker(self, now_ms: float) -> None:
        speakers = self._room.speakers
        for layer in self._room.layers():
            if not layer.publication.is_video:
                layer.listen(now_ms)
        has_changed = speakers.update(now_ms)
        is_louder = self._room.floor.update(now_ms)
        if has_changed:
            self._emit(SpeakerChanged(self._room.name, speakers.speaker))
        self._room.rounds.is_stale |= has_changed or is_louder

    def _report(self, participants: Iterable[Participant], now_ms: float) -> None:
        for participant in participants:
            if participant.publisher is not None:
                rtt_ms = participant.viewer.rtt_ms if participant.viewer is not None else None
                participant.publisher.report(now_ms, rtt_ms)
            if participant.viewer is not None:
                participant.viewer.report(now_ms)
                participant.viewer.negotiate(now_ms)

    def _judge(self, participant: Participant, now_ns: int) -> bool:
        before = participant.state
        if participant.judge(self._settings, now_ns):
            self._emit(
                ConnectionChanged(
                    self._room.name,
                    participant.seat,
                    participant.identity,
                    participant.state,
                    participant.facts,
                )
            )
        if participant.state == ConnectionState.LOST and before != ConnectionState.LOST:
            for publication in participant.publications.values():
                for layer in publication.layers.values():
                    self._tell(layer, "transport_lost", now_ns)
        if participant.lost_since_ns == 0:
            return False
        return now_ns - participant.lost_since_ns > self._settings.seat_timeout_s * _NS

    def _watch_layers(self, now_ns: int) -> None:
        """Tell sinks which tracks fell silent and which came back (a page in the background stops its camera)."""
        layers = self._room.layers()
        for layer in layers:
            track_id = layer.track.track_id
            silent = now_ns - layer.heard_ns > self._settings.silence_s * _NS and layer.heard_ns > 0
            silent = silent and layer.rest.owes(now_ns / 1e6, self._settings.silence_s * 1000)
            if silent and track_id not in self._silent:
                self._silent.add(track_id)
                self._tell(layer, "silent", now_ns)
            elif not silent and track_id in self._silent:
                self._silent.discard(track_id)
                self._tell(layer, "resumed", now_ns)
        self._silent.intersection_update(layer.track.track_id for layer in layers)

    def _tell(self, layer: Layer, event: str, now_ns: int) -> None:
        self._room.sinks.tell(layer, event, now_ns)
