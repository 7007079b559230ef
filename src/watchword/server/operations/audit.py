"""
Proving that nobody changed the logs: the chain of each is walked from where retention left it to its end.

The walk reads a little at a time, each time in a transaction of its own: it needs the same memory for any log, keeps
nobody waiting, and goes on while servers seal and drop.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from watchword.server.domain.log_chain import BEGINNING, Mark, MarkKind, Position, Seal, head_of, is_genuine
from watchword.server.storage.audit import counts, inspection, places, seals
from watchword.server.storage.audit.chains import CHAINS, TOKENS, Chain
from watchword.server.storage.audit.lines import read_batch
from watchword.server.storage.database import Connection, Database
from watchword.server.storage.sealing import DataKeys
from watchword.server.storage.tenants import installation_id
from watchword.server.storage.upkeep import noted_number

MOST_FAULTS = 20
_SEALS_AT_ONCE = 20
_RECORDS_AT_ONCE = 1_000
_MODULUS = 2**128


class Finding(msgspec.Struct, kw_only=True):
    """
    What a chain's walk found.

    Attributes:
        faults: What is wrong; empty proves the chain.
        more_faults: How many more there are than are told.
        proven: Exported heads that are part of the chain, with the seals that have them.
        position: How far the chain goes.
        checkpoint: What retention has dropped; None where it never did.
        unsealed: How many records are younger than the newest seal: nothing is said of them.
    """

    chain: str
    seals: int = 0
    records: int = 0
    faults: list[str] = msgspec.field(default_factory=list)
    more_faults: int = 0
    proven: dict[str, Position] = msgspec.field(default_factory=dict)
    position: Position = BEGINNING
    checkpoint: Mark | None = None
    unsealed: int = 0

    def add_fault(self, text: str) -> None:
        """
        Note that something is wrong.
        """
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)
        else:
            self.more_faults += 1


def newest_heads(database: Database, keys: DataKeys) -> Iterator[tuple[str, Mark]]:
    """
    Return the tip of each chain that has one, to be kept where nobody who can write the database can write.
    """
    with database.read() as connection:
        for chain in CHAINS:
            tip = seals.find_mark(connection, chain, MarkKind.TIP)
            if tip is not None and is_genuine(keys.audit, chain.name, tip):
                yield chain.name, tip


def verify(database: Database, keys: DataKeys, exported: frozenset[str]) -> Sequence[Finding]:
    """
    Walk all chains.

    Args:
        exported: Heads that were exported earlier, hexadecimal.

    Raises:
        StorageUnavailable: The database can't be read.
    """
    # First of all: what was noted by then is still in the log when its end is reached, whoever writes meanwhile.
    with database.read() as connection:
        noted = {TOKENS.name: noted_number(connection, installation_id(connection) or "")}
    return [_Walk(chain, keys.audit, exported, noted.get(chain.name, 0)).run(database) for chain in CHAINS]


class _Walk:
    """
    The walk along one chain.

    Args:
        noted: How far the log is known to have come.
    """

    def __init__(self, chain: Chain, key: bytes, exported: frozenset[str], noted: int) -> None:
        self._chain = chain
        self._key = key
        self._exported = exported
        self._noted = noted
        self._found = Finding(chain=chain.name)
        self._sum = 0  # of what the records walked over add to the counts
        self._misplaced = 0
        self._has_started = False
        self._has_dropped = False  # retention did, meanwhile: what was added up is more than what is kept

    def run(self, database: Database) -> Finding:
        """
        Walk to the end.
        """
        while True:
            with database.read() as connection:
                self._keep_up_with_retention(connection)
                following = seals.seals_after(connection, self._chain, self._found.position.seal, _SEALS_AT_ONCE)
                for seal in following:
                    self._step(connection, seal)
                if not following:
                    self._arrive(connection)
                    return self._found

    def _keep_up_with_retention(self, connection: Connection) -> None:
        found = self._found
        mark = seals.find_mark(connection, self._chain, MarkKind.CHECKPOINT)
        if mark is not None and not is_genuine(self._key, self._chain.name, mark):
            if not self._has_started:
                found.add_fault("the checkpoint of retention was changed")
            mark = None
        if self._has_started and mark is not None and mark != found.checkpoint:
            self._has_dropped = True
        if mark is not None and (not self._has_started or mark.position.seal > found.position.seal):
            found.position = mark.position
            self._note(mark.position)
        found.checkpoint = mark or found.checkpoint
        self._has_started = True

    def _step(self, connection: Connection, seal: Seal) -> None:
        found, before = self._found, self._found.position
        if not seal.follows(before):
            found.add_fault(f"seal {seal.number} does not follow seal {before.seal}: seals are missing or were changed")
        else:
            self._compare(connection, seal, before)
        # Whatever number a forged seal has, the walk goes on.
        found.position = replace(seal.position, seal=max(seal.number, before.seal + 1))
        found.seals += 1
        self._note(seal.position)

    def _compare(self, connection: Connection, seal: Seal, before: Position) -> None:
        pieces = _Pieces(connection, self._chain, seal)
        head = head_of(self._key, self._chain.name, before, seal, pieces)
        self._found.records += pieces.count
        self._add_up(counts.tally(connection, self._chain, seal.first, seal.last))
        self._misplaced += places.count_misplaced(connection, self._chain, seal.first, seal.last)
        if hmac.compare_digest(head.encode(), seal.head.encode()):
            return
        where = f"among the records {seal.first} to {seal.last}, seal {seal.number}"
        if pieces.count < seal.count:
            self._found.add_fault(f"{where}: {seal.count - pieces.count} of {seal.count} are missing")
        elif pieces.count > seal.count:
            self._found.add_fault(f"{where}: {pieces.count - seal.count} were added")
        else:
            self._found.add_fault(f"{where}: a record or the seal was changed")

    def _arrive(self, connection: Connection) -> None:
        found, chain = self._found, self._chain
        tip = seals.find_mark(connection, chain, MarkKind.TIP)
        dropped = BEGINNING if found.checkpoint is None else found.checkpoint.position
        if tip is None and found.position != BEGINNING:
            found.add_fault("the tip is missing, which says where the chain ends")
        if tip is not None and not is_genuine(self._key, chain.name, tip):
            found.add_fault("the tip was changed, which says where the chain ends")
        elif tip is not None and tip.position != found.position:
            found.add_fault(f"the chain ends at seal {found.position.seal}, and should at seal {tip.position.seal}")
        if inspection.has_leftovers(connection, chain, dropped):
            found.add_fault(
                f"records up to number {dropped.last}, or seals up to {dropped.seal}, were added: none is left"
            )
        if not self._has_dropped and not found.faults and self._sum != self._kept_sum(connection):
            found.add_fault("the counts by hour are not those of the records: totals of lists are wrong")
        if not found.faults and self._misplaced:
            found.add_fault(f"records that are not in their places: {self._misplaced}; lists by application are wrong")
        furthest = inspection.furthest_number(connection, chain)
        if furthest < self._noted:
            found.add_fault(
                f"the log ends at number {furthest}, and had come to {self._noted}: its end was cut off, or an earlier "
                "copy was put back"
            )
        found.unsealed = inspection.count_after(connection, chain, found.position.last)

    def _note(self, position: Position) -> None:
        if position.head in self._exported:
            self._found.proven[position.head] = position

    def _add_up(self, bins: Mapping[counts.Bin, int]) -> None:
        self._sum = (self._sum + sum(self._weight(found) * count for found, count in bins.items())) % _MODULUS

    def _kept_sum(self, connection: Connection) -> int:
        return sum(self._weight(found) * count for found, count in counts.kept(connection, self._chain)) % _MODULUS

    def _weight(self, found: counts.Bin) -> int:
        # Sums of weights that nobody else can compute are alike where the counts are, and take no memory.
        digest = hmac.new(self._key, b"watchword log counts 1" + msgspec.json.encode(found), hashlib.sha256).digest()
        return int.from_bytes(digest[:16])


class _Pieces:
    """
    The records under a seal, a batch at a time.

    Attributes:
        count: How many were read.
    """

    def __init__(self, connection: Connection, chain: Chain, seal: Seal) -> None:
        self._connection = connection
        self._chain = chain
        self._seal = seal
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        after = self._seal.first - 1
        while batch := read_batch(
            self._connection, self._chain, after=after, up_to=self._seal.last, most=_RECORDS_AT_ONCE
        ):
            after = batch.last
            self.count += batch.count
            yield batch.text
