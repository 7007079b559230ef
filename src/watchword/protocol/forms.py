"""
From the bytes of a token request to its parameters.

Owns the order in which a body is read: NUL, character set, content type, percent-encoding. An empty value counts as
absent (RFC 6749 §3.2).
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from watchword.protocol.errors import InvalidRequest
from watchword.protocol.scopes import parse_scope

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MAY_REPEAT = frozenset({"resource"})
_SECRETS = frozenset({"client_secret", "client_assertion"})
_CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "utf-16le": "utf-16-le",
    "latin1": "latin-1",
    "iso-8859-1": "latin-1",
}
STRAY_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CACHED_BODY = 1024


@dataclass(frozen=True, slots=True)
class TokenForm:
    """
    The parameters of a token request, empty ones dropped. Reading one that the request repeats is an error.

    Attributes:
        resources: The resource indicators in order, each once (RFC 8707 §2 lets this one parameter repeat).
    """

    parameters: Mapping[str, tuple[str, ...]]
    resources: tuple[str, ...] = field(init=False, repr=False)
    # Found once, when the form is made: a form is read more often than it is made, since small ones are remembered.
    _repeated: frozenset[str] = field(init=False, repr=False)
    _scopes: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        repeated = frozenset(name for name, values in self.parameters.items() if len(values) > 1)
        object.__setattr__(self, "_repeated", repeated)
        object.__setattr__(self, "_scopes", parse_scope(self.parameters.get("scope", ("",))[0]))
        object.__setattr__(self, "resources", tuple(dict.fromkeys(self.parameters.get("resource", ()))))

    def get(self, name: str) -> str | None:
        """
        Return a parameter's only value, or None where it is absent.

        Raises:
            InvalidRequest: The request repeats it.
        """
        if name in self._repeated:
            self.refuse_repeated((name,))
        values = self.parameters.get(name)
        return None if values is None else values[0]

    @property
    def grant_type(self) -> str:
        """
        The grant that is asked for.

        Raises:
            InvalidRequest: It is missing or repeated.
        """
        value = self.get("grant_type")
        if value is None:
            raise InvalidRequest("missing required parameter 'grant_type'")
        return value

    @property
    def scopes(self) -> tuple[str, ...]:
        """
        The scope tokens that are asked for, in order.

        Raises:
            InvalidRequest: The request repeats the parameter.
        """
        if self._repeated:
            self.refuse_repeated(("scope",))
        return self._scopes

    @property
    def organization_id(self) -> str | None:
        """
        The organization that the token is asked for.
        """
        return self.get("organization_id")

    def refuse_repeated(self, names: Collection[str]) -> None:
        """
        Refuse the request where it repeats one of these parameters, equal values included.

        Raises:
            InvalidRequest: It does; all of those repeated are named.

        Implements: RFC 6749 §3.2.
        """
        if not self._repeated:
            return
        repeated = [f"'{name}'" for name in names if name in self._repeated and name not in MAY_REPEAT]
        if repeated:
            noun = "parameter" if len(repeated) == 1 else "parameters"
            raise InvalidRequest(f"{_enumerate(repeated)} {noun} must not be provided twice")


NO_FORM = TokenForm({})


def read_form(content_type: str | None, body: bytes, *, path: str = "/token") -> TokenForm:
    """
    Read a request body as form parameters, from form encoding or from a flat JSON object.

    Args:
        path: What the refusal of another content type names.

    Raises:
        InvalidRequest: A NUL byte, another content type, bad percent-encoding or text that is not valid in
            its charset.
    """
    if not body or content_type is None:
        return NO_FORM
    media_type, charset = (FORM, "utf-8") if content_type == FORM else _media_type(content_type)
    if media_type == FORM and charset == "utf-8":
        # A body with a secret in it must not stay in memory for longer than its request.
        if len(body) <= _CACHED_BODY and b"secret" not in body and b"assertion" not in body:
            try:
                return _parse_cached(body)
            except _NotToBeKept as form:
                return form.parsed
        return _parse_utf8_form(body)
    if b"\0" in body and charset != "utf-16-le":
        raise InvalidRequest("null bytes are not allowed in the request body")
    if media_type == FORM:
        return _parse_utf8_form(_decode(body, charset).encode())
    if media_type == JSON:
        return _collect(_json_pairs(body))
    raise InvalidRequest(f"only {FORM} content-type bodies are supported on POST {path}")


class _NotToBeKept(Exception):
    """
    A form with a secret in it, whose name was percent-encoded: what a cached function raises is not kept.
    """

    def __init__(self, parsed: TokenForm) -> None:
        super().__init__()
        self.parsed = parsed


@lru_cache(maxsize=1024)
def _parse_cached(body: bytes) -> TokenForm:
    form = _parse_utf8_form(body)
    if not _SECRETS.isdisjoint(form.parameters):
        raise _NotToBeKept(form)
    return form


def _parse_utf8_form(body: bytes) -> TokenForm:
    if b"\0" in body:
        raise InvalidRequest("null bytes are not allowed in the request body")
    return _collect(_form_pairs(body))


def _form_pairs(body: bytes) -> Iterator[tuple[str, str]]:
    for part in body.split(b"&"):
        name, _, value = part.partition(b"=")
        yield _form_decode(name), _form_decode(value)


def _form_decode(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        if STRAY_PERCENT.search(raw) is not None:
            raise InvalidRequest("the request body is not properly percent-encoded")
        raw = unquote_to_bytes(raw)
    return _decode(raw, "utf-8")


def _json_pairs(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        # Pairs, so that a repeated member stays visible.
        members = json.loads(body, object_pairs_hook=tuple, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return
    if not isinstance(members, tuple):
        return
    for name, member in members:
        for item in member if isinstance(member, list) else [member]:
            yield _text(name), _json_scalar(item)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")  # Python's parser takes NaN and Infinity, which RFC 8259 does not know


def _json_scalar(value: object) -> str:
    match value:
        case str():
            return _text(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return ""


def _collect(pairs: Iterable[tuple[str, str]]) -> TokenForm:
    parameters: dict[str, list[str]] = {}
    for name, value in pairs:
        if "\0" in value or "\0" in name:
            raise InvalidRequest("null bytes are not allowed in the request body")
        if value:
            parameters.setdefault(name, []).append(value)
    return TokenForm({name: tuple(values) for name, values in parameters.items()})


def _decode(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(charset)
    except UnicodeDecodeError:
        raise InvalidRequest("the request body is not valid text in its character set") from None


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate, which only a JSON escape can bring
        raise InvalidRequest("the request body is not valid text in its character set") from None
    return value


def _media_type(content_type: str) -> tuple[str, str]:
    media_type, _, parameters = content_type.partition(";")
    charset = "utf-8"
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset":
            charset = value.strip('"').lower()
    if charset not in _CHARSETS:
        raise InvalidRequest("the character set of the request body is not supported", status=415)
    return media_type.strip().lower(), _CHARSETS[charset]


def _enumerate(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
