"""
Where a server that listens on some sockets is reached by its own machine.
"""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from watchword.cli.listening import listening, own_url


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("::", "[::1]")],
)
def test_address_can_be_connected_to(host: str, expected: str) -> None:
    """
    Loopback, where the server listens on all addresses; IPv6 in brackets.
    """
    if ":" in host and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with listening(host, 0) as sockets:
        url = own_url(sockets)
        port = sockets[0].getsockname()[1]
        assert url == f"http://{expected}:{port}"
        with closing(socket.create_connection((expected.strip("[]"), port), timeout=5)):
            pass


def test_without_a_socket_there_is_none() -> None:
    """
    As in an application that runs in process.
    """
    assert own_url([]) is None
