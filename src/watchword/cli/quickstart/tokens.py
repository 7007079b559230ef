"""
Token requests in plain HTTP, and a look into a token.
"""

import base64
import json
from dataclasses import dataclass, field

import httpx

from watchword.cli.failures import Failure
from watchword.cli.quickstart.home import Account
from watchword.cli.quickstart.places import MANAGEMENT, Places
from watchword.cli.quickstart.printing import Printer
from watchword.server.domain.names import MANAGEMENT_SCOPE

_SEGMENTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDesk:
    """
    Asks for tokens.
    """

    http: httpx.Client
    places: Places
    printer: Printer

    def request(self, account: Account, *, resource: str, scope: str) -> httpx.Response:
        """
        Ask for a token with HTTP Basic, whatever comes of it.

        Implements: RFC 6749 §2.3.1, §4.4.2, RFC 8707 §2.2.
        """
        self.printer.hide(account.secret)
        response = self.http.post(
            self.places.token_endpoint,
            auth=(account.id, account.secret),
            data={"grant_type": "client_credentials", "resource": resource, "scope": scope},
        )
        self.printer.hide(response.request.headers["authorization"].removeprefix("Basic "))
        if response.status_code == httpx.codes.OK:
            self.printer.hide(response.json()["access_token"])
        return response

    def fetch(self, account: Account, *, resource: str, scope: str) -> str:
        """
        Get an access token.

        Raises:
            Failure: There is none.
        """
        response = self.request(account, resource=resource, scope=scope)
        if response.status_code != httpx.codes.OK:
            raise Failure(f"no token for {resource}: {response.status_code} {response.text}")
        token: str = response.json()["access_token"]
        return token

    def accepts(self, account: Account) -> bool:
        """
        Tell whether these credentials work at all.
        """
        response = self.request(account, resource=MANAGEMENT, scope=MANAGEMENT_SCOPE)
        return response.status_code == httpx.codes.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedJwt:
    """
    What a token says of itself. Nothing here has checked a signature.
    """

    header: dict[str, object]
    claims: dict[str, object]
    signature: str = field(repr=False)

    def with_claims(self, **changed: object) -> str:
        """
        Write a token that claims something else under the same signature, as a forger would.
        """
        return ".".join([_encode(self.header), _encode(self.claims | changed), self.signature])


def look_into(token: str) -> UnverifiedJwt:
    """
    Read a token without checking it: the second part is plain text for whoever holds it.

    Raises:
        Failure: It is no JWT.
    """
    segments = token.split(".")
    if len(segments) != _SEGMENTS:
        raise Failure("the access token is no JWT")
    return UnverifiedJwt(header=_decode(segments[0]), claims=_decode(segments[1]), signature=segments[2])


def _decode(segment: str) -> dict[str, object]:
    members: dict[str, object] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return members


def _encode(members: dict[str, object]) -> str:
    text = json.dumps(members, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
