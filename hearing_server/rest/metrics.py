"""`/metrics` for Prometheus: what the composition root measures, named `hearing_<noun>_<unit>`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from hearing_server.ports.measures import Measure


class _Collector:
    """One reading, as the library wants it."""

    def __init__(self, measures: Iterable[Measure]) -> None:
        self._measures = measures

    def collect(self) -> Iterator[Metric]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for measure in self._measures:
            if measure.buckets:
                yield _histogram(measure)
                continue
            label, value = measure.part or ("", "")
            kind = CounterMetricFamily if measure.is_total else GaugeMetricFamily
            labels = [label] if label else []
            family = families.setdefault(measure.name, kind(measure.name, measure.help, labels=labels))
            family.add_metric([value] if label else [], measure.value)
        yield from families.values()


def _histogram(measure: Measure) -> HistogramMetricFamily:
    buckets = [(f"{bound:.9g}", float(count)) for bound, count in measure.buckets]
    return HistogramMetricFamily(
        measure.name,
        measure.help,
        buckets=[*buckets, ("+Inf", float(measure.count))],
        sum_value=measure.value,
    )


def mount_metrics(app: web.Application, read: Callable[[], Awaitable[Iterable[Measure]]]) -> None:
    """Serve the measures; numbers only, no names, so it needs no sign-in behind the proxy's rule.

    Every reading makes its families anew: a series is gone as soon as nobody measures it.
    """

    async def metrics(_: web.Request) -> web.Response:
        registry = CollectorRegistry()
        registry.register(_Collector(await read()))
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/metrics", metrics)
