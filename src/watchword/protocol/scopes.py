"""
Scope strings: the space-separated lists of RFC 6749 §3.3.
"""

import re
from collections.abc import Iterable

_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


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


def is_scope_token(value: str) -> bool:
    """
    Tell whether a scope may be called so: printable ASCII, without blanks, double quotes and backslashes.

    Implements: RFC 6749 §3.3.
    """
    return _TOKEN.fullmatch(value) is not None
