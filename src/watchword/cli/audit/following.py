"""
From the logs to standard output: the cursor moves only after what it covers was written.
"""

import fcntl
import os
import select
import signal
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from watchword.cli.failures import Failure
from watchword.cli.output import say
from watchword.server.operations.audit_stream import Cursor, CursorError, Stream, open_stream
from watchword.server.storage.database import Database, StorageUnavailable

_LOOK_EVERY_SECONDS = 1.0
_WAIT_SECONDS = 0.5
_LONGEST_HELD_UP_SECONDS = 30.0
_HELD_UP = (
    "not all could be read: a transaction that writes a log is open on the database, and may still "
    "add records; end it, which `pg_stat_activity` names, and run this again"
)
_PIECE = select.PIPE_BUF  # what a pipe that is ready takes without blocking


class _Stopped(Exception):
    """
    A stop signal came while the reader of standard output took nothing.
    """


def run_stream(database: Database, path: Path, *, once: bool) -> None:
    """
    Follow the logs until a stop signal, or, `once`, until all that is there was written.

    Raises:
        Failure: The cursor is not of this log, or another process uses it. Once: a log can't be read to its end now.
        BrokenPipeError: Nobody reads any more.
        StorageUnavailable: Once: the database can't be read.
    """
    stopping = _stop_signals()
    with _alone(path):
        try:
            stream = open_stream(database, _read_cursor(path))
            patient_until = monotonic() + _LONGEST_HELD_UP_SECONDS
            while not stopping.is_set():
                lines = _next_lines(stream, once=once)
                if lines:
                    _write(sys.stdout.fileno(), b"".join(lines), stopping)
                    _keep(path, stream.cursor)
                    patient_until = monotonic() + _LONGEST_HELD_UP_SECONDS
                elif once and not stream.is_held_up:
                    return
                elif once and monotonic() >= patient_until:
                    raise Failure(_HELD_UP)
                else:
                    stopping.wait(_LOOK_EVERY_SECONDS)
        except CursorError as error:
            raise Failure(f"the cursor {path} can't be used: {error}") from None
        except _Stopped:
            return


def _next_lines(stream: Stream, *, once: bool) -> list[bytes]:
    try:
        return stream.next_lines()
    except StorageUnavailable as error:
        if once:
            raise
        say(f"the database can't be read now, trying again: {error}")
        return []


def _write(descriptor: int, data: bytes, stopping: threading.Event) -> None:
    view = memoryview(data)
    while view:
        if select.select([], [descriptor], [], _WAIT_SECONDS)[1]:
            view = view[os.write(descriptor, view[:_PIECE]) :]
        elif stopping.is_set():
            raise _Stopped
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fsync(descriptor)


def _keep(path: Path, cursor: Cursor) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(cursor.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _read_cursor(path: Path) -> Cursor | None:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    return Cursor.decode(text)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    lock = os.open(path.with_name(f"{path.name}.lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(f"another process follows with the cursor {path}: one is enough for all nodes") from None
        yield
    finally:
        os.close(lock)


def _stop_signals() -> threading.Event:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping
