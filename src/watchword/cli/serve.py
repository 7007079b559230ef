"""
`watchword serve`: run a home's server.
"""

import gc
import os
import resource
from pathlib import Path
from typing import Annotated, Any

import typer

from watchword.cli.init import Home, prepare_home
from watchword.server.bootstrap import initialise, is_initialised
from watchword.server.settings import PREFIX, Settings, resolve


def serve(
    *,
    home: Home = None,
    host: Annotated[str | None, typer.Option(help="Address to bind.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind.")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes that share the port.")] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Public base URL, for this run alone; with --init, for good.")
    ] = None,
    init: Annotated[bool, typer.Option("--init", help="Make the home first where there is none.")] = False,
) -> None:
    """
    Serve a home until a stop signal; requests in flight finish.
    """
    flags = {"home": home, "host": host, "port": port, "workers": workers, "endpoint": endpoint}
    settings = resolve(flags).settings
    if init and not is_initialised(settings):
        prepare_home(home, settings.public_endpoint)
        initialise(settings)
    _raise_file_limit()
    run_server(settings)


def run_server(settings: Settings) -> None:
    """
    Run the HTTP server in this process, or supervise several.
    """
    import uvicorn  # noqa: PLC0415 - only `serve` pays for it

    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "loop": "uvloop",
        "http": "httptools",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": settings.shutdown_timeout_seconds,
    }
    if settings.workers > 1:
        _hand_down(settings)
        uvicorn.run("watchword.server.serving:create", factory=True, workers=settings.workers, **options)
    else:
        from watchword.server.serving import create_for  # noqa: PLC0415

        application = create_for(settings)
        gc.freeze()  # what lives as long as the process need not be looked at again
        uvicorn.run(application, **options)


def _hand_down(settings: Settings) -> None:
    """
    Give the workers, which are fresh processes, what the command line said.
    """
    for name in ("home", "host", "port", "endpoint"):
        os.environ[PREFIX + name.upper()] = str(getattr(settings, name))


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
