"""
Plugins that other packages bring for libraries of ours.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.server import clean_environment, watchword_command

if TYPE_CHECKING:
    from pathlib import Path


def test_no_plugin_sees_what_is_validated(tmp_path: Path) -> None:
    """
    Pydantic would load one from any package that is installed, and hand it secrets.
    """
    package, trace = tmp_path / "packages", tmp_path / "loaded"
    described = package / "nosy-1.0.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: nosy\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text("[pydantic]\nnosy = nosy:plugin\n")
    (package / "nosy.py").write_text(f"open({str(trace)!r}, 'w').close()\nclass plugin:\n    pass\n")
    environment = clean_environment({}) | {"PYTHONPATH": str(package)}
    settings = watchword_command("settings", "--home", str(tmp_path / "home"))
    subprocess.run(settings, env=environment, capture_output=True, check=True)
    assert not trace.exists()
    anybody = "import pydantic; pydantic.create_model('M', a=(int, 1))"
    subprocess.run([sys.executable, "-c", anybody], env=environment, capture_output=True, check=False)
    assert trace.exists(), "the plugin of this test would be loaded by nobody"
