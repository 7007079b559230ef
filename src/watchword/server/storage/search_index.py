"""
The trigram indexes that searches go over, where the database can have them.

A database without them, since it lacks the means or their owner the right, is searched row by row: slower, and right.
"""

from types import ModuleType

import sqlalchemy as sa

from watchword.server.storage.postgresql import searching as postgresql
from watchword.server.storage.sqlite import searching as sqlite

_OF_DIALECT: dict[str, ModuleType] = {"sqlite": sqlite, "postgresql": postgresql}


def install(connection: sa.Connection) -> None:
    """
    Make the indexes that are missing or broken, from the rows that are there.
    """
    _OF_DIALECT[connection.dialect.name].install(connection)


def suspend(connection: sa.Connection) -> None:
    """
    Prepare for many rows; `install` afterwards. Searches are right meanwhile.
    """
    _OF_DIALECT[connection.dialect.name].suspend(connection)


def broken(connection: sa.Connection) -> list[str]:
    """
    Name what the indexes that are there lack: what it would have noted can't be found.
    """
    found: list[str] = _OF_DIALECT[connection.dialect.name].broken(connection)
    return found


def absent(connection: sa.Connection) -> list[str]:
    """
    Name the indexes that the database could have and has not.
    """
    found: list[str] = _OF_DIALECT[connection.dialect.name].absent(connection)
    return found


def is_possible(connection: sa.Connection) -> bool:
    """
    Tell whether the database can have the indexes at all.
    """
    possible: bool = _OF_DIALECT[connection.dialect.name].is_possible(connection)
    return possible
