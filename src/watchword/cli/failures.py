"""
What goes wrong, said in a line that says what to do, and the exit code that goes with it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from watchword.server.bootstrap import NotInitialised
from watchword.server.settings import SettingsError
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.master_key import MasterKeyError
from watchword.server.storage.migrate import SchemaError

FAILED, MISUSED = 1, 2


class Failure(Exception):
    """
    A command can't do what it was asked.

    Args:
        code: Exit code.
    """

    def __init__(self, text: str, *, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


@contextmanager
def told() -> Iterator[None]:
    """
    Turn what is expected to go wrong into one line on standard error and an exit code.
    """
    try:
        yield
    except Failure as failure:
        _leave(str(failure), failure.code)
    except SettingsError as error:
        _leave(str(error), MISUSED)
    except StorageUnavailable as error:
        _leave(f"the database can't be used: {error}", FAILED)
    except (MasterKeyError, NotInitialised, SchemaError) as error:
        _leave(str(error), FAILED)


def _leave(text: str, code: int) -> None:
    sys.stderr.write(f"watchword: {text}\n")
    raise SystemExit(code)
