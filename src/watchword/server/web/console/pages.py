"""
Pages: a template and what it shows, or another page to go to.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec
from markupsafe import Markup

from watchword.protocol.endpoints import is_loopback
from watchword.server.domain.ids import new_token
from watchword.server.domain.problems import Problem
from watchword.server.settings import Settings
from watchword.server.web.answers import HTML_TYPE, NO_STORE, Answer, Headers
from watchword.server.web.console.naming import called, isolated
from watchword.server.web.console.once import ONCE
from watchword.server.web.console.static_files import static_address
from watchword.server.web.console.visitor import FORM_TOKEN, PREFIX, Visitor
from watchword.server.web.console.waiting import WaitingForm
from watchword.server.web.templates import environment_of

if TYPE_CHECKING:
    from jinja2 import Environment

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


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is shown.

    Attributes:
        template: A file of `templates`.
        shows: What it is given.
    """

    template: str
    shows: Mapping[str, object] = msgspec.field(default_factory=dict)
    status: int = 200
    headers: Headers = ()


class GoTo(msgspec.Struct, frozen=True, kw_only=True):
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


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """
    Somebody has come in, where a form waits.

    Attributes:
        visitor: By the session that has begun.
        form: Where it was sent, and what: it carries itself within the page.
        leave: The page to go to without it.
    """

    visitor: Visitor
    form: WaitingForm
    leave: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """
    Why something was refused, on the page that it was sent from.

    Attributes:
        field: The id of the field that it is about; empty where it is about more, or none.
        status: HTTP status that goes with it.
    """

    text: str
    field: str = ""
    status: int


def refusal(problem: Problem, form: str = "") -> Refusal:
    """
    Say on a page why something was refused. A field's id is the member that is typed there, behind that of its form.

    Args:
        form: What the ids of the form's fields begin with; nothing in the page's main one.
    """
    field = "-".join(filter(None, (form, problem.about.replace("_", "-")))) if problem.about else ""
    return Refusal(text=problem.message, field=field, status=problem.status)


def page_with(
    template: str, shows: Mapping[str, object], refused: Problem | None, headers: Headers = (), *, form: str = ""
) -> Page:
    """
    Make a page with a form; where what was sent was refused, it says why as its `problem`.

    Args:
        form: As of `refusal`: the one that was sent.
    """
    if refused is None:
        return Page(template=template, shows={**shows, "problem": None})
    shows = {**shows, "problem": refusal(refused, form)}
    return Page(template=template, shows=shows, status=refused.status, headers=headers)


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
        host=_host_of(visitor.ctx.settings),
        notice=visitor.notice,
        here=visitor.here,
        room="",
        once=lambda: _hidden_field(ONCE, new_token(visitor.ctx.random)),
        form_token=lambda: _hidden_field(FORM_TOKEN, visitor.form_token),
    )


def render_for_nobody(template: str, settings: Settings) -> str:
    """
    Write a page that is the same for all, whoever they are.
    """
    endpoint = urlsplit(settings.public_endpoint)
    shows = {
        "operator": None, "notice": "", "room": "", "host": endpoint.netloc, "endpoint": settings.public_endpoint,
        "port": endpoint.port or 80, "is_on_loopback": is_loopback(endpoint.hostname or ""),
    }  # fmt: skip
    return _environment().get_template(template).render(shows)


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
    environment = environment_of(__package__ or "")
    environment.filters |= {"moment": _moment, "instant": _instant, "called": called, "isolated": isolated}
    environment.globals |= {"static": static_address, "rooms": ROOMS}
    return environment


def _host_of(settings: Settings) -> str:
    return urlsplit(settings.public_endpoint).netloc


def _hidden_field(name: str, value: str) -> Markup:
    return Markup('<input type="hidden" name="{}" value="{}">').format(name, value)


def _instant(value: datetime) -> Markup:
    """
    Write a moment to the second, for what follows quickly on each other.
    """
    return Markup('<time datetime="{}" data-seconds>{:%Y-%m-%d %H:%M:%S} UTC</time>').format(*_in_utc(value))


def _moment(value: Any) -> Markup:  # noqa: ANN401 - whatever a template shows
    """
    Write a moment in UTC, so that a script can write it in the reader's own zone.
    """
    if not isinstance(value, datetime):
        return Markup("never")
    return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M} UTC</time>').format(*_in_utc(value))


def _in_utc(value: datetime) -> tuple[str, datetime]:
    utc = value.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%SZ}", utc
