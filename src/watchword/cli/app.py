"""
The table of contents of the command line.
"""

import typer

from watchword import __version__
from watchword.cli.failures import told
from watchword.cli.init import init
from watchword.cli.serve import serve

app = typer.Typer(
    name="watchword",
    help="An identity provider for machines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(init)
app.command()(serve)


@app.command()
def version() -> None:
    """
    Print the version.
    """
    typer.echo(__version__)


def run() -> None:
    """
    Run the command that the arguments name; what goes wrong is said in a line, with what to do.
    """
    with told():
        app()
