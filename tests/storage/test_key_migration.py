"""
The migration that signing keys need to turn: what was there before goes on, and stays published for long enough.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from watchword.server import storage
from watchword.server.storage import migrate, schema
from watchword.server.storage.database import Connection
from watchword.server.storage.sqlite.database import SqliteDatabase

if TYPE_CHECKING:
    from collections.abc import Iterator

BEFORE = "0001"
TENANT = "INSERT INTO tenants (id, signing_algorithm, created_at) VALUES ('default', 'ES256', 0)"
RESOURCE = (
    "INSERT INTO resources (tenant_id, id, name, indicator, is_default, access_token_ttl, created_at) "
    "VALUES ('default', 'r', 'R', 'https://r.example', 0, 86400, 0)"
)
KEY = (
    "INSERT INTO signing_keys (tenant_id, id, algorithm, public_jwk, sealed_private_key, created_at, published_at, "
    "signs_from) VALUES ('default', '{}', 'ES256', '{{}}', x'00', 0, 0, 0)"
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """
    Open a database as the version before left it.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations" / "main"))
    scripts = ScriptDirectory.from_config(config)
    database = SqliteDatabase(tmp_path / "db", tmp_path / "tokens")
    with database.administer() as opened:
        with EnvironmentContext(
            config, scripts, fn=lambda revision, _context: scripts._upgrade_revs(BEFORE, revision)
        ) as environment:
            environment.configure(connection=opened, target_metadata=schema.metadata)
            environment.run_migrations()
        yield opened
    database.close()


def test_keys_that_are_there_stay_published_for_as_long_as_tokens_live(connection: Connection) -> None:
    """
    What the longest-lived tokens need counts; a key that the version before adds afterwards has the default.
    """
    for statement in (TENANT, RESOURCE, KEY.format("old")):
        connection.exec_driver_sql(statement)
    migrate.bring_up_to_date(connection, "main")
    connection.exec_driver_sql(KEY.format("added"))
    found = connection.exec_driver_sql("SELECT id, longest_lifetime FROM signing_keys ORDER BY id").all()
    assert [tuple(row) for row in found] == [("added", 3600), ("old", 86_400)]
