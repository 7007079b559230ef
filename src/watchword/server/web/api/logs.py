"""
Rows for the log.
"""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from watchword.server.domain.problems import Problem
from watchword.server.domain.search import is_true
from watchword.server.operations import logs
from watchword.server.storage.log_filter import LogFilter
from watchword.server.web.api.flags import Values, only
from watchword.server.web.api.route import Call, Paged, Paging, Query, Route
from watchword.server.web.api.wire import all_as_json, as_json, from_milliseconds, milliseconds

CAP = 10_000
_MILLISECOND = timedelta(milliseconds=1)
_FIRST = milliseconds(datetime.min.replace(tzinfo=UTC))
_LAST = milliseconds(datetime.max.replace(tzinfo=UTC)) - 1
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")


def _list(call: Call[None]) -> Paged:
    start, end = _time(call.query, "start_time"), _time(call.query, "end_time")
    if start is not None and end is not None and start > end:
        raise Problem(
            "log.invalid_time_window", status=400, message="The start time must not be later than the end time."
        )
    wanted = LogFilter(
        user_id=only(call.query, "userId") or None,
        application_id=only(call.query, "applicationId") or None,
        key=only(call.query, "logKey") or None,
        # Both ends are inclusive, and the log keeps microseconds.
        since=None if start is None else _moment(math.ceil(start)),
        before=None if end is None else _moment(math.floor(end)) + _MILLISECOND,
    )
    count_up_to = CAP if is_true(only(call.query, "enableCap")) else None
    found = logs.listing(call.acting, wanted, call.page, count_up_to=count_up_to)
    is_capped = count_up_to is not None and found.total > count_up_to
    return Paged(all_as_json(found.records), found.total, is_capped=is_capped)


def _read(call: Call[None]) -> object:
    return as_json(logs.read(call.acting, call.path["id"]))


def _time(query: Values, name: str) -> float | None:
    text = (only(query, name) or "").strip()
    if not text:
        return None
    value = float(text) if _NUMBER.match(text) else math.nan
    if not math.isfinite(value):
        raise Problem("guard.invalid_input", status=400, message=f"The request {name} is invalid.")
    return value


def _moment(value: int) -> datetime:
    # What no calendar has is before, or after, everything.
    return from_milliseconds(min(max(value, _FIRST), _LAST))


ROUTES: Sequence[Route] = (
    Route(
        method="GET", path="/logs", summary="List the log, newest first", handler=_list,
        paging=Paging.ALWAYS, answer="[Log]",
        query=(
            Query(name="userId", description="Only what this user did."),
            Query(name="applicationId", description="Only what this application did."),
            Query(name="logKey", description="Only this kind, such as `ExchangeTokenBy.ClientCredentials`."),
            Query(name="start_time", description="Only from this moment on, in milliseconds since 1970."),
            Query(name="end_time", description="Only up to this moment, in milliseconds since 1970."),
            Query(name="enableCap", description=f"Whether counting stops at {CAP}; `Total-Number-Is-Capped` says so."),
        ),
    ),
    Route(method="GET", path="/logs/{id}", summary="Read a log entry", handler=_read, answer="Log"),
)  # fmt: skip
