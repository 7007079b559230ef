"""
What goes wrong, said in a line that says what to do, and the exit code that goes with it.

Errors of other rooms are known by name and never imported here: a room that was not loaded can't have failed.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
FAILED, MISUSED, NOT_FOUND, REFUSED, UNREACHABLE = 1, 2, 3, 4, 5
EXIT_CODES = {
    0: "It is done.",
    FAILED: "It can't be done, or something is wrong: the message says what.",
    MISUSED: "The command line, a setting or a value can't be used.",
    NOT_FOUND: "What the command names does not exist.",
    REFUSED: "The credentials or the token are refused, or lack a permission.",
    UNREACHABLE: "The server can't be reached, or can't answer now: trying again later may help.",
}


class Failure(Exception):
    """
    A command can't do what it was asked.

    Args:
        code: Exit code.
    """

    def __init__(self, text: str, *, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """
    An error of another room that a user can cause.
    """

    module: str
    name: str
    code: int = FAILED
    before: str = ""
    after: str = ""


_KNOWN = (
    _Known(module="watchword.server.settings", name="SettingsError", code=MISUSED),
    _Known(module="watchword.server.bootstrap", name="NotInitialised"),
    _Known(module="watchword.server.storage.master_key", name="MasterKeyError"),
    _Known(module="watchword.server.storage.migrate", name="SchemaError"),
    _Known(module="watchword.server.storage.copying", name="CopyError"),
    _Known(module="watchword.server.storage.settling", name="TokenLogMissing"),
    _Known(
        module="watchword.server.storage.database",
        name="StorageUnavailable",
        before="the database can't be used: ",
        after=": see that its disk has room and that its files are yours; `watchword doctor` looks closer",
    ),
)


@contextmanager
def told() -> Iterator[None]:
    """
    Turn what is expected to go wrong into one line on standard error and an exit code.
    """
    try:
        yield
    except BrokenPipeError:  # whoever read the output has seen enough
        _drop_output()
        raise SystemExit(FAILED) from None
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        if isinstance(error, OSError) and error.filename is None:
            _drop_output()
        with contextlib.suppress(OSError):
            sys.stderr.write(f"watchword: {failure}\n")
        raise SystemExit(failure.code) from None


def failure_of(error: Exception) -> Failure | None:
    """
    Say what an error means for whoever runs the command; None where it is a fault of ours.
    """
    if isinstance(error, Failure):
        return error
    for known in _KNOWN:
        kind = getattr(sys.modules.get(known.module), known.name, None)
        if isinstance(kind, type) and isinstance(error, kind):
            return Failure(f"{known.before}{error}{known.after}", code=known.code)
    if isinstance(error, OSError) and error.filename is not None:
        return Failure(f"{error.filename}: {error.strerror}: see that the path is right and that you may use it")
    if isinstance(error, OSError) and error.errno in _NO_ROOM:  # every file that a command opens by itself has a name
        return Failure(f"the output can't be written ({error.strerror}): see that there is room where it goes")
    return None


def _drop_output() -> None:
    # Python would complain when it flushes what is left.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
