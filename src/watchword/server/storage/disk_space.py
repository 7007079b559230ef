"""
How much room is left for the token log, so that refusals never take what tokens will need.
"""

import os
import resource
from pathlib import Path

_LARGEST_SHARE = 10


class DiskSpace:
    """
    The disk below a database file, and the limit on a file's size where the process has one.

    Args:
        reserve: Bytes that must stay free; of a small disk, a tenth is enough.
    """

    def __init__(self, path: Path, reserve: int) -> None:
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._reserve = reserve

    def has_room(self) -> bool:
        """
        Tell whether more than the reserve is free.
        """
        try:
            disk = os.statvfs(self._path.parent)
            file = self._path.stat().st_size
            # What stands in the write-ahead log has yet to be copied into the file.
            pending = self._wal.stat().st_size if self._wal.exists() else 0
        except OSError:
            return False
        rooms = [(disk.f_bavail * disk.f_frsize - pending, disk.f_blocks * disk.f_frsize)]
        largest, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        if largest != resource.RLIM_INFINITY:
            rooms.append((largest - file - pending, largest))
        return all(free > min(self._reserve, whole // _LARGEST_SHARE) for free, whole in rooms)
