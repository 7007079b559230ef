"""
What every change of signing keys has in common: no algorithm without a key and a standby, and nothing unrecorded.
"""

from datetime import datetime

import msgspec

from watchword.protocol.names import Algorithm
from watchword.server.domain.events import changed
from watchword.server.domain.key_ring import MOST_KEYS, KeyRing, ready_at
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import SigningKeyRecord
from watchword.server.domain.signing_keys import NEVER, OwnAlgorithm
from watchword.server.storage import signing_keys, tenants
from watchword.server.storage.transaction import Transaction


class Keys(msgspec.Struct):
    """
    A tenant's keys, as they were read and as they are to become.

    Attributes:
        now: The one instant of the change.
    """

    tx: Transaction
    now: datetime
    own: OwnAlgorithm
    before: KeyRing
    ring: KeyRing

    def in_use(self) -> set[Algorithm]:
        """
        Return the algorithms that tokens are signed with now.
        """
        return {self.own.at(self.now), *tenants.algorithms_of_resources(self.tx)}

    def in_use_later(self) -> set[Algorithm]:
        """
        Return the algorithms that tokens are signed with once all has come that is fixed.
        """
        return {self.own.last, *tenants.algorithms_of_resources(self.tx)}

    def demand_standby(self, algorithm: Algorithm) -> SigningKeyRecord:
        """
        Return the standby of an algorithm; where there is none, make one.
        """
        standby = self.ring.standby(algorithm)
        if standby is None:
            longest = tenants.longest_token_lifetime(self.tx)
            standby = signing_keys.new_key(self.tx, algorithm, self.now, signs_from=NEVER, longest_lifetime=longest)
            self.ring = self.ring.adding(standby)
        return standby

    def turn(self, algorithm: Algorithm, at: datetime | None = None) -> None:
        """
        Let the next key, or else the standby, take over.

        Args:
            at: From when on it signs; None stands for as soon as every verifier knows it.

        Raises:
            Problem: There is no room for another key.
        """
        if self.ring.is_full():
            raise Problem(
                "signing_key.too_many",
                status=422,
                message=f"There are {MOST_KEYS} keys whose tokens have not expired: no more can be published.",
            )
        standby = self.demand_standby(algorithm)
        self.ring = self.ring.succeeding(algorithm, at or max(self.now, ready_at(standby)), self.now)

    def set_own(self, own: OwnAlgorithm) -> None:
        """
        Change what tokens are signed with unless an API resource has its own algorithm.
        """
        if own == self.own:
            return
        self.own = own
        tenants.set_own_algorithm(self.tx, own)
        since = {} if own.following_from is None else {"from": own.following_from.isoformat()}
        data = {"algorithm": own.last.value, **since}
        self.tx.record(changed("Tenant.SigningAlgorithm.Updated", self.tx.actor, data))

    def save(self) -> None:
        """
        Add the keys that are missing, then write and record what has become different.
        """
        used, later = self.in_use(), self.in_use_later()
        self.ring = self.ring.continued(sorted(later), self.now)
        self._demand_following()
        for algorithm in sorted(used):
            self._demand_current(algorithm)
        for algorithm in sorted(used | later):
            self.demand_standby(algorithm)
        self._record()
        signing_keys.save(self.tx, self.before, self.ring)

    def _demand_current(self, algorithm: Algorithm) -> None:
        if self.ring.current(algorithm, self.now) is None:
            self.demand_standby(algorithm)
            self.ring = self.ring.beginning(algorithm, self.now)

    def _demand_following(self) -> None:
        """
        Let the algorithm that is fixed have a key from its instant on: the next one may have been revoked.
        """
        algorithm, at = self.own.last, self.own.following_from
        waits = self.ring.current(algorithm, self.now) is None and self.ring.next(algorithm, self.now) is None
        if at is not None and waits:
            self.demand_standby(algorithm)
            self.ring = self.ring.succeeding(algorithm, at, self.now)

    def _record(self) -> None:
        known = {key.id: key for key in self.before.keys}
        for key in self.ring.keys:
            was = known.pop(key.id, None)
            if was is None:
                self._record_one("Created", key)
            elif was.signs_from != key.signs_from:
                self._record_one("Rotated", key)
            elif was.signs_until != key.signs_until:
                self._record_one("Data.Updated", key)
        for key in known.values():
            self._record_one("Deleted", key)

    def _record_one(self, what: str, key: SigningKeyRecord) -> None:
        starts = {} if key.signs_from == NEVER else {"signsFrom": key.signs_from.isoformat()}
        ends = {} if key.signs_until is None else {"signsUntil": key.signs_until.isoformat()}
        data = {"kid": key.id, "algorithm": key.algorithm.value, **starts, **ends}
        self.tx.record(changed(f"SigningKey.{what}", self.tx.actor, data))


def open_keys(tx: Transaction) -> Keys:
    """
    Read the tenant's keys, to change them in a writing transaction.
    """
    before, now = signing_keys.load(tx), _whole_millisecond(tx.now())
    ring = before.signing_for(tenants.longest_token_lifetime(tx), now)
    return Keys(tx, now, tenants.own_algorithm(tx).settled(now), before, ring)


def _whole_millisecond(moment: datetime) -> datetime:
    # The wire tells instants in milliseconds: what is told is then the very instant.
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def ensure_keys(tx: Transaction) -> None:
    """
    See to it that each algorithm in use has a key and a standby, which stay published for as long as tokens live.
    """
    open_keys(tx).save()
