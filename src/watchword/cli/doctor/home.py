"""
The folder and its files: there, the right user's, and nobody else's to read.
"""

import stat
from collections.abc import Iterator
from pathlib import Path

from watchword.cli.doctor.finding import Finding, fine, wrong
from watchword.server.settings import Settings

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SECRETIVE = ("*.db", "*.db-wal", "*.db-shm", "*.key", "*.toml", "*.json")


def check_home(settings: Settings) -> Iterator[Finding]:
    """
    Check the folder and what is in it.
    """
    home = settings.home
    if not home.is_dir():
        yield wrong("home", f"{home} is no folder: run `watchword init --home {home}`")
        return
    faults = [*_faults(home, home, "700"), *(fault for path in _files(home) for fault in _faults(path, home, "600"))]
    if faults:
        yield from (wrong("home", fault) for fault in faults)
    else:
        yield fine("home", f"{home} and its files are their owner's alone")


def _files(home: Path) -> list[Path]:
    return sorted(path for pattern in _SECRETIVE for path in home.glob(pattern))


def _faults(path: Path, home: Path, mode: str) -> Iterator[str]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return  # SQLite takes its logs away as their last user goes, perhaps since the folder was read
    if found.st_mode & _OTHERS:
        yield f"{path} can be used by others: run `chmod {mode} {path}`"
    if found.st_uid != home.stat().st_uid:
        yield f"{path} belongs to another user than its folder: run `chown {_owner(home)} {path}`"


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:  # in a container, say, users may have no names
        return str(path.stat().st_uid)
