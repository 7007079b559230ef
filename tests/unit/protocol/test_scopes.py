"""
Scope strings, and that parsing them never invents anything.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.protocol.scopes import format_scope, is_scope_token, parse_scope


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, (), id="absent"),
        pytest.param("", (), id="empty"),
        pytest.param("   ", (), id="blanks"),
        pytest.param("a", ("a",), id="one"),
        pytest.param("b a", ("b", "a"), id="in the order of the request"),
        pytest.param(" a  b ", ("a", "b"), id="stray blanks"),
        pytest.param("a b a", ("a", "b"), id="each once"),
        pytest.param("A a", ("A", "a"), id="case counts"),
        pytest.param("a\tb", ("a\tb",), id="only the blank separates"),
        pytest.param("read:products\u00a0x", ("read:products\u00a0x",), id="another blank is part of the token"),
    ],
)
def test_scope_is_split(value: str | None, expected: tuple[str, ...]) -> None:
    """
    A scope parameter is a list of tokens between single blanks (RFC 6749 §3.3).
    """
    assert parse_scope(value) == expected


@given(st.text())
def test_splitting_keeps_every_token_once(value: str) -> None:
    """
    The tokens are those of the text, without repetition, and reading them again changes nothing.
    """
    tokens = parse_scope(value)
    assert set(tokens) == set(value.split(" ")) - {""}
    assert len(set(tokens)) == len(tokens)
    assert parse_scope(format_scope(tokens)) == tokens


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("read:products", True, id="usual"),
        pytest.param("!#[]~", True, id="the ends of what is allowed"),
        pytest.param("", False, id="nothing"),
        pytest.param("a b", False, id="a blank"),
        pytest.param('"bad', False, id="a double quote"),
        pytest.param("b\\ad", False, id="a backslash"),
        pytest.param("a\x7f", False, id="a control character"),
        pytest.param("bad\n", False, id="the end of a line"),
        pytest.param("größe", False, id="no ASCII"),
    ],
)
def test_scope_token_is_told_from_what_is_none(value: str, *, expected: bool) -> None:
    """
    The characters of RFC 6749 §3.3.
    """
    assert is_scope_token(value) is expected
