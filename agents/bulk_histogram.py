"""A histogram of ages that takes those of a whole flush at once: a sort instead of a look-up per event."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from schema.fields import US_PER_S


class BulkHistogram(Collector):
    """A Prometheus histogram in seconds, exact, for many observations at once: 0.1 µs each, where one alone takes 4.

    ``buckets`` are inclusive upper bounds in seconds.
    """

    def __init__(self, name: str, meaning: str, buckets: Sequence[float], registry: CollectorRegistry) -> None:
        self._name = name
        self._meaning = meaning
        self._labels = [*map(floatToGoString, buckets), "+Inf"]
        self._bounds_us = [round(bound * US_PER_S) for bound in buckets]
        self._within = [0] * len(buckets)
        self._count = 0
        self._sum_us = 0
        registry.register(self)

    def observe_ages(self, times_us: Iterable[int], now_us: int) -> None:
        """Count what happened at these times, in microseconds, as so long ago; what lies ahead of now as just now."""
        times = sorted(times_us)
        ahead = len(times) - bisect_left(times, now_us)
        self._count += len(times)
        self._sum_us += now_us * (len(times) - ahead) - sum(times[: len(times) - ahead])
        for place, bound_us in enumerate(self._bounds_us):
            self._within[place] += len(times) - bisect_left(times, now_us - bound_us)

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Return the histogram as Prometheus wants it."""
        counts = [*self._within, self._count]
        family = HistogramMetricFamily(self._name, self._meaning)
        family.add_metric([], [*zip(self._labels, map(float, counts), strict=True)], self._sum_us / US_PER_S)
        yield family
