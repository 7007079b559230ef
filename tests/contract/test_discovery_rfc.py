"""
What the RFCs demand of the metadata document and of the published keys, a row for each rule.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.support.wire import decode_base64url

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.server import RunningServer

METADATA = "/.well-known/oauth-authorization-server/oidc"
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

Metadata = dict[str, Any]
METADATA_RULES: list[tuple[str, Callable[[Metadata, RunningServer], bool]]] = [
    ("RFC 8414 2 issuer is REQUIRED", lambda metadata, server: metadata["issuer"] == server.issuer),
    (
        "RFC 8414 2 issuer has no query or fragment",
        lambda metadata, _: not urlsplit(metadata["issuer"]).query + urlsplit(metadata["issuer"]).fragment,
    ),
    (
        "RFC 8414 2 token_endpoint is REQUIRED",
        lambda metadata, server: metadata["token_endpoint"] == f"{server.issuer}/token",
    ),
    ("RFC 8414 2 jwks_uri", lambda metadata, server: metadata["jwks_uri"] == f"{server.issuer}/jwks"),
    (
        "RFC 8414 2 response_types_supported is REQUIRED",
        lambda metadata, _: metadata["response_types_supported"] == [],
    ),
    (
        "RFC 8414 2 grant_types_supported overrides a default that is not ours",
        lambda metadata, _: metadata["grant_types_supported"] == ["client_credentials"],
    ),
    (
        "RFC 8414 2 token_endpoint_auth_methods_supported",
        lambda metadata, _: (
            metadata["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]
        ),
    ),
    (
        "RFC 8414 2 authorization_endpoint only where a grant uses it",
        lambda metadata, _: "authorization_endpoint" not in metadata,
    ),
    (
        "RFC 8414 2 no signing algorithms without a JWT method",
        lambda metadata, _: "token_endpoint_auth_signing_alg_values_supported" not in metadata,
    ),
    (
        "RFC 8414 3.2 claims with no value are left out",
        lambda metadata, _: None not in metadata.values() and "" not in metadata.values(),
    ),
]


@pytest.mark.parametrize("holds", [pytest.param(check, id=id_) for id_, check in METADATA_RULES])
def test_rule_of_the_metadata_holds(server: RunningServer, holds: Callable[[Metadata, RunningServer], bool]) -> None:
    """
    The document at the RFC's own place is as the RFC wants it.
    """
    answer = server.http.get(METADATA)
    assert answer.status_code == 200
    assert holds(answer.json(), server)


def test_metadata_is_found_by_path_insertion(server: RunningServer) -> None:
    """
    RFC 8414 §3, §3.1, §3.3: inserted before the issuer's path, JSON, with the issuer it was asked for.
    """
    issuer = urlsplit(server.issuer)
    answer = server.http.get(f"/.well-known/oauth-authorization-server{issuer.path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    assert answer.json()["issuer"] == server.issuer


def test_advertised_endpoints_are_there(server: RunningServer) -> None:
    """
    RFC 8414 §2: every endpoint that the document names answers, and none is named that is not built.
    """
    metadata = server.http.get(METADATA).json()
    named = {name for name in metadata if name.endswith(("_endpoint", "_uri"))}
    assert named == {"token_endpoint", "jwks_uri"}
    assert server.http.get(metadata["jwks_uri"]).status_code == 200
    assert server.http.post(metadata["token_endpoint"]).status_code == 400


Key = dict[str, Any]


def thumbprint(key: Key) -> str:
    """
    Return the RFC 7638 thumbprint of a public key, from its required members alone.
    """
    members = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}[key["kty"]]
    canonical = json.dumps({name: key[name] for name in members}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


KEY_RULES: list[tuple[str, Callable[[Key], bool]]] = [
    ("RFC 7517 4.1 kty is REQUIRED", lambda key: key["kty"] == "EC"),
    ("RFC 7517 4.2 use is sig", lambda key: key["use"] == "sig"),
    ("RFC 7517 4.3 use and key_ops SHOULD NOT come together", lambda key: "key_ops" not in key),
    ("RFC 7517 4.4 alg says what the key is for", lambda key: key["alg"] == "ES256"),
    ("RFC 7517 4 no private member is published", lambda key: not PRIVATE_MEMBERS & set(key)),
    ("RFC 7518 6.2.1.1 crv is P-256", lambda key: key["crv"] == "P-256"),
    (
        "RFC 7518 6.2.1.2 x is the full size of a coordinate",
        lambda key: len(decode_base64url(key["x"])) == 32,
    ),
    (
        "RFC 7518 6.2.1.3 y is the full size of a coordinate",
        lambda key: len(decode_base64url(key["y"])) == 32,
    ),
    ("RFC 7638 3 kid is the thumbprint of the required members", lambda key: key["kid"] == thumbprint(key)),
]


@pytest.mark.parametrize("holds", [pytest.param(check, id=id_) for id_, check in KEY_RULES])
def test_rule_of_every_key_holds(server: RunningServer, holds: Callable[[Key], bool]) -> None:
    """
    Every published key is as the RFC wants it.
    """
    keys = server.http.get("/oidc/jwks").json()["keys"]
    assert keys
    assert all(holds(key) for key in keys)


def test_keys_are_a_set_with_distinct_ids(server: RunningServer) -> None:
    """
    RFC 7517 §4.5, §5, §5.1: an object whose `keys` is an array, in which no `kid` occurs twice.
    """
    document = server.http.get("/oidc/jwks").json()
    ids = [key["kid"] for key in document["keys"]]
    assert len(set(ids)) == len(ids) >= 1


def test_thumbprint_of_the_rfc_example() -> None:
    """
    RFC 7638 §3.1: the example key has the example thumbprint, so the check above checks the right thing.
    """
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJE"
        "CPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Q"
        "vzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6"
        "WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    example = {"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert thumbprint(example) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
