"""
The room that refusals leave to tokens.
"""

from __future__ import annotations

import os
import resource
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from watchword.server.storage.disk_space import DiskSpace

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """
    Make a file of 1 MiB.
    """
    path = tmp_path / "tokens.db"
    path.write_bytes(bytes(MIB))
    return path


def pretend(monkeypatch: pytest.MonkeyPatch, *, free_mib: int, whole_mib: int) -> None:
    """
    Let the disk have so much room.
    """
    disk = SimpleNamespace(f_bavail=free_mib, f_blocks=whole_mib, f_frsize=MIB)
    monkeypatch.setattr(os, "statvfs", lambda _: disk)


@pytest.mark.parametrize(
    ("free_mib", "whole_mib", "has_room"),
    [
        pytest.param(101, 10_000, True, id="more than the reserve"),
        pytest.param(100, 10_000, False, id="the reserve"),
        pytest.param(11, 100, True, id="more than a tenth of a small disk"),
        pytest.param(10, 100, False, id="a tenth of a small disk"),
    ],
)
def test_room_is_what_is_beyond_the_reserve(
    file: Path, monkeypatch: pytest.MonkeyPatch, free_mib: int, whole_mib: int, has_room: bool
) -> None:
    """
    The reserve is at most a tenth of the disk.
    """
    pretend(monkeypatch, free_mib=free_mib, whole_mib=whole_mib)
    assert DiskSpace(file, 100 * MIB).has_room() is has_room


def test_what_waits_to_be_copied_is_no_room(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A checkpoint will write it a second time.
    """
    pretend(monkeypatch, free_mib=103, whole_mib=10_000)
    space = DiskSpace(file, 100 * MIB)
    for wal_mib, has_room in ((2, True), (3, False)):
        file.with_name("tokens.db-wal").write_bytes(bytes(wal_mib * MIB))
        assert space.has_room() is has_room


def test_limit_on_the_size_of_files_counts_as_well(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A service manager may set one, and the disk says nothing of it.
    """
    pretend(monkeypatch, free_mib=1_000, whole_mib=10_000)
    for largest_mib, has_room in ((2, True), (1, False)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, mib=largest_mib: (mib * MIB, mib * MIB))
        assert DiskSpace(file, 100 * MIB).has_room() is has_room


def test_file_that_is_gone_has_no_room(tmp_path: Path) -> None:
    """
    What can't be told is not taken for granted.
    """
    assert not DiskSpace(tmp_path / "gone" / "tokens.db", 0).has_room()
