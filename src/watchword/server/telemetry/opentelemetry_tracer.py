"""
Traces by OpenTelemetry's SDK. The standard `OTEL_*` variables say where to, how many, and under which name.

Importing this needs the extra `watchword[traces]`: only a server that sends traces does.
"""

import os
import threading
from collections.abc import Callable, Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

from watchword import __version__
from watchword.protocol.trace_context import TraceParent
from watchword.server.settings import SettingsError
from watchword.server.telemetry.tracing import Answered

_EXPORTERS: Mapping[str, Callable[[], SpanExporter]] = {"otlp": OTLPSpanExporter, "console": ConsoleSpanExporter}
_CLOSE_SECONDS = 2.0
_NANOSECONDS = 1_000_000_000


def exporter_from_environment() -> SpanExporter:
    """
    Make what sends spans away.

    Raises:
        SettingsError: `OTEL_TRACES_EXPORTER` or the protocol is one that there is nothing for.
    """
    name = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if name not in _EXPORTERS:
        raise SettingsError(f"OTEL_TRACES_EXPORTER: {name!r} can't be used: it must be {' or '.join(_EXPORTERS)}")
    for variable in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = os.environ.get(variable) or "http/protobuf"
        if protocol != "http/protobuf":
            raise SettingsError(f"{variable}: {protocol!r} can't be used: it must be http/protobuf")
    return _EXPORTERS[name]()


class OpenTelemetryTracer:
    """
    Makes a span of each request, and one of each of its phases; sends them in batches, from a thread of its own.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        named = Resource({"service.name": "watchword", "service.version": __version__})
        self._provider = TracerProvider(resource=named.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("watchword", __version__)

    def record(self, answered: Answered) -> str | None:
        """
        Tell of a request; return its trace's id, where it has one.
        """
        # The two clocks meet where the request began.
        offset = int(answered.arrived.timestamp() * _NANOSECONDS) - answered.began
        span = self._tracer.start_span(
            answered.name,
            context=_context_of(answered.parent),
            kind=trace.SpanKind.SERVER,
            attributes=answered.attributes,
            start_time=answered.began + offset,
        )
        if span.is_recording():
            inside = trace.set_span_in_context(span, Context())
            for name, begin, end in answered.phases:
                phase = self._tracer.start_span(name, context=inside, start_time=begin + offset)
                phase.end(end_time=end + offset)
            if answered.has_failed:
                span.set_status(trace.StatusCode.ERROR)
        span.end(end_time=answered.ended + offset)
        made = span.get_span_context()
        return trace.format_trace_id(made.trace_id) if made.is_valid else None

    def flush(self) -> None:
        """
        Send what there is, now.
        """
        self._provider.force_flush()

    def close(self) -> None:
        """
        Send what is left and stop; where nobody takes it, what is left is lost after a moment.
        """
        # The SDK tries for ten seconds and more: a collector that is away would hold up every restart.
        ending = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        ending.start()
        ending.join(_CLOSE_SECONDS)


def _context_of(parent: TraceParent | None) -> Context:
    if parent is None:
        return Context()
    caller = trace.SpanContext(
        trace_id=int(parent.trace_id, 16),
        span_id=int(parent.span_id, 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED if parent.is_sampled else trace.TraceFlags.DEFAULT),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(caller), Context())
