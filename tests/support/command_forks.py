"""
Commands that are forked from a process which has loaded all that they need: to load it is most of what a command does.

Each is a process with arguments, variables, folder, files and exit code of its own, and ends as any Python does. That
commands also run as people start them is the matter of those tests that start them so.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import os
import random
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LARGEST_ORDER = 128 * 1024
_FILES = 4
_LOADED = ("watchword.cli", "watchword.cli.api", "watchword.server.bootstrap", "watchword.server.serving")


class CommandForks:
    """
    The process that forks, seen from the tests. It ends with them.
    """

    def __init__(self) -> None:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            command = [sys.executable, "-m", __name__, str(its.fileno())]
            self._process = subprocess.Popen(command, pass_fds=(its.fileno(),), stdin=subprocess.DEVNULL)
        self._orders = ours
        self._one_at_a_time = threading.Lock()

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path | None,
        files: tuple[int, int, int],
        seconds: int,
    ) -> int:
        """
        Run a command to its end, and return its exit code: that of a signal where it takes longer.

        Args:
            environment: All of it.
            folder: Where to run it; None is where the tests run.
            files: Its standard input, output and error.
        """
        order = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "folder": str(folder or Path.cwd()),
            "seconds": seconds,
        }
        answers, its = socket.socketpair()
        with answers:
            with its, self._one_at_a_time:
                socket.send_fds(self._orders, [json.dumps(order).encode()], [*files, its.fileno()])
            return int(answers.recv(16))


@functools.cache
def command_forks() -> CommandForks:
    """
    Return the process that forks, started when the first test wants it.
    """
    return CommandForks()


def _main(orders: socket.socket) -> None:
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to wait for those that wait for commands
    while True:
        order, files, _, _ = socket.recv_fds(orders, _LARGEST_ORDER, _FILES)
        if not order:
            return
        if os.fork() == 0:
            orders.close()
            _carry_out(json.loads(order), files)
            return
        for file in files:
            os.close(file)


def _load() -> None:
    for name in _LOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _carry_out(order: Mapping[str, Any], files: Sequence[int]) -> None:
    """
    Fork once more: the child becomes the command, and its parent tells how it ended.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *outputs, answer = files
    child = os.fork()
    if child == 0:
        os.close(answer)
        _become(order, outputs)
        return
    _, status = os.waitpid(child, 0)
    os.write(answer, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(order: Mapping[str, Any], files: Sequence[int]) -> None:
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    random.seed()
    signal.alarm(order["seconds"])
    sys.argv = ["watchword", *order["arguments"]]
    runpy.run_module("watchword", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main(socket.socket(fileno=int(sys.argv[1])))
