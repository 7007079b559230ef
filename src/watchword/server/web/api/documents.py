"""
Rows that describe the table: the OpenAPI document, for programs, and a page for people. They need no token.
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

import msgspec

from watchword.server.domain.names import management_indicator
from watchword.server.web.answers import CSS_TYPE, HTML_TYPE, JSON_TYPE, PLAIN_PAGE_POLICY, Answer
from watchword.server.web.api.docs_page import STYLESHEET, render
from watchword.server.web.api.openapi import Document, document
from watchword.server.web.api.route import PREFIX, Call, Route

_FEW = 8


def describing(described: Sequence[Route]) -> Sequence[Route]:
    """
    Return the rows that describe these rows, and themselves.
    """

    # It takes 20 ms, and anybody may ask. It follows from its arguments alone, so it is remembered.
    @lru_cache(maxsize=_FEW)
    def written(endpoint: str, resource: str) -> Document:
        return document([*described, *rows], endpoint=endpoint, resource=resource)

    @lru_cache(maxsize=_FEW)
    def rendered(endpoint: str, resource: str) -> bytes:
        return render(written(endpoint, resource)).encode()

    def for_programs(call: Call[None]) -> Answer:
        return Answer(200, msgspec.json.encode(written(*_where(call))), (JSON_TYPE,))

    def for_people(call: Call[None]) -> Answer:
        return Answer(200, rendered(*_where(call)), (HTML_TYPE, PLAIN_PAGE_POLICY))

    rows = (
        Route(
            method="GET", path="/swagger.json", summary="Read the OpenAPI document",
            handler=for_programs, answer="OpenApiDocument", is_public=True,
        ),
        Route(
            method="GET", path="/.well-known/management.openapi.json",
            summary="Read the OpenAPI document, by its other address",
            handler=for_programs, answer="OpenApiDocument", is_public=True,
        ),
        Route(
            method="GET", path="/docs", summary="Read the reference page",
            handler=for_people, media_type="text/html", is_public=True,
        ),
        Route(
            method="GET", path=STYLESHEET.removeprefix(PREFIX), summary="Read the reference page's style",
            handler=_style, media_type="text/css", is_public=True,
        ),
    )  # fmt: skip
    return rows


def _where(call: Call[None]) -> tuple[str, str]:
    acting = call.acting
    return acting.ctx.settings.public_endpoint, management_indicator(acting.tenant_id)


def _style(call: Call[None]) -> Answer:
    del call
    return Answer(200, files(__package__).joinpath("docs.css").read_bytes(), (CSS_TYPE,))
