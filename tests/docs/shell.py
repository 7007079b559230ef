"""
The reader's shell: one bash for a page, so that variables, functions and the folder last from block to block.

Owns the process group: whatever a page has started ends with its page.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

BLOCK_SECONDS, END_SECONDS = 60.0, 15.0


class Shell:
    """
    A bash that stops at the first command that fails, as a careful reader does. Leaving the block ends it.

    Args:
        folder: Where it begins.
        notes: A folder for what it is told and what it prints; not the reader's.
        environment: All of its environment.
    """

    def __init__(self, folder: Path, notes: Path, environment: Mapping[str, str]) -> None:
        self._notes = notes
        self._blocks = 0
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._tell("set -euo pipefail")

    def run(self, text: str) -> str:
        """
        Run a block and return what it printed.

        Raises:
            AssertionError: A command of it failed, or it took too long.
        """
        script, output = self._note(text)
        answer = self._ask(f"source {script} >{output} 2>&1 </dev/null; echo done")
        printed = output.read_text(encoding="utf-8", errors="replace")
        assert answer == "done", f"this failed, or took longer than {BLOCK_SECONDS:.0f} s:\n{text}\n{printed}\n{answer}"
        return printed

    def start(self, text: str) -> Path:
        """
        Run a block that stays up, and return the file that it prints to.
        """
        script, output = self._note(text)
        assert self._ask(f"{{ source {script}; }} >{output} 2>&1 </dev/null & echo done") == "done"
        return output

    @property
    def folder(self) -> Path:
        """
        The folder that it is in now.
        """
        return Path(f"/proc/{self._bash.pid}/cwd").readlink()

    def _note(self, text: str) -> tuple[Path, Path]:
        self._blocks += 1
        script = self._notes / f"{self._blocks}.sh"
        script.write_text(text, encoding="utf-8")
        output = script.with_suffix(".out")
        output.touch()
        return script, output

    def _tell(self, line: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(f"{line}\n")
        self._bash.stdin.flush()

    def _ask(self, line: str) -> str:
        assert self._bash.stdout is not None
        # A shell that is gone answers with the end of its output.
        deadline = threading.Timer(BLOCK_SECONDS, self._signal, [signal.SIGKILL])
        deadline.start()
        try:
            with suppress(BrokenPipeError):
                self._tell(line)
            return self._bash.stdout.readline().strip()
        finally:
            deadline.cancel()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._bash.pid, number)

    def close(self) -> None:
        """
        End the shell and all that it has started.
        """
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._signal(signal.SIGTERM)
        with suppress(BrokenPipeError):
            self._bash.stdin.close()  # bash itself heeds no SIGTERM; it ends where its input does
        self._bash.wait(END_SECONDS)
        self._bash.stdout.close()
        deadline = time.monotonic() + END_SECONDS
        while self._is_anybody_left():
            if time.monotonic() > deadline:
                self._signal(signal.SIGKILL)
                break
            time.sleep(0.05)

    def _is_anybody_left(self) -> bool:
        # A dead process that nobody has waited for still counts as a member of its group for the kernel, not here.
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit():
                    state, _, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                    if state != "Z" and int(group) == self._bash.pid:
                        return True
        return False

    def __enter__(self) -> Self:
        """
        Return this shell.
        """
        return self

    def __exit__(self, *_: object) -> None:
        """
        End it.
        """
        self.close()
