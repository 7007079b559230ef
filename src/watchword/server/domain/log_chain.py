"""
The chain of seals over a log: what a seal says, and what its head is made of.

A seal covers a closed range of a log's records. Its head is an HMAC-SHA-256 under the audit key over the previous head,
the records and what the seal says of them: to change a record means to forge every head after it. Two marks are signed
with the same key: the tip (the newest seal) and the checkpoint (the newest seal whose records retention has dropped).
"""

import hashlib
import hmac
from collections.abc import Iterable
from enum import StrEnum

import msgspec

HEAD_BYTES = hashlib.sha256().digest_size
# These labels are part of every head and mark: never change one.
_SEAL_LABEL = b"watchword log seal 1"
_MARK_LABEL = b"watchword log mark 1"


class MarkKind(StrEnum):
    """
    What a mark points at.
    """

    TIP = "tip"
    CHECKPOINT = "checkpoint"


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """
    A place in a chain: after a seal.

    Attributes:
        seal: The seal's number; 0 is the beginning, before the first.
        last: The number of the last record that it covers.
        head: Its head, hexadecimal.
    """

    seal: int
    last: int
    head: str


BEGINNING = Position(seal=0, last=0, head=bytes(HEAD_BYTES).hex())


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """
    A seal over the records with the numbers `first` to `last`.

    Attributes:
        count: How many records there are: numbers may be missing in between.
        newest_at: When the youngest of them was written as it says, microseconds since 1970.
        sealed_at: Microseconds since 1970.
        head: Hexadecimal.
    """

    number: int
    first: int
    last: int
    count: int
    newest_at: int
    sealed_at: int
    head: str

    @property
    def position(self) -> Position:
        """
        The place after this seal.
        """
        return Position(seal=self.number, last=self.last, head=self.head)

    @property
    def written_until(self) -> int:
        """
        When the youngest record was written at the latest, whatever it says: what is sealed was written before.
        """
        return min(self.newest_at, self.sealed_at)

    def follows(self, before: Position) -> bool:
        """
        Tell whether this seal begins where another ended.
        """
        return self.number == before.seal + 1 and self.first == before.last + 1 and self.last >= self.first


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """
    A signed pointer into a chain.

    Attributes:
        made_at: Microseconds since 1970.
        signature: Hexadecimal.
    """

    kind: MarkKind
    position: Position
    made_at: int
    signature: str


def head_of(key: bytes, chain: str, before: Position, seal: Seal, records: Iterable[bytes]) -> str:
    """
    Compute the head that a seal must have, hexadecimal.

    Args:
        before: Where the chain stood; its head goes in.
        seal: What is said of the records; its own head does not count.
        records: The records as text, in order, in pieces of any size.
    """
    keyed = hmac.new(key, digestmod=hashlib.sha256)
    keyed.update(_statement(_SEAL_LABEL, chain, before.head))
    for piece in records:
        keyed.update(piece)
    said = [seal.number, seal.first, seal.last, seal.count, seal.newest_at, seal.sealed_at]
    keyed.update(msgspec.json.encode(said))
    return keyed.hexdigest()


def sign_mark(key: bytes, chain: str, kind: MarkKind, position: Position, made_at: int) -> Mark:
    """
    Sign a place in a chain.
    """
    said = [kind, position.seal, position.last, position.head, made_at]
    signature = hmac.new(key, _statement(_MARK_LABEL, chain, *said), hashlib.sha256).hexdigest()
    return Mark(kind=kind, position=position, made_at=made_at, signature=signature)


def is_genuine(key: bytes, chain: str, mark: Mark) -> bool:
    """
    Tell whether a mark was signed with this key, for this chain.
    """
    signed = sign_mark(key, chain, mark.kind, mark.position, mark.made_at)
    return hmac.compare_digest(signed.signature.encode(), mark.signature.encode())


def _statement(label: bytes, *said: object) -> bytes:
    return label + msgspec.json.encode(said)
