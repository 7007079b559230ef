"""
The master key: which of its lines wraps the data keys, moving on to another, and dropping those that wrap nothing.

Rotation changes the wrapping, not the data keys: secrets and digests keep working, and servers that run notice nothing.
Each of these runs inside one writing transaction, so that no two of them meet.
"""

import msgspec

from watchword.server.domain.events import changed
from watchword.server.domain.names import DEFAULT_TENANT
from watchword.server.operations.installation import Ground
from watchword.server.settings import Settings
from watchword.server.storage import data_keys, master_key
from watchword.server.storage.master_key import MasterKeyError, MasterKeys, source


class KeyLine(msgspec.Struct, frozen=True, kw_only=True):
    """
    A line of the master key, without the key.

    Attributes:
        wraps: Whether the database needs it.
        is_last: Whether it is the one that wraps from the next rotation on.
    """

    id: str
    wraps: bool
    is_last: bool


def list_lines(ground: Ground) -> list[KeyLine]:
    """
    List the lines, in their order.

    Raises:
        MasterKeyError: The master key can't be used.
    """
    master, wrapping = _open(ground)
    last = master.wrapping[0]
    return [KeyLine(id=key_id, wraps=key_id in wrapping, is_last=key_id == last) for key_id in master.keys]


def rotate(ground: Ground) -> str:
    """
    Wrap the data keys under another line: the last one where it wraps nothing yet, else a fresh one; return its id.

    A line is durable before anything is wrapped under it, and no line is taken away: whenever this is cut off, what is
    there opens, and the next rotation goes on with the line that this one has added.

    Raises:
        MasterKeyError: The master key can't be used, or it is supplied and has no line to move on to.
    """
    master, wrapping = _open(ground)
    if wrapping == {master.wrapping[0]}:
        if not is_own_file(ground.settings):
            raise MasterKeyError(
                f"the master key is supplied, by {source(ground.settings)}: give it a new last line on every node "
                "first (`watchword master-key generate` makes one), then run this again"
            )
        master = master_key.append(ground.settings.key_file)
    key_id = data_keys.rewrap(ground.connection, master, source(ground.settings))
    _record(ground, "MasterKey.Rotated", {"masterKeyId": key_id})
    return key_id


def prune(ground: Ground) -> list[str]:
    """
    Remove the lines that wrap nothing; return their ids.

    Raises:
        MasterKeyError: The master key can't be used, or it is supplied and not ours to change.
    """
    master, wrapping = _open(ground)
    if master.wrapping[0] not in wrapping:
        raise MasterKeyError(
            f"the last line, {master.wrapping[0]}, wraps nothing yet: run `watchword master-key rotate` first"
        )
    idle = [key_id for key_id in master.keys if key_id not in wrapping]
    if idle and not is_own_file(ground.settings):
        raise MasterKeyError(
            f"the master key is supplied, by {source(ground.settings)}: remove the lines {', '.join(idle)} there, "
            "which wrap nothing"
        )
    if idle:
        kept = {key_id: key for key_id, key in master.keys.items() if key_id in wrapping}
        master_key.replace(ground.settings.key_file, kept)
        _record(ground, "MasterKey.Pruned", {"masterKeyIds": idle})
    return idle


def is_own_file(settings: Settings) -> bool:
    """
    Tell whether the master key is the home's own file, which Watchword may change.
    """
    return settings.master_key is None and settings.key_file == settings.home / "master.key"


def _open(ground: Ground) -> tuple[MasterKeys, set[str]]:
    master = master_key.load(ground.settings)
    data_keys.unwrap(ground.connection, master, source(ground.settings))
    if master is None:
        raise AssertionError("what does not exist opens nothing")
    return master, data_keys.wrapping_ids(ground.connection)


def _record(ground: Ground, key: str, data: dict[str, object]) -> None:
    tx = ground.transaction(DEFAULT_TENANT)
    tx.record(changed(key, tx.actor, data))
