"""
What a token request authenticates with: one mechanism, decoded as RFC 6749 Appendix B says, or a clear refusal.
"""

import base64
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from watchword.protocol.credentials import ClientSecret, decode_basic, present_credentials
from watchword.protocol.errors import InvalidRequest
from watchword.protocol.forms import FORM, read_form
from watchword.protocol.names import JWT_BEARER_ASSERTION, ClientAuthMethod

FORMAT = "invalid authorization header value format"
ENCODING = "client_id and client_secret in the authorization header are not properly encoded"
ONE_MECHANISM = "client authentication must only be provided using one mechanism"
NONE_AT_ALL = "no client authentication mechanism provided"
PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))
quickly = settings(deadline=None, max_examples=200)


def basic(pair: str | bytes) -> str:
    """
    Write a Basic header around a pair as it stands.
    """
    raw = pair.encode() if isinstance(pair, str) else pair
    return "Basic " + base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param(basic("id:secret"), ("id", "secret"), id="plain"),
        pytest.param(basic("i%64:s%65cret"), ("id", "secret"), id="percent-encoded"),
        pytest.param(basic("a+b:c%2Bd"), ("a b", "c+d"), id="plus is a blank, %2B is a plus"),
        pytest.param(basic("id:a:b"), ("id", "a:b"), id="the first colon separates"),
        pytest.param(basic("a%3Ab:c"), ("a:b", "c"), id="an encoded colon does not"),
        pytest.param(basic("id:"), ("id", ""), id="empty secret"),
        pytest.param(basic(":secret"), ("", "secret"), id="empty id"),
        pytest.param("basic aWQ6cw==", ("id", "s"), id="lower case"),
        pytest.param("BASIC aWQ6cw==", ("id", "s"), id="upper case"),
        pytest.param("Basic aWQ6cw", ("id", "s"), id="padding may be missing"),
        pytest.param("Basic aWQ6cw=", ("id", "s"), id="padding may be short"),
        # RFC 6749 Appendix B, the example " %&+£€" but for what is outside ASCII.
        pytest.param(basic("+%25%26%2B:x"), (" %&+", "x"), id="RFC 6749 Appendix B"),
        # RFC 6749 §2.3.1, and the same pair in the guide's example.
        pytest.param("Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW", ("s6BhdRkqt3", "gX1fBat3bV"), id="RFC 6749 §4.4.2"),
    ],
)
def test_basic_header_is_decoded(header: str, expected: tuple[str, str]) -> None:
    """
    A well-formed Basic header gives exactly this pair.
    """
    assert decode_basic(header) == expected


@pytest.mark.parametrize(
    ("header", "description"),
    [
        pytest.param("Bearer aWQ6cw==", FORMAT, id="another scheme"),
        pytest.param("Basic", FORMAT, id="scheme alone"),
        pytest.param("Basic ", FORMAT, id="nothing behind the blank"),
        pytest.param("", FORMAT, id="empty header"),
        pytest.param("Basic  aWQ6cw==", FORMAT, id="two blanks"),
        pytest.param("Basic aWQ6cw== x", FORMAT, id="three parts"),
        pytest.param("Basic\taWQ6cw==", FORMAT, id="a tab is no blank"),
        pytest.param("Basic aWQ6cw==\n", FORMAT, id="trailing newline"),
        pytest.param("Basic aW*6cw==", FORMAT, id="outside the alphabet"),
        pytest.param("Basic aWQ6c-_=", FORMAT, id="the URL alphabet"),
        pytest.param("Basic aWQ6c", FORMAT, id="one character too many"),
        pytest.param("Basic ====", FORMAT, id="padding alone"),
        pytest.param(basic("no colon"), FORMAT, id="no colon"),
        pytest.param(basic(b"\xff:x"), FORMAT, id="bad UTF-8"),
        pytest.param(basic("id:%"), ENCODING, id="bare percent"),
        pytest.param(basic("id:%4"), ENCODING, id="half a percent"),
        pytest.param(basic("id:%zz"), ENCODING, id="no hexadecimal"),
        pytest.param(basic("id:%ff"), ENCODING, id="encoded, outside ASCII"),
        pytest.param(basic("id:é"), ENCODING, id="outside ASCII"),
        pytest.param(basic("id:%00"), ENCODING, id="encoded NUL"),
        pytest.param(basic("id:\0"), ENCODING, id="raw NUL"),
        pytest.param(basic("id:a\nb"), ENCODING, id="newline"),
        pytest.param(basic("id:%7f"), ENCODING, id="delete"),
    ],
)
def test_bad_basic_header_is_refused(header: str, description: str) -> None:
    """
    A Basic header that can't be decoded is a malformed request, never a crash and never a guess.
    """
    with pytest.raises(InvalidRequest) as caught:
        decode_basic(header)
    assert caught.value.description == description


@quickly
@given(PRINTABLE, PRINTABLE)
def test_encoded_credentials_round_trip(client_id: str, secret: str) -> None:
    """
    Every printable id and secret survives form-encoding and Basic (RFC 6749 Appendix B).
    """
    assert decode_basic(basic(f"{quote_plus(client_id)}:{quote_plus(secret)}")) == (client_id, secret)


@quickly
@given(st.text(max_size=60) | st.binary(max_size=60).map(basic))
@example("Basic " + "=" * 4)
@example("Basic é")
def test_no_header_crashes_the_decoder(header: str) -> None:
    """
    Whatever the header holds, there is a pair of printable texts or an `InvalidRequest`.
    """
    try:
        pair = decode_basic(header)
    except InvalidRequest:
        return
    assert all(text.isascii() and text.isprintable() for text in pair)


@pytest.mark.parametrize(
    ("headers", "body", "method", "client_id", "secret"),
    [
        pytest.param([basic("id:s")], "", ClientAuthMethod.BASIC, "id", "s", id="header"),
        pytest.param([basic("id:s")], "client_id=id", ClientAuthMethod.BASIC, "id", "s", id="header, same id"),
        pytest.param([], "client_id=id&client_secret=s", ClientAuthMethod.POST, "id", "s", id="body"),
        pytest.param([], "client_id=id", ClientAuthMethod.NONE, "id", None, id="id alone"),
        pytest.param([], "client_id=id&client_secret=", ClientAuthMethod.NONE, "id", None, id="empty secret"),
        pytest.param([], f"client_assertion=a.b.c&client_assertion_type={quote_plus(JWT_BEARER_ASSERTION)}",
                     ClientAuthMethod.PRIVATE_KEY_JWT, "", None, id="assertion"),
        pytest.param([], "client_id=id&client_assertion=a.b.c&client_assertion_type="
                     + quote_plus(JWT_BEARER_ASSERTION), ClientAuthMethod.PRIVATE_KEY_JWT, "id", None,
                     id="assertion and id"),
    ],
)  # fmt: skip
def test_mechanism_is_found(
    headers: list[str], body: str, method: ClientAuthMethod, client_id: str, secret: str | None
) -> None:
    """
    A request that uses one mechanism presents exactly these credentials.
    """
    found = present_credentials(headers, read_form(FORM, body.encode()))
    assert (found.method, found.client_id) == (method, client_id)
    assert found.secret == (None if secret is None else ClientSecret(secret))
    assert found.by_header is (method is ClientAuthMethod.BASIC)


@pytest.mark.parametrize(
    ("headers", "body", "description"),
    [
        pytest.param([], "", NONE_AT_ALL, id="nothing"),
        pytest.param([], "client_secret=s", NONE_AT_ALL, id="secret without an id"),
        pytest.param([basic("id:s")], "client_secret=s", ONE_MECHANISM, id="header and secret"),
        pytest.param(["Bearer x"], "client_id=a&client_secret=s", ONE_MECHANISM, id="any header and secret"),
        pytest.param([basic("id:s")], "client_assertion=a.b.c", ONE_MECHANISM, id="header and assertion"),
        pytest.param([], "client_secret=s&client_assertion=a.b.c", ONE_MECHANISM, id="secret and assertion"),
        pytest.param([basic("id:s"), basic("id:s")], "", "the Authorization header must not be sent twice",
                     id="two headers"),
        pytest.param([basic("id:s")], "client_id=other", "client_id mismatch", id="another id"),
        pytest.param([basic("id:")], "", "client_secret must be provided in the Authorization header",
                     id="empty secret"),
        pytest.param([basic(":s")], "", NONE_AT_ALL, id="empty id"),
        pytest.param([basic(":")], "", "client_secret must be provided in the Authorization header",
                     id="both empty"),
        pytest.param([], "client_id=a&client_id=b", "'client_id' parameter must not be provided twice", id="ids"),
        pytest.param([basic("id:s")], "client_secret=a&client_secret=b",
                     "'client_secret' parameter must not be provided twice", id="repetition comes first"),
        pytest.param([], "client_assertion=a.b.c", "client_assertion_type must be provided", id="no type"),
        pytest.param([], "client_assertion=a.b.c&client_assertion_type=x",
                     f"client_assertion_type must have value {JWT_BEARER_ASSERTION}", id="another type"),
        pytest.param([], f"client_assertion=a.b&client_assertion_type={quote_plus(JWT_BEARER_ASSERTION)}",
                     "invalid client_assertion format", id="no compact JWS"),
    ],
)  # fmt: skip
def test_presentation_is_refused(headers: list[str], body: str, description: str) -> None:
    """
    No, several or malformed mechanisms are a malformed request, with the contract's text.
    """
    with pytest.raises(InvalidRequest) as caught:
        present_credentials(headers, read_form(FORM, body.encode()))
    assert caught.value.description == description


def test_secret_is_not_shown() -> None:
    """
    Neither the secret nor the credentials around it print the clear text.
    """
    found = present_credentials([basic("id:hush-hush")], read_form(FORM, b""))
    assert "hush" not in repr(found)
    assert "hush" not in str(found.secret)
