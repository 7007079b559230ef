"""
Scope strings, and that parsing them never invents anything.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.protocol.scopes import format_scope, parse_scope


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
