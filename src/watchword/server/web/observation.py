"""
What is counted and traced of a request, once it is answered.

Nothing that a caller chose becomes a label or a span's name: a path is told as its route, with `{parameters}`.
"""

import time
from collections.abc import Mapping

from watchword.protocol.metadata import TOKEN_PATH
from watchword.server.context import Context, RequestLine
from watchword.server.telemetry.instruments import OTHER
from watchword.server.telemetry.meters import (
    CLIENT_GONE,
    DISCOVERY,
    HEALTH,
    ISSUED,
    METRICS,
    STATUSES,
    TOKEN,
    Throttle,
)
from watchword.server.telemetry.tracing import Answered
from watchword.server.web import health, metrics
from watchword.server.web.api.route import PREFIX
from watchword.server.web.oauth.routes import DOCUMENTS
from watchword.server.web.requests import CLIENT_GONE as GONE
from watchword.server.web.requests import Incoming

_ROUTES: Mapping[str, str] = {
    **dict.fromkeys(DOCUMENTS, DISCOVERY),
    **dict.fromkeys((health.LIVE, health.READY), HEALTH),
    metrics.PATH: METRICS,
}
_TOO_MANY, _FAULT = 429, 500


class Observer:
    """
    Counts requests, and hands them to the tracer where there is one.
    """

    def __init__(self, ctx: Context) -> None:
        self._meters = ctx.meters
        self._tracer = ctx.tracer

    def answered(self, incoming: Incoming, line: RequestLine, began: float) -> None:
        """
        Take in a request that was answered.

        Args:
            line: Told how long it took, and its trace.
            began: By `time.perf_counter`.
        """
        ended = time.perf_counter()
        line.ms = round((ended - began) * 1000, 2)
        self._count(incoming, line, ended - began)
        if self._tracer is not None and incoming.route is not None:
            line.trace_id = self._tracer.record(_told(incoming, incoming.route, line, began, ended))
        else:
            parent = incoming.trace_parent
            line.trace_id = None if parent is None else parent.trace_id

    def _count(self, incoming: Incoming, line: RequestLine, seconds: float) -> None:
        meters = self._meters
        if incoming.route == TOKEN_PATH:
            route = TOKEN
            meters.token_seconds.observe(seconds)
            outcome = CLIENT_GONE if line.status == GONE else line.error or ISSUED
            meters.token_requests[incoming.grant, outcome].add()
            if line.status == _TOO_MANY:
                meters.throttled[Throttle.AUTHENTICATION].add()
        elif incoming.route is not None:
            route = incoming.route.removeprefix(PREFIX).split("/", 2)[1]
            meters.api_seconds.observe(seconds)
        else:
            route = _ROUTES.get(incoming.path, OTHER)
        meters.requests[route, STATUSES.get(line.status, OTHER)].add()


def _told(incoming: Incoming, route: str, line: RequestLine, began: float, ended: float) -> Answered:
    attributes: dict[str, str | int] = {
        "http.request.method": line.method,
        "http.route": route,
        "http.response.status_code": line.status,
        "watchword.request_id": line.request_id,
    }
    if line.client_id is not None:
        attributes["watchword.client_id"] = line.client_id
    if line.error is not None:
        attributes["error.type"] = line.error
    begin, end = int(began * 1e9), int(ended * 1e9)
    return Answered(
        name=f"{line.method} {route}",
        parent=incoming.trace_parent,
        arrived=line.time,
        began=begin,
        ended=end,
        attributes=attributes,
        phases=() if incoming.phases is None else tuple(incoming.phases.spans(begin, end)),
        has_failed=line.status >= _FAULT,
    )
