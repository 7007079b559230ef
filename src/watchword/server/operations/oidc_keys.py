"""
Keys as the reference's Management API has them: the tenant's signing keys by type, and keys of cookies.

What is not of the tenant's own algorithm has no routes there; what it has of standbys and instants, neither: that is in
`signing_keys`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from watchword.protocol.access_token import CLOCKS_APART
from watchword.server.domain.events import changed
from watchword.server.domain.key_ring import KeyRing
from watchword.server.domain.names import Permission
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import CookieKey
from watchword.server.domain.signing_keys import (
    KeyState,
    KeyType,
    OwnAlgorithm,
    PublishedKey,
    algorithm_of_type,
    described,
    listed_keys,
    state_of,
)
from watchword.server.operations.key_upkeep import Keys, open_keys
from watchword.server.operations.operation import reads, writes
from watchword.server.operations.signing_keys import key_not_found
from watchword.server.storage import cookie_keys, signing_keys, tenants
from watchword.server.storage.transaction import Transaction

_COOKIE_KEYS_KEPT = 2


@reads(Permission.ALL)
def list_private(tx: Transaction) -> Sequence[PublishedKey]:
    """
    List the keys that will sign, that sign, and the one that signed last.
    """
    return _listed(signing_keys.load(tx), tenants.own_algorithm(tx), tx.now())


@writes(Permission.ALL)
def rotate_private(tx: Transaction, wanted: KeyType, grace: timedelta) -> Sequence[PublishedKey]:
    """
    Let another key sign the tenant's tokens, of another type if so wanted.

    Args:
        grace: How long the current key goes on; zero for not at all, however few verifiers know the other one.

    Returns:
        The keys as `list_private` has them.

    Raises:
        Problem: It is to be at once while another rotation is fixed, or that one is a matter of seconds; or there is no
            room for another key.
    """
    keys = open_keys(tx)
    now, own = keys.now, keys.own.present
    _take_back(keys, grace)
    algorithm = algorithm_of_type(wanted, own, keys.ring.keys)
    keys.turn(algorithm, now + grace)
    if algorithm is own:
        keys.set_own(OwnAlgorithm(present=own))
    else:
        keys.set_own(OwnAlgorithm(present=own, following=algorithm, following_from=now + grace).settled(now))
        if own not in keys.in_use_later():
            keys.ring = keys.ring.ending(own, now + grace, now)
    keys.save()
    return _listed(keys.ring, keys.own, now)


@writes(Permission.ALL)
def delete_private(tx: Transaction, kid: str) -> None:
    """
    Drop a key that signs no more, although tokens of it may not have expired.

    Raises:
        Problem: It is the only key, there is none of the id, or it has not done its duty.
    """
    keys = open_keys(tx)
    now, key = keys.now, keys.ring.find(kid)
    if len(_listed(keys.ring, keys.own, now)) == 1:
        raise _key_required()
    if key is None or state_of(key, now) is KeyState.STANDBY:
        raise key_not_found(kid)
    if state_of(key, now) is not KeyState.PREVIOUS:
        raise Problem(
            "oidc.only_previous_key_can_be_deleted", status=422, message="Only a previous key can be deleted."
        )
    keys.ring = keys.ring.revoking(kid, now)
    keys.save()


@reads(Permission.ALL)
def list_cookie(tx: Transaction) -> Sequence[CookieKey]:
    """
    List the keys of cookies, newest first.
    """
    return cookie_keys.newest_first(tx)


@writes(Permission.ALL)
def rotate_cookie(tx: Transaction) -> Sequence[CookieKey]:
    """
    Add a key of cookies, and keep one of those before it; return both, the newest first.
    """
    ensure_cookie_key(tx, anew=True)
    newest_first = cookie_keys.newest_first(tx)
    for key in newest_first[_COOKIE_KEYS_KEPT:]:
        _drop_cookie_key(tx, key.id)
    return newest_first[:_COOKIE_KEYS_KEPT]


@writes(Permission.ALL)
def delete_cookie(tx: Transaction, key_id: str) -> None:
    """
    Delete a key of cookies.

    Raises:
        Problem: It is the only one, or there is none of the id.
    """
    if len(cookie_keys.newest_first(tx)) <= 1:
        raise _key_required()
    _drop_cookie_key(tx, key_id)


def ensure_cookie_key(tx: Transaction, *, anew: bool = False) -> None:
    """
    Add a key of cookies where there is none, or another one.
    """
    if anew or not cookie_keys.newest_first(tx):
        key = cookie_keys.add(tx)
        tx.record(changed("CookieKey.Created", tx.actor, {"id": key.id}))


def invalid_request() -> Problem:
    """
    A rotation that can't be done as asked.
    """
    return Problem("oidc.invalid_request", status=422, message="Request is invalid.")


def _take_back(keys: Keys, grace: timedelta) -> None:
    for algorithm in {keys.own.present, keys.own.last}:
        upcoming = keys.ring.next(algorithm, keys.now)
        if upcoming is not None and (not grace or upcoming.signs_from <= keys.now + CLOCKS_APART):
            raise invalid_request()
        keys.ring = keys.ring.without_next(algorithm, keys.now)


def _listed(ring: KeyRing, own: OwnAlgorithm, now: datetime) -> Sequence[PublishedKey]:
    return [described(key, now) for key in listed_keys(ring.keys, own.at(now), now)]


def _drop_cookie_key(tx: Transaction, key_id: str) -> None:
    if not cookie_keys.delete(tx, key_id):
        raise key_not_found(key_id)
    tx.record(changed("CookieKey.Deleted", tx.actor, {"id": key_id}))


def _key_required() -> Problem:
    return Problem("oidc.key_required", status=422, message="At least one key is required.")
