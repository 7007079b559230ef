"""
The application that the HTTP server runs: an opened home behind the web.
"""

from starlette.types import ASGIApp

from watchword.server.bootstrap import open_context
from watchword.server.jobs.runner import JobRunner
from watchword.server.jobs.watch import Watch
from watchword.server.logging import set_up_logging
from watchword.server.settings import Settings
from watchword.server.web.app import create_app
from watchword.server.web.request_log import NoRequestLines, RequestLines


def create_for(settings: Settings) -> ASGIApp:
    """
    Make the application of a home.

    Raises:
        NotInitialised: There is nothing there yet.
        MasterKeyError: The master key is missing, foreign or readable by others.
        SchemaError: The database comes from a newer version, or lacks a trigger.
    """
    set_up_logging(settings)
    lines = RequestLines() if settings.request_log else NoRequestLines()
    ctx = open_context(settings, lines)
    jobs = JobRunner(ctx)
    jobs.start()
    watch = Watch(ctx)
    watch.start()

    def stop() -> None:
        watch.stop()
        jobs.stop()
        ctx.close()

    return create_app(ctx, stop)
