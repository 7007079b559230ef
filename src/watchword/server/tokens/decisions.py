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
_KEY = os.urandom(32)  # of this process: digests are compared with nothing else
_encode = msgspec.json.Encoder().encode


class Decisions:
    """
    What is remembered of one tenant, the decision used longest ago first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[bytes, Decision] = OrderedDict()

    def find(self, request: bytes, now: datetime) -> Decision | None:
        """
        Return what was decided for a request of this digest; None where it is not remembered, or no longer so.
        """
        decision = self._known.get(request)
        if decision is None:
            return None
        if decision.until <= now:
            del self._known[request]
            return None
        self._known.move_to_end(request)
        return decision

    def keep(self, request: bytes, decision: Decision) -> None:
        """
        Remember a decision, if it is one that lasts, and small.
        """
        authorization = decision.authorization
        if authorization.lasts and len(authorization.scopes) + len(authorization.dropped) <= MOST_SCOPES:
            self._known[request] = decision
            if len(self._known) > self._most:
                self._known.popitem(last=False)

    def clear(self) -> None:
        """
        Forget all of them.
        """
        self._known.clear()


def digest_of(
    authorization: tuple[str, ...], content_type: str | None, origin: str | None, body: bytes
) -> bytes | None:
    """
    Tell requests apart by all of them that is decided by; None for those that are not remembered.

    Those are long ones, and those without an Authorization header, which carry their secret in the body.
    """
    if not authorization or len(body) > MOST_BODY:
        return None
    # A JSON array says where it ends, so nothing can move from the headers into the body.
    request = _encode((authorization, content_type, origin)) + body
    return hashlib.blake2b(request, key=_KEY, digest_size=32).digest()
