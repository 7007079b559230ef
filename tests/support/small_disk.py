"""
Disks that are soon full.
"""

from __future__ import annotations

import resource
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.server import RunningServer


@contextmanager
def mounted(folder: Path, mib: int) -> Iterator[Path]:
    """
    Give a folder a disk of its own, of so many MiB; a test that may not mount is skipped.
    """
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"there is no mount: {error}")
    if done.returncode != 0:
        pytest.skip(f"this process may not mount: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def limit_file_size(server: RunningServer, mib: int) -> None:
    """
    Let none of a running server's files grow beyond so many MiB.
    """
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (mib * 1024 * 1024, mib * 1024 * 1024))
