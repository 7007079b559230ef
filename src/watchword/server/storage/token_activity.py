"""
What the token path did lately: how many records a minute, and why tokens were refused. Each read is bounded.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import msgspec
import sqlalchemy as sa

from watchword.server.domain.records import Json
from watchword.server.storage import rows, token_schema
from watchword.server.storage.audit.chains import TOKENS
from watchword.server.storage.audit.reading import newest_number
from watchword.server.storage.sqlite.hints import BY_REFUSAL
from watchword.server.storage.transaction import Transaction
from watchword.server.storage.types import from_microseconds, to_microseconds

MINUTE = 60_000_000  # microseconds
_T = token_schema.read_token_events
_CREATED = sa.type_coerce(_T.c.created_at, sa.BigInteger)
# As the index of refusals says it: both databases use that only for the very same words.
_IS_REFUSED = sa.text(token_schema.IS_REFUSED)


class RefusalRecord(msgspec.Struct, frozen=True, kw_only=True):
    """
    A record of a refusal, or of many that were counted.
    """

    key: str
    application_id: str | None
    payload: Json
    created_at: datetime


def refusals(tx: Transaction, since: datetime, most: int) -> Sequence[RefusalRecord]:
    """
    Return the newest records of refusals, newest first.
    """
    query = (
        sa.select(_T.c.key, _T.c.application_id, _T.c.payload, _T.c.created_at)
        .with_hint(_T, BY_REFUSAL, "sqlite")
        .where(rows.of_tenant(tx, _T), _IS_REFUSED, to_microseconds(since) <= _CREATED)
        .order_by(_CREATED.desc())
        .limit(most)
    )
    return [
        RefusalRecord(
            key=row.key,
            application_id=row.application_id,
            payload=msgspec.json.decode(row.payload),
            created_at=from_microseconds(row.created_at),
        )
        for row in tx.connection.execute(query)
    ]


def records_by_minute(tx: Transaction, since: datetime, most: int) -> Mapping[int, int] | None:
    """
    Count the records of each minute since 1970; None where there are too many to be counted one by one.
    """
    # By their numbers, before: PostgreSQL, which knows little of the last hour, would gather all of it and then stop.
    first = tx.connection.execute(sa.select(_first_number(tx, to_microseconds(since)))).scalar_one_or_none()
    if first is None:
        return {}
    if newest_number(tx.connection, TOKENS) - first >= most:
        return None
    minute = (_CREATED // sa.literal_column(str(MINUTE), sa.BigInteger)).label("minute")
    query = (
        sa.select(minute, sa.func.count().label("records"))
        .where(rows.of_tenant(tx, _T), to_microseconds(since) <= _CREATED)
        .group_by(minute)
    )
    return {row.minute: row.records for row in tx.connection.execute(query)}


def about_by_minute(tx: Transaction, first: int, end: int) -> Mapping[int, int]:
    """
    Say about how many records each minute has, by their numbers: one look for each minute, however many there are.

    Numbers are those of all tenants, and some may be missing.

    Args:
        first: The first minute since 1970.
        end: The first minute that is no longer counted.
    """
    minutes = range(first, end)
    newest = newest_number(tx.connection, TOKENS)
    looks = [_first_number(tx, minute * MINUTE).label(f"from_{minute}") for minute in (*minutes, end)]
    found = [newest + 1 if number is None else number for number in tx.connection.execute(sa.select(*looks)).one()]
    return Counter({
        minute: max(after - before, 0) for minute, (before, after) in zip(minutes, pairwise(found), strict=True)
    })  # fmt: skip


def _first_number(tx: Transaction, moment: int) -> sa.ScalarSelect[int]:
    query = sa.select(_T.c.number).where(rows.of_tenant(tx, _T), moment <= _CREATED)
    return query.order_by(_CREATED).limit(1).scalar_subquery()
