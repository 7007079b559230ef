"""
Resource indicators: what the `resource` parameter may be (RFC 8707 §2).
"""

import re

from watchword.protocol.errors import InvalidTarget

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):(.*)\Z", re.DOTALL)
_SCHEMES_WITH_HOST = frozenset({"http", "https", "ws", "wss", "ftp"})
_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_AUTHORITY_ENDS = re.compile(r"[/\\?#]")
# RFC 3986 §2: what is not ASCII is percent-encoded.
_NOT_IN_URI = re.compile(r"[^\x21-\x7e]|[<>\"\\^`{|}]")


def check_resource_indicator(value: str) -> None:
    """
    Demand an absolute URI without a fragment.

    Surrounding blanks are tolerated here as URL parsers do; such a value then equals no registered indicator.

    Raises:
        InvalidTarget: The value is no absolute URI, or has a fragment, even an empty one.

    Implements: RFC 8707 §2.
    """
    if not is_absolute_uri(value.strip(_C0_AND_SPACE)):
        raise InvalidTarget("resource indicator must be an absolute URI")
    if "#" in value:
        raise InvalidTarget("resource indicator must not contain a fragment component")


def is_absolute_uri(value: str) -> bool:
    """
    Tell whether a value starts with a scheme and names something behind it (RFC 3986 §4.3, fragment aside).
    """
    match = _SCHEME.match(value)
    if match is None:
        return False
    scheme, rest = match.groups()
    if scheme.lower() in _SCHEMES_WITH_HOST:
        return bool(_AUTHORITY_ENDS.split(rest.lstrip("/\\"), maxsplit=1)[0])
    return True


def is_registrable(value: str) -> bool:
    """
    Tell whether a value may become an API's indicator: an absolute URI, no fragment, no stray characters.
    """
    return is_absolute_uri(value) and "#" not in value and _NOT_IN_URI.search(value) is None
