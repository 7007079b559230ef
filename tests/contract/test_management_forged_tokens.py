"""
Tokens that were touched, forged or cut: none of them opens the Management API.
"""

from __future__ import annotations

import base64
import hmac
import json
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.server import MANAGEMENT_RESOURCE
from tests.support.wire import read_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.server import RunningServer


def encoded(value: dict[str, object]) -> str:
    """
    Return a JSON object as a part of a JWT.
    """
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def changed_claims(token: str, server: RunningServer) -> str:
    """
    Change the subject and keep the signature.
    """
    header, _, signature = token.split(".")
    _, claims = read_token(token)
    return f"{header}.{encoded({**claims, 'sub': 'someone'})}.{signature}"


def without_signature(token: str, server: RunningServer) -> str:
    """
    Say that no algorithm was used.
    """
    _, claims = read_token(token)
    return f"{encoded({'alg': 'none', 'typ': 'at+jwt'})}.{encoded(claims)}."


def signed_with_the_public_key(token: str, server: RunningServer) -> str:
    """
    Use our public key as an HMAC secret.
    """
    header, claims = read_token(token)
    signed = f"{encoded({**header, 'alg': 'HS256'})}.{encoded(claims)}"
    digest = hmac.digest(server.http.get("/oidc/jwks").content, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def signed_with_another_key(token: str, server: RunningServer) -> str:
    """
    Use our `kid` with a key of the attacker, which travels in the header.
    """
    header, claims = read_token(token)
    key = ec.generate_private_key(ec.SECP256R1())
    public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    headers = {"kid": header["kid"], "typ": "at+jwt", "jwk": public, "jku": "https://evil.example/jwks"}
    return jwt.encode(claims, key, algorithm="ES256", headers=headers)


def signed_with_an_unknown_kid(token: str, server: RunningServer) -> str:
    """
    Use a key id that nobody published.
    """
    _, claims = read_token(token)
    key = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": "unknown", "typ": "at+jwt"})


FORGERIES: list[tuple[str, Callable[[str, RunningServer], str]]] = [
    ("changed claims", changed_claims),
    ("no signature", without_signature),
    ("signed with the public key", signed_with_the_public_key),
    ("signed with another key", signed_with_another_key),
    ("signed with an unknown kid", signed_with_an_unknown_kid),
    ("cut by four characters", lambda token, _: token[:-4]),
    ("longer by four characters", lambda token, _: f"{token}AAAA"),
    ("two parts", lambda token, _: token.rpartition(".")[0]),
    ("five parts", lambda token, _: f"{token}.x.y"),
    ("three letters", lambda token, _: "a.b.c"),
    ("two dots", lambda token, _: ".."),
    ("nothing", lambda token, _: ""),
    ("twice", lambda token, _: f"{token} {token}"),
    ("12,000 letters", lambda token, _: "x" * 12_000),
]


@pytest.mark.parametrize("forge", [pytest.param(forge, id=id_) for id_, forge in FORGERIES])
def test_forged_token_is_401(server: RunningServer, forge: Callable[[str, RunningServer], str]) -> None:
    """
    Whatever is done to a good token, it is good no more; the answer repeats nothing of it.
    """
    fetched = server.token(server.application_id, server.application_secret, resource=MANAGEMENT_RESOURCE, scope="all")
    token = fetched.json()["access_token"]
    forged = f"Bearer {forge(token, server)}".strip()
    answer = server.http.get("/api/applications", headers={"authorization": forged})
    assert answer.status_code == 401
    assert answer.json()["code"].startswith("auth.")
    assert token[:40] not in answer.text
