"""
How values of the domain are kept in columns.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

import sqlalchemy as sa

W = TypeVar("W", bound=StrEnum)

# A record's number in its log. SQLite numbers rows by itself only in a column of this very type.
LogNumber = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(sa.TypeDecorator[datetime]):
    """
    An aware UTC datetime, kept as microseconds since 1970 so that order of creation survives.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        """
        Datetime to microseconds.
        """
        del dialect
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """
        Microseconds to datetime.
        """
        del dialect
        return None if value is None else from_microseconds(value)


class Word(sa.TypeDecorator[W], Generic[W]):
    """
    A word of a fixed vocabulary, kept as its text.
    """

    impl = sa.String
    cache_ok = True

    def __init__(self, vocabulary: type[W]) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def process_bind_param(self, value: W | None, dialect: sa.Dialect) -> str | None:
        """
        Word to text.
        """
        del dialect
        return None if value is None else self.vocabulary(value).value

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> W | None:
        """
        Text to word.
        """
        del dialect
        return None if value is None else self.vocabulary(value)


def to_microseconds(value: datetime) -> int:
    """
    Count microseconds since 1970, exactly.
    """
    return (value - _EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """
    Return the aware UTC datetime so many microseconds after 1970.
    """
    return _EPOCH + timedelta(microseconds=value)
