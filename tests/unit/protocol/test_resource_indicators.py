"""
Resource indicators: which values the parameter takes, and which may be registered.
"""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.protocol.errors import InvalidTarget
from watchword.protocol.resource_indicators import check_resource_indicator, is_absolute_uri, is_registrable

NOT_ABSOLUTE = "resource indicator must be an absolute URI"
FRAGMENT = "resource indicator must not contain a fragment component"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("https://shopping.api", id="https"),
        pytest.param("https://shopping.api/", id="trailing slash"),
        pytest.param("HTTPS://shopping.api", id="upper-case scheme"),
        pytest.param("https://shopping.api/v1?x=1", id="query"),
        pytest.param("http://localhost:3001/api", id="port"),
        pytest.param("urn:logto:resource:organizations", id="urn"),
        pytest.param("api:shopping", id="any scheme"),
        pytest.param("a+b-c.d:x", id="odd scheme"),
        pytest.param("urn:", id="nothing but a scheme"),
        pytest.param(" https://shopping.api ", id="surrounding blanks"),
        pytest.param("https:shopping.api", id="URL parsers add the slashes"),
    ],
)
def test_absolute_uri_is_taken(value: str) -> None:
    """
    An absolute URI passes, whether or not it is anybody's (RFC 8707 §2).
    """
    check_resource_indicator(value)


@pytest.mark.parametrize(
    ("value", "description"),
    [
        pytest.param("shopping", NOT_ABSOLUTE, id="a word"),
        pytest.param("/api", NOT_ABSOLUTE, id="a path"),
        pytest.param("//shopping.api", NOT_ABSOLUTE, id="no scheme"),
        pytest.param("1a:x", NOT_ABSOLUTE, id="a scheme starts with a letter"),
        pytest.param(":x", NOT_ABSOLUTE, id="empty scheme"),
        pytest.param("é:x", NOT_ABSOLUTE, id="scheme outside ASCII"),
        pytest.param("https://", NOT_ABSOLUTE, id="no host"),
        pytest.param("https://?x", NOT_ABSOLUTE, id="a query and no host"),
        pytest.param("https://#x", NOT_ABSOLUTE, id="a fragment and no host"),
        pytest.param("https://shopping.api#", FRAGMENT, id="empty fragment"),
        pytest.param("https://shopping.api#x", FRAGMENT, id="fragment"),
        pytest.param("urn:x#y", FRAGMENT, id="fragment of a urn"),
    ],
)
def test_other_values_are_refused(value: str, description: str) -> None:
    """
    What is no absolute URI, or has a fragment, is an invalid target with the contract's text.
    """
    with pytest.raises(InvalidTarget) as caught:
        check_resource_indicator(value)
    assert caught.value.description == description


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("https://shopping.api", True, id="https"),
        pytest.param("urn:x:y", True, id="urn"),
        pytest.param("https://shopping.api?x=1", True, id="query"),
        pytest.param(" https://shopping.api", False, id="leading blank"),
        pytest.param("https://shopping api", False, id="blank inside"),
        pytest.param("https://shopping.api\n", False, id="newline"),
        pytest.param("https://shopping.api#", False, id="fragment"),
        pytest.param("shopping", False, id="relative"),
        pytest.param('https://x.api/"', False, id="quote"),
        pytest.param("https://x.api/<", False, id="angle bracket"),
        pytest.param("https://ü.api", False, id="outside ASCII"),
        pytest.param("https://\ud800.api", False, id="lone surrogate"),
    ],
)
def test_registrable(value: str, expected: bool) -> None:
    """
    What may be registered can be asked for, and is a URI to the letter (RFC 3986 §4.3).
    """
    assert is_registrable(value) is expected


@given(st.text(max_size=40))
def test_registrable_values_can_be_asked_for(value: str) -> None:
    """
    No indicator that was let in is refused when a token request names it.
    """
    if is_registrable(value):
        check_resource_indicator(value)
        assert is_absolute_uri(value)
        assert value.isascii()


@given(st.text(max_size=40))
def test_no_value_crashes_the_check(value: str) -> None:
    """
    Every text is taken or is an invalid target.
    """
    with suppress(InvalidTarget):
        check_resource_indicator(value)
