"""
What any grant is, and what any grant yields.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from watchword.protocol.forms import TokenForm
from watchword.protocol.names import Algorithm, GrantType
from watchword.server.domain.authority import Dropped
from watchword.server.domain.client_auth import Caller
from watchword.server.domain.targets import Target
from watchword.server.domain.view import ApplicationEntry, View


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """
    What may be had: everything that the token will say, before it is signed.

    Attributes:
        scopes: Granted, in the order asked.
        dropped: Asked and not granted, with the reason.
        lifetime: Seconds.
        algorithm: None follows the tenant.
        lasts: Whether an equal request gets the same until something in the tenant changes, whatever the hour.
    """

    grant_type: GrantType
    subject: str
    client_id: str
    target: Target
    scopes: tuple[str, ...]
    dropped: Mapping[str, Dropped]
    lifetime: int
    algorithm: Algorithm | None
    lasts: bool = False


class Grant(Protocol):
    """
    One way to obtain a token.
    """

    grant_type: GrantType
    parameters: tuple[str, ...]

    def is_allowed(self, application: ApplicationEntry) -> bool:
        """
        Tell whether applications like this one may use the grant.
        """

    def authorize(self, form: TokenForm, caller: Caller, view: View, now: datetime) -> Authorization:
        """
        Decide what may be had.
        """
