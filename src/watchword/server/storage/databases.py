"""
Which of the two databases a home uses.
"""

from watchword.server.settings import Settings
from watchword.server.storage.database import Database
from watchword.server.storage.sqlite.database import SqliteDatabase


def database_of(settings: Settings) -> Database:
    """
    Return the database that the settings name. Nothing is opened yet.
    """
    if settings.database_url is None:
        return SqliteDatabase(settings.database, settings.token_database)
    from watchword.server.storage.postgresql.database import PostgresDatabase  # noqa: PLC0415 - SQLite needs no driver

    return PostgresDatabase(settings.database_url.get_secret_value(), settings.database_pool_size)
