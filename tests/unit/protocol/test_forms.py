"""
Token requests' bodies: what each content type and each odd byte means, and that nothing crashes the parser.
"""

import json
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from watchword.protocol import forms
from watchword.protocol.errors import InvalidRequest
from watchword.protocol.forms import FORM, JSON, TokenForm, read_form

NAMES = st.sampled_from(["grant_type", "scope", "resource", "client_id", "organization_id", "odd", ""])
UNSUPPORTED = f"only {FORM} content-type bodies are supported on POST /token"
NULL_BYTES = "null bytes are not allowed in the request body"
NO_TEXT = "the request body is not valid text in its character set"
quickly = settings(deadline=None, max_examples=200)


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        pytest.param(FORM, b"a=1&b=2", {"a": ("1",), "b": ("2",)}, id="form"),
        pytest.param("Application/X-WWW-Form-URLEncoded", b"a=1", {"a": ("1",)}, id="form in any case"),
        pytest.param(f"{FORM}; charset=utf-8", "a=é".encode(), {"a": ("é",)}, id="utf-8"),
        pytest.param(f'{FORM};charset="UTF-8"', "a=é".encode(), {"a": ("é",)}, id="quoted charset"),
        pytest.param(f"{FORM}; charset=latin1", b"a=\xe9", {"a": ("é",)}, id="latin1"),
        pytest.param(f"{FORM}; charset=utf-16le", "a=é".encode("utf-16-le"), {"a": ("é",)}, id="utf-16le"),
        pytest.param(f"{FORM}; q=1", b"a=1", {"a": ("1",)}, id="another parameter of the type"),
        pytest.param(FORM, b"a=b+c%20d", {"a": ("b c d",)}, id="plus and percent"),
        pytest.param(FORM, b"a=1=2", {"a": ("1=2",)}, id="second equals sign"),
        pytest.param(FORM, b"a=&b", {}, id="empty value counts as absent"),
        pytest.param(FORM, b"scope=&scope=x", {"scope": ("x",)}, id="an empty one is not a repetition"),
        pytest.param(FORM, b"a=1&a=1", {"a": ("1", "1")}, id="equal values count as repeated"),
        pytest.param(FORM, b"&&a=1&", {"a": ("1",)}, id="stray ampersands"),
        pytest.param(FORM, b"a=1;b=2", {"a": ("1;b=2",)}, id="a semicolon separates nothing"),
        pytest.param(FORM, b"", {}, id="no body"),
        pytest.param(None, b"a=1", {}, id="no content type"),
        pytest.param(
            JSON,
            b'{"a":"x","b":1,"c":true,"d":false,"e":1.5}',
            {"a": ("x",), "b": ("1",), "c": ("true",), "d": ("false",), "e": ("1.5",)},
            id="scalars",
        ),
        pytest.param(JSON, b'{"a":["x","y"],"b":["z"]}', {"a": ("x", "y"), "b": ("z",)}, id="arrays"),
        pytest.param(JSON, b'{"a":null,"b":{},"c":[],"d":[[1]],"e":{"f":1}}', {}, id="nested and null"),
        pytest.param(JSON, b'{"a":"x","a":"y"}', {"a": ("x", "y")}, id="a repeated member is a repetition"),
        pytest.param(JSON, b"{", {}, id="malformed JSON"),
        pytest.param(JSON, b"[]", {}, id="no object"),
        pytest.param(JSON, b'"a"', {}, id="a string"),
        pytest.param(JSON, b"[" * 50_000, {}, id="deep JSON"),
        pytest.param(JSON, b'{"a":' + b"1" * 5_000 + b"}", {}, id="a number too long to be one"),
    ],
)
def test_body_is_read_as(content_type: str | None, body: bytes, expected: dict[str, tuple[str, ...]]) -> None:
    """
    A body becomes exactly these parameters (contract, request parsing).
    """
    assert read_form(content_type, body).parameters == expected


@pytest.mark.parametrize(
    ("content_type", "body", "description", "status"),
    [
        pytest.param("text/plain", b"a=1", UNSUPPORTED, 400, id="text/plain"),
        pytest.param("multipart/form-data; boundary=x", b"a=1", UNSUPPORTED, 400, id="multipart"),
        pytest.param("application/json1", b"{}", UNSUPPORTED, 400, id="json1"),
        pytest.param("application/vnd.api+json", b"{}", UNSUPPORTED, 400, id="vnd.api+json"),
        pytest.param("", b"a=1", UNSUPPORTED, 400, id="empty content type"),
        pytest.param(FORM, b"a=\0", NULL_BYTES, 400, id="raw NUL"),
        pytest.param(FORM, b"a=%00", NULL_BYTES, 400, id="encoded NUL in a value"),
        pytest.param(FORM, b"%00a=1", NULL_BYTES, 400, id="encoded NUL in a name"),
        pytest.param("text/plain", b"\0", NULL_BYTES, 400, id="NUL comes before the content type"),
        pytest.param(JSON, b'{"a":"\0"}', NULL_BYTES, 400, id="raw NUL in JSON"),
        pytest.param(JSON, b'{"a":"\\u0000"}', NULL_BYTES, 400, id="escaped NUL in JSON"),
        pytest.param(f"{FORM}; charset=utf-16le", "a=\0".encode("utf-16-le"), NULL_BYTES, 400, id="utf-16 NUL"),
        pytest.param(FORM, b"a=\xff", NO_TEXT, 400, id="raw bad UTF-8"),
        pytest.param(FORM, b"a=%ff", NO_TEXT, 400, id="encoded bad UTF-8"),
        pytest.param(FORM, b"a=%ed%a0%80", NO_TEXT, 400, id="encoded surrogate"),
        pytest.param(f"{FORM}; charset=us-ascii", b"a=\xe9", NO_TEXT, 400, id="no ASCII"),
        pytest.param(f"{FORM}; charset=utf-16le", b"a=1", NO_TEXT, 400, id="odd utf-16"),
        pytest.param(JSON, b'{"a":"\\ud800"}', NO_TEXT, 400, id="lone surrogate in a value"),
        pytest.param(JSON, b'{"\\ud800":"a"}', NO_TEXT, 400, id="lone surrogate in a name"),
        pytest.param(FORM, b"a=%4", "the request body is not properly percent-encoded", 400, id="half a percent"),
        pytest.param(FORM, b"a=%zz", "the request body is not properly percent-encoded", 400, id="no hexadecimal"),
        pytest.param(
            f"{FORM}; charset=utf-7",
            b"a=1",
            "the character set of the request body is not supported",
            415,
            id="unknown charset",
        ),
    ],
)
def test_body_is_refused(content_type: str, body: bytes, description: str, status: int) -> None:
    """
    A body that can't be read says why, without repeating what it held.
    """
    with pytest.raises(InvalidRequest) as caught:
        read_form(content_type, body)
    assert (caught.value.description, caught.value.status) == (description, status)


def test_refusal_names_the_path() -> None:
    """
    The content-type error names the path it is about.
    """
    with pytest.raises(InvalidRequest, match=r"on POST /token/introspection$"):
        read_form("text/plain", b"a", path="/token/introspection")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param("scope=a&scope=b", "'scope' parameter", id="one"),
        pytest.param("client_secret=a&client_secret=a&client_id=b&client_id=c",
                     "'client_id' and 'client_secret' parameters", id="two"),
        pytest.param("client_id=a&client_id=b&client_secret=c&client_secret=d&scope=e&scope=f",
                     "'client_id', 'client_secret' and 'scope' parameters", id="three"),
    ],
)  # fmt: skip
def test_repeated_parameters_are_named(body: str, named: str) -> None:
    """
    A refusal names every repeated parameter that matters (RFC 6749 §3.2).
    """
    form = read_form(FORM, body.encode())
    with pytest.raises(InvalidRequest) as caught:
        form.refuse_repeated(("client_id", "client_secret", "scope", "resource"))
    assert caught.value.description == f"{named} must not be provided twice"


def test_unknown_parameters_may_repeat() -> None:
    """
    A parameter that nobody reads is nobody's business (RFC 6749 §3.2).
    """
    form = read_form(FORM, b"odd=1&odd=2&resource=https://a.api&resource=https://b.api")
    form.refuse_repeated(("grant_type", "scope", "resource"))
    assert form.resources == ("https://a.api", "https://b.api")


def test_same_resource_twice_is_once() -> None:
    """
    Equal resource indicators count once, in their first place (contract, client credentials).
    """
    form = read_form(FORM, b"resource=b:x&resource=a:x&resource=b:x")
    assert form.resources == ("b:x", "a:x")


@pytest.mark.parametrize("name", ["grant_type", "scope", "organization_id"])
def test_reading_a_repeated_parameter_is_an_error(name: str) -> None:
    """
    No reader can take the first of two values by accident.
    """
    form = TokenForm({name: ("a", "b")})
    read = {"grant_type": "grant_type", "scope": "scopes", "organization_id": "organization_id"}[name]
    with pytest.raises(InvalidRequest, match=f"'{name}' parameter must not be provided twice"):
        getattr(form, read)


def test_missing_grant_type_is_an_error() -> None:
    """
    The one parameter that no request can do without is asked for by name.
    """
    with pytest.raises(InvalidRequest, match=r"^missing required parameter 'grant_type'$"):
        _ = read_form(FORM, b"grant_type=").grant_type


def test_form_shows_what_it_holds() -> None:
    """
    The parameters of a plain request, each by its name.
    """
    form = read_form(FORM, b"grant_type=client_credentials&scope=b+a++b&organization_id=o&resource=x:y")
    assert form.grant_type == "client_credentials"
    assert form.scopes == ("b", "a")
    assert form.organization_id == "o"
    assert form.resources == ("x:y",)
    assert form.get("nothing") is None


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        pytest.param(b"grant_type=client_credentials&resource=https://kept.api", True, id="no secret"),
        pytest.param(b"client_secret=hush-1", False, id="secret"),
        pytest.param(b"client_s%65cret=hush-2", False, id="secret with an encoded name"),
        pytest.param(b"client_assert%69on=hush-3", False, id="assertion with an encoded name"),
        pytest.param(b"a=" + b"x" * 1_100, False, id="large"),
    ],
)
def test_only_bodies_without_secrets_are_kept(body: bytes, kept: bool) -> None:
    """
    The cache of parsed bodies holds small ones, and never one that carries a secret.
    """
    forms._parse_cached.cache_clear()
    first = read_form(FORM, body)
    assert read_form(FORM, body) == first
    assert (read_form(FORM, body) is first) is kept
    assert forms._parse_cached.cache_info().currsize == int(kept)


@quickly
@given(
    st.sampled_from([FORM, JSON, f"{FORM}; charset=latin1", f"{FORM}; charset=utf-16le", "text/plain", None])
    | st.text(max_size=40),
    st.binary(max_size=200),
)
@example(JSON, b'{"a":1e999}')
@example(JSON, b"\xff\xfe{")
@example(f"{JSON}; charset=utf-16le", b"{\0")
def test_no_body_crashes_the_parser(content_type: str | None, body: bytes) -> None:
    """
    Whatever comes, there is a form of clean text or an `InvalidRequest`.
    """
    try:
        form = read_form(content_type, body)
    except InvalidRequest:
        return
    for name, values in form.parameters.items():
        assert values
        for text in (name, *values):
            assert "\0" not in text
            text.encode()


@quickly
@given(st.lists(st.tuples(st.text(), st.text(min_size=1))))
def test_form_encoding_round_trips(pairs: list[tuple[str, str]]) -> None:
    """
    What a form encoder writes is what is read, in order and number.
    """
    clean = [(name.replace("\0", ""), value.replace("\0", "-")) for name, value in pairs]
    form = read_form(FORM, urlencode(clean, quote_via=quote_plus).encode())
    expected: dict[str, tuple[str, ...]] = {}
    for name, value in clean:
        expected[name] = (*expected.get(name, ()), value)
    assert form.parameters == expected


@quickly
@given(st.dictionaries(st.text(), st.text(min_size=1)))
def test_json_says_the_same_as_a_form(members: dict[str, str]) -> None:
    """
    A flat JSON object and the form of the same members are the same request.
    """
    clean = {name.replace("\0", ""): value.replace("\0", "-") for name, value in members.items()}
    assert read_form(JSON, json.dumps(clean).encode()) == read_form(FORM, urlencode(clean).encode())


@quickly
@given(
    st.sampled_from(["client_credentials", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange"]),
    st.lists(st.tuples(NAMES, st.binary(max_size=60)), max_size=8),
    st.integers(min_value=0, max_value=8),
)
def test_grant_type_never_changes(grant: str, others: list[tuple[str, bytes]], place: int) -> None:
    """
    Whatever else a request holds, over-long or malformed, it asks for the grant that it names or for none.
    """
    parts = [f"{name}={quote_plus(value)}" for name, value in others]
    parts.insert(place, f"grant_type={quote_plus(grant)}")
    try:
        found = read_form(FORM, "&".join(parts).encode()).grant_type
    except InvalidRequest:
        return
    assert found == grant


@pytest.mark.parametrize("name", ["subject_token", "scope", "resource", "client_id"])
def test_over_long_parameter_is_not_dropped(name: str) -> None:
    """
    A parameter of any length stays what it is, so that no request falls back to another grant (CVE-2026-9704).
    """
    body = f"grant_type=urn:ietf:params:oauth:grant-type:token-exchange&{name}={'x' * 50_000}"
    form = read_form(FORM, body.encode())
    assert form.grant_type == "urn:ietf:params:oauth:grant-type:token-exchange"
    assert form.parameters[name] == ("x" * 50_000,)
