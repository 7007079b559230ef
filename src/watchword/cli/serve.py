"""
`watchword serve`: run a home's server.
"""

import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from watchword.cli.options import Home


def serve(
    *,
    home: Home = None,
    host: Annotated[str | None, typer.Option(help="Address to bind. Default: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind. Default: 3001.")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes that share the port. Default: 1.")] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Public base URL, for this run alone; with --init, for good.")
    ] = None,
    init: Annotated[bool, typer.Option("--init", help="Make the home first where there is none.")] = False,
    fd: Annotated[list[int] | None, typer.Option(hidden=True, help="For workers: a socket that listens.")] = None,
    board: Annotated[int | None, typer.Option(hidden=True, help="For workers: the memory they count in.")] = None,
) -> None:
    """
    Serve a home until a stop signal; requests in flight finish.
    """
    from watchword.server.settings import resolve

    flags = {"home": home, "host": host, "port": port, "workers": workers, "endpoint": endpoint}
    resolved = resolve(flags)
    settings = resolved.settings
    # Now, since loading the server takes half a second, and a setting that is wrong is told before.
    from watchword.cli.http_server import run_server, run_worker
    from watchword.cli.init import make_home_once

    if fd:
        run_worker(resolved, fd, board)
        return
    if init:
        make_home_once(settings.home, settings.public_endpoint)
    run_server(resolved, _worker_command(flags))


def _worker_command(flags: Mapping[str, object]) -> list[str]:
    # -P: what lies in the folder where this runs is not imported.
    given = [f"--{name}={value}" for name, value in flags.items() if value is not None]
    return [sys.executable, "-P", "-m", "watchword", "serve", *given]
