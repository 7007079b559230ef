"""
Disks that are soon full.
"""

from __future__ import annotations

import resource
import subprocess
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.server import RunningServer


@contextmanager
def mounted(folder: Path, mib: int) -> Iterator[Path]:
    """
    Give a folder a disk of its own, of so many MiB; a test that may not mount is skipped.
    """
    folder.mkdir()
    refused = _mount(folder, mib)
    if refused is not None:
        pytest.skip(refused)
    try:
        yield folder
    finally:
        _unmount(folder)


@cache
def may_mount() -> bool:
    """
    Tell whether this process may have a small disk.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        may = _mount(folder, 1) is None
        if may:
            _unmount(folder)
    return may


def _mount(folder: Path, mib: int) -> str | None:
    """
    Mount a disk in memory, or say why that can't be.
    """
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"there is no mount: {error}"
    return None if done.returncode == 0 else f"this process may not mount: {done.stderr.strip()}"


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def limit_file_size(server: RunningServer, mib: int) -> None:
    """
    Let none of a running server's files grow beyond so many MiB.
    """
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (mib * 1024 * 1024, mib * 1024 * 1024))
