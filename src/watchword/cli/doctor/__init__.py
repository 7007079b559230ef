"""
`watchword doctor`: what is wrong with a home, its databases and its server, and what to do about it.

Owns the checks, a file per kind. Leaves to others: what they look at, and the repair of change tracking.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from watchword.cli.failures import FAILED
from watchword.cli.options import AsJson, Home

if TYPE_CHECKING:
    from watchword.cli.doctor.finding import Finding
    from watchword.server.settings import Settings


def doctor(
    *,
    home: Home = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put missing change triggers back; take this machine's time for right.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Leave out what needs the server to run.")] = False,
    as_json: AsJson = False,
) -> None:
    """
    Check a home, its databases and its server; exit code 1 when something is wrong.
    """
    from watchword.cli.output import emit, emit_json, printable
    from watchword.server.settings import resolve

    settings = resolve({"home": home}).settings
    findings = list(_examine(settings, repair=repair, offline=offline))
    if as_json:
        emit_json([{"check": one.check, "ok": one.ok, "text": one.text} for one in findings])
    else:
        for one in findings:
            emit(printable(f"{'ok   ' if one.ok else 'WRONG'}  {one.check}: {one.text}"))
    if not all(one.ok for one in findings):
        raise typer.Exit(FAILED)


def _examine(settings: "Settings", *, repair: bool, offline: bool) -> "Iterator[Finding]":
    from watchword.cli.doctor.databases import check_databases
    from watchword.cli.doctor.home import check_home
    from watchword.cli.doctor.server import check_server

    yield from check_home(settings)
    if settings.home.is_dir():
        yield from check_databases(settings, repair=repair)
    if not offline:
        yield from check_server(settings)
