"""
The command line, a file per group of commands.

Speaks one language, the Management API: over the network, or in process for the owner of a home. Only what makes,
runs or mends a server touches the server's own parts: `init`, `serve`, `settings`, `master-key`, `doctor`.

    families     the commands that speak to the Management API: one row of a table each
    build        rows → Typer commands          perform   a row, carried out          show   what it shows
    target       which server is meant          api       requests to it
    failures     what goes wrong, and the exit codes
"""

from watchword.cli.app import run

__all__ = ["run"]
