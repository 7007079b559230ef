"""
The catalogue as pages of HTML: without scripts, without anything from elsewhere, and the same for everybody.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from markupsafe import Markup, escape

from watchword.server.web.docs.catalogue import by_code, groups, pieces
from watchword.server.web.errors import PAGES
from watchword.server.web.templates import environment_of

STYLESHEET = "/docs/docs.css"
# Where the pages of `docs/` are read: links that nobody follows by himself.
REPOSITORY = "https://github.com/watchword-id/watchword/blob/main/docs/"
_OF_THIS_SERVER = ("/console", "/api/docs", "/health/")


class Pages(msgspec.Struct, frozen=True, kw_only=True):
    """
    All pages, as they are sent.

    Attributes:
        index: Every code, by groups.
        missing: The same, for whoever asked for a code that there is not.
        errors: The page of each code.
    """

    index: bytes
    missing: bytes
    errors: Mapping[str, bytes]


def write_pages() -> Pages:
    """
    Write all pages.
    """
    environment = environment_of(__package__ or "")
    environment.filters |= {"prose": _prose, "phrase": _phrase, "breakable": _breakable}
    environment.globals |= {"errors": PAGES, "stylesheet": STYLESHEET, "repository": REPOSITORY}
    index, page = environment.get_template("index.html"), environment.get_template("error.html")
    written = {
        error.code: page.render(error=error, group=group).encode() for group in groups() for error in group.errors
    }
    # In an answer's `code` an OAuth error has this before it. One of them means something else below `/api`.
    oauth = {f"oidc.{error.code}": written[error.code] for error in groups()[0].errors}
    return Pages(
        index=index.render(groups=groups(), is_missing=False).encode(),
        missing=index.render(groups=groups(), is_missing=True).encode(),
        errors={**oauth, **written},
    )


def _prose(text: str) -> Markup:
    return Markup().join(_piece(piece, is_code=is_code) for piece, is_code in pieces(text))


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def _breakable(code: str) -> Markup:
    """
    Let a long code break between its words.
    """
    return Markup("<wbr>").join(re.split(r"(?<=[._])", code))


def _piece(text: str, *, is_code: bool) -> Markup:
    if not is_code:
        return escape(text)
    marked = Markup("<code>{}</code>").format(text)
    if text in by_code():
        return Markup('<a href="{}/{}">{}</a>').format(PAGES, text, marked)
    is_page = text.startswith(_OF_THIS_SERVER) and "{" not in text
    return Markup('<a href="{}">{}</a>').format(text, marked) if is_page else marked
