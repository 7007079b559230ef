"""
Text that callers chose, made fit to be shown where others read it: logs, records, errors.

People paste secrets into the wrong place: a secret as the id, a token as the scope. Where its place doesn't tell what a
text is, its form does.
"""

import re

from watchword.server.domain.secrets import PREFIX

HIDDEN = "******"
LONGEST_ID = 32
_BEGINNING = 6
_SHORTEST = 16
_TOKEN = "eyJ"  # how every JWT begins
# A part is enough: what was cut elsewhere is still a good part of a secret.
_SECRET = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_SHORTEST},}}|{_TOKEN}[\w-]{{{_SHORTEST},}}(?:\.[\w-]*)*")


def hide_secrets(text: str) -> str:
    """
    Replace what has the form of an application secret or of a token.
    """
    if len(text) < _SHORTEST or (PREFIX not in text and _TOKEN not in text):
        return text
    return _SECRET.sub(HIDDEN, text)


def shown_id(text: str) -> str:
    """
    Return an id as it may be shown: what is too long to be one is cut to its beginning.
    """
    return text if len(text) <= LONGEST_ID else text[:_BEGINNING] + "…"


def shown_path(path: str) -> str:
    """
    Return a path as it may be shown: each segment as an id.

    Args:
        path: Percent-encoded, so that a segment is one whatever it holds.
    """
    return path if len(path) <= LONGEST_ID else "/".join(map(shown_id, path.split("/")))
