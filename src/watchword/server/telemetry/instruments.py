"""
Instruments: what code counts with. Each is a few cells of a list, given out in order by the plan.

To count is to add to a number of that list: no lock, no call to anywhere. So each cell is written by one thread alone.

Label values are known when the plan is made; one that is not known counts as the last of its label. So nothing that a
caller chooses becomes a label, and the number of series is bounded.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from itertools import product
from typing import TypeAlias, TypeVar
from zlib import crc32

import msgspec

from watchword.server.telemetry.board import CELLS

M = TypeVar("M")
Cells: TypeAlias = list[float]
OTHER = "other"


class Kind(Enum):
    """
    What a metric is.

    Attributes:
        INSTANT: A gauge of seconds since 1970, which is not shown until it is set.
        AGE: A gauge of seconds, which is not shown until it is set.
    """

    COUNTER = "counter"
    GAUGE = "gauge"
    INSTANT = "instant"
    AGE = "age"
    HISTOGRAM = "histogram"


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """
    One name on the metrics page.

    Attributes:
        labels: Their names, in order.
        series: The label values of each series, in the order of their cells.
        bounds: Upper bounds of a histogram's buckets, but for the last, which has none.
        first: The cell that its numbers begin at.
        is_own: Whether the number of the worker that is asked counts, and not that of all.
    """

    name: str
    kind: Kind
    description: str
    labels: tuple[str, ...]
    series: tuple[tuple[str, ...], ...]
    bounds: tuple[float, ...]
    first: int
    is_own: bool

    @property
    def width(self) -> int:
        """
        How many cells a series takes: a histogram's buckets, and their sum behind them.
        """
        return len(self.bounds) + 2 if self.kind is Kind.HISTOGRAM else 1

    @property
    def cells(self) -> range:
        """
        Its cells.
        """
        return range(self.first, self.first + len(self.series) * self.width)


class Counter:
    """
    A number that only grows.
    """

    __slots__ = ("_at", "_cells")

    def __init__(self, cells: Cells, at: int) -> None:
        self._cells = cells
        self._at = at

    def add(self, amount: float = 1) -> None:
        """
        Count.
        """
        self._cells[self._at] += amount


class Gauge(Counter):
    """
    A number that goes up and down.
    """

    __slots__ = ()

    def set(self, value: float) -> None:
        """
        Set it.
        """
        self._cells[self._at] = value


class Age(Counter):
    """
    How long ago something last happened.
    """

    __slots__ = ()

    def reset(self) -> None:
        """
        It happens now.
        """
        self._cells[self._at] = time.monotonic()  # one clock for all processes of a machine


class Histogram:
    """
    How often a number was how large.
    """

    __slots__ = ("_at", "_bounds", "_cells", "_sum")

    def __init__(self, cells: Cells, at: int, bounds: tuple[float, ...]) -> None:
        self._cells = cells
        self._at = at
        self._bounds = bounds
        self._sum = at + len(bounds) + 1

    def observe(self, value: float) -> None:
        """
        Take a number in.
        """
        cells = self._cells
        cells[self._at + bisect_left(self._bounds, value)] += 1
        cells[self._sum] += value


class Family(dict[str | tuple[str, ...], M]):
    """
    The instruments of one metric: by the value of its label, or by a tuple of values where it has several.
    """

    def __init__(self, labels: Mapping[str, Sequence[str]], members: Mapping[tuple[str, ...], M]) -> None:
        super().__init__({_key_of(values): member for values, member in members.items()})
        self._known = tuple(labels.values())

    def __missing__(self, key: str | tuple[str, ...]) -> M:
        """
        Return the instrument that values which are not known count on.
        """
        values = (key,) if isinstance(key, str) else key
        pairs = zip(values, self._known, strict=True)
        return self[_key_of(tuple([value if value in known else known[-1] for value, known in pairs]))]


def _key_of(values: tuple[str, ...]) -> str | tuple[str, ...]:
    return values[0] if len(values) == 1 else values


class Plan:
    """
    Gives cells of a list to metrics, in order. The first names the plan: the numbers of another mean nothing to it.

    Attributes:
        cells: What this process has counted.
    """

    def __init__(self) -> None:
        self.metrics: list[Metric] = []
        self.cells: Cells = [0.0]

    def counter(self, name: str, description: str) -> Counter:
        """
        Plan a counter.
        """
        return self.counters(name, description, {})[()]

    def counters(self, name: str, description: str, labels: Mapping[str, Sequence[str]]) -> Family[Counter]:
        """
        Plan a counter for each combination of label values.
        """
        return self._family(name, Kind.COUNTER, description, labels, lambda at: Counter(self.cells, at))

    def gauge(self, name: str, description: str) -> Gauge:
        """
        Plan a gauge; those of all workers are added up.
        """
        return self.gauges(name, description, {})[()]

    def gauges(self, name: str, description: str, labels: Mapping[str, Sequence[str]]) -> Family[Gauge]:
        """
        Plan a gauge for each combination of label values; those of all workers are added up.
        """
        return self._family(name, Kind.GAUGE, description, labels, lambda at: Gauge(self.cells, at))

    def instants(
        self, name: str, description: str, labels: Mapping[str, Sequence[str]], *, is_own: bool = False
    ) -> Family[Gauge]:
        """
        Plan instants, in seconds since 1970; of those of all workers the latest counts.
        """
        return self._family(name, Kind.INSTANT, description, labels, lambda at: Gauge(self.cells, at), is_own=is_own)

    def age(self, name: str, description: str) -> Age:
        """
        Plan an age; of those of all workers the youngest counts.
        """
        return self._family(name, Kind.AGE, description, {}, lambda at: Age(self.cells, at))[()]

    def histogram(self, name: str, description: str, bounds: tuple[float, ...]) -> Histogram:
        """
        Plan a histogram.
        """
        return self.histograms(name, description, {}, bounds)[()]

    def histograms(
        self, name: str, description: str, labels: Mapping[str, Sequence[str]], bounds: tuple[float, ...]
    ) -> Family[Histogram]:
        """
        Plan a histogram for each combination of label values.
        """
        make: Callable[[int], Histogram] = lambda at: Histogram(self.cells, at, bounds)  # noqa: E731
        return self._family(name, Kind.HISTOGRAM, description, labels, make, bounds=bounds)

    def begin(self, earlier: Sequence[float]) -> None:
        """
        Begin to count: on from where a dead worker's counters stand, if it had the same plan, and with gauges at 0.

        Args:
            earlier: What the dead worker has counted; empty where there is none.
        """
        self.cells[0] = self.name
        if not earlier or earlier[0] != self.name:
            return
        for metric in self.metrics:
            if metric.kind is not Kind.GAUGE:
                for at in metric.cells:
                    self.cells[at] = earlier[at]

    @property
    def name(self) -> int:
        """
        A number that stands for this plan, never 0.
        """
        return crc32(repr(self.metrics).encode()) + 1

    def _family(
        self,
        name: str,
        kind: Kind,
        description: str,
        labels: Mapping[str, Sequence[str]],
        make: Callable[[int], M],
        *,
        bounds: tuple[float, ...] = (),
        is_own: bool = False,
    ) -> Family[M]:
        series = tuple(product(*labels.values()))
        metric = Metric(
            name=name,
            kind=kind,
            description=description,
            labels=tuple(labels),
            series=series,
            bounds=bounds,
            first=len(self.cells),
            is_own=is_own,
        )
        self.cells.extend([0.0] * len(metric.cells))
        if len(self.cells) > CELLS:
            raise AssertionError(f"{name}: the metrics take more than the {CELLS} cells of a row")
        self.metrics.append(metric)
        firsts = metric.cells[:: metric.width]
        return Family(labels, {values: make(at) for values, at in zip(series, firsts, strict=True)})


def numbers_of(metric: Metric, rows: Iterable[Sequence[float]]) -> list[float]:
    """
    Put the workers' numbers of a metric together, cell by cell.
    """
    combine = max if metric.kind in {Kind.INSTANT, Kind.AGE} else sum
    columns = zip(*[[row[at] for at in metric.cells] for row in rows], strict=True)
    return [combine(column) for column in columns]
