"""One identity in a room: its seat, its two connections, and the honest word for how it reaches us."""

from dataclasses import dataclass, field

from signaling.events import ConnectionFacts, ConnectionState, ParticipantState, TrackState
from signaling.grants import JoinGrant
from signaling.publishing.publication import Layer, Publication
from signaling.publishing.publisher import Publisher
from signaling.settings import MediaSettings
from signaling.transport import Transport
from signaling.watching.slot import Slot
from signaling.watching.viewer import Viewer

_NS: int = 1_000_000_000
_WORST_FIRST = (
    ConnectionState.LOST,
    ConnectionState.SILENT,
    ConnectionState.WEAK,
    ConnectionState.CONNECTING,
    ConnectionState.CONNECTED,
)


@dataclass(slots=True, eq=False)
class Participant:
    """Survives reconnects: a replaced seat keeps publications, wishes and the court's mutes."""

    identity: str
    seat: str
    grant: JoinGrant
    publisher: Publisher | None = None
    viewer: Viewer | None = None
    publications: dict[str, Publication] = field(default_factory=dict)  # by source
    state: ConnectionState = ConnectionState.CONNECTING
    facts: ConnectionFacts = field(default_factory=lambda: ConnectionFacts(None, None, 0.0, None))
    lost_since_ns: int = 0

    def transports(self) -> list[Transport]:
        found = [self.publisher.transport] if self.publisher is not None else []
        if self.viewer is not None and self.viewer.transport.state != "new":
            found.append(self.viewer.transport)
        return found

    @property
    def is_deserted(self) -> bool:
        """Nothing reaches us from this seat any more: whoever proves the same identity may take it over."""
        return self.state == ConnectionState.LOST

    def judge(self, settings: MediaSettings, now_ns: int) -> bool:
        """Measure again. True when the state or the kind of transport changed."""
        before, before_kind = self.state, self.facts.transport
        states = [self._judge(transport, settings, now_ns) for transport in self.transports()]
        self.facts = self._measure(now_ns)
        self.state = next((state for state in _WORST_FIRST if state in states), ConnectionState.CONNECTING)
        if self.state == ConnectionState.CONNECTED and self._is_weak(settings):
            self.state = ConnectionState.WEAK
        if self.state != ConnectionState.LOST:
            self.lost_since_ns = 0
        elif self.lost_since_ns == 0:
            self.lost_since_ns = now_ns
        return self.state != before or self.facts.transport != before_kind

    def _judge(self, transport: Transport, settings: MediaSettings, now_ns: int) -> ConnectionState:
        if transport.state in ("failed", "closed"):
            return ConnectionState.LOST
        if transport.state != "connected":
            return ConnectionState.CONNECTING
        if now_ns - transport.last_heard_ns > settings.lost_s * _NS:
            return ConnectionState.LOST
        owed_ns = self._owed_since_ns()
        if self.publisher is not None and transport is self.publisher.transport and owed_ns is not None:
            since_ns = max(transport.media_ns, transport.connected_ns, owed_ns)
            if now_ns - since_ns > settings.silence_s * _NS:
                return ConnectionState.SILENT
        return ConnectionState.CONNECTED

    def _owed_since_ns(self) -> int | None:
        """Since when something should come; None while all is switched off by its owner or rests at our word."""
        owed = [
            publication.owed_ms
            for publication in self.publications.values()
            if not publication.self_muted and publication.demand.told
        ]
        return round(min(owed) * 1e6) if owed else None

    def _is_weak(self, settings: MediaSettings) -> bool:
        loss, rtt_ms = self.facts.loss_ratio, self.facts.rtt_ms
        return (loss is not None and loss > settings.weak_loss_ratio) or (
            rtt_ms is not None and rtt_ms > settings.weak_rtt_ms
        )

    def _measure(self, now_ns: int) -> ConnectionFacts:
        loss_up = self.publisher.loss_ratio if self.publisher is not None else None
        loss_down = self.viewer.loss_ratio if self.viewer is not None else None
        known = [loss for loss in (loss_up, loss_down) if loss is not None]
        measured = [side.rtt_ms for side in (self.publisher, self.viewer) if side is not None]
        round_trips = [rtt_ms for rtt_ms in measured if rtt_ms is not None]
        transports = self.transports()
        silent_s = 0.0
        if self.publisher is not None and self.publisher.transport.media_ns:
            silent_s = (now_ns - self.publisher.transport.media_ns) / _NS
        return ConnectionFacts(
            rtt_ms=max(round_trips) if round_trips else None,
            loss_ratio=max(known) if known else None,
            silent_s=round(silent_s, 1),
            transport=next((transport.kind for transport in transports if transport.kind), None),
            jitter_ms=self._jitter_ms(),
            loss_up_ratio=loss_up,
            loss_down_ratio=loss_down,
            up_bps=int(sum(layer.stream.rate.bits_per_second for layer in self._layers())),
            down_bps=int(sum(slot.rate.bits_per_second for slot in self._slots())),
            up_height_px=max(
                (layer.stream.height_px for layer in self._layers() if layer.is_arriving), default=0
            ),
            down_height_px=max((slot.height_px for slot in self._slots()), default=0),
        )

    def _layers(self) -> list[Layer]:
        return [layer for each in self.publications.values() for layer in each.layers.values()]

    def _slots(self) -> list[Slot]:
        return [slot for slot in self.viewer.slots if slot.leg is not None] if self.viewer is not None else []

    def _jitter_ms(self) -> float | None:
        """Of the voice; without one, of the picture that jitters most."""
        heard = [layer for layer in self._layers() if layer.heard_ns]
        voices = [layer for layer in heard if not layer.publication.is_video]
        return max((round(layer.stream.jitter.milliseconds, 1) for layer in voices or heard), default=None)

    def snapshot(self) -> ParticipantState:
        return ParticipantState(
            seat=self.seat,
            identity=self.identity,
            connection=self.state,
            facts=self.facts,
            tracks=tuple(
                TrackState(each.source, each.kind, each.self_muted, each.court_muted)
                for each in self.publications.values()
            ),
        )

    async def close(self) -> None:
        """End both connections."""
        publisher, viewer = self.publisher, self.viewer
        self.publisher = self.viewer = None
        if publisher is not None:
            await publisher.transport.close()
        if viewer is not None:
            await viewer.transport.close()
