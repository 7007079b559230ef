"""
The table of contents of the command line.
"""

from typing import Annotated

import typer

from watchword import __version__
from watchword.cli.audit import audit
from watchword.cli.build import add_rows, new_group
from watchword.cli.db import db
from watchword.cli.dev import dev
from watchword.cli.doctor import doctor
from watchword.cli.failures import told
from watchword.cli.families.table import GROUPS, ROWS
from watchword.cli.init import init
from watchword.cli.master_key import master_key
from watchword.cli.operators import operators
from watchword.cli.quickstart import quickstart
from watchword.cli.serve import serve
from watchword.cli.settings import settings
from watchword.cli.token import token

app = new_group("An identity provider for machines.")
app.command()(quickstart)
app.command()(init)
app.command()(serve)


app.command()(settings)
app.command()(doctor)
app.add_typer(db, name="db")
app.add_typer(master_key, name="master-key")
app.add_typer(audit, name="audit")
app.add_typer(operators, name="operators")
app.add_typer(token, name="token")
app.add_typer(dev, name="dev")
add_rows(app, ROWS, GROUPS)


@app.command()
def version() -> None:
    """
    Print the version.
    """
    typer.echo(__version__)


def _version_if(asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version_if, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def run() -> None:
    """
    Run the command that the arguments name; what goes wrong is said in a line, with what to do.
    """
    with told():
        app()
