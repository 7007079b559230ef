"""
The quick start's own folder: one quick start at a time, and the credentials that a later run reuses.
"""

import fcntl
import os
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from watchword.cli.failures import Failure

_FOLDER = "watchword-quickstart"
_CREDENTIALS, _LOCK, _LOGS = "credentials.env", "quickstart.lock", "logs"
_HEADER = "# Made by `watchword quickstart`. In a shell, `. ./credentials.env` sets these variables.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickstartHome:
    """
    The folder, held by this process.

    Attributes:
        path: Absolute.
    """

    path: Path

    @property
    def credentials_file(self) -> Path:
        """
        The file that keeps the applications' ids and secrets, for its owner alone.
        """
        return self.path / _CREDENTIALS

    @property
    def settings_file(self) -> Path:
        """
        The server's settings.
        """
        return self.path / "watchword.toml"

    @property
    def database(self) -> Path:
        """
        The server's tables.
        """
        return self.path / "watchword.db"

    def log_file(self, name: str) -> Path:
        """
        Where a child process of this run writes what it has to say.
        """
        return self.path / _LOGS / f"{name}.log"


@contextmanager
def open_home(path: Path | None) -> Iterator[QuickstartHome]:
    """
    Hold the folder; makes it where there is none.

    Args:
        path: The folder; None for the quick start's own.

    Raises:
        Failure: Another quick start holds it, it holds something else, or it can't be written.
    """
    folder = (path or platformdirs.user_data_path(_FOLDER)).expanduser().absolute()
    with ExitStack() as stack:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_foreign(folder)
            stack.enter_context(_held(folder))
            (folder / _LOGS).mkdir(mode=0o700, exist_ok=True)
            home = QuickstartHome(path=folder)
            if not home.credentials_file.exists():  # from now on the folder is known as ours
                Credentials(home.credentials_file).save()
        except OSError as error:
            raise Failure(f"{folder} can't be used: {error.strerror}. Name another folder with --home") from None
        yield home


def _refuse_foreign(folder: Path) -> None:
    found = {entry.name for entry in folder.iterdir()}
    if found and not found & {_LOCK, _CREDENTIALS}:
        raise Failure(f"{folder} is not empty, and the quick start has not made it: name another folder with --home")


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(
                f"a quick start is running in {folder} already (process {file.read().strip() or 'unknown'}): "
                "end that one, or give this one a folder of its own with --home"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """
    An application and a secret that it has.
    """

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"Account({self.id!r}, …)"


class Credentials:
    """
    The file of credentials: shell variables `<ROLE>_ID` and `<ROLE>_SECRET`, which the pasted commands load.

    What can't be read in it is left out: it is made anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._values = _read_variables(path) if path.exists() else {}

    def get(self, part: str) -> Account | None:
        """
        Return the credentials of the application that plays a part, if they are known.
        """
        found, secret = self._values.get(f"{part}_ID"), self._values.get(f"{part}_SECRET")
        return Account(id=found, secret=secret) if found and secret else None

    def put(self, part: str, account: Account) -> None:
        """
        Keep the credentials of the application that plays a part.
        """
        if self.get(part) != account:
            self._values |= {f"{part}_ID": account.id, f"{part}_SECRET": account.secret}
            self.save()

    def save(self) -> None:
        """
        Write the file whole, or leave the old one.
        """
        fresh = self.path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(_HEADER)
            file.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in self._values.items())
        fresh.replace(self.path)


def _read_variables(path: Path) -> dict[str, str]:
    values: dict[str, str] = {}
    for line in path.read_text(errors="replace").splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        if line.startswith("export ") and name.isidentifier():
            try:
                values[name] = "".join(shlex.split(value))
            except ValueError:
                continue
    return values
