"""
Who asked: proved, or merely seen on the way to a refusal.
"""

import msgspec

from watchword.protocol.forms import NO_FORM, TokenForm
from watchword.protocol.names import GrantType
from watchword.server.domain.secrets import SecretEntry
from watchword.server.domain.view import ApplicationEntry

_NAMING = {grant_type: TokenForm({"grant_type": (grant_type.value,)}) for grant_type in GrantType}


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """
    An application that has proved who it is.

    Attributes:
        secret: What it proved it with; None for a public application, which proves nothing.
    """

    application: ApplicationEntry
    secret: SecretEntry | None


class Seen(msgspec.Struct):
    """
    What a request has shown of itself so far. It decides nothing; the record of a refusal names it.

    Attributes:
        form: The request's parameters, once they could be read.
        client_id: As presented.
        application: The application with that id, once looked up.
        matched: The secret that matched, expired or not.
        secret: Whether a secret was presented at all.
    """

    form: TokenForm = NO_FORM
    client_id: str | None = None
    application: ApplicationEntry | None = None
    matched: SecretEntry | None = None
    secret: bool = False

    def take_over(self, caller: Caller, grant_type: GrantType) -> None:
        """
        Take over what is remembered of an equal request, whose caller has proved who it is by a secret.

        Of its form that is the grant alone: what else it holds must not stay in memory, nor is it asked for again.
        """
        self.form, self.application, self.matched = _NAMING[grant_type], caller.application, caller.secret
        self.client_id, self.secret = caller.application.id, True
