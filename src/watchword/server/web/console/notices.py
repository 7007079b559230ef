"""
A word from a form to the page behind it: "The role is gone." It goes by a cookie, so that no address says it again.
"""

import hmac
from urllib.parse import quote, unquote

from watchword.protocol.credentials import ClientSecret
from watchword.server.storage.sealing import DataKeys

_SEPARATOR = "."
_LONGEST = 300  # a browser drops a cookie of more than 4 kB: this many letters of any script fit


def write(keys: DataKeys, seed: str, text: str) -> str:
    """
    Return what the cookie carries: the text, bound to the visitor's own session.
    """
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return f"{_tag(keys, seed, text)}{_SEPARATOR}{quote(text, safe='')}"


def read(keys: DataKeys, seed: str, value: str) -> str:
    """
    Return the text; none where the cookie is not ours.
    """
    tag, _, quoted = value.partition(_SEPARATOR)
    text = unquote(quoted)
    return text if hmac.compare_digest(tag.encode(), _tag(keys, seed, text).encode()) else ""


def _tag(keys: DataKeys, seed: str, text: str) -> str:
    return keys.digest(ClientSecret(f"console-notice\0{seed}\0{text}")).hex()
