"""
The quick start from the built wheel, without make and without the checkout.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.quickstart import free_ports
from tests.support.server import clean_environment

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_quick_start_runs_from_the_wheel_alone(tmp_path: Path) -> None:
    """
    In an empty virtual environment, far from the checkout, `watchword[server]` is all it takes.
    """
    root = Path(__file__).parents[2]
    uv = str(Path(sys.executable).with_name("uv"))
    environment = {name: value for name, value in clean_environment({}).items() if name != "PYTHONPATH"}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(root))
    (wheel,) = tmp_path.glob("*.whl")
    run(uv, "venv", "--quiet", "--python", sys.executable, "venv")
    run(uv, "pip", "install", "--quiet", "--python", "venv/bin/python", f"watchword[server] @ {wheel.as_uri()}")
    port, api_port = (str(port) for port in free_ports())
    ports = ("--port", port, "--api-port", api_port)
    told = run("venv/bin/watchword", "quickstart", "--home", "home", *ports, "--exit", "--json")
    assert json.loads(told)["passed"]
