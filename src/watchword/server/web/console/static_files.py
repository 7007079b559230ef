"""
What pages load: a stylesheet, two scripts and an icon, each with an address that changes with its content.
"""

import hashlib
from functools import cache
from importlib.resources import files

from watchword.server.web.answers import CSS_TYPE, Answer, with_etag
from watchword.server.web.console.visitor import PREFIX

_SCRIPT_TYPE = (b"content-type", b"text/javascript; charset=utf-8")
_TYPES = {
    "console.css": CSS_TYPE,
    "console.js": _SCRIPT_TYPE,
    "htmx.min.js": _SCRIPT_TYPE,
    "icon.svg": (b"content-type", b"image/svg+xml"),
}
_FOR_EVER = (b"cache-control", b"public, max-age=31536000, immutable")
_ASK_AGAIN = (b"cache-control", b"no-cache")


def static_answer(path: str, query: bytes, if_none_match: str | None) -> Answer | None:
    """
    Answer with a file; None where the path is none.

    Args:
        path: Below the console.
    """
    name = path.removeprefix("/")
    if name not in _TYPES:
        return None
    kept = _FOR_EVER if query == b"v=" + _version(name).encode() else _ASK_AGAIN
    return with_etag(Answer(200, _content(name), (_TYPES[name], kept)), if_none_match)


def static_address(name: str) -> str:
    """
    Return the address of a file as it is now.
    """
    return f"{PREFIX}/{name}?v={_version(name)}"


@cache
def _content(name: str) -> bytes:
    return (files(__package__ or "") / "static" / name).read_bytes()


@cache
def _version(name: str) -> str:
    return hashlib.sha256(_content(name)).hexdigest()[:12]
