"""
What a command shows, and what it keeps from a terminal.
"""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from watchword.cli.failures import Failure
from watchword.cli.output import emit_json, hand_over, printable, say, show_members, show_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOSTILE = "a\x1b[2Jb\x07c\x9bd\u202ee\u2066f\x00g\ud800h\u2028i"


def test_what_steers_a_terminal_is_written_out() -> None:
    """
    A name or user agent with control characters is shown, not obeyed.
    """
    assert printable(HOSTILE) == "a\\x1b[2Jb\\x07c\\x9bd\\u202ee\\u2066f\\x00g\\ud800h\\u2028i"
    assert printable("Übung 数据 👩🏽‍💻 עברית") == "Übung 数据 👩🏽‍💻 עברית"


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(lambda: show_table(["NAME"], [[HOSTILE]]), id="table"),
        pytest.param(lambda: show_members({"name": HOSTILE}), id="members"),
        pytest.param(lambda: emit_json(HOSTILE), id="JSON"),
        pytest.param(lambda: say(HOSTILE), id="note"),
    ],
)
def test_no_output_carries_control_characters(show: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    """
    Neither the table nor the JSON does.
    """
    show()
    shown = "".join(capsys.readouterr())
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\x00"} & set(shown)


def test_markup_in_a_name_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Square brackets mean nothing in a cell.
    """
    show_table(["NAME"], [["[red]x[/red]"], ["[/]"]])
    assert "[red]x[/red]" in capsys.readouterr().out


def test_table_is_not_folded_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """
    A line of a table is a line, however long.
    """
    show_table(["A", "B"], [["x" * 300, "y" * 300]])
    assert f"{'x' * 300}  {'y' * 300}" in capsys.readouterr().out


def test_credentials_go_into_a_private_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Off a terminal they are in no output, and the path is.
    """
    path = tmp_path / "c.json"
    hand_over({"secret": "s3cret"}, path, "the secret", otherwise="look elsewhere")
    out, err = capsys.readouterr()
    assert out == ""
    assert "s3cret" not in err
    assert str(path) in err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {"secret": "s3cret"}


def test_file_that_is_there_is_kept(tmp_path: Path) -> None:
    """
    An older secret is never overwritten, nor is a link followed.
    """
    path = tmp_path / "c.json"
    path.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "c-2.json").write_text("older")
    hand_over({"secret": "s3cret"}, path, "the secret", otherwise="look elsewhere")
    assert not (tmp_path / "elsewhere").exists()
    assert (tmp_path / "c-2.json").read_text() == "older"
    assert json.loads((tmp_path / "c-3.json").read_text()) == {"secret": "s3cret"}


def test_unwritable_folder_says_where_else_to_look(tmp_path: Path) -> None:
    """
    What was made is not lost: the message says how to get at the secret.
    """
    with pytest.raises(Failure, match=r"can't be written .*: look elsewhere"):
        hand_over({"secret": "s"}, tmp_path / "missing" / "c.json", "the secret", otherwise="look elsewhere")
