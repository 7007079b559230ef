"""
The text of the metrics page, in Prometheus's format 0.0.4.

Importing this takes longer than most of the server's parts: only a server that shows metrics does.
"""

import time
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import core
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from watchword.server.telemetry.instruments import Kind, Metric
from watchword.server.telemetry.meters import Meters

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def metrics_text(meters: Meters) -> bytes:
    """
    Write all metrics as they stand now.
    """
    return generate_latest(_Collector(meters))


class _Collector:
    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    def collect(self) -> Iterator[core.Metric]:
        for metric, numbers in self._meters.read():
            yield _told(metric, numbers)


def _told(metric: Metric, numbers: Sequence[float]) -> core.Metric:
    match metric.kind:
        case Kind.COUNTER:
            counter = core.CounterMetricFamily(metric.name, metric.description, labels=metric.labels)
            for values, number in zip(metric.series, numbers, strict=True):
                counter.add_metric(values, number)
            return counter
        case Kind.HISTOGRAM:
            return _histogram(metric, numbers)
        case _:
            gauge = core.GaugeMetricFamily(metric.name, metric.description, labels=metric.labels)
            for values, number in zip(metric.series, numbers, strict=True):
                if number or metric.kind is Kind.GAUGE:
                    gauge.add_metric(values, time.monotonic() - number if metric.kind is Kind.AGE else number)
            return gauge


def _histogram(metric: Metric, numbers: Sequence[float]) -> core.HistogramMetricFamily:
    histogram = core.HistogramMetricFamily(metric.name, metric.description, labels=metric.labels)
    ends = [*(str(bound) for bound in metric.bounds), "+Inf"]
    for index, values in enumerate(metric.series):
        *counts, total = numbers[index * metric.width : (index + 1) * metric.width]
        histogram.add_metric(values, list(zip(ends, accumulate(counts), strict=True)), total)
    return histogram
