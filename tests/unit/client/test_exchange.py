"""
What a token request says, and what each answer means.
"""

import json
from datetime import timedelta
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.client.endpoint import ENDPOINT, NOW, RESOURCE, SECRET, FakeEndpoint
from watchword.client import (
    ClientError,
    ServerUnavailable,
    TokenRequestRefused,
    TokenSource,
    UnexpectedAnswer,
)
from watchword.client.client_auth import basic
from watchword.client.exchange import read_token, retry_after_of
from watchword.outbound import Answer
from watchword.protocol.credentials import ClientSecret, decode_basic

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))


@given(PRINTABLE, PRINTABLE)
def test_credentials_survive_the_header(client_id: str, secret: str) -> None:
    """
    Every id and secret reaches the server as it is (RFC 6749 §2.3.1, Appendix B).
    """
    assert decode_basic(basic(client_id, ClientSecret(secret))) == (client_id, secret)


def test_basic_header_of_the_rfc() -> None:
    """
    The header of RFC 6749 §4.4.2's example.
    """
    assert basic("s6BhdRkqt3", ClientSecret("gX1fBat3bV")) == "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW"


def test_request_is_the_guides(endpoint: FakeEndpoint) -> None:
    """
    The request has Basic credentials, form encoding and exactly the guide's parameters.
    """
    endpoint.source(scope="read:products write:products").token()
    request = endpoint.requests[0]
    assert (request.method, str(request.url)) == ("POST", f"{ENDPOINT}/oidc/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert decode_basic(request.headers["authorization"]) == ("app", SECRET)
    assert parse_qsl(request.content.decode()) == [
        ("grant_type", "client_credentials"),
        ("resource", RESOURCE),
        ("scope", "read:products write:products"),
    ]


def test_absent_parameters_are_not_sent(endpoint: FakeEndpoint) -> None:
    """
    Without resource and scope the request has neither, so that the server's defaults hold.
    """
    endpoint.source(resource=..., scope=...).token()
    assert endpoint.requests[0].content == b"grant_type=client_credentials"


def test_scopes_are_asked_for_once_each(endpoint: FakeEndpoint) -> None:
    """
    Scopes may be given as text or one by one; repeated ones are sent once.
    """
    for scope in ("a b a", ["a", "b", "a"]):
        source = endpoint.source(scope=scope)
        assert source.scope == ("a", "b")
        assert source.token().requested == {"a", "b"}
        assert b"scope=a+b" in endpoint.requests[-1].content


def test_token_tells_what_was_granted(endpoint: FakeEndpoint) -> None:
    """
    A token knows what was asked for, what was granted and what is missing.
    """
    token = endpoint.source(scope="read:products delete:products nope").token()
    assert token.access_token == "token-1"
    assert token.scope == {"read:products"}
    assert token.requested == {"read:products", "delete:products", "nope"}
    assert token.missing_scopes == {"delete:products", "nope"}
    assert (token.received_at, token.expires_at) == (NOW, NOW + timedelta(hours=1))


def test_answer_without_scope_grants_none(endpoint: FakeEndpoint) -> None:
    """
    Where nothing was granted the server leaves `scope` out, and nobody takes that for everything.
    """
    endpoint.members["scope"] = ...
    token = endpoint.source().token()
    assert token.scope == set()
    assert token.missing_scopes == {"read:products"}


def test_life_is_counted_from_the_question(endpoint: FakeEndpoint) -> None:
    """
    A slow answer does not make a token live longer than the server says.
    """

    def slow(_: httpx.Request) -> httpx.Response:
        endpoint.clock.advance(30)
        return httpx.Response(200, json={"access_token": "a", "token_type": "bearer", "expires_in": 100})

    endpoint.failing = [slow]
    assert endpoint.source().token().expires_at == NOW + timedelta(seconds=100)


@pytest.mark.parametrize("seconds", [1, 0.5, 1e300, float("inf")])
def test_any_positive_life_is_taken(endpoint: FakeEndpoint, seconds: float) -> None:
    """
    Lives of a fraction of a second are kept as they are, endless ones end after a year.
    """
    endpoint.members["expires_in"] = seconds
    assert endpoint.source().token().expires_at == NOW + timedelta(seconds=min(seconds, 366 * 86_400))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({"access_token": ...}, "holds no access token", id="no token"),
        pytest.param({"access_token": ""}, "holds no access token", id="empty token"),
        pytest.param({"access_token": 5}, "holds no access token", id="token is a number"),
        pytest.param({"access_token": "a\r\nX: y"}, "holds no access token", id="header injection"),
        pytest.param({"access_token": "a b"}, "holds no access token", id="blank in the token"),
        pytest.param({"access_token": "é"}, "holds no access token", id="token outside ASCII"),
        pytest.param({"token_type": ...}, "no Bearer token", id="no type"),
        pytest.param({"token_type": "DPoP"}, "no Bearer token", id="another type"),
        pytest.param({"token_type": 5}, "no Bearer token", id="type is a number"),
        pytest.param({"expires_in": ...}, "how long the token lives", id="no life"),
        pytest.param({"expires_in": 0}, "how long the token lives", id="no time to live"),
        pytest.param({"expires_in": -1}, "how long the token lives", id="dead already"),
        pytest.param({"expires_in": "3600"}, "how long the token lives", id="life as a text"),
        pytest.param({"expires_in": True}, "how long the token lives", id="life is true"),
        pytest.param({"expires_in": float("nan")}, "how long the token lives", id="life is no number"),
        pytest.param({"scope": ["a"]}, "scope is no text", id="scope is a list"),
        pytest.param({"scope": None}, "scope is no text", id="scope is null"),
    ],
)
def test_bad_token_response_is_unexpected(endpoint: FakeEndpoint, changed: dict[str, object], reason: str) -> None:
    """
    A 200 that holds no usable token is not taken for one, and its content is not repeated.
    """
    endpoint.members |= changed
    with pytest.raises(UnexpectedAnswer, match=reason) as caught:
        endpoint.source().token()
    assert caught.value.status == 200
    assert "token-1" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(200, b"<html>", id="a page"),
        pytest.param(200, b"[]", id="a list"),
        pytest.param(200, b"[" * 100_000, id="deep JSON"),
        pytest.param(200, b"", id="nothing"),
        pytest.param(201, b'{"access_token":"a","token_type":"Bearer","expires_in":1}', id="created"),
        pytest.param(302, b"", id="redirect"),
        pytest.param(404, b"Not Found", id="not found"),
        pytest.param(400, b'{"error":5}', id="code is a number"),
        pytest.param(302, b'{"error":"invalid_client"}', id="code with a redirect"),
    ],
)
def test_other_servers_answers_are_unexpected(endpoint: FakeEndpoint, status: int, body: bytes) -> None:
    """
    What no token endpoint answers is told apart from a refusal.
    """
    endpoint.failing = [lambda _: httpx.Response(status, content=body)]
    with pytest.raises(UnexpectedAnswer, match=f"HTTP {status}"):
        endpoint.source().token()


@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        pytest.param({"X-Request-Id": "r1"}, "r1", id="X-Request-Id"),
        pytest.param({"Logto-Core-Request-Id": "r2"}, "r2", id="the reference's header"),
        pytest.param({}, None, id="none"),
    ],
)
def test_refusal_tells_all_that_helps(endpoint: FakeEndpoint, headers: dict[str, str], request_id: str | None) -> None:
    """
    A refusal carries code, sentence, status and request id, and no credentials.
    """
    body = {"error": "invalid_client", "error_description": "client authentication failed"}
    endpoint.failing = [lambda _: httpx.Response(401, json=body, headers=headers)]
    with pytest.raises(TokenRequestRefused) as caught:
        endpoint.source().token()
    refusal = caught.value
    assert (refusal.error, refusal.description) == ("invalid_client", "client authentication failed")
    assert (refusal.status, refusal.request_id) == (401, request_id)
    named = f", request {request_id}" if request_id else ""
    assert str(refusal) == f"invalid_client: client authentication failed (HTTP 401{named})"
    assert len(endpoint.requests) == 1


def test_refusal_text_is_bounded_and_clean(endpoint: FakeEndpoint) -> None:
    """
    What a server says is shortened and freed of control characters before it reaches a log.
    """
    body = {"error": "invalid\x1b[31m_client\n", "error_description": 5}
    endpoint.failing = [lambda _: httpx.Response(400, json=body)]
    with pytest.raises(TokenRequestRefused) as caught:
        endpoint.source().token()
    assert str(caught.value) == "invalid[31m_client: no reason given (HTTP 400)"
    endpoint.failing = [lambda _: httpx.Response(400, json={"error": "e", "error_description": "x" * 9_000})]
    with pytest.raises(TokenRequestRefused) as caught:
        endpoint.source().token()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("3", 3.0, id="seconds"),
        pytest.param(" 3 ", 3.0, id="blanks"),
        pytest.param("0", 0.0, id="at once"),
        pytest.param("Tue, 24 Nov 2026 12:00:07 GMT", 7.0, id="date"),
        pytest.param("Tue, 24 Nov 2026 11:00:00 GMT", 0.0, id="date that has passed"),
        pytest.param("Tue, 24 Nov 2026 12:00:07 -0000", 7.0, id="date of no zone"),
        pytest.param("", None, id="empty"),
        pytest.param("soon", None, id="a word"),
        pytest.param("-1", None, id="negative"),
        pytest.param("1.5", None, id="a fraction"),
        pytest.param("9" * 30, None, id="for ever"),
        pytest.param("²", None, id="a digit that is none"),
    ],
)
def test_retry_after_is_read(value: str, seconds: float | None) -> None:
    """
    `Retry-After` is whole seconds or a date (RFC 9110 §10.2.3).
    """
    assert retry_after_of(Answer(status=503, headers={"retry-after": value}, body=b""), NOW) == seconds


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from([200, 400, 401, 404, 429, 500, 503]),
    st.binary(max_size=80)
    | st.dictionaries(
        st.sampled_from(["access_token", "token_type", "expires_in", "scope", "error", "error_description"]),
        st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just("Bearer"),
    ).map(lambda members: json.dumps(members).encode()),
    st.text(max_size=30),
)
def test_no_answer_crashes_the_reader(status: int, body: bytes, retry_after: str) -> None:
    """
    Whatever a server answers, it is a token or a `ClientError`.
    """
    answer = Answer(status=status, headers={"retry-after": retry_after}, body=body)
    try:
        token = read_token(answer, requested=frozenset(), sent_at=NOW)
    except ClientError:
        return
    assert token.expires_at >= NOW


def test_secrets_are_never_shown(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    Neither source, request nor token prints what must stay secret.
    """
    token = source.token()
    shown = repr(source) + str(source) + repr(source._request) + repr(token) + str(token)
    assert "hush" not in shown
    assert basic("app", ClientSecret(SECRET)).removeprefix("Basic ") not in shown
    assert "token-1" not in shown
    assert "client_id='app'" in repr(source)


@pytest.mark.parametrize("kind", [ServerUnavailable, TokenRequestRefused, UnexpectedAnswer])
def test_every_error_is_a_client_error(kind: type[Exception]) -> None:
    """
    One `except` catches whatever goes wrong.
    """
    assert issubclass(kind, ClientError)
