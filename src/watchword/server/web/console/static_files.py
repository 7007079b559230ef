"""
What pages load: a stylesheet, two scripts and an icon, each with an address that changes with its content.

They are compressed. Pages are not: in what is compressed together, what a stranger makes somebody ask for shows by the
length what else stands there, and a page has the token of its forms.
"""

import gzip
import hashlib
import re
from functools import cache
from importlib.resources import files

from watchword.server.web.answers import CSS_TYPE, Answer, with_etag
from watchword.server.web.console.visitor import PREFIX
from watchword.server.web.requests import RequestHeaders

_SCRIPT_TYPE = (b"content-type", b"text/javascript; charset=utf-8")
_TYPES = {
    "console.css": CSS_TYPE,
    "console.js": _SCRIPT_TYPE,
    "htmx.min.js": _SCRIPT_TYPE,
    "icon.svg": (b"content-type", b"image/svg+xml"),
}
_FOR_EVER = (b"cache-control", b"public, max-age=31536000, immutable")
_ASK_AGAIN = (b"cache-control", b"no-cache")
_NO_WEIGHT = re.compile(r"q=0(\.0*)?")
_VARIES = (b"vary", b"accept-encoding")
_GZIP = (b"content-encoding", b"gzip")


def static_answer(path: str, query: bytes, headers: RequestHeaders) -> Answer | None:
    """
    Answer with a file; None where the path is none.

    Args:
        path: Below the console.
    """
    name = path.removeprefix("/")
    if name not in _TYPES:
        return None
    kept = _FOR_EVER if query == b"v=" + _version(name).encode() else _ASK_AGAIN
    described = (_TYPES[name], kept, _VARIES)
    if takes_gzip(headers.first(b"accept-encoding") or ""):
        answer = Answer(200, _compressed(name), (*described, _GZIP))
    else:
        answer = Answer(200, _content(name), described)
    return with_etag(answer, headers.first(b"if-none-match"))


def takes_gzip(accepted: str) -> bool:
    """
    Tell whether a client takes content that is compressed with gzip.

    Implements: RFC 9110 §12.5.3; `*` alone says too little.

    Args:
        accepted: The field Accept-Encoding.
    """
    for coding in accepted.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() in {"gzip", "x-gzip"}:
            return _NO_WEIGHT.fullmatch(weight.replace(" ", "")) is None
    return False


def static_address(name: str) -> str:
    """
    Return the address of a file as it is now.
    """
    return f"{PREFIX}/{name}?v={_version(name)}"


@cache
def _content(name: str) -> bytes:
    return (files(__package__ or "") / "static" / name).read_bytes()


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(_content(name), mtime=0)


@cache
def _version(name: str) -> str:
    return hashlib.sha256(_content(name)).hexdigest()[:12]
