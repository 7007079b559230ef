"""
The master key: lines of `id:base64`, in a file that others can't read or in the environment. The last line wraps.
"""

import base64
import binascii
import errno
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from watchword.server.domain.confidential import Confidential
from watchword.server.settings import Settings
from watchword.server.storage.sealing import KEY_BYTES

_LINE = re.compile(r"([a-z0-9]{4,64}):([A-Za-z0-9+/]+={0,2})\Z")
_ID_BYTES = 5


class MasterKeyError(Exception):
    """
    The master key is missing, foreign, malformed or readable by others. The text says what to do.
    """


class MasterKeys(Confidential, frozen=True):
    """
    The keys of all lines, by id, in the order of the lines.
    """

    keys: Mapping[str, bytes]

    @property
    def wrapping(self) -> tuple[str, bytes]:
        """
        The last line: id and key.
        """
        return list(self.keys.items())[-1]


def load(settings: Settings) -> MasterKeys | None:
    """
    Read the master key from where the settings say it is.

    Returns:
        None where none is supplied and the file does not exist.

    Raises:
        MasterKeyError: It can't be used.
    """
    if settings.master_key is not None:
        return parse(settings.master_key.get_secret_value(), source(settings))
    path = settings.key_file
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise MasterKeyError(f"the master key {path} can't be read: {error}") from None
    if mode & (stat.S_IRWXO if _is_credential(path) else stat.S_IRWXG | stat.S_IRWXO):
        raise MasterKeyError(f"the master key {path} can be read by others: run `chmod 600 {path}`")
    return parse(text, str(path))


def _is_credential(path: Path) -> bool:
    """
    Tell whether systemd hands this file to the service.

    Its folder is closed to all others; where an access control list lets the service's user in, the mode reads as if a
    group might read it.
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and path.absolute().parent == Path(str(folder))


def source(settings: Settings) -> str:
    """
    Say where the master key comes from.
    """
    return "WATCHWORD_MASTER_KEY" if settings.master_key is not None else str(settings.key_file)


def parse(text: str, source: str) -> MasterKeys:
    """
    Read master key lines; blank ones and those that begin with `#` don't count.

    Raises:
        MasterKeyError: A line is malformed, an id stands twice, or there is none.
    """
    keys: dict[str, bytes] = {}
    for number, line in enumerate((line.strip() for line in text.splitlines()), 1):
        if not line or line.startswith("#"):
            continue
        key_id, key = _parse_line(line, f"{source}, line {number}")
        if key_id in keys:
            raise MasterKeyError(f"{source}, line {number}: the id {key_id} stands twice")
        keys[key_id] = key
    if not keys:
        raise MasterKeyError(f"{source} holds no master key: put back the one that this database was made with")
    return MasterKeys(keys)


def _parse_line(line: str, where: str) -> tuple[str, bytes]:
    match = _LINE.match(line)
    try:
        key = base64.b64decode(match[2], validate=True) if match else b""
    except binascii.Error:
        key = b""
    if match is None or len(key) != KEY_BYTES:
        raise MasterKeyError(f"{where}: a line must be `id:base64`, with {KEY_BYTES} bytes of key")
    return match[1], key


def new_line() -> str:
    """
    Make a master key line.
    """
    return f"{os.urandom(_ID_BYTES).hex()}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}\n"


def create(path: Path) -> MasterKeys:
    """
    Make a key file, whole from the first moment on and readable by its owner alone. It never replaces one.

    Raises:
        MasterKeyError: The file is there already, or the folder can't be written.
    """
    with _writing(path), _fresh_file(path, new_line()) as fresh:
        os.link(fresh, path)  # unlike a rename, this fails where there is a file
    return _read_back(path)


def append(path: Path) -> MasterKeys:
    """
    Append a fresh line to a key file, whole and synced. Its owner and mode stay.

    Raises:
        MasterKeyError: The file can't be written; it is as it was.
    """
    with _writing(path):
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        try:
            size = os.fstat(descriptor).st_size
            is_ended = size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
            line = ("" if is_ended else "\n").encode() + new_line().encode("ascii")
            if os.write(descriptor, line) != len(line):
                os.ftruncate(descriptor, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return _read_back(path)


def replace(path: Path, keys: Mapping[str, bytes]) -> None:
    """
    Write a key file anew with these lines, so that a crash leaves either the old or the new one.

    Raises:
        MasterKeyError: The file can't be written.
    """
    lines = "".join(f"{key_id}:{base64.b64encode(key).decode()}\n" for key_id, key in keys.items())
    with _writing(path):
        path = path.resolve()
        owner = path.stat()
        with _fresh_file(path, lines) as fresh:
            if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(fresh, owner.st_uid, owner.st_gid)  # or the server, another user's, could no longer read it
            fresh.replace(path)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
        _sync_folder(path.parent)
    except OSError as error:
        raise MasterKeyError(f"the master key {path} can't be written: {error.strerror}") from None


@contextmanager
def _fresh_file(path: Path, text: str) -> Iterator[Path]:
    """
    Write a file beside another, whole, synced and readable by its owner alone; what is left of it is removed.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _read_back(path: Path) -> MasterKeys:
    return parse(path.read_text(encoding="ascii"), str(path))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
