"""
The quick start's products API, as a process of its own.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.quickstart import wait_for
from tests.support.server import free_port
from watchword.cli.quickstart import products_api


@contextmanager
def run_products_api(issuer: str, audience: str, log: Path) -> Iterator[httpx.Client]:
    """
    Run it for tokens of an issuer, and give a client that calls it.

    Args:
        audience: The identifier that it was registered with.
        log: What it has to say goes there.
    """
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", products_api.__file__],
            env={**os.environ, "ISSUER": issuer, "AUDIENCE": audience, "PORT": str(port)},
            stdout=output,
            stderr=output,
        )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:
        try:
            assert wait_for(lambda: _is_listening(port))
            yield client
        finally:
            process.terminate()
            process.wait(20)


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
