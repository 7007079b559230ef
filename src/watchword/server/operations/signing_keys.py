"""
Signing keys: list, rotate, revoke, and what is to be done about them from time to time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from watchword.protocol.names import Algorithm
from watchword.server.domain.events import changed
from watchword.server.domain.key_ring import KNOWN_AFTER, KeyRing, ready_at
from watchword.server.domain.names import Permission
from watchword.server.domain.problems import Problem
from watchword.server.domain.redaction import shown_id
from watchword.server.domain.signing_keys import PublishedKey, described, published_keys
from watchword.server.operations.key_upkeep import Keys, open_keys
from watchword.server.operations.operation import reads, writes
from watchword.server.storage import signing_keys
from watchword.server.storage.transaction import Transaction


class Turning(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a rotation of an algorithm's keys would do.

    Attributes:
        current: The key that signs.
        successor: The one that takes over; None where it is made at that moment.
        is_under_way: Whether the moment is fixed already.
        ready_at: When the successor signs, unless somebody has it sign at once.
        is_ready: Whether that is now.
    """

    current: PublishedKey | None
    successor: PublishedKey | None
    is_under_way: bool
    ready_at: datetime
    is_ready: bool


@reads(Permission.ALL)
def listing(tx: Transaction) -> Sequence[PublishedKey]:
    """
    List all published keys: those that sign, those to come, and those that have signed, newest first.
    """
    return _published(signing_keys.load(tx), tx.now())


@reads(Permission.ALL)
def turning(tx: Transaction, algorithm: Algorithm) -> Turning:
    """
    Say what a rotation would do, as things stand.

    Raises:
        Problem: No token is signed with the algorithm.
    """
    keys = open_keys(tx)
    _demand_in_use(keys, algorithm)
    current, upcoming = keys.ring.current(algorithm, keys.now), keys.ring.next(algorithm, keys.now)
    successor = upcoming or keys.ring.standby(algorithm)
    if upcoming is not None:
        ready = upcoming.signs_from
    else:
        ready = keys.now + KNOWN_AFTER if successor is None else max(keys.now, ready_at(successor))
    return Turning(
        current=None if current is None else described(current, keys.now),
        successor=None if successor is None else described(successor, keys.now),
        is_under_way=upcoming is not None,
        ready_at=ready,
        is_ready=ready <= keys.now,
    )


@writes(Permission.ALL)
def rotate(tx: Transaction, algorithm: Algorithm | None, *, at_once: bool) -> Sequence[PublishedKey]:
    """
    Let the standby sign as soon as every verifier knows it; where a rotation is under way already, leave it at that.

    Args:
        algorithm: Whose key; None stands for the tenant's own.
        at_once: Whether it signs from now on, even if verifiers that keep keys have yet to ask for it.

    Returns:
        All published keys.

    Raises:
        Problem: No token is signed with the algorithm, or there is no room for another key.
    """
    keys = open_keys(tx)
    now = keys.now
    wanted = algorithm or keys.own.at(now)
    _demand_in_use(keys, wanted)
    if at_once or keys.ring.next(wanted, now) is None:
        keys.turn(wanted, now if at_once else None)
        keys.save()
    else:
        tx.leave_unchanged()
    return _published(keys.ring, now)


@writes(Permission.ALL)
def revoke(tx: Transaction, kid: str) -> None:
    """
    Drop a key that may have been stolen, at once and for good; where it was current, its successor signs from now on.

    Raises:
        Problem: There is no such key.
    """
    keys = open_keys(tx)
    now = keys.now
    key = keys.ring.find(kid)
    if key is None:
        raise key_not_found(kid)
    if key == keys.ring.current(key.algorithm, now):
        keys.demand_standby(key.algorithm)
    keys.ring = keys.ring.revoking(kid, now)
    tx.record(changed("SigningKey.Revoked", tx.actor, {"kid": kid, "algorithm": key.algorithm.value}))
    keys.save()


@writes(Permission.ALL)
def maintain(tx: Transaction, rotate_after: timedelta | None) -> None:
    """
    Add keys that are missing, let those go that nobody needs, and rotate those that have signed for long enough.

    Args:
        rotate_after: How long a key signs; None rotates none.
    """
    keys = open_keys(tx)
    now = keys.now
    keys.ring = keys.ring.tidied(keys.in_use() | keys.in_use_later(), now)
    for algorithm in sorted(keys.in_use()):
        current = keys.ring.current(algorithm, now)
        is_due = rotate_after is not None and current is not None and current.signs_from <= now - rotate_after
        if is_due and keys.ring.next(algorithm, now) is None and not keys.ring.is_full():
            keys.turn(algorithm)
    keys.save()
    if not tx.recorded:
        tx.leave_unchanged()


def key_not_found(kid: str) -> Problem:
    """
    No key has this id.
    """
    return Problem("oidc.key_not_found", status=404, message=f"Key with ID {shown_id(kid)} is not found.")


def _demand_in_use(keys: Keys, algorithm: Algorithm) -> None:
    if algorithm not in keys.in_use():
        raise Problem(
            "signing_key.algorithm_not_in_use",
            status=422,
            message=f"No token is signed with the algorithm {algorithm}.",
        )


def _published(ring: KeyRing, now: datetime) -> list[PublishedKey]:
    return [described(key, now) for key in published_keys(ring.keys, now)]
