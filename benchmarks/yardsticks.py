"""
Owns what the server is held against: the sign-only app, served, and raw signing; and the machine they run on.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.pinned_server import HOST, PinnedServer, free_port, running_on
from benchmarks.sign_only_app import SIGNING_INPUT


@contextmanager
def serve_sign_only(core: int, output: Path, environment: Mapping[str, str]) -> Iterator[PinnedServer]:
    """
    Run the sign-only app on the given core, ready.
    """
    port = free_port()
    uvicorn = [
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        "benchmarks.sign_only_app:create_app",
        "--lifespan",
        "off",
    ]
    fixed = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    where = ["--app-dir", str(Path(__file__).resolve().parents[1]), "--host", HOST, "--port", str(port)]
    command = [*uvicorn, *fixed, *where]
    with PinnedServer(command, cores=[core], port=port, output=output, environment=environment) as server:
        yield server.wait_until_ready("/")


def raw_signatures_per_second(core: int, *, seconds: float) -> float:
    """
    Sign as fast as one thread can, as many bytes as the sign-only app signs, with nothing around it.
    """
    key, es256 = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(SHA256())
    signatures = 0
    with running_on(core):
        started = time.perf_counter()
        while (elapsed := time.perf_counter() - started) < seconds:
            for _ in range(100):
                key.sign(SIGNING_INPUT, es256)
            signatures += 100
    return signatures / elapsed


def describe_machine() -> str:
    """
    Name the processor as the kernel does, and what runs on it.
    """
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.machine()
    return f"{processor}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
