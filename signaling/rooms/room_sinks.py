"""The recorders that listen to a room: who hears which layer, and what they are told besides packets."""

import time
from collections.abc import Callable, Iterable

from signaling.publishing.publication import Layer, Publication
from signaling.sink import PacketSink


class RoomSinks:
    """One per room. `silence_of(publication)` is the word for why nothing leaves it ("held", "muted"), or None."""

    def __init__(
        self, layers: Callable[[], Iterable[Layer]], silence_of: Callable[[Publication], str | None]
    ) -> None:
        self._layers = layers
        self._silence_of = silence_of
        self._sinks: list[PacketSink] = []

    def __bool__(self) -> bool:
        return bool(self._sinks)

    def attach(self, sink: PacketSink) -> bool:
        """False when it listens already."""
        if sink in self._sinks:
            return False
        self._sinks.append(sink)
        now_ns = time.monotonic_ns()
        for layer in self._layers():
            self._begin(layer, (sink,), now_ns)
        return True

    def detach(self, sink: PacketSink) -> None:
        if sink not in self._sinks:
            return
        self._sinks.remove(sink)
        for layer in self._layers():
            layer.fanout.catch_up()
            layer.sinks = tuple(self._sinks)
            sink.track_ended(layer.track.track_id, time.monotonic_ns(), "detached")

    def started(self, layer: Layer, now_ns: int) -> None:
        """A layer began to arrive."""
        self._begin(layer, self._sinks, now_ns)

    def _begin(self, layer: Layer, sinks: Iterable[PacketSink], now_ns: int) -> None:
        words = [self._silence_of(layer.publication), "not_wanted" if layer.rest.is_off else None]
        for sink in sinks:
            sink.track_started(layer.track, now_ns)
            for word in words:
                if word is not None:
                    sink.track_event(layer.track.track_id, word, now_ns)
        layer.sinks = tuple(self._sinks)

    def ended(self, layer: Layer, cause: str) -> None:
        """A layer will not come any more."""
        layer.fanout.catch_up()
        now_ns = time.monotonic_ns()
        for sink in layer.sinks:
            sink.track_ended(layer.track.track_id, now_ns, cause)
        layer.sinks = ()

    def tell(self, layer: Layer, event: str, now_ns: int) -> None:
        layer.fanout.catch_up()
        for sink in layer.sinks:
            sink.track_event(layer.track.track_id, event, now_ns)

    def clear(self) -> None:
        """The room is closed."""
        self._sinks.clear()
