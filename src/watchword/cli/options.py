"""
Options that several commands have, said once.
"""

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path | None,
    typer.Option(
        help="Folder with the database, the master key and watchword.toml. "
        "Default: WATCHWORD_HOME, else the platform's data folder."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, for programs.")]
Assent = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
Endpoint = Annotated[str | None, typer.Option(help="Base URL of the server to speak to. Or WATCHWORD_CLI_ENDPOINT.")]
ClientId = Annotated[str | None, typer.Option(help="Id of the application to act as. Or WATCHWORD_CLI_CLIENT_ID.")]
ClientSecret = Annotated[
    str | None,
    typer.Option(help="Its secret; - reads it from standard input. Or WATCHWORD_CLI_CLIENT_SECRET."),
]
AllowHttp = Annotated[
    bool,
    typer.Option("--allow-http-endpoint", help="Send secrets and tokens over plain http: to another machine."),
]
