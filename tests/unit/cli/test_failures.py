"""
What goes wrong: one line that says what to do, and the exit code that goes with it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from watchword.cli.failures import (
    EXIT_CODES,
    FAILED,
    MISUSED,
    NOT_FOUND,
    REFUSED,
    UNREACHABLE,
    Failure,
    failure_of,
    told,
)
from watchword.server.bootstrap import NotInitialised
from watchword.server.settings import SettingsError
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.master_key import MasterKeyError
from watchword.server.storage.migrate import SchemaError


@pytest.mark.parametrize(
    ("error", "text", "code"),
    [
        pytest.param(Failure("no such role", code=NOT_FOUND), "no such role", NOT_FOUND, id="a command's own"),
        pytest.param(SettingsError("port: bad"), "port: bad", MISUSED, id="settings"),
        pytest.param(NotInitialised("run init"), "run init", FAILED, id="no installation"),
        pytest.param(MasterKeyError("run chmod"), "run chmod", FAILED, id="master key"),
        pytest.param(SchemaError("newer"), "newer", FAILED, id="schema"),
        pytest.param(
            StorageUnavailable("disk I/O error"),
            "the database can't be used: disk I/O error: see that its disk has room and that its files are yours; "
            "`watchword doctor` looks closer",
            FAILED,
            id="database",
        ),
        pytest.param(
            PermissionError(13, "Permission denied", "/x"),
            "/x: Permission denied: see that the path is right and that you may use it",
            FAILED,
            id="file",
        ),
    ],
)
def test_expected_error_is_one_line_and_an_exit_code(
    error: Exception, text: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Whoever runs a command sees what is wrong and what to do, without a traceback.
    """
    with pytest.raises(SystemExit) as left, told():
        raise error
    assert left.value.code == code
    assert capsys.readouterr() == ("", f"watchword: {text}\n")


def test_fault_of_ours_is_not_hidden() -> None:
    """
    What nobody expected keeps its traceback.
    """
    assert failure_of(ZeroDivisionError()) is None
    with pytest.raises(ZeroDivisionError), told():
        raise ZeroDivisionError


@pytest.mark.parametrize("command", ["version", "--help"])
def test_full_disk_below_the_output_is_told(command: str) -> None:
    """
    In one line, also where Python itself would complain at the end of what was not written.
    """
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "watchword", command], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == FAILED
    assert done.stderr == (
        "watchword: the output can't be written (No space left on device): see that there is room where it goes\n"
    )


def test_every_exit_code_is_documented() -> None:
    """
    The table that the reference page is made from has them all.
    """
    assert set(EXIT_CODES) == {0, FAILED, MISUSED, NOT_FOUND, REFUSED, UNREACHABLE}
