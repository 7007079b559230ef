"""
What is decided for a token request, and the view that remembers it for the next request like it.
"""

from datetime import datetime
from typing import Protocol

from watchword.server.domain.client_auth import Caller
from watchword.server.domain.confidential import Confidential
from watchword.server.domain.events import TokenGranted
from watchword.server.domain.grants import Authorization
from watchword.server.domain.signing_keys import SigningKey
from watchword.server.domain.view import View


class Decision(Confidential, frozen=True, kw_only=True):
    """
    Who asks, what may be had, and what signs it.

    Attributes:
        granted: What the log says of each token that is had by it, besides the token's id.
        until: From then on it must be made anew, even where nothing has changed. It has no beginning: who came a moment
            before it was made may be served by it, since a key is published long before it signs.
    """

    caller: Caller
    authorization: Authorization
    key: SigningKey
    granted: TokenGranted
    until: datetime


class RememberingView(View, Protocol):
    """
    What is true at one moment, and what was decided by the same before.
    """

    def recall(self, request: bytes | None, now: datetime) -> Decision | None:
        """
        Return what was decided for a request of this identity, where it is still so.
        """

    def keep(self, request: bytes | None, decision: Decision) -> None:
        """
        Remember a decision, as long as what it was made by is true; without an identity, not at all.
        """
