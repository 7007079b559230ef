"""
Traces and trace ids: what is told of a request, and what never is.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.support.home import MANAGEMENT_RESOURCE, Made, settings_of
from watchword.server import serving
from watchword.server.bootstrap import open_context
from watchword.server.settings import Resolved, SettingsError
from watchword.server.telemetry.opentelemetry_tracer import OpenTelemetryTracer, exporter_from_environment
from watchword.server.web.app import create_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

    from watchword.server.context import RequestLine

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
PHASES = ["receive", "look", "form", "authenticate", "authorize", "gather", "sign", "log"]


class Kept:
    """
    Keeps request lines.
    """

    def __init__(self) -> None:
        """
        Begin with none.
        """
        self.lines: list[RequestLine] = []

    def write(self, line: RequestLine) -> None:
        """
        Keep a line.
        """
        self.lines.append(line)

    def close(self) -> None:
        """
        Do nothing.
        """


class Traced:
    """
    A server whose spans and lines can be read.
    """

    def __init__(self, home: Path, *, traces: bool) -> None:
        """
        Open a home.
        """
        self.exporter, self.log = InMemorySpanExporter(), Kept()
        self._tracer = OpenTelemetryTracer(self.exporter) if traces else None
        self._ctx = open_context(settings_of(home), self.log, tracer=self._tracer)
        transport = httpx.ASGITransport(create_app(self._ctx, lambda: None))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://somewhere.test")

    async def close(self) -> None:
        """
        Close it.
        """
        await self.client.aclose()
        self._ctx.close()

    async def token(self, made: Made, secret: str, **headers: str) -> httpx.Response:
        """
        Ask for a token.
        """
        form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE, "scope": "all"}
        return await self.client.post("/oidc/token", data=form, auth=(made.application_id, secret), headers=headers)

    def spans(self) -> Sequence[ReadableSpan]:
        """
        Read what was sent, in the order of their beginnings.
        """
        assert self._tracer is not None
        self._tracer.flush()
        return sorted(
            self.exporter.get_finished_spans(), key=lambda span: (span.start_time or 0, -(span.end_time or 0))
        )


@pytest.fixture
async def traced(home: Path) -> AsyncIterator[Traced]:
    """
    Open a home that sends traces.
    """
    server = Traced(home, traces=True)
    yield server
    await server.close()


@pytest.fixture
async def untraced(home: Path) -> AsyncIterator[Traced]:
    """
    Open a home that sends none.
    """
    server = Traced(home, traces=False)
    yield server
    await server.close()


async def test_token_request_is_a_span_with_its_phases(traced: Traced, made: Made) -> None:
    """
    One below the caller's, and one for each phase, one after the other, within it.
    """
    await traced.token(made, made.application_secret, **PARENT)
    whole, *phases = traced.spans()
    assert (whole.name, whole.parent and whole.parent.span_id) == ("POST /oidc/token", int(SPAN, 16))
    assert whole.context.trace_id == int(TRACE, 16)
    assert [phase.name for phase in phases] == PHASES
    assert {phase.parent and phase.parent.span_id for phase in phases} == {whole.context.span_id}
    instants = [instant for phase in phases for instant in (phase.start_time or 0, phase.end_time or 0)]
    assert instants == sorted(instants)
    assert (whole.start_time or 0) <= instants[0]
    assert instants[-1] <= (whole.end_time or 0)
    assert dict(whole.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/oidc/token",
        "http.response.status_code": 200,
        "watchword.request_id": traced.log.lines[0].request_id,
        "watchword.client_id": made.application_id,
    }
    assert traced.log.lines[0].trace_id == TRACE


async def test_refusal_ends_with_the_phase_that_refused(traced: Traced, made: Made) -> None:
    """
    A wrong secret is a caller's fault: its error code is told, and the span is not marked as failed.
    """
    await traced.token(made, "wrong-secret")
    whole, *phases = traced.spans()
    assert [phase.name for phase in phases] == ["receive", "look", "form", "authenticate"]
    assert (whole.attributes or {})["error.type"] == "invalid_client"
    assert whole.status.is_unset
    assert whole.parent is None
    assert traced.log.lines[0].trace_id == f"{whole.context.trace_id:032x}"


async def test_management_request_is_a_span_with_its_operation(traced: Traced, made: Made) -> None:
    """
    Named by its route: ids stay out of names.
    """
    token = (await traced.token(made, made.application_secret)).json()["access_token"]
    traced.spans()
    traced.exporter.clear()
    await traced.client.get(
        f"/api/applications/{made.application_id}", headers={"authorization": f"Bearer {token}", **PARENT}
    )
    (span,) = traced.spans()
    assert span.name == "GET /api/applications/{id}"
    assert (span.attributes or {})["http.response.status_code"] == 200
    assert span.context.trace_id == int(TRACE, 16)


async def test_no_secret_leaves_in_a_span(traced: Traced, made: Made) -> None:
    """
    Neither what was presented nor what was given.
    """
    token = (await traced.token(made, made.application_secret)).json()["access_token"]
    await traced.token(made, "misplaced-secret", **{"user-agent": "marked"})
    await traced.client.get("/api/applications?search=marked", headers={"authorization": f"Bearer {token}"})
    told = "".join(span.to_json() for span in traced.spans())
    assert "POST /oidc/token" in told
    for secret in (made.application_secret, token, "misplaced-secret", "marked"):
        assert secret not in told


async def test_hostile_parent_begins_a_trace_of_our_own(traced: Traced, made: Made) -> None:
    """
    What is not exactly a parent is none.
    """
    await traced.token(made, made.application_secret, traceparent=f"00-{TRACE}-{SPAN}-01; DROP TABLE")
    whole = traced.spans()[0]
    assert whole.parent is None
    assert traced.log.lines[0].trace_id == f"{whole.context.trace_id:032x}" != TRACE


async def test_lines_carry_the_callers_trace_where_traces_are_off(untraced: Traced, made: Made) -> None:
    """
    Logs can be joined to the caller's trace all the same; nothing that has another form gets into a line.
    """
    await untraced.token(made, made.application_secret, **PARENT)
    await untraced.client.get("/health/live", headers=PARENT)
    await untraced.token(made, made.application_secret, traceparent='00-"},{')
    assert [line.trace_id for line in untraced.log.lines] == [TRACE, TRACE, None]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param("OTEL_TRACES_EXPORTER", "zipkin", id="exporter"),
        pytest.param("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", id="protocol"),
        pytest.param("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", id="protocol of traces"),
    ],
)
def test_what_can_not_be_sent_is_said_at_start(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """
    Rather than traces that never arrive.
    """
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"{variable}: '{value}' can't be used"):
        exporter_from_environment()


def test_missing_extra_is_said_with_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The SDK does not come with the server.
    """
    monkeypatch.delitem(sys.modules, "watchword.server.telemetry.opentelemetry_tracer")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    with pytest.raises(
        SettingsError,
        match=r"traces: opentelemetry\.sdk\.resources is missing: .*pip install 'watchword\[server,traces\]'",
    ):
        serving.create_for(Resolved(settings=settings_of(home, traces=True)))
