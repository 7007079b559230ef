"""
`watchword token decode` and `verify` without a server: what can be said of a token by itself.
"""

from __future__ import annotations

import base64
import json

import pytest

from watchword.cli.failures import MISUSED, REFUSED, UNREACHABLE, Failure
from watchword.cli.token import decode, verify


def segment(value: object) -> str:
    """
    Write a part of a JWT.
    """
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(**claims: object) -> str:
    """
    Write a token that nobody has signed.
    """
    header = {"alg": "ES256", "typ": "at+jwt", "kid": "k"}
    return f"{segment(header)}.{segment(claims)}.AAAA"


def test_decoding_says_that_nothing_is_verified(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Nobody takes what is shown for true.
    """
    decode(text=token(sub="app", exp=1795519495), as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "verified": False,
        "header": {"alg": "ES256", "typ": "at+jwt", "kid": "k"},
        "claims": {"sub": "app", "exp": 1795519495},
    }
    assert err.startswith("Not verified")


def test_decoding_for_people_shows_moments(capsys: pytest.CaptureFixture[str]) -> None:
    """
    Seconds since 1970 are shown as a moment too, even those that no calendar has.
    """
    decode(text=token(exp=1795519495, iat=1e300, nbf="x"))
    assert capsys.readouterr().err.splitlines()[1:] == [
        "iat: no calendar has it",
        "nbf: no time",
        "exp: 2026-11-24 11:24:55Z",
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("abc", id="one part"),
        pytest.param("a.b.c.d", id="four parts"),
        pytest.param("!.!.!", id="no base64"),
        pytest.param(f"{segment([])}.{segment({})}.x", id="header is no object"),
        pytest.param(f"{segment({})}.{base64.urlsafe_b64encode(b'{').decode()}.x", id="claims are no JSON"),
        pytest.param("é.é.é", id="no ASCII"),
    ],
)
def test_what_is_no_jwt_is_refused(text: str) -> None:
    """
    The message says what to pass.
    """
    with pytest.raises(Failure, match="access token alone") as refused:
        decode(text=text)
    assert refused.value.code == MISUSED


def test_unverifiable_token_is_refused_before_any_request() -> None:
    """
    What is no token of ours at all needs no key.
    """
    with pytest.raises(Failure, match="malformed") as refused:
        verify(text="a.b.c", resource="https://shop.api", issuer="https://id.example.com/oidc")
    assert refused.value.code == REFUSED


def test_issuer_that_is_not_there_is_no_verdict() -> None:
    """
    Where no key can be had the token is neither good nor bad.
    """
    with pytest.raises(Failure, match="can be reached") as refused:
        verify(text=token(sub="a"), resource="https://shop.api", issuer="http://127.0.0.1:1/oidc")
    assert refused.value.code == UNREACHABLE


@pytest.mark.parametrize(
    ("issuer", "text"),
    [
        pytest.param("http://id.example.com/oidc", "--allow-http-endpoint", id="insecure"),
        pytest.param("nonsense", "absolute http or https URL", id="no URL"),
        pytest.param(None, "give --issuer", id="none"),
    ],
)
def test_bad_issuer_is_misuse(issuer: str | None, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Keys come from an issuer that can be trusted with them.
    """
    monkeypatch.delenv("WATCHWORD_CLI_ENDPOINT", raising=False)
    with pytest.raises(Failure, match=text) as refused:
        verify(text=token(), resource="https://shop.api", issuer=issuer)
    assert refused.value.code == MISUSED
