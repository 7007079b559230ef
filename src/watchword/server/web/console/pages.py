"""
Pages: a template and what it shows, or another page to go to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from watchword.server.web.answers import HTML_TYPE, NO_STORE, Answer, Headers
from watchword.server.web.console.static_files import static_address
from watchword.server.web.console.visitor import FORM_TOKEN, PREFIX, Visitor

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

# Nothing comes from elsewhere, nothing is put around a page, and no script stands in one.
_POLICY = (
    b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    b"base-uri 'none'; frame-ancestors 'none'"
)
# The way around, in groups: what a room is called, and its path.
ROOMS = (
    (("Get started", "start"), ("Overview", "overview")),
    (("Applications", "applications"), ("API resources", "resources"), ("Roles", "roles"), ("Users", "users")),
    (("Explain", "explain"), ("Audit log", "logs"), ("Signing keys", "keys")),
    (("Settings", "settings"), ("Operators", "operators")),
)
POLICY = (b"content-security-policy", _POLICY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """
    What is shown.

    Attributes:
        template: A file of `templates`.
        shows: What it is given.
    """

    template: str
    shows: Mapping[str, object] = field(default_factory=dict)
    status: int = 200
    headers: Headers = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GoTo:
    """
    Another page of the console.

    Attributes:
        path: With its query.
        session: What the session's cookie carries from now on; empty ends it, None leaves it.
        says: A word that the page shows once.
    """

    path: str
    session: str | None = None
    says: str = ""


def address(*parts: str) -> str:
    """
    Return the path of a page of the console: of a room, or of something in it by its id.
    """
    return "/".join([PREFIX, *(quote(part, safe="") for part in parts)])


def render(page: Page, visitor: Visitor) -> str:
    """
    Write a page.
    """
    template = _environment().get_template(page.template)
    return template.render(
        **page.shows,
        operator=visitor.operator,
        may_write=visitor.operator is not None and visitor.operator.role != "viewer",
        may_manage=visitor.operator is not None and visitor.operator.role == "owner",
        endpoint=visitor.ctx.settings.public_endpoint,
        notice=visitor.notice,
        here=visitor.here,
        room="",
        form_token=lambda: _hidden_field(FORM_TOKEN, visitor.form_token),
    )


def html_answer(text: str, *, status: int = 200, headers: Headers = ()) -> Answer:
    """
    Answer with a page.
    """
    return Answer(status, text.encode(), (HTML_TYPE, POLICY, *NO_STORE, *headers))


def redirection(path: str, headers: Headers = ()) -> Answer:
    """
    Send a browser to another page, by GET.

    Implements: RFC 9110 §15.4.4.
    """
    return Answer(303, b"", ((b"location", path.encode("ascii")), *NO_STORE, *headers))


@cache
def _environment() -> "Environment":
    # Loaded with the first page: who shows none starts sooner, and is smaller.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader(__package__ or ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"moment": _moment, "instant": _instant}
    environment.globals |= {"static": static_address, "rooms": ROOMS}
    return environment


def _hidden_field(name: str, value: str) -> "Markup":
    from markupsafe import Markup  # noqa: PLC0415

    return Markup('<input type="hidden" name="{}" value="{}">').format(name, value)


def _instant(value: datetime) -> "Markup":
    """
    Write a moment to the second, for what follows quickly on each other.
    """
    from markupsafe import Markup  # noqa: PLC0415

    utc = value.astimezone(UTC)
    return Markup('<time datetime="{}" data-seconds>{}</time>').format(
        utc.strftime("%Y-%m-%dT%H:%M:%SZ"), utc.strftime("%Y-%m-%d %H:%M:%S UTC")
    )


def _moment(value: Any) -> "Markup":  # noqa: ANN401 - whatever a template shows
    """
    Write a moment in UTC, so that a script can write it in the reader's own zone.
    """
    from markupsafe import Markup  # noqa: PLC0415

    if not isinstance(value, datetime):
        return Markup("never")
    utc = value.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        utc.strftime("%Y-%m-%dT%H:%M:%SZ"), utc.strftime("%Y-%m-%d %H:%M UTC")
    )
