"""
The `watchword` command as people run it: a process of its own, its two outputs and its exit code.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.server import NO_SETTINGS, clean_environment, watchword_command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.server import RunningServer

SECONDS = 120.0


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
    done = subprocess.run(
        watchword_command(*arguments),
        env=clean_environment(settings),
        input=stdin,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(code=done.returncode, out=done.stdout, err=done.stderr)


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
