"""
Node scripts of `tests/js`, run by tests.

Owns: handing a script its input, reading the one object that it prints, ending one that serves.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.node import js_directory, node_executable

SECONDS = 60


def run_script(name: str, task: str, **given: object) -> dict[str, Any]:
    """
    Run a task of `tests/js/<name>.mjs` and return what it printed; where it threw, `thrown` tells the error.

    Args:
        given: What the task needs; it goes over stdin, so that no list of processes shows a secret.
    """
    done = subprocess.run(
        [node_executable(), f"{name}.mjs"],
        cwd=js_directory(),
        input=json.dumps({"task": task, **given}),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def run_module(source: str) -> dict[str, Any]:
    """
    Run JavaScript as a module, from stdin, and return the object that it printed.
    """
    done = subprocess.run(
        [node_executable(), "--input-type=module", "-"],
        cwd=js_directory(),
        input=source,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


@contextmanager
def products_api(*, issuer: str, audience: str) -> Iterator[str]:
    """
    Run the products API of `tests/js/products_api.mjs` and give its base URL.
    """
    api = subprocess.Popen(
        [node_executable(), "products_api.mjs"],
        cwd=js_directory(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    # Leaving the block closes stdin, which ends the script, and waits for it.
    with api:
        assert api.stdin is not None
        assert api.stdout is not None
        api.stdin.write(json.dumps({"issuer": issuer, "audience": audience}) + "\n")
        api.stdin.flush()
        port = json.loads(api.stdout.readline())["port"]
        yield f"http://127.0.0.1:{port}"
    assert api.returncode == 0
