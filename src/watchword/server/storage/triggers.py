"""
The triggers that tell the directory what changed, made from `watched.WATCHED`, and those that count, from `counts`.

They run in the writer's own transaction, so neither raw SQL nor an import can forget them. A batch migration on
SQLite drops triggers in silence: `migrate` puts all of them back, and `serve` refuses to start when one is missing.
"""

from types import ModuleType

import sqlalchemy as sa

from watchword.server.storage.postgresql import triggers as postgresql
from watchword.server.storage.sqlite import triggers as sqlite

_OF_DIALECT: dict[str, ModuleType] = {"sqlite": sqlite, "postgresql": postgresql}


def install(connection: sa.Connection) -> None:
    """
    Put all triggers in place, replacing those that are there.
    """
    drop_all(connection)
    triggers = _OF_DIALECT[connection.dialect.name]
    for definition in triggers.definitions().values():
        triggers.create(connection, definition)


def drop_all(connection: sa.Connection) -> None:
    """
    Drop all triggers that are there.
    """
    _OF_DIALECT[connection.dialect.name].drop_all(connection)


def pause(connection: sa.Connection) -> None:
    """
    Let changes go by untold until `resume`, in the same transaction. They are counted all the same.
    """
    _OF_DIALECT[connection.dialect.name].pause(connection)


def resume(connection: sa.Connection) -> None:
    """
    Let changes be told again.
    """
    _OF_DIALECT[connection.dialect.name].resume(connection)


def missing(connection: sa.Connection, *, by_name: bool = False) -> list[str]:
    """
    Name the triggers that should be there and are not, or that say something else.

    Args:
        by_name: Leave what they say to whoever made them.
    """
    triggers = _OF_DIALECT[connection.dialect.name]
    present, wanted = triggers.present(connection), triggers.definitions()
    if by_name:
        return sorted(wanted.keys() - present.keys())
    return sorted(name for name, definition in wanted.items() if present.get(name) != definition)
