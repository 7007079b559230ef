"""
Ports of this machine: which are free, and who listens.
"""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

from watchword.cli.quickstart.places import HOST

_HIGHEST = 65535
_LISTENING = "0A"


def is_free(port: int) -> bool:
    """
    Tell whether a server could listen on a port now.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: what just closed is free
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
        return True


def candidates(preferred: int, *, avoid: int) -> Iterator[int]:
    """
    Yield the ports to try: the preferred one, then those above it, but never the other server's.
    """
    return (port for port in range(preferred, _HIGHEST + 1) if port == preferred or port != avoid)


def listens(process_id: int, port: int) -> bool:
    """
    Tell whether it is this very process that listens on a port, so that no secret goes to another.

    Where the kernel does not say (only Linux does), whoever answers is taken for it.
    """
    table = Path("/proc/net/tcp")
    if not table.exists():
        return True
    sockets = {f"socket:[{inode}]" for inode in _listening_sockets(table, port)}
    try:
        return any(str(entry.readlink()) in sockets for entry in Path(f"/proc/{process_id}/fd").iterdir())
    except OSError:  # it has just ended, or closed what was being looked at
        return False


def _listening_sockets(table: Path, port: int) -> Iterator[str]:
    for line in table.read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
            yield fields[9]
