"""
Scope strings: the space-separated lists of RFC 6749 §3.3.
"""

from collections.abc import Iterable


def parse_scope(value: str | None) -> tuple[str, ...]:
    """
    Split a scope parameter into its tokens: in order, each once, empty ones dropped.

    Implements: RFC 6749 §3.3. Characters are not judged: an odd token names no permission and is never
        granted.
    """
    if not value:
        return ()
    return tuple(dict.fromkeys(token for token in value.split(" ") if token))


def format_scope(tokens: Iterable[str]) -> str:
    """
    Join scope tokens with single spaces.
    """
    return " ".join(tokens)
