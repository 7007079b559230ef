"""
`watchword audit`: prove that nobody changed the logs, export what proves it later, and follow them as a stream.

Works on the home itself, with its master key: no server is asked, and none needs to run.
"""

from pathlib import Path
from typing import Annotated

import typer

from watchword.cli.build import new_group
from watchword.cli.options import AsJson, Home

audit = new_group("The logs, proved and followed. Needs the home and its master key.")


@audit.command()
def verify(
    *,
    home: Home = None,
    head: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE|HEX",
            help="A head exported earlier, or a file with any number of them: prove that the log still leads there.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Find records that were changed, added, removed, reordered or cut since they were sealed.
    """
    from watchword.cli.audit.heads import read_heads
    from watchword.cli.audit.report import show
    from watchword.server.bootstrap import open_logs
    from watchword.server.operations.audit import verify as verify_logs
    from watchword.server.settings import resolve

    exported = read_heads(head or [])
    with open_logs(resolve({"home": home}).settings) as (database, keys):
        findings = verify_logs(database, keys, frozenset(exported))
    show(findings, exported, as_json=as_json)


@audit.command()
def heads(*, home: Home = None) -> None:
    """
    Print the newest head of each log, a JSON object a line. Keep them where nobody who runs this server can write.
    """
    from watchword.cli.output import emit
    from watchword.server.bootstrap import open_logs
    from watchword.server.operations.audit import newest_heads
    from watchword.server.operations.audit_stream import tip_line
    from watchword.server.settings import resolve

    with open_logs(resolve({"home": home}).settings) as (database, keys):
        for line in [tip_line(chain, tip) for chain, tip in newest_heads(database, keys)]:
            emit(line)


@audit.command()
def follow(
    *,
    home: Home = None,
    cursor: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to note how far the logs were read. Made when there is none.")
    ],
    once: Annotated[bool, typer.Option("--once", help="End when all that is there was written.")] = False,
) -> None:
    """
    Write the logs of all nodes to standard output, a JSON object a line, each at least once, until a stop signal.
    """
    from watchword.cli.audit.following import run_stream
    from watchword.server.bootstrap import open_logs
    from watchword.server.settings import resolve

    with open_logs(resolve({"home": home}).settings) as (database, _):
        run_stream(database, cursor, once=once)
