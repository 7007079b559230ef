"""
Heads and marks: what goes into them, and that nothing else gives the same ones.
"""

from __future__ import annotations

import hashlib
import hmac

import pytest
from msgspec.structs import replace

from watchword.server.domain.log_chain import (
    BEGINNING,
    MarkKind,
    Position,
    Seal,
    head_of,
    is_genuine,
    sign_mark,
)

KEY = b"k" * 32
SEAL = Seal(number=1, first=1, last=3, count=2, newest_at=20, sealed_at=30, head="")
RECORDS = [b"one", b"two"]
HEAD = head_of(KEY, "log", BEGINNING, SEAL, RECORDS)


def test_head_is_what_the_page_says() -> None:
    """
    HMAC-SHA-256 over label, chain and head before, the records, and what the seal says: kept for ever.
    """
    said = b'watchword log seal 1["log","' + b"0" * 64 + b'"]' + b"onetwo" + b"[1,1,3,2,20,30]"
    assert hmac.new(KEY, said, hashlib.sha256).hexdigest() == HEAD


def test_pieces_may_be_of_any_size() -> None:
    """
    A verifier may read other batches than the sealer did.
    """
    assert head_of(KEY, "log", BEGINNING, SEAL, [b"onet", b"", b"wo"]) == HEAD


@pytest.mark.parametrize(
    "seal",
    [
        replace(SEAL, **{name: getattr(SEAL, name) + 1})
        for name in ("number", "first", "last", "count", "newest_at", "sealed_at")
    ],
    ids=["number", "first", "last", "count", "newest_at", "sealed_at"],
)
def test_head_holds_all_that_a_seal_says(seal: Seal) -> None:
    """
    Each member counts.
    """
    assert head_of(KEY, "log", BEGINNING, seal, RECORDS) != HEAD


@pytest.mark.parametrize(
    ("key", "chain", "before", "records"),
    [
        pytest.param(b"x" * 32, "log", BEGINNING, RECORDS, id="key"),
        pytest.param(KEY, "other", BEGINNING, RECORDS, id="chain"),
        pytest.param(KEY, "log", replace(BEGINNING, head="1" * 64), RECORDS, id="head before"),
        pytest.param(KEY, "log", BEGINNING, [b"two", b"one"], id="order"),
        pytest.param(KEY, "log", BEGINNING, [b"one"], id="records"),
    ],
)
def test_head_is_of_one_key_chain_and_past(key: bytes, chain: str, before: Position, records: list[bytes]) -> None:
    """
    Nothing else gives it.
    """
    assert head_of(key, chain, before, SEAL, records) != HEAD


@pytest.mark.parametrize(
    ("seal", "follows"),
    [
        pytest.param(SEAL, True, id="next"),
        pytest.param(replace(SEAL, last=1), True, id="one number"),
        pytest.param(replace(SEAL, last=0), False, id="no number"),
        pytest.param(replace(SEAL, number=2), False, id="one left out"),
        pytest.param(replace(SEAL, first=2), False, id="a number left out"),
    ],
)
def test_seal_follows_where_another_ended(seal: Seal, follows: bool) -> None:
    """
    By its own number and by those of the records.
    """
    assert seal.follows(BEGINNING) is follows


def test_position_is_after_the_seal() -> None:
    """
    Its number, its last record and its head.
    """
    assert replace(SEAL, head=HEAD).position == Position(seal=1, last=3, head=HEAD)


def test_mark_is_genuine_as_it_was_signed_and_no_other() -> None:
    """
    Kind, place, moment, chain and key are under the signature.
    """
    mark = sign_mark(KEY, "log", MarkKind.TIP, SEAL.position, 5)
    assert is_genuine(KEY, "log", mark)
    assert not is_genuine(b"x" * 32, "log", mark)
    assert not is_genuine(KEY, "other", mark)
    for changed in (
        replace(mark, kind=MarkKind.CHECKPOINT),
        replace(mark, made_at=6),
        replace(mark, signature=""),
        replace(mark, signature="é"),
        replace(mark, position=replace(SEAL.position, seal=2)),
        replace(mark, position=replace(SEAL.position, last=4)),
        replace(mark, position=replace(SEAL.position, head="1")),
    ):
        assert not is_genuine(KEY, "log", changed)
