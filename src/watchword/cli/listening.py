"""
The sockets that `serve` listens on, and how many files and connections it may have open.
"""

import errno
import resource
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from ipaddress import IPv6Address, ip_address
from typing import Any

from watchword.cli.failures import Failure

BACKLOG = 4096
# What else is open: 45 threads may each hold both databases with their logs and indices, and there are the listeners.
_RESERVE = 320
_MOST_CONNECTIONS = 10_000


def raise_file_limit() -> int:
    """
    Raise the limit of open files as far as this process may, and return it.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # a kernel that allows less than it says: the limit stays as it is
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def most_connections(file_limit: int) -> int:
    """
    Say how many connections may be open in one process: each is a file, and some files are kept for the databases.
    """
    if file_limit == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return min(max(file_limit - _RESERVE, file_limit // 2), _MOST_CONNECTIONS)


@contextmanager
def listening(host: str, port: int) -> Iterator[list[socket.socket]]:
    """
    Listen on every address that a host name stands for.

    Raises:
        Failure: The port is taken or forbidden, or the address is not this machine's.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise Failure(f"host {host}: {error.strerror}: name an address of this machine with --host") from None
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            with suppress(_NotHere):
                sockets.append(_listen(family, address))
        if not sockets:
            raise Failure(f"host {host} is not an address of this machine: name one with --host")
        yield sockets
    finally:
        for listener in sockets:
            listener.close()


def own_url(sockets: Sequence[socket.socket]) -> str | None:
    """
    Say where this machine reaches a server that listens on these, e.g. `http://[::1]:3001`; None where no URL says it.

    It is a loopback address wherever the server listens on one, or on all.
    """
    for listener in sockets:
        host, port = listener.getsockname()[:2]
        address = ip_address(host)
        if isinstance(address, IPv6Address) and address.is_link_local:
            continue  # it is one of an interface, which a URL does not name
        if address.is_unspecified:
            address = ip_address("::1" if isinstance(address, IPv6Address) else "127.0.0.1")
        return f"http://[{address}]:{port}" if isinstance(address, IPv6Address) else f"http://{address}:{port}"
    return None


class _NotHere(Exception):
    """
    The address is not this machine's.
    """


def _listen(family: int, address: Any) -> socket.socket:  # noqa: ANN401 - what getaddrinfo gives
    host, port = address[:2]
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
        with closing(listener) as guarded:
            guarded.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                guarded.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            guarded.bind(address)
            # Listening at once: two sockets may bind one port as long as neither listens.
            guarded.listen(BACKLOG)
            guarded.setblocking(False)  # noqa: FBT003 - the call's only argument
            return socket.socket(fileno=guarded.detach())
    except OSError as error:
        raise _why(error, host, port) from None


def _why(error: OSError, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return Failure(
            f"port {port} of {host} is taken by another program: stop that one, or choose another with --port"
        )
    if error.errno == errno.EACCES:
        return Failure(f"port {port} needs privileges: choose one above 1023 with --port")
    if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
        return _NotHere()
    return Failure(f"can't listen on port {port} of {host}: {error.strerror}: choose another with --port")
