"""
Ways to obtain a token, a file each. A new grant is one file and one line in `GRANTS`.

A grant reads and decides; it never writes. What every grant needs stands here, before the grant: none can forget it.
"""

from collections.abc import Mapping

from watchword.protocol.errors import InvalidRequest, UnsupportedGrantType
from watchword.protocol.forms import TokenForm
from watchword.protocol.names import GrantType
from watchword.server.domain.client_auth import Caller
from watchword.server.domain.grants.authorization import Authorization, Grant
from watchword.server.domain.grants.client_credentials import ClientCredentials

GRANTS: Mapping[str, Grant] = {grant.grant_type: grant for grant in (ClientCredentials(),)}
# Grants that exist elsewhere and that no application has here are refused as "not allowed", as the wire has it.
_KNOWN = frozenset(GrantType)

__all__ = ["GRANTS", "Authorization", "Grant", "grant_for"]


def grant_for(form: TokenForm, caller: Caller) -> Grant:
    """
    Find the grant that a request names, once it is allowed for the caller and repeats no parameter.

    Raises:
        InvalidRequest: `grant_type` is missing, or the grant is not for this application; a parameter is repeated.
        UnsupportedGrantType: There is no such grant.

    Implements: RFC 6749 §3.2, §5.2.
    """
    name = form.grant_type
    if name not in _KNOWN:
        raise UnsupportedGrantType
    grant = GRANTS.get(name)
    if grant is None or not grant.is_allowed(caller.application):
        raise InvalidRequest("requested grant type is not allowed for this client")
    form.refuse_repeated(grant.parameters)
    return grant
