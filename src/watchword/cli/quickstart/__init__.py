"""
`watchword quickstart`: see machine-to-machine auth work, for real, on this machine.

Owns the demonstration: a home of its own, the server and a protected API as child processes, what is made in
them through the Management API, the calls that pass and those that are refused, and the page at the end.
Leaves to others: making homes (`init`), serving (`serve`), checking tokens (`watchword.protect`).

    story          what happens, in order
    products_api   the protected API: a program of its own, and an example to copy
"""

from pathlib import Path
from typing import Annotated

import typer

SERVER_PORT, API_PORT = 3001, 3002


def quickstart(
    *,
    home: Annotated[
        Path | None,
        typer.Option(help="Folder of the quick start. Default: the platform's data folder, watchword-quickstart."),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the server, if free.")] = SERVER_PORT,
    api_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the products API, if free.")] = API_PORT,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output, the steps on standard error.")
    ] = False,
    exit_after: Annotated[bool, typer.Option("--exit", envvar="QUICKSTART_EXIT", help="End after the checks.")] = False,
) -> None:
    """
    See machine-to-machine auth work: a server, an API that it protects, tokens, and what is refused.

    Runs until Ctrl-C. Running it again reuses what is there.
    """
    from watchword.cli.quickstart.story import Wishes, tell

    wishes = Wishes(home=home, port=port, api_port=api_port, as_json=as_json, stays_up=not exit_after)
    raise typer.Exit(tell(wishes))
