"""
The data keys of an installation, as they are kept: wrapped under the master key.
"""

import os

import sqlalchemy as sa

from watchword.server.storage import schema
from watchword.server.storage.master_key import MasterKeyError, MasterKeys
from watchword.server.storage.sealing import KEY_BYTES, DataKeys, KeyPurpose, Unsealable, decrypt, encrypt


def create(connection: sa.Connection, master: MasterKeys) -> DataKeys:
    """
    Make fresh data keys and keep them wrapped.
    """
    keys = {purpose.value: os.urandom(KEY_BYTES) for purpose in KeyPurpose}
    _wrap(connection, keys, master)
    return DataKeys.of(keys)


def are_there(connection: sa.Connection) -> bool:
    """
    Tell whether the database holds data keys already.
    """
    return connection.execute(sa.select(schema.data_keys.c.purpose).limit(1)).first() is not None


def unwrap(connection: sa.Connection, master: MasterKeys | None, source: str) -> DataKeys:
    """
    Open the data keys.

    Args:
        source: Where the master key is looked for; errors name it.

    Raises:
        MasterKeyError: The master key is missing, or not the one of this database.
    """
    return DataKeys.of(_unwrap(connection, master, source))


def rewrap(connection: sa.Connection, master: MasterKeys, source: str) -> str:
    """
    Wrap the data keys anew, under the last master key line; return its id.

    Raises:
        MasterKeyError: As `unwrap`.
    """
    keys = _unwrap(connection, master, source)
    connection.execute(schema.data_keys.delete())
    _wrap(connection, keys, master)
    return master.wrapping[0]


def wrapping_ids(connection: sa.Connection) -> set[str]:
    """
    Return the ids of the master key lines that wrap something.
    """
    return set(connection.execute(sa.select(schema.data_keys.c.master_key_id)).scalars())


def _wrap(connection: sa.Connection, keys: dict[str, bytes], master: MasterKeys) -> None:
    key_id, key = master.wrapping
    rows = [
        {"purpose": purpose, "wrapped": encrypt(key, value, purpose.encode()), "master_key_id": key_id}
        for purpose, value in keys.items()
    ]
    connection.execute(schema.data_keys.insert(), rows)


def _unwrap(connection: sa.Connection, master: MasterKeys | None, source: str) -> dict[str, bytes]:
    if master is None:
        raise MasterKeyError(
            f"the master key is missing: put the one that this database was made with at {source}, "
            "or supply it as WATCHWORD_MASTER_KEY or WATCHWORD_MASTER_KEY_FILE"
        )
    keys: dict[str, bytes] = {}
    for row in connection.execute(sa.select(schema.data_keys)):
        wrapping = master.keys.get(row.master_key_id)
        if wrapping is None:
            raise MasterKeyError(
                f"the master key is not the one of this database, which wants the line `{row.master_key_id}:…`: "
                f"add that line before the last one of {source}"
            )
        try:
            keys[row.purpose] = decrypt(wrapping, row.wrapped, row.purpose.encode())
        except Unsealable:
            raise MasterKeyError(
                f"the master key line `{row.master_key_id}:…` is not the one that this database was made with: "
                f"put the right one back at {source}"
            ) from None
    if set(keys) != {purpose.value for purpose in KeyPurpose}:
        raise MasterKeyError("the database lacks a data key: restore it from a backup")
    return keys
