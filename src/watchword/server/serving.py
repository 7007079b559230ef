"""
The application that the HTTP server runs: an opened home behind the web.
"""

from watchword.server.bootstrap import open_context
from watchword.server.jobs.runner import JobRunner
from watchword.server.jobs.watch import Watch
from watchword.server.logging import set_up_logging
from watchword.server.settings import Resolved, Settings, SettingsError
from watchword.server.telemetry.board import Board
from watchword.server.telemetry.tracing import Tracer
from watchword.server.web.app import Application, create_app
from watchword.server.web.request_log import NoRequestLines, RequestLines


def create_for(
    resolved: Resolved, board: Board | None = None, *, begins_token_log: bool = False, own_url: str | None = None
) -> Application:
    """
    Make the application of a home.

    Args:
        resolved: Its settings, and where they came from.
        board: Where the workers of this server count; None where there is one process.
        begins_token_log: Whether to begin a new token log where the installation's own is gone, and say so.
        own_url: Where it will listen, as this machine reaches it.

    Raises:
        SettingsError: Traces are wanted and can't be sent.
        NotInitialised: There is nothing there yet.
        MasterKeyError: The master key is missing, foreign or readable by others.
        SchemaError: The database comes from a newer version, or lacks a trigger.
        StorageUnavailable: The database can't be opened, or its token log is missing.
    """
    settings = resolved.settings
    set_up_logging(settings)
    lines = RequestLines() if settings.request_log else NoRequestLines()
    ctx = open_context(
        settings,
        lines,
        begins_token_log=begins_token_log,
        board=board,
        tracer=_tracer(settings),
        own_url=own_url,
        origins=resolved.origins,
    )
    jobs = JobRunner(ctx)
    jobs.start()
    watch = Watch(ctx)
    watch.start()

    def stop() -> None:
        watch.stop()
        jobs.stop()
        ctx.close()

    return create_app(ctx, stop)


def _tracer(settings: Settings) -> Tracer | None:
    if not settings.traces:
        return None
    try:
        from watchword.server.telemetry.opentelemetry_tracer import OpenTelemetryTracer, exporter_from_environment
    except ImportError as error:
        raise SettingsError(
            f"traces: {error.name} is missing: install it with `pip install 'watchword[server,traces]'`, "
            "or leave traces off"
        ) from None
    return OpenTelemetryTracer(exporter_from_environment())
