"""What a room asks of its publishers: which layers to send. Gathers viewers' wants and sinks, tells seats."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from signaling.events import LayersWanted, RoomEvent
from signaling.publishing.layer_demand import RETURN_MS, LayerDemand, LayerSeen, Want, usual_bps, wanted_rids
from signaling.publishing.publication import Layer, Publication
from signaling.rooms.participant import Participant
from signaling.rooms.room_sinks import RoomSinks

REPEATS: Final = 2  # a word that got lost between two processes must not leave a picture dark


class RoomDemand:
    """One per room. `want_keyframe(layer, now_ms)` reaches the layer's publisher."""

    def __init__(
        self,
        room: str,
        participants: Mapping[str, Participant],
        sinks: RoomSinks,
        *,
        pause_after_ms: float,
        emit: Callable[[RoomEvent], None],
        want_keyframe: Callable[[Layer, float], None],
    ) -> None:
        self._room = room
        self._participants = participants
        self._sinks = sinks
        self._pause_after_ms = pause_after_ms
        self._emit = emit
        self._want_keyframe = want_keyframe
        self._returning: dict[Layer, int] = {}  # asked for, nothing came yet: how often it may be asked again
        self._restricted: set[tuple[str, str]] = set()  # (identity, source) last told to leave something out

    def review(self, now_ms: float) -> bool:
        """After layers were chosen: tell publishers what changed. True when a resting layer was asked for."""
        wants: dict[Publication, list[Want]] = defaultdict(list)
        for participant in self._participants.values():
            for slot in participant.viewer.slots if participant.viewer is not None else ():
                if slot.publication is not None and slot.want is not None:
                    wants[slot.publication].append(slot.want)
        woke = False
        for participant in self._participants.values():
            for publication in participant.publications.values():
                if publication.is_video:
                    woke |= self._review(participant, publication, wants[publication], now_ms)
        return woke

    def _review(
        self, participant: Participant, publication: Publication, wants: Iterable[Want], now_ms: float
    ) -> bool:
        layers = publication.layers.values()
        for layer in layers:
            layer.rest.settle(layer.stream.rate.bits_per_second, now_ms)
        wanted = wanted_rids(
            publication.rids, [_seen(layer, now_ms) for layer in layers], wants, is_recorded=bool(self._sinks)
        )
        demand, slept = publication.demand, not publication.demand.told
        if not demand.update(wanted, now_ms, self._pause_after_ms):
            return False
        if slept:
            publication.owed_ms = now_ms
        self._tell(participant, publication)
        turned = [layer for layer in layers if (layer.rid in demand.resting) != layer.rest.is_off]
        for layer in turned:
            self._turn(layer, now_ms)
        return any(not layer.rest.is_off for layer in turned)

    def _turn(self, layer: Layer, now_ms: float) -> None:
        """The other way round from now on: a resting layer is asked for, or one is put to rest."""
        off = not layer.rest.is_off
        measured_bps = layer.stream.rate.bits_per_second or usual_bps(layer.stream.height_px)
        layer.rest.told(off=off, measured_bps=measured_bps, now_ms=now_ms)
        layer.publication.forget_offers()
        if off:
            self._returning.pop(layer, None)
            layer.stream.keyframes.arrived()  # nobody waits for one any more
            layer.stream.losses.forget()
            self._sinks.tell(layer, "not_wanted", round(now_ms * 1e6))
        else:
            self._returning[layer] = REPEATS
            self._want_keyframe(layer, now_ms)

    @property
    def is_waiting(self) -> bool:
        """A layer was asked for and has not come."""
        return bool(self._returning)

    def watch(self, now_ms: float) -> bool:
        """With each step of the clock: True when a layer that was asked for has come; else it is asked for again."""
        came = False
        for layer, repeats in list(self._returning.items()):
            is_here = layer.is_here(now_ms)
            if not is_here and layer.is_coming(now_ms):
                continue
            if is_here or repeats == REPEATS:
                self._sinks.tell(layer, "wanted", round(now_ms * 1e6))
            owner = self._participants.get(layer.publication.identity)
            if is_here or not repeats or owner is None:
                del self._returning[layer]
                came |= is_here
            else:
                self._returning[layer] = repeats - 1
                layer.rest.told(off=False, measured_bps=0.0, now_ms=now_ms)
                self._tell(owner, layer.publication)
        return came

    # Publishers that come, come back, or start anew

    def published(self, participant: Participant, publication: Publication) -> None:
        """A new publication sends everything; its sender may still act on what was said about an earlier one."""
        if (participant.identity, publication.source) in self._restricted:
            self._tell(participant, publication)

    def offered(self, participant: Participant, publication: Publication, rids: tuple[str, ...]) -> None:
        """A fresh connection or other layers for a known publication: everything is sent, until it is told anew."""
        publication.rids, publication.demand = rids, LayerDemand(rids)
        self._forget(lambda layer: layer.publication is publication)
        self.published(participant, publication)

    def say_again(self, participant: Participant) -> None:
        """A new seat does not know what the old one was told."""
        for publication in participant.publications.values():
            if publication.is_video:
                self._tell(participant, publication)

    def left(self, participant: Participant) -> None:
        """Nobody is there to be told."""
        self._restricted = {each for each in self._restricted if each[0] != participant.identity}
        self._forget(lambda layer: layer.publication.identity == participant.identity)

    def _forget(self, is_gone: Callable[[Layer], bool]) -> None:
        self._returning = {layer: left for layer, left in self._returning.items() if not is_gone(layer)}

    def _tell(self, participant: Participant, publication: Publication) -> None:
        key, order = (participant.identity, publication.source), publication.demand.order()
        (self._restricted.discard if order is None else self._restricted.add)(key)
        self._emit(LayersWanted(self._room, participant.seat, publication.source, order))


def _seen(layer: Layer, now_ms: float) -> LayerSeen:
    stream, rest = layer.stream, layer.rest
    return LayerSeen(
        layer.rid,
        stream.height_px,
        max(stream.rate.bits_per_second, rest.expected_bps),
        is_ready=rest.is_off or rest.is_due(now_ms) or now_ms - stream.last_arrival_ms < RETURN_MS,
    )
