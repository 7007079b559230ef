"""
The credentials that a token request presents: one mechanism, found and decoded, nothing of it checked.

Owns the order in which they are read: repeated parameters, several mechanisms, Basic decoding.
"""

import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from watchword.protocol.errors import InvalidRequest
from watchword.protocol.forms import STRAY_PERCENT, TokenForm
from watchword.protocol.names import JWT_BEARER_ASSERTION, ClientAuthMethod

CREDENTIALS = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
_COMPACT_JWS = re.compile(r"[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+\Z")


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """
    A secret in clear text, as a client presents it. Its `repr` never shows it.
    """

    value: str = field(repr=False)


class PresentedCredentials(NamedTuple):
    """
    Who a request says it is, and with what proof. Nothing of it has been checked.

    Attributes:
        secret: Absent for a bare `client_id` and for an assertion.
    """

    method: ClientAuthMethod
    client_id: str
    secret: ClientSecret | None

    @property
    def by_header(self) -> bool:
        """
        Whether the Authorization header carried them: RFC 6749 §5.2 then asks for a challenge on failure.
        """
        return self.method is ClientAuthMethod.BASIC


def present_credentials(authorization: Sequence[str], form: TokenForm) -> PresentedCredentials:
    """
    Find the one mechanism that a request authenticates with.

    Args:
        authorization: The values of all Authorization headers of the request.

    Raises:
        InvalidRequest: None, more than one, or a malformed one.

    Implements: RFC 6749 §2.3, §2.3.1.
    """
    if len(authorization) == 1 and form.parameters.keys().isdisjoint(CREDENTIALS):  # what nearly all requests do
        return _from_basic(authorization[0], None)
    form.refuse_repeated(CREDENTIALS)
    if len(authorization) > 1:
        raise InvalidRequest("the Authorization header must not be sent twice")
    assertion = form.get("client_assertion")
    secret = form.get("client_secret")
    if bool(authorization) + (secret is not None) + (assertion is not None) > 1:
        raise InvalidRequest("client authentication must only be provided using one mechanism")
    client_id = form.get("client_id")
    if authorization:
        return _from_basic(authorization[0], client_id)
    if assertion is not None:
        return _from_assertion(assertion, form.get("client_assertion_type"), client_id)
    if client_id is None:
        raise InvalidRequest("no client authentication mechanism provided")
    if secret is None:
        return PresentedCredentials(method=ClientAuthMethod.NONE, client_id=client_id, secret=None)
    return PresentedCredentials(method=ClientAuthMethod.POST, client_id=client_id, secret=ClientSecret(secret))


def _from_basic(header: str, body_client_id: str | None) -> PresentedCredentials:
    client_id, secret = decode_basic(header)
    if body_client_id is not None and body_client_id != client_id:
        raise InvalidRequest("client_id mismatch")
    if not secret:
        raise InvalidRequest("client_secret must be provided in the Authorization header")
    if not client_id:
        raise InvalidRequest("no client authentication mechanism provided")
    return PresentedCredentials(method=ClientAuthMethod.BASIC, client_id=client_id, secret=ClientSecret(secret))


def _from_assertion(assertion: str, kind: str | None, client_id: str | None) -> PresentedCredentials:
    if kind is None:
        raise InvalidRequest("client_assertion_type must be provided")
    if kind != JWT_BEARER_ASSERTION:
        raise InvalidRequest(f"client_assertion_type must have value {JWT_BEARER_ASSERTION}")
    if _COMPACT_JWS.match(assertion) is None:
        raise InvalidRequest("invalid client_assertion format")
    return PresentedCredentials(method=ClientAuthMethod.PRIVATE_KEY_JWT, client_id=client_id or "", secret=None)


def decode_basic(header: str) -> tuple[str, str]:
    """
    Decode an Authorization header of scheme Basic into client id and secret, both form-decoded.

    Raises:
        InvalidRequest: Another scheme, bad base64, no colon, bad percent-encoding, or characters outside
            ASCII.

    Implements: RFC 6749 §2.3.1 and Appendix B, RFC 7617 §2.
    """
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError("another scheme")  # noqa: TRY301 - all of these get one and the same answer
        padding = "=" * (-len(encoded) % 4)
        pair = binascii.a2b_base64(encoded + padding, strict_mode=True).decode("utf-8")
        client_id, secret = pair.split(":", 1)
    except ValueError:
        raise InvalidRequest("invalid authorization header value format") from None
    if "%" in pair or "+" in pair:
        client_id, secret = _form_decode(client_id), _form_decode(secret)
    both = client_id + secret
    if not both.isascii() or not both.isprintable():
        raise InvalidRequest("client_id and client_secret in the authorization header are not properly encoded")
    return client_id, secret


def _form_decode(value: str) -> str:
    raw = value.replace("+", " ").encode()
    return unquote_to_bytes(raw).decode("latin-1") if STRAY_PERCENT.search(raw) is None else "\0"
