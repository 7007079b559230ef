"""
The table of metrics: every number that the server tells of itself, declared once.
"""

import threading
import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from watchword import __version__
from watchword.protocol.names import Algorithm, GrantType
from watchword.server.domain.authority import Dropped
from watchword.server.telemetry.board import Board
from watchword.server.telemetry.instruments import OTHER, Metric, Plan, numbers_of

ISSUED, CLIENT_GONE, SERVER_ERROR = "issued", "client_gone", "server_error"
GRANTS: Final = (*GrantType, OTHER)
OUTCOMES: Final = (
    ISSUED,
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "invalid_target",
    "unsupported_grant_type",
    "access_denied",
    "temporarily_unavailable",
    SERVER_ERROR,
    CLIENT_GONE,
    OTHER,
)
DROPPED: Final[Mapping[Dropped, str]] = {reason: reason.name.lower() for reason in Dropped}
TOKEN, DISCOVERY, HEALTH, METRICS = "token", "discovery", "health", "metrics"
# What a request asks for: the token endpoint, what is published, and the families of the Management API.
ROUTES: Final = (
    TOKEN,
    DISCOVERY,
    HEALTH,
    METRICS,
    "applications",
    "configs",
    "explain",
    "logs",
    "resources",
    "roles",
    "signing-keys",
    "users",
    OTHER,
)
_STATUSES = (200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 499, 500, 501, 503)
STATUSES: Final[Mapping[int, str]] = {status: str(status) for status in _STATUSES}
POOLS: Final = ("read", "write", OTHER)
KINDS: Final = ("tenant", "application", "role", "resource", OTHER)
EXPIRIES_SHOWN = 5
_RANKS = tuple(str(rank) for rank in range(1, EXPIRIES_SHOWN + 1))
_FAST = (0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05)  # seconds
_ANSWERS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_BATCHES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


class Throttle(StrEnum):
    """
    What was done to keep the server going.

    Attributes:
        AUTHENTICATION: A caller who failed to authenticate was told to wait.
        RECORD: A refusal was counted and not recorded.
        OVERLOAD: A request was turned away at once.
    """

    AUTHENTICATION = "authentication"
    RECORD = "record"
    OVERLOAD = "overload"


class Meters:
    """
    The instruments, by what they measure.

    Args:
        board: Where the workers of this server count; without one, this process counts for itself.
        jobs: Names of the jobs.
    """

    def __init__(self, board: Board | None = None, *, jobs: Sequence[str] = ()) -> None:
        self._board = board
        self._row = None if board is None else board.claim()
        self._sharing = threading.Lock()
        self._plan = plan = Plan()
        self._plan_requests(plan)
        self._plan_directory(plan)
        self._plan_token_log(plan)
        self._plan_pools(plan)
        self._plan_upkeep(plan, jobs)
        plan.begin(self._row or ())
        self.workers.set(1)
        self.build[__version__].set(1)
        self.share()

    def _plan_requests(self, plan: Plan) -> None:
        self.requests = plan.counters(
            "watchword_requests_total",
            "Requests answered, by what they asked for and the status of the answer (499: the client hung up).",
            {"route": ROUTES, "status": (*STATUSES.values(), OTHER)},
        )
        self.token_requests = plan.counters(
            "watchword_token_requests_total",
            "Token requests, by grant and outcome: `issued`, or the error code.",
            {"grant": GRANTS, "outcome": OUTCOMES},
        )
        self.token_seconds = plan.histogram(
            "watchword_token_request_seconds", "Time from a token request's head to the end of its answer.", _ANSWERS
        )
        self.api_seconds = plan.histogram(
            "watchword_api_request_seconds", "Time that a request to the Management API took.", _ANSWERS
        )
        self.signing_seconds = plan.histograms(
            "watchword_signing_seconds",
            "Time to compose and sign an access token.",
            {"algorithm": tuple(Algorithm)},
            _FAST,
        )
        self.scopes_dropped = plan.counters(
            "watchword_scopes_dropped_total",
            "Scopes that were asked for and not granted: the API has no such permission, or no role gives it.",
            {"reason": tuple(DROPPED.values())},
        )
        self.throttled = plan.counters(
            "watchword_throttled_total",
            "What was limited: failed authentications answered 429, refusals counted and not recorded, "
            "requests turned away by an overloaded server.",
            {"what": tuple(Throttle)},
        )

    def _plan_directory(self, plan: Plan) -> None:
        self.looks = plan.counter("watchword_directory_looks_total", "Looks at what has changed.")
        self.hits = plan.counter("watchword_directory_hits_total", "Entries that a decision found in memory.")
        self.recalled = plan.counter(
            "watchword_decisions_recalled_total", "Token requests that were decided as the same request before."
        )
        self.loads = plan.counters(
            "watchword_directory_loads_total", "Entries that were loaded from the database.", {"kind": KINDS}
        )
        self.load_seconds = plan.histogram(
            "watchword_directory_load_seconds",
            "Time of a load, of one entry or several, waiting for a thread included.",
            _ANSWERS,
        )
        self.loading = plan.gauge(
            "watchword_directory_loads_in_flight", "Entries being loaded, or waiting for a thread."
        )
        self.directory_age = plan.age("watchword_directory_age_seconds", "Time since a worker last looked.")

    def _plan_token_log(self, plan: Plan) -> None:
        self.commit_seconds = plan.histogram(
            "watchword_token_log_commit_seconds", "Time to make a batch of records durable.", _ANSWERS
        )
        self.commit_records = plan.histogram(
            "watchword_token_log_commit_records", "Records that shared a commit.", _BATCHES
        )
        self.records_lost = plan.counter(
            "watchword_token_log_failures_total",
            "Records that could not be made durable: of tokens, which never left, and of refusals, which are counted.",
        )

    def _plan_pools(self, plan: Plan) -> None:
        self.pool_in_use = plan.gauges(
            "watchword_pool_connections_in_use",
            "Connections to the database that are at work, as of a second ago at most.",
            {"pool": POOLS},
        )
        self.pool_size = plan.gauges(
            "watchword_pool_connections_size",
            "Connections that a pool keeps; on PostgreSQL, who finds all of them in use waits for one.",
            {"pool": POOLS},
        )

    def _plan_upkeep(self, plan: Plan, jobs: Sequence[str]) -> None:
        self.job_success = plan.instants(
            "watchword_job_last_success_timestamp_seconds",
            "When a job last ended well on this node. One node runs each turn: the latest of all nodes counts.",
            {"name": (*jobs, OTHER)},
        )
        self.job_failures = plan.counters(
            "watchword_job_failures_total", "Turns of a job that ended badly.", {"name": (*jobs, OTHER)}
        )
        self.key_expiry = plan.instants(
            "watchword_signing_key_expiry_timestamp_seconds",
            "When the key that signs now stops signing; `+Inf` where nothing ends it.",
            {"algorithm": tuple(Algorithm)},
            is_own=True,
        )
        self.secret_expiry = plan.instants(
            "watchword_secret_expiry_timestamp_seconds",
            "When the application secrets that expire next do so: rank 1 is the first.",
            {"rank": _RANKS},
            is_own=True,
        )
        self.workers = plan.gauge("watchword_workers", "Worker processes that answer.")
        self.build = plan.instants("watchword_build_info", "The version that runs.", {"version": (__version__,)})

    @property
    def metrics(self) -> Sequence[Metric]:
        """
        All metrics, in the order of the page.
        """
        return self._plan.metrics

    def read(self) -> Sequence[tuple[Metric, Sequence[float]]]:
        """
        Read each metric's numbers, over all workers of this server, dead ones included.
        """
        # What is told is shared first: whichever worker is asked next tells no less.
        self.share()
        own: list[Sequence[float]] = [self._plan.cells]
        rows = [] if self._board is None else [row for row in self._board.rows() if row[0] == own[0][0]]
        everybody = rows if self._row is not None else [*rows, *own]
        return [(metric, numbers_of(metric, own if metric.is_own else everybody)) for metric in self.metrics]

    def share(self) -> None:
        """
        Let the other workers see what this one has counted; to be called each second.
        """
        if self._row is not None:
            with self._sharing:  # an older copy must not replace a newer one
                counted = array("d", self._plan.cells)
                self._row[: len(counted)] = memoryview(counted)

    def pooled(self, name: str, *, in_use: int, size: int) -> None:
        """
        Take in how many of a pool's connections are in use.
        """
        self.pool_in_use[name].set(in_use)
        self.pool_size[name].set(size)

    def signed(self, algorithm: Algorithm, dropped: Iterable[Dropped], seconds: float) -> None:
        """
        Take in a token that was signed, and the scopes that it does without.
        """
        self.signing_seconds[algorithm].observe(seconds)
        for reason in dropped:
            self.scopes_dropped[DROPPED[reason]].add()

    def looked(self, *, hits: int, recalled: int) -> None:
        """
        Take in a look of the directory.

        Args:
            hits: Entries that were found in memory since the look before.
            recalled: Decisions that were, likewise.
        """
        self.looks.add()
        self.hits.add(hits)
        self.recalled.add(recalled)
        self.directory_age.reset()

    @contextmanager
    def load(self, kind: str, number: int) -> Iterator[None]:
        """
        Take in loads of the directory, so many in one transaction, from its beginning to its end.
        """
        began = time.perf_counter()
        self.loads[kind].add(number)
        self.loading.add(number)
        try:
            yield
        finally:
            self.loading.add(-number)
            self.load_seconds.observe(time.perf_counter() - began)

    def committed(self, outcomes: Sequence[Exception | None], seconds: float) -> None:
        """
        Take in a commit of the token log: for each record None, or why it is lost.
        """
        self.commit_seconds.observe(seconds)
        self.commit_records.observe(len(outcomes))
        self.records_lost.add(len(outcomes) - outcomes.count(None))

    def close(self) -> None:
        """
        Count as a worker no more.
        """
        self.workers.set(0)
        self.share()
        if self._board is not None:
            self._board.close()
