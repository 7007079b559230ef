"""
The table of all metrics.
"""

from scripts.reference.markdown import code, table
from watchword.server.jobs import JOBS
from watchword.server.telemetry.instruments import Kind, Metric
from watchword.server.telemetry.meters import Meters

_KINDS = {Kind.INSTANT: "gauge, seconds since 1970", Kind.AGE: "gauge, seconds"}
_FREE = {"version": "the version"}


def metrics() -> str:
    """
    Write a row for each metric, in the order of the page.
    """
    rows = [
        [code(metric.name), _KINDS.get(metric.kind, metric.kind.value), _labels(metric), metric.description]
        for metric in Meters(jobs=[job.name for job in JOBS]).metrics
    ]
    return table(["metric", "kind", "labels", "what it tells"], rows)


def _labels(metric: Metric) -> str:
    told = []
    for place, label in enumerate(metric.labels):
        values = dict.fromkeys(values[place] for values in metric.series)
        told.append(f"{code(label)}: {_FREE.get(label) or ', '.join(code(value) for value in values)}")
    return "; ".join(told)
