"""
The `watchword` command as people run it: a process of its own, its two outputs and its exit code.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from tests.support.command_forks import command_forks
from tests.support.server import NO_SETTINGS, clean_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.server import RunningServer

SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """
    A command that has ended.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON value
        """
        Read standard output as JSON.
        """
        return json.loads(self.out)


def run(
    *arguments: str, settings: Mapping[str, str] = NO_SETTINGS, stdin: str = "", folder: Path | None = None
) -> Done:
    """
    Run a command to its end, away from any terminal.

    Args:
        settings: Variables by name without `WATCHWORD_`, in any case.
        folder: Where to run it.
    """
    with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        code = command_forks().run(
            arguments,
            environment=clean_environment(settings),
            folder=folder,
            files=(given.fileno(), out.fileno(), err.fileno()),
            seconds=SECONDS,
        )
        printed = [_text(file) for file in (out, err)]
    assert "Traceback" not in printed[1], printed[1]
    return Done(code=code, out=printed[0], err=printed[1])


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def succeed(
    *arguments: str, settings: Mapping[str, str] = NO_SETTINGS, stdin: str = "", folder: Path | None = None
) -> Done:
    """
    Run a command that must succeed.
    """
    done = run(*arguments, settings=settings, stdin=stdin, folder=folder)
    assert done.code == 0, f"{arguments} ended with {done.code}: {done.err}"
    return done


def credentials_of(server: RunningServer) -> dict[str, str]:
    """
    Return the settings that let a command speak to a server as its first application.
    """
    return {
        "cli_endpoint": server.endpoint,
        "cli_client_id": server.application_id,
        "cli_client_secret": server.application_secret,
    }
