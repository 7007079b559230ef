"""
Bearer tokens in headers, and challenges that say no more than they should.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.protocol.bearer import bearer_token, challenge, quotable
from watchword.protocol.errors import InsufficientScope, InvalidRequest, InvalidToken


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param([], None, id="no header"),
        pytest.param(["Basic aWQ6cw=="], None, id="another scheme"),
        pytest.param(["Bearerish x"], None, id="a scheme that begins alike"),
        pytest.param(["Bearer abc.def-_~+/=="], "abc.def-_~+/==", id="every character of a b64token"),
        pytest.param(["bearer abc"], "abc", id="lower case"),
        pytest.param(["BEARER abc"], "abc", id="upper case"),
        pytest.param(["Bearer   abc "], "abc", id="blanks around"),
    ],
)
def test_token_is_taken(headers: list[str], expected: str | None) -> None:
    """
    The token of a Bearer header comes out as it stands (RFC 6750 §2.1).
    """
    assert bearer_token(headers) == expected


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(["Bearer a", "Bearer a"], id="two headers"),
        pytest.param(["Bearer a", "Basic b"], id="two schemes"),
        pytest.param(["Bearer"], id="no token"),
        pytest.param(["Bearer "], id="empty token"),
        pytest.param(["Bearer a b"], id="two tokens"),
        pytest.param(["Bearer a,b"], id="a list"),
        pytest.param(["Bearer é"], id="outside ASCII"),
        pytest.param(["Bearer a\n"], id="newline"),
        pytest.param(["Bearer a=b"], id="padding inside"),
    ],
)
def test_malformed_header_is_refused(headers: list[str]) -> None:
    """
    What can be no Bearer token is a malformed request (RFC 6750 §3.1).
    """
    with pytest.raises(InvalidRequest):
        bearer_token(headers)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(challenge(None), "Bearer", id="bare"),
        pytest.param(challenge(None, realm="https://shopping.api"), 'Bearer realm="https://shopping.api"',
                     id="no credentials: a realm and no error"),
        pytest.param(challenge(InvalidToken("the access token has expired", reason="expired")),
                     'Bearer error="invalid_token", error_description="the access token has expired"',
                     id="invalid token"),
        pytest.param(challenge(InsufficientScope(frozenset({"b", "a"})), realm="r"),
                     'Bearer realm="r", error="insufficient_scope", '
                     'error_description="the access token does not have the required scope", scope="a b"',
                     id="insufficient scope names what is needed"),
        pytest.param(challenge(InvalidRequest('a "quoted" \\ text\r\nX: y')),
                     'Bearer error="invalid_request", error_description="a quoted  textX: y"', id="no injection"),
    ],
)  # fmt: skip
def test_challenge_reads(text: str, expected: str) -> None:
    """
    A challenge is exactly this header value (RFC 6750 §3).
    """
    assert text == expected


def test_detail_is_not_in_the_challenge() -> None:
    """
    What is for the log stays out of the answer.
    """
    assert "internal" not in challenge(InvalidToken("no", reason="claim", detail="internal"))


@given(st.text())
def test_quoted_text_stays_inside_its_quotes(text: str) -> None:
    """
    Whatever a description holds, the characters of RFC 6750 §3 are all that is left of it.
    """
    assert re.fullmatch(r"[\x20\x21\x23-\x5b\x5d-\x7e]*", quotable(text))
