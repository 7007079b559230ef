"""
The reference page of the command line says what the commands are.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_reference_page_is_up_to_date() -> None:
    """
    Every command, argument, option and exit code stands in docs/reference/cli.md as it is.
    """
    checked = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "cli_reference.py"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
