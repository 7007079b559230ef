"""
Request bodies of the Management API, from bytes to JSON values. What does not fit any content type counts as `{}`.
"""

from urllib.parse import parse_qsl

from watchword.server.domain.problems import Malformed
from watchword.server.web.free_json import read_json

_JSON_TYPES = frozenset(
    {"application/json", "application/json-patch+json", "application/vnd.api+json", "application/csp-report"}
)
_FORM = "application/x-www-form-urlencoded"
MOST_FORM = 56 * 1024
MOST_JSON = 1024 * 1024


def read_value(content_type: str | None, body: bytes) -> object:
    """
    Read a body: an object or array from JSON, an object of texts from a form, a text from `text/*`.

    Raises:
        Malformed: `guard.invalid_input` (400): malformed JSON, or JSON that is neither object nor array.
    """
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type in _JSON_TYPES:
        return _read_json(body)
    if media_type == _FORM:
        return _read_form(body)
    if media_type.startswith("text/"):
        return body.decode("utf-8", "replace")
    return {}


def most_bytes(content_type: str | None) -> int:
    """
    Return how large a body of this type may be.
    """
    return MOST_JSON if "json" in (content_type or "").lower() else MOST_FORM


def _read_json(body: bytes) -> object:
    if not body.strip():
        return {}
    try:
        value = read_json(body)
    except ValueError as error:
        raise Malformed(str(error)) from None
    if not isinstance(value, dict | list):
        raise Malformed("invalid JSON, only supports object and array")
    return value


def _read_form(body: bytes) -> dict[str, object]:
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError:
        raise Malformed("malformed form") from None
    members: dict[str, list[str]] = {}
    for name, value in pairs:
        members.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in members.items()}
