"""
What the verifier lets in, what it refuses and in which words, and how it may be set up.
"""

import asyncio
from datetime import timedelta

import pytest

from tests.unit.protect.issuer import AUDIENCE, ISSUER, NOW, SECONDS, FakeIssuer, unreachable
from watchword.protect import (
    AccessDenied,
    Algorithm,
    CredentialsMalformed,
    CredentialsMissing,
    InsufficientScope,
    InvalidToken,
    KeysUnavailable,
    Verifier,
)

REALM = f'Bearer realm="{AUDIENCE}"'


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_good_token_passes(issuer: FakeIssuer, verifier: Verifier, algorithm: Algorithm) -> None:
    """
    A token of each algorithm passes, sync and async, and tells who calls with which permissions.
    """
    compact = issuer.token(algorithm)
    token = verifier.verify(compact, scopes=["read:products"])
    assert token.client_id == "app"
    assert token.scopes == {"read:products"}
    assert token.expires_at == NOW + timedelta(hours=1)
    assert asyncio.run(verifier.averify(compact, scopes="read:products")) == token
    assert len(issuer.requests) == 1


def test_keys_come_from_below_the_issuer(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    Without another address the key set is at `<issuer>/jwks`, asked for as plain JSON.
    """
    verifier.verify(issuer.token())
    request = issuer.requests[0]
    assert (request.method, str(request.url)) == ("GET", f"{ISSUER}/jwks")
    assert request.headers["accept-encoding"] == "identity"
    assert "authorization" not in request.headers


def test_keys_may_be_elsewhere(issuer: FakeIssuer) -> None:
    """
    An explicit `jwks_uri` is used as it stands.
    """
    issuer.verifier(jwks_uri="https://keys.example.com/x").verify(issuer.token())
    assert str(issuer.requests[0].url) == "https://keys.example.com/x"


def test_missing_scope_is_403(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    A good token without the scope is answered 403 and told what is needed (RFC 6750 §3.1).
    """
    with pytest.raises(InsufficientScope) as caught:
        verifier.verify(issuer.token(), scopes=["write:products", "read:products"])
    refusal = caught.value
    assert refusal.status == 403
    assert refusal.required == {"read:products", "write:products"}
    assert refusal.headers == {
        "WWW-Authenticate": f'{REALM}, error="insufficient_scope", '
        'error_description="the access token does not have the required scope", '
        'scope="read:products write:products"'
    }
    assert refusal.body == {
        "error": "insufficient_scope",
        "error_description": "the access token does not have the required scope",
    }


def test_text_of_scopes_is_a_list_of_them(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    A string is read as the space-separated list that it is, not as its letters; so is each of several.
    """
    for scopes in ("read:products write:products", ["read:products write:products", "write:products"]):
        with pytest.raises(InsufficientScope) as caught:
            verifier.verify(issuer.token(), scopes=scopes)
        assert caught.value.required == {"read:products", "write:products"}


def test_invalid_token_is_401(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    A token that must not pass is answered 401 with the code of RFC 6750 §3.1; the reason is a word for programs.
    """
    with pytest.raises(InvalidToken) as caught:
        verifier.verify(issuer.token(aud="https://other.api"))
    refusal = caught.value
    assert (refusal.status, refusal.reason, refusal.claim) == (401, "claim", "aud")
    assert refusal.headers == {
        "WWW-Authenticate": f'{REALM}, error="invalid_token", error_description="the access token is for another API"'
    }
    assert refusal.body == {
        "error": "invalid_token",
        "error_description": "the access token is for another API",
    }


def test_refusal_never_shows_the_token(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    Nothing in an error, not even what is for the log, repeats the token or its claims.
    """
    for compact in (
        issuer.token(aud="hush-hush"),
        issuer.token(exp=0, plan="hush-hush"),
        "hush-hush.x.y",
        "hush",
    ):
        with pytest.raises(AccessDenied) as caught:
            verifier.verify(compact)
        shown = [str(caught.value), repr(caught.value), str(caught.value.detail), str(caught.value.body)]
        shown += list(caught.value.headers.values())
        assert caught.value.__cause__ is None
        assert not any("hush" in text or compact[-20:] in text for text in shown)


@pytest.mark.parametrize(
    "headers",
    [pytest.param([], id="no header"), pytest.param(["Basic aWQ6cw=="], id="another scheme")],
)
def test_no_credentials_have_no_error_code(verifier: Verifier, headers: list[str]) -> None:
    """
    A request that brings no token is answered 401 with a bare challenge (RFC 6750 §3.1).
    """
    with pytest.raises(CredentialsMissing) as caught:
        verifier.verify_header(headers)
    assert (caught.value.status, caught.value.error) == (401, None)
    assert caught.value.headers == {"WWW-Authenticate": REALM}
    assert caught.value.body == {"error_description": "the request carries no access token"}


@pytest.mark.parametrize(
    "headers",
    [pytest.param(["Bearer a", "Bearer a"], id="two headers"), pytest.param(["Bearer é"], id="no token")],
)
def test_malformed_header_is_400(verifier: Verifier, headers: list[str]) -> None:
    """
    An Authorization header that can be no Bearer token is a malformed request.
    """
    with pytest.raises(CredentialsMalformed) as caught:
        asyncio.run(verifier.averify_header(headers))
    assert (caught.value.status, caught.value.error) == (400, "invalid_request")
    assert caught.value.headers["WWW-Authenticate"].startswith(f'{REALM}, error="invalid_request"')


def test_header_is_verified_like_its_token(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    The token of a header passes as it does by itself, sync and async, with its scopes.
    """
    header = [f"Bearer {issuer.token()}"]
    assert verifier.verify_header(header, scopes="read:products").client_id == "app"
    assert asyncio.run(verifier.averify_header(header, scopes="read:products")).client_id == "app"
    with pytest.raises(InsufficientScope):
        verifier.verify_header(header, scopes="write:products")


def test_unreachable_keys_are_503(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    Where the keys can't be had, the caller is not told that the token is bad, but to come back.
    """
    issuer.failing = unreachable
    with pytest.raises(KeysUnavailable) as caught:
        verifier.verify(issuer.token())
    refusal = caught.value
    assert (refusal.status, refusal.headers) == (503, {"Retry-After": "1"})
    assert refusal.body["error"] == "temporarily_unavailable"
    assert "refused" in str(refusal.detail)


@pytest.mark.parametrize(
    ("offset", "leeway", "passes"),
    [
        pytest.param(3599, 0, True, id="the last second"),
        pytest.param(3600, 0, False, id="expired at this very second"),
        pytest.param(3609, 10, True, id="inside the leeway"),
        pytest.param(3610, 10, False, id="behind the leeway"),
        pytest.param(-10, 0, True, id="by a clock that is ahead"),
        pytest.param(-11, 0, False, id="from the future"),
        pytest.param(-20, 20, True, id="from the future, inside the leeway"),
    ],
)
def test_clock_skew(issuer: FakeIssuer, offset: int, leeway: int, passes: bool) -> None:
    """
    A token is good from ten seconds before `iat` to just before `exp`, widened by the leeway on both sides.
    """
    verifier = issuer.verifier(leeway=timedelta(seconds=leeway))
    issuer.clock.advance(offset)
    try:
        verifier.verify(issuer.token())
    except InvalidToken:
        assert not passes
    else:
        assert passes


def test_organization_tokens_need_an_aware_api(issuer: FakeIssuer) -> None:
    """
    A token that acts in an organization passes only where the API says that it looks at it.
    """
    compact = issuer.token(organization_id="o1")
    with pytest.raises(InvalidToken) as caught:
        issuer.verifier().verify(compact)
    assert caught.value.claim == "organization_id"
    assert issuer.verifier(organization_aware=True).verify(compact).organization_id == "o1"


def test_key_bound_tokens_are_no_bearer_tokens(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    A token that is bound to a key is worth nothing by itself (RFC 9449 §7.2, RFC 8705 §3).
    """
    with pytest.raises(InvalidToken) as caught:
        verifier.verify(issuer.token(cnf={"jkt": "x"}))
    assert caught.value.claim == "cnf"


def test_other_types_pass_only_by_the_unsafe_name(issuer: FakeIssuer) -> None:
    """
    A JWT that is no access token is refused, unless the API asks for the danger.
    """
    compact = issuer.token(header={"typ": "JWT"})
    with pytest.raises(InvalidToken) as caught:
        issuer.verifier().verify(compact)
    assert caught.value.claim == "typ"
    assert issuer.verifier(allow_any_token_type=True).verify(compact).client_id == "app"


def test_algorithms_are_pinned(issuer: FakeIssuer) -> None:
    """
    A published key of an algorithm that this API does not accept checks nothing, and nothing is fetched for it.
    """
    verifier = issuer.verifier(algorithms=["ES384"])
    with pytest.raises(InvalidToken):
        verifier.verify(issuer.token(Algorithm.ES256))
    assert issuer.requests == []
    assert verifier.verify(issuer.token(Algorithm.ES384)).client_id == "app"


def test_realm_may_be_named(issuer: FakeIssuer) -> None:
    """
    The realm of challenges is the API's identifier unless it has another name.
    """
    with pytest.raises(CredentialsMissing) as caught:
        issuer.verifier(realm="Shop").verify_header([])
    assert caught.value.headers == {"WWW-Authenticate": 'Bearer realm="Shop"'}


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"issuer": "http://id.example.com/oidc"}, id="http issuer"),
        pytest.param({"issuer": "id.example.com"}, id="issuer is no URL"),
        pytest.param({"jwks_uri": "http://id.example.com/jwks"}, id="http key set"),
        pytest.param({"audience": ""}, id="no audience"),
        pytest.param({"algorithms": []}, id="no algorithm"),
        pytest.param({"algorithms": ["none"]}, id="algorithm none"),
        pytest.param({"algorithms": ["HS256"]}, id="symmetric algorithm"),
        pytest.param({"algorithms": "ES256"}, id="algorithms as a text"),
        pytest.param({"algorithms": Algorithm.ES256}, id="one algorithm alone"),
        pytest.param({"leeway": timedelta(seconds=-1)}, id="negative leeway"),
        pytest.param({"leeway": timedelta(minutes=6)}, id="leeway for ever"),
    ],
)
def test_unsafe_settings_are_refused(options: dict[str, object]) -> None:
    """
    A verifier that could not be trusted is not made.
    """
    with pytest.raises(ValueError, match=r"^"):
        FakeIssuer().verifier(**options)


def test_issuer_is_only_a_name_where_the_keys_are_elsewhere() -> None:
    """
    With keys from a safe address, an issuer that is no safe address itself is only compared with `iss`.
    """
    issuer = FakeIssuer("http://id.internal/oidc")
    verifier = issuer.verifier(jwks_uri="https://keys.example.com/x")
    assert verifier.verify(issuer.token()).issuer == "http://id.internal/oidc"


def test_http_issuer_needs_leave() -> None:
    """
    Plain http passes on this machine, and elsewhere by its unsafe name.
    """
    FakeIssuer("http://127.0.0.1:3001/oidc").verifier()
    issuer = FakeIssuer("http://id.internal/oidc")
    assert issuer.verifier(allow_http_endpoint=True).verify(issuer.token()).issuer == "http://id.internal/oidc"


def test_verifier_runs_on_the_real_clock_by_default() -> None:
    """
    Without a clock of its own a verifier lives in the present.
    """
    issuer = FakeIssuer()
    verifier = Verifier(issuer=ISSUER, audience=AUDIENCE, http=issuer.http)
    assert verifier.verify(issuer.token(iat=0, exp=4_000_000_000)).issued_at.year == 1970
    with pytest.raises(InvalidToken, match="expired"):
        verifier.verify(issuer.token(iat=0, exp=SECONDS - 30 * 365 * 86_400))


def test_repr_says_for_whom(verifier: Verifier) -> None:
    """
    A verifier in a log tells whose tokens it checks for which API.
    """
    assert repr(verifier) == f"Verifier(issuer='{ISSUER}', audience='{AUDIENCE}')"
