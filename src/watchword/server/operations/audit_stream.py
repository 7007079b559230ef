"""
The logs as one stream, for systems that keep them elsewhere: each record once it is closed, each head once it is made.

Numbers give the order. Whoever reads keeps a cursor, and gets everything after it at least once.
"""

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from watchword.server.domain.log_chain import BEGINNING, Mark, MarkKind, Position, Seal
from watchword.server.storage.audit import seals
from watchword.server.storage.audit.chains import CHAINS, Chain
from watchword.server.storage.audit.closing import closed_number
from watchword.server.storage.audit.inspection import furthest_number
from watchword.server.storage.audit.reading import Record, records_after
from watchword.server.storage.database import Connection, Database
from watchword.server.storage.tenants import installation_id
from watchword.server.storage.types import from_microseconds

SCHEMA = "watchword.audit/1"
_MOST_AT_ONCE = 500


class CursorError(Exception):
    """
    A cursor does not belong to this log. The text says what to do.
    """


class Cursor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    How far the logs were read.

    Attributes:
        places: By the name of the chain.
    """

    schema: str = SCHEMA
    installation: str
    places: dict[str, Position]

    @classmethod
    def decode(cls, text: bytes) -> "Cursor":
        """
        Read a cursor.

        Raises:
            CursorError: It is none.
        """
        try:
            cursor = msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError as error:
            raise CursorError(f"it holds no cursor: {error}") from None
        if cursor.schema != SCHEMA or set(cursor.places) != {chain.name for chain in CHAINS}:
            raise CursorError("it holds the cursor of another version of watchword")
        return cursor

    def encode(self) -> bytes:
        """
        Write it as JSON.
        """
        return msgspec.json.encode(self) + b"\n"


class Stream(msgspec.Struct):
    """
    Reads on from a cursor. `cursor` moves with what was read: it is to be kept once the lines are safe.

    Attributes:
        is_held_up: Whether there may be more that can't be read yet: a transaction that writes a log is still open.
    """

    database: Database
    cursor: Cursor
    is_held_up: bool = False

    def next_lines(self) -> list[bytes]:
        """
        Return the next lines, each a JSON object; none where there is nothing new.

        Raises:
            CursorError: The log is not the one that was read before.
            StorageUnavailable: The database can't be read.
        """
        before, self.is_held_up = self.cursor, False
        try:
            return [line for chain in CHAINS for line in self._next_of(chain)]
        except BaseException:
            self.cursor = before  # nobody gets the lines that it has gone past
            raise

    def _next_of(self, chain: Chain) -> list[bytes]:
        lines: list[bytes] = []
        closed = closed_number(self.database, chain)
        self.is_held_up |= closed is None
        with self.database.read() as connection:
            for line, place in _lines(connection, chain, self.cursor.places[chain.name], closed or 0):
                lines.append(msgspec.json.encode({**self._about(chain), **line}) + b"\n")
                self._move(chain, place)
        return lines

    def _about(self, chain: Chain) -> dict[str, object]:
        return {"schema": SCHEMA, "installation": self.cursor.installation, "chain": chain.name}

    def _move(self, chain: Chain, place: Position) -> None:
        self.cursor = msgspec.structs.replace(self.cursor, places={**self.cursor.places, chain.name: place})


def open_stream(database: Database, cursor: Cursor | None) -> Stream:
    """
    Begin to read: after a cursor, or with the oldest record that is kept.

    Raises:
        CursorError: The cursor is another installation's, or ahead of the log.
    """
    with database.read() as connection:
        installation = installation_id(connection) or ""
        if cursor is None:
            places = {chain.name: _checkpoint(connection, chain) for chain in CHAINS}
            return Stream(database, Cursor(installation=installation, places=places))
        if cursor.installation != installation:
            raise CursorError(
                f"it is of installation {cursor.installation}, this one is {installation}: give each its own cursor"
            )
        for chain in CHAINS:
            _check_place(connection, chain, cursor.places[chain.name])
    return Stream(database, cursor)


Line = tuple[dict[str, object], Position]


def _lines(connection: Connection, chain: Chain, place: Position, closed: int) -> Iterator[Line]:
    for line, after in _gone(_checkpoint(connection, chain), place):
        yield line, after
        place = after
    _check_place(connection, chain, place)
    for record in records_after(connection, chain, place.last, closed, _MOST_AT_ONCE):
        place = replace(place, last=record.number)
        yield {"kind": "record", **_record_members(record)}, place
    for seal in seals.seals_after(connection, chain, place.seal, _MOST_AT_ONCE):
        # A seal may cover numbers that nobody got, after the last record.
        if seal.last > place.last:
            return
        place = replace(place, seal=seal.number, head=seal.head)
        yield {"kind": "head", **_head_members(seal)}, place


def _gone(checkpoint: Position, place: Position) -> Iterator[Line]:
    """
    Tell what retention dropped before it was read. Seals may be gone alone: records can be read before they are sealed.
    """
    if checkpoint.last > place.last:
        gone = {"kind": "gap", "first": place.last + 1, "last": checkpoint.last}
        place = replace(place, last=checkpoint.last)
        yield gone, place
    if checkpoint.seal > place.seal:
        gone = {"kind": "head-gap", "firstSeal": place.seal + 1, "lastSeal": checkpoint.seal}
        yield gone, replace(place, seal=checkpoint.seal, head=checkpoint.head)


def _record_members(record: Record) -> dict[str, object]:
    return {
        "number": record.number,
        "id": record.id,
        "tenantId": record.tenant_id,
        "key": record.key,
        "applicationId": record.application_id,
        "userId": record.user_id,
        "createdAt": moment(record.created_at),
        "payload": record.payload,
    }


def _head_members(seal: Seal) -> dict[str, object]:
    return {
        "seal": seal.number,
        "first": seal.first,
        "last": seal.last,
        "count": seal.count,
        "sealedAt": moment(seal.sealed_at),
        "head": seal.head,
    }


def tip_line(chain: str, tip: Mark) -> str:
    """
    Write where a chain ends, as a head of the stream.
    """
    position = tip.position
    members = {
        "schema": SCHEMA,
        "chain": chain,
        "kind": "head",
        "seal": position.seal,
        "last": position.last,
        "sealedAt": moment(tip.made_at),
        "head": position.head,
    }
    return msgspec.json.encode(members).decode()


def _checkpoint(connection: Connection, chain: Chain) -> Position:
    mark = seals.find_mark(connection, chain, MarkKind.CHECKPOINT)
    return BEGINNING if mark is None else mark.position


def _check_place(connection: Connection, chain: Chain, place: Position) -> None:
    furthest = furthest_number(connection, chain)
    if place.last > furthest:
        raise CursorError(
            f"{chain.name} ends at number {furthest} and was read up to {place.last}: an earlier copy of the database "
            "was put back, or records were cut off; `watchword audit verify` with an exported head says more"
        )
    kept = next(iter(seals.seals_after(connection, chain, place.seal - 1, 1)), None)
    if kept is not None and kept.number == place.seal and kept.head != place.head:
        raise CursorError(
            f"seal {place.seal} of {chain.name} is not the one that was read: the log was rewritten, or an earlier "
            "copy of the database was put back and went on"
        )


def moment(microseconds: int) -> str:
    """
    Write a moment as RFC 3339 has it, to the microsecond.
    """
    return from_microseconds(microseconds).isoformat(timespec="microseconds").replace("+00:00", "Z")
