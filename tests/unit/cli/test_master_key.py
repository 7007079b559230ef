"""
Rotation of the master key: at no moment can the database not be opened.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.home import settings_of
from watchword.protocol.credentials import ClientSecret
from watchword.server.bootstrap import open_ground
from watchword.server.operations.master_key import list_lines, prune, rotate
from watchword.server.storage.master_key import MasterKeyError

if TYPE_CHECKING:
    from watchword.server.settings import Settings


def keys_of(settings: Settings) -> tuple[bytes, ...]:
    """
    Open the data keys, and return what can be compared of them.
    """
    with open_ground(settings) as ground:
        return ground.keys.sealing, ground.keys.audit, ground.keys.digest(ClientSecret("a secret"))


def lines_of(settings: Settings) -> list[tuple[bool, bool]]:
    """
    Tell of each line whether it wraps and whether it is the last.
    """
    with open_ground(settings) as ground:
        return [(line.wraps, line.is_last) for line in list_lines(ground)]


def fresh_line() -> str:
    """
    Make a line.
    """
    return f"{os.urandom(4).hex()}:{base64.b64encode(os.urandom(32)).decode()}"


def test_rotation_changes_the_wrapping_and_no_data_key(home: Path) -> None:
    """
    What is sealed and digested stays as it is, and the file keeps the old line.
    """
    settings = settings_of(home)
    before, old = keys_of(settings), (home / "master.key").read_text()
    with open_ground(settings) as ground:
        key_id = rotate(ground)
    text = (home / "master.key").read_text()
    assert text.startswith(old)
    assert text.splitlines()[-1].startswith(f"{key_id}:")
    assert keys_of(settings) == before
    assert lines_of(settings) == [(False, False), (True, True)]


def test_line_is_appended_behind_a_last_line_without_end(home: Path) -> None:
    """
    A file that an editor left without its last line end is not spoilt.
    """
    settings = settings_of(home)
    path = home / "master.key"
    path.write_text(path.read_text().rstrip("\n"))
    with open_ground(settings) as ground:
        rotate(ground)
    assert lines_of(settings) == [(False, False), (True, True)]


@pytest.mark.parametrize("moment", ["before the new line", "after the new line", "after wrapping"])
def test_rotation_that_is_cut_off_leaves_what_opens(moment: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Wherever it ends, the database opens, and the next rotation goes on without a third line.
    """
    settings = settings_of(home)
    before = keys_of(settings)
    place = {
        "before the new line": "watchword.server.storage.master_key.append",
        "after the new line": "watchword.server.storage.data_keys.rewrap",
        "after wrapping": "watchword.server.operations.master_key._record",
    }[moment]

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(place, cut)
    with pytest.raises(KeyboardInterrupt), open_ground(settings) as ground:
        rotate(ground)
    monkeypatch.undo()
    assert keys_of(settings) == before
    with open_ground(settings) as ground:
        rotate(ground)
    assert keys_of(settings) == before
    assert lines_of(settings) == [(False, False), (True, True)]


def test_full_disk_leaves_the_key_file_as_it_was(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Half a line would make the whole file unreadable.
    """
    settings = settings_of(home)
    old, write = (home / "master.key").read_text(), os.write
    monkeypatch.setattr("os.write", lambda descriptor, data: write(descriptor, data[:10]))
    with pytest.raises(MasterKeyError, match="can't be written: No space left"), open_ground(settings) as ground:
        rotate(ground)
    assert (home / "master.key").read_text() == old


def test_idle_lines_are_pruned(home: Path) -> None:
    """
    Only what wraps is kept, in a file of the same mode, which opens.
    """
    settings = settings_of(home)
    before = keys_of(settings)
    with open_ground(settings) as ground:
        assert prune(ground) == []
        rotate(ground)
        rotate(ground)
        assert len(prune(ground)) == 2
    assert (home / "master.key").stat().st_mode & 0o777 == 0o600
    assert keys_of(settings) == before
    assert lines_of(settings) == [(True, True)]
    assert [path.name for path in home.iterdir() if path.name.startswith(".")] == []


def test_line_that_waits_for_a_rotation_is_not_pruned(home: Path) -> None:
    """
    A last line that wraps nothing yet is there on purpose.
    """
    settings = settings_of(home)
    with (home / "master.key").open("a") as file:
        file.write(fresh_line() + "\n")
    with (
        pytest.raises(MasterKeyError, match="run `watchword master-key rotate` first"),
        open_ground(settings) as ground,
    ):
        prune(ground)
    assert lines_of(settings) == [(True, False), (False, True)]


@pytest.mark.parametrize("way", ["file", "variable"])
def test_supplied_key_is_moved_on_to_its_new_last_line(way: str, home: Path, tmp_path: Path) -> None:
    """
    Without one, rotation says what to add and where; the supplied key itself is never written.
    """
    before = keys_of(settings_of(home))
    supplied = tmp_path / "supplied.key"
    supplied.write_text((home / "master.key").read_text())
    supplied.chmod(0o600)
    (home / "master.key").unlink()

    def settings() -> Settings:
        if way == "file":
            return settings_of(home, master_key_file=supplied)
        return settings_of(home, master_key=supplied.read_text())

    name = str(supplied) if way == "file" else "WATCHWORD_MASTER_KEY"
    with (
        pytest.raises(MasterKeyError, match=rf"by {name}: give it a new last line on every node"),
        open_ground(settings()) as ground,
    ):
        rotate(ground)
    with supplied.open("a") as file:
        file.write(fresh_line() + "\n")
    held = supplied.read_text()
    with open_ground(settings()) as ground:
        rotate(ground)
    with (
        pytest.raises(MasterKeyError, match=rf"by {name}: remove the lines \w+ there"),
        open_ground(settings()) as ground,
    ):
        prune(ground)
    assert supplied.read_text() == held
    assert not (home / "master.key").exists()
    assert keys_of(settings()) == before


def test_rotation_is_in_the_log_without_any_key(home: Path) -> None:
    """
    The record names the line and holds nothing of it.
    """
    settings = settings_of(home)
    with open_ground(settings) as ground:
        key_id = rotate(ground)
        prune(ground)
        rows = ground.connection.exec_driver_sql(
            "SELECT key, payload FROM audit_events WHERE key LIKE 'MasterKey.%' ORDER BY created_at, rowid"
        ).all()
    assert [row[0] for row in rows] == ["MasterKey.Rotated", "MasterKey.Pruned"]
    assert key_id in rows[0][1]
    key = (home / "master.key").read_text().strip().partition(":")[2]
    assert key not in str(rows)
