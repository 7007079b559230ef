"""
Claims of access tokens: written in the order of the wire, checked to the second.
"""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from watchword.protocol.access_token import (
    RESERVED_CLAIMS,
    AccessToken,
    check_claims,
    check_type,
    write_claims,
)
from watchword.protocol.errors import InsufficientScope, InvalidToken

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER, AUDIENCE = "https://id.example.com/oidc", "https://shopping.api"
NONE = timedelta(0)
quickly = settings(deadline=None, max_examples=200)


def written(**changed: object) -> dict[str, object]:
    """
    Return good claims, with some changed; `...` removes one.
    """
    claims = write_claims(
        issuer=ISSUER,
        subject="app",
        client_id="app",
        audience=AUDIENCE,
        token_id="j" * 43,
        issued_at=SECONDS,
        lifetime=3600,
        scope="read:products write:products",
        custom={},
    )
    return {name: value for name, value in (claims | changed).items() if value is not ...}


def check(claims: Mapping[str, object], *, now: datetime = NOW, leeway: timedelta = NONE) -> AccessToken:
    """
    Check claims as the API that they are for.
    """
    return check_claims(claims, issuer=ISSUER, audience=AUDIENCE, now=now, leeway=leeway)


def test_claims_stand_in_the_order_of_the_wire() -> None:
    """
    Custom claims first, then the registered ones as recorded.
    """
    claims = write_claims(
        issuer=ISSUER, subject="s", client_id="c", audience=AUDIENCE, token_id="j", issued_at=10, lifetime=5,
        scope="a b", custom={"plan": "gold"},
    )  # fmt: skip
    assert json.dumps(claims, separators=(",", ":")) == (
        '{"plan":"gold","jti":"j","sub":"s","iat":10,"exp":15,"scope":"a b","client_id":"c",'
        '"iss":"https://id.example.com/oidc","aud":"https://shopping.api"}'
    )


def test_empty_scope_leaves_the_claim_out() -> None:
    """
    A token without permissions has no `scope` claim (contract, tokens).
    """
    claims = write_claims(
        issuer=ISSUER, subject="s", client_id="c", audience=AUDIENCE, token_id="j", issued_at=10, lifetime=5,
        scope="", custom={},
    )  # fmt: skip
    assert "scope" not in claims


@quickly
@given(st.dictionaries(st.sampled_from([*sorted(RESERVED_CLAIMS), "plan"]), st.text() | st.integers()))
def test_custom_claims_never_replace_registered_ones(custom: dict[str, object]) -> None:
    """
    Whatever a script returns, what the server says of itself and of the caller stays.
    """
    claims = write_claims(
        issuer=ISSUER, subject="s", client_id="c", audience=AUDIENCE, token_id="j", issued_at=10, lifetime=5,
        scope="a", custom=custom,
    )  # fmt: skip
    expected = {"jti": "j", "sub": "s", "iat": 10, "exp": 15, "scope": "a", "client_id": "c", "iss": ISSUER}
    assert expected.items() <= claims.items()
    assert claims["aud"] == AUDIENCE


def test_written_claims_pass_their_own_check() -> None:
    """
    What is issued is what an API reads.
    """
    token = check(written())
    assert token == AccessToken(
        issuer=ISSUER,
        subject="app",
        audience=(AUDIENCE,),
        client_id="app",
        token_id="j" * 43,
        issued_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        scopes=frozenset({"read:products", "write:products"}),
        organization_id=None,
        claims=written(),
    )
    assert token.is_machine


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"aud": ["https://other.api", AUDIENCE]}, ("https://other.api", AUDIENCE), id="list"),
        pytest.param({"aud": AUDIENCE}, (AUDIENCE,), id="text"),
    ],
)
def test_audience_may_be_a_list(changed: dict[str, object], expected: tuple[str, ...]) -> None:
    """
    `aud` is one value or a list of them (RFC 7519 §4.1.3).
    """
    assert check(written(**changed)).audience == expected


@pytest.mark.parametrize("scope", [pytest.param(..., id="absent"), pytest.param("", id="empty")])
def test_no_scope_is_no_permission(scope: object) -> None:
    """
    A token without scope, in either spelling, carries none.
    """
    assert check(written(scope=scope)).scopes == frozenset()


def test_user_is_no_machine() -> None:
    """
    Where the subject is not the client, an application acts for somebody.
    """
    assert not check(written(sub="user")).is_machine


def test_organization_is_read() -> None:
    """
    The organization that a token acts in is told.
    """
    assert check(written(organization_id="o1")).organization_id == "o1"


@pytest.mark.parametrize(
    ("changed", "reason", "claim"),
    [
        *(
            pytest.param({name: value}, "claim", name, id=f"{name} {kind}")
            for name in ("iss", "sub", "client_id", "jti")
            for kind, value in (("absent", ...), ("null", None), ("number", 5), ("empty", ""), ("list", ["x"]))
        ),
        *(
            pytest.param({name: value}, "claim", name, id=f"{name} {kind}")
            for name in ("iat", "exp")
            for kind, value in (
                ("absent", ...), ("null", None), ("text", str(SECONDS)), ("true", True), ("list", [SECONDS]),
                ("infinite", float("inf")), ("not a number", float("nan")), ("huge", 10**30), ("year 33658", 10**12),
            )
        ),
        *(
            pytest.param({"aud": value}, "claim", "aud", id=f"aud {kind}")
            for kind, value in (
                ("absent", ...), ("null", None), ("number", 5), ("empty", ""), ("empty list", []),
                ("list with a number", [AUDIENCE, 5]), ("list with an empty one", [AUDIENCE, ""]),
                ("object", {AUDIENCE: 1}), ("other", "https://other.api"), ("longer", AUDIENCE + "/"),
                ("upper case", AUDIENCE.upper()), ("list of others", ["https://other.api"]),
                ("nested list", [[AUDIENCE]]), ("prefix", AUDIENCE[:-1]),
            )
        ),
        pytest.param({"iss": "https://evil.example/oidc"}, "claim", "iss", id="another issuer"),
        pytest.param({"iss": ISSUER + "/"}, "claim", "iss", id="issuer with a slash"),
        pytest.param({"scope": 5}, "claim", "scope", id="scope is a number"),
        pytest.param({"scope": ["read:products"]}, "claim", "scope", id="scope is a list"),
        pytest.param({"scope": None}, "claim", "scope", id="scope is null"),
        pytest.param({"organization_id": None}, "claim", "organization_id", id="organization is null"),
        pytest.param({"organization_id": ""}, "claim", "organization_id", id="organization is empty"),
        pytest.param({"nbf": SECONDS + 1}, "claim", "nbf", id="not valid yet"),
        pytest.param({"nbf": "x"}, "claim", "nbf", id="nbf is text"),
        pytest.param({"nbf": None}, "claim", "nbf", id="nbf is null"),
        pytest.param({"iat": SECONDS + 11}, "claim", "iat", id="issued in the future"),
        pytest.param({"exp": SECONDS}, "expired", "exp", id="expired at this very second"),
        pytest.param({"exp": SECONDS - 1}, "expired", "exp", id="expired a second ago"),
        pytest.param({"exp": 0}, "expired", "exp", id="expired in 1970"),
        pytest.param({"exp": -(10**9)}, "expired", "exp", id="negative"),
    ],
)  # fmt: skip
def test_bad_claim_is_refused(changed: dict[str, object], reason: str, claim: str) -> None:
    """
    A claim that is missing, of another type or wrong refuses the token and is named (RFC 9068 §4).
    """
    with pytest.raises(InvalidToken) as caught:
        check(written(**changed))
    assert (caught.value.reason, caught.value.claim) == (reason, claim)


@pytest.mark.parametrize(
    ("name", "offset", "leeway", "passes"),
    [
        pytest.param("exp", 1, 0, True, id="one second left"),
        pytest.param("exp", 0, 0, False, id="on the second"),
        pytest.param("exp", -9, 10, True, id="a second inside the leeway"),
        pytest.param("exp", -10, 10, False, id="on the leeway's last second"),
        pytest.param("exp", 0.5, 0, True, id="half a second left"),
        pytest.param("nbf", 0, 0, True, id="valid from now"),
        pytest.param("nbf", 1, 0, False, id="valid in a second"),
        pytest.param("nbf", 10, 10, True, id="valid at the leeway's end"),
        pytest.param("nbf", 11, 10, False, id="valid behind the leeway"),
        pytest.param("iat", 0, 0, True, id="issued now"),
        pytest.param("iat", 10, 0, True, id="issued by a clock that is ahead"),
        pytest.param("iat", 11, 0, False, id="issued in eleven seconds"),
        pytest.param("iat", 20, 20, True, id="issued at the leeway's end"),
        pytest.param("iat", 21, 20, False, id="issued behind the leeway"),
        pytest.param("iat", -62135596800 - SECONDS, 10, True, id="issued in the year 1"),
    ],
)
def test_time_is_checked_to_the_second(name: str, offset: float, leeway: int, passes: bool) -> None:
    """
    A token is good before `exp` and from `nbf` on, give or take the leeway (RFC 7519 §4.1.4, §4.1.5).

    `iat` may be ten seconds ahead in any case: two nodes' clocks are not the same, and a token is used at once.
    """
    claims = written(**{name: SECONDS + offset})
    try:
        check(claims, leeway=timedelta(seconds=leeway))
    except InvalidToken:
        assert not passes
    else:
        assert passes


@quickly
@given(
    st.dictionaries(
        st.sampled_from([*sorted(RESERVED_CLAIMS), "plan"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text() | st.integers())
        | st.sampled_from([ISSUER, AUDIENCE, SECONDS, SECONDS + 60]),
    ),
    st.timedeltas(NONE, timedelta(minutes=5)),
)  # fmt: skip
@example({"exp": -62135596800}, timedelta(seconds=5))
@example({"iat": 253402300799}, timedelta(seconds=5))
def test_no_claims_crash_the_check(changed: dict[str, object], leeway: timedelta) -> None:
    """
    Whatever a signed token claims, it passes or is an `InvalidToken`; and when it passes, it is ours and for us.
    """
    try:
        token = check(written(**changed), leeway=leeway)
    except InvalidToken:
        return
    assert token.issuer == ISSUER
    assert AUDIENCE in token.audience
    assert token.expires_at > NOW - leeway


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+JWT"])
def test_type_of_access_tokens(typ: str) -> None:
    """
    The media type passes in each spelling that RFC 9068 §4 and RFC 7515 §4.1.9 allow.
    """
    check_type(typ)


@pytest.mark.parametrize(
    "typ",
    [None, "", "JWT", "at+jwt ", "logout+jwt", "application/application/at+jwt", "client-authentication+jwt"],
)
def test_other_types_are_refused(typ: str | None) -> None:
    """
    No other kind of JWT passes for an access token (RFC 8725 §3.11).
    """
    with pytest.raises(InvalidToken) as caught:
        check_type(typ)
    assert caught.value.claim == "typ"


@pytest.mark.parametrize(
    ("required", "passes"),
    [
        pytest.param(set(), True, id="none"),
        pytest.param({"read:products"}, True, id="one"),
        pytest.param({"read:products", "write:products"}, True, id="all"),
        pytest.param({"delete:products"}, False, id="another"),
        pytest.param({"read:products", "delete:products"}, False, id="one of them missing"),
        pytest.param({"Read:products"}, False, id="case counts"),
        pytest.param({"read"}, False, id="a prefix is another scope"),
    ],
)
def test_every_required_scope_is_needed(required: set[str], passes: bool) -> None:
    """
    A request is let in when the token carries all of its scopes, spelt alike.
    """
    token = check(written())
    expected = nullcontext() if passes else pytest.raises(InsufficientScope)
    with expected as caught:
        token.require_scopes(frozenset(required))
    assert caught is None or caught.value.required == required


def test_claims_are_not_shown() -> None:
    """
    Custom claims may be private: they stay out of the token's `repr`.
    """
    assert "gold" not in repr(check(written(plan="gold")))
