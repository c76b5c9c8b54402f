"""`/metrics` for Prometheus: what the composition root measures, named `hearing_<noun>_<unit>`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from hearing_server.ports.measures import Measure


class _Collector:
    def __init__(self, read: Callable[[], Iterable[Measure]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for measure in self._read():
            label, value = measure.part or ("", "")
            kind = CounterMetricFamily if measure.is_total else GaugeMetricFamily
            labels = [label] if label else []
            family = families.setdefault(measure.name, kind(measure.name, measure.help, labels=labels))
            family.add_metric([value] if label else [], measure.value)
        yield from families.values()


def mount_metrics(app: web.Application, read: Callable[[], Iterable[Measure]]) -> None:
    """Serve the measures; numbers only, no names, so it needs no sign-in behind the proxy's rule."""
    registry = CollectorRegistry()
    registry.register(_Collector(read))

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/metrics", metrics)
