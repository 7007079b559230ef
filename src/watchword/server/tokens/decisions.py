"""
What was decided for a request: the same request gets the same, until something changes in its tenant.

Programs ask for their tokens with the same bytes each time. What is remembered of them is a keyed digest: no secret.
"""

import hashlib
import os
from collections import OrderedDict
from datetime import datetime

import msgspec

from watchword.server.domain.decision import Decision

# With any change all of them are let go, at a microsecond and a half each, for which the event loop stands.
MOST_DECISIONS = 4_000
# Who has a secret may ask for a new thing each time: so much of it is kept, and no form.
MOST_BODY = 1024
MOST_SCOPES = 32
_encode = msgspec.json.Encoder().encode


class Decisions:
    """
    What is remembered of one tenant, the decision used longest ago first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._key = os.urandom(32)  # digests are compared with each other alone
        self._known: OrderedDict[bytes, Decision] = OrderedDict()

    def find(self, request: bytes, now: datetime) -> Decision | None:
        """
        Return what was decided for a request; None where it is not remembered, or no longer so.
        """
        digest = self._digest(request)
        decision = self._known.get(digest)
        if decision is None:
            return None
        if decision.until <= now:
            del self._known[digest]
            return None
        self._known.move_to_end(digest)
        return decision

    def keep(self, request: bytes, decision: Decision) -> None:
        """
        Remember a decision, if it is one that lasts, and small.
        """
        authorization = decision.authorization
        if authorization.lasts and len(authorization.scopes) + len(authorization.dropped) <= MOST_SCOPES:
            self._known[self._digest(request)] = decision
            if len(self._known) > self._most:
                self._known.popitem(last=False)

    def clear(self) -> None:
        """
        Forget all of them.
        """
        self._known.clear()

    def _digest(self, request: bytes) -> bytes:
        return hashlib.blake2b(request, key=self._key, digest_size=32).digest()


def identity_of(
    authorization: tuple[str, ...], content_type: str | None, origin: str | None, body: bytes
) -> bytes | None:
    """
    Put together all of a request that it is decided by; None for those that are not remembered.

    Those are long ones, and those without an Authorization header, which carry their secret in the body.
    """
    if not authorization or len(body) > MOST_BODY:
        return None
    # A JSON array says where it ends, so nothing can move from the headers into the body.
    return _encode((authorization, content_type, origin)) + body
