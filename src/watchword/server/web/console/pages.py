"""
Pages: a template and what it shows, or another page to go to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from watchword.server.web.answers import NO_STORE, Answer, Headers
from watchword.server.web.console.visitor import FORM_TOKEN, Visitor

if TYPE_CHECKING:
    from jinja2 import Environment

# Nothing comes from elsewhere, nothing is put around a page, and no script stands in one.
_POLICY = (
    b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    b"base-uri 'none'; frame-ancestors 'none'"
)
POLICY = (b"content-security-policy", _POLICY)
HTML_TYPE = (b"content-type", b"text/html; charset=utf-8")


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
    """

    path: str
    session: str | None = None


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
        form_token_name=FORM_TOKEN,
        form_token=visitor.form_token,
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
    environment.filters["moment"] = _moment
    return environment


def _moment(value: Any) -> str:  # noqa: ANN401 - whatever a template shows
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if isinstance(value, datetime) else "never"
