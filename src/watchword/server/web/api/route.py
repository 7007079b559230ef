"""
What a route of the Management API is.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Generic, TypeVar
from urllib.parse import unquote

import msgspec

from watchword.server.operations.operation import Acting
from watchword.server.storage.rows import Page
from watchword.server.web.answers import Answer
from watchword.server.web.api.guard import Body

PREFIX = "/api"
B = TypeVar("B")


class Paging(Enum):
    """
    Whether a list comes in pages.
    """

    NEVER = "never"
    OPTIONAL = "optional"
    ALWAYS = "always"


class Call(msgspec.Struct, Generic[B], frozen=True, kw_only=True):
    """
    A request that has passed all checks that are the same for every route.

    Attributes:
        path: Path parameters, decoded.
        query: All values by name.
        page: None where the whole list is wanted.
    """

    acting: Acting
    path: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    page: Page | None
    body: B


class Paged(msgspec.Struct, frozen=True):
    """
    An answer that is one page of a list.

    Attributes:
        is_capped: Whether counting stopped at `total`, so that nobody knows which page is the last.
    """

    items: Sequence[object]
    total: int
    is_capped: bool = False


# What a handler may give back: JSON, a page of it, nothing (204), or a ready answer.
Reply = object | Paged | Answer | None


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """
    A query parameter, for the OpenAPI document.

    Attributes:
        type: As JSON Schema names it.
    """

    name: str
    description: str
    type: str = "string"
    enum: Sequence[str] = ()
    repeats: bool = False


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """
    One row of the table.

    Attributes:
        path: Below `/api`, with `{parameters}`.
        status: Of success.
        body: Class of the request body; a plain `dict` stands for any JSON object; None for no body.
        search: Columns that `search` looks at; None where the list has no search.
        answer: Name of the answer's schema in the OpenAPI document; a list of them in brackets.
        media_type: Of the answer.
        also: Statuses of refusals beyond those that go with every route of its kind.
        is_public: Whether it needs no token.
    """

    method: str
    path: str
    summary: str
    handler: Callable[..., Reply]
    status: int = 200
    body: type[Body] | type[dict[str, object]] | None = None
    paging: Paging = Paging.NEVER
    search: Sequence[str] | None = None
    query: Sequence[Query] = ()
    answer: str | None = None
    media_type: str = "application/json"
    also: Sequence[int] = ()
    is_public: bool = False
    tag: str = ""

    @property
    def path_parameters(self) -> list[str]:
        """
        Names of the path parameters, in order.
        """
        return re.findall(r"{(\w+)}", self.path)


class Resource(msgspec.Struct, frozen=True):
    """
    A path with all its methods.
    """

    pattern: re.Pattern[str]
    routes: Mapping[str, Route]

    @property
    def allow(self) -> str:
        """
        The Allow header: HEAD goes with GET, and comes first.
        """
        return ", ".join((["HEAD"] if "GET" in self.routes else []) + list(self.routes))


class Table:
    """
    All routes, and finding the one for a request.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route
        self._resources = [Resource(_pattern(path), methods) for path, methods in by_path.items()]

    def find(self, raw_path: str) -> tuple[Resource, dict[str, str]] | None:
        """
        Find the resource that a percent-encoded path below the prefix names, and its decoded parameters.
        """
        for resource in self._resources:
            match = resource.pattern.match(raw_path)
            if match is not None:
                return resource, {name: unquote(value) for name, value in match.groupdict().items()}
        return None


def _pattern(path: str) -> re.Pattern[str]:
    # Letter case and one trailing slash don't matter, as in the reference.
    parts = re.split(r"{(\w+)}", path)
    regex = "".join(f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile(regex + r"/?\Z", re.IGNORECASE)
