"""
Scope strings: the space-separated lists of RFC 6749 §3.3.
"""

from collections.abc import Iterable


def parse_scope(value: str | Iterable[str] | None) -> tuple[str, ...]:
    """
    Split a scope parameter, or several, into its tokens: in order, each once, empty ones dropped.

    Implements: RFC 6749 §3.3. Characters are not judged: an odd token names no permission and is never
        granted.
    """
    if not value:
        return ()
    whole = value if isinstance(value, str) else format_scope(value)
    return tuple(dict.fromkeys(token for token in whole.split(" ") if token))


def format_scope(tokens: Iterable[str]) -> str:
    """
    Join scope tokens with single spaces.
    """
    return " ".join(tokens)
