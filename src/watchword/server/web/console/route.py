"""
Routes of the console: which handler answers which path, and what it takes to get there.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from watchword.server.web.answers import Answer
from watchword.server.web.console.pages import Entered, GoTo, Page
from watchword.server.web.console.visitor import Visitor


def _always(_visitor: Visitor) -> bool:
    return True


Handler = Callable[[Visitor], Page | GoTo | Entered | Answer]
Words = Callable[[Visitor], str]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """
    What answers a path.

    Attributes:
        is_open: Whether it is for those, too, who have not signed in.
        grave: What it does, in words, where the password must have been said lately: it shows a secret, gives rights or
            takes them, changes what tokens are for, or can't be undone.
        needs_token: Whether a form of this visitor has to be one of their session's own: not where it only leads on, or
            out.
    """

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    is_open: bool = False
    grave: Words | None = None
    needs_token: Callable[[Visitor], bool] = _always


def get(path: str, handler: Handler, *, is_open: bool = False) -> Route:
    """
    Show a page, and change nothing.

    Args:
        path: Below the console; `{name}` stands for one segment.
    """
    return Route(method="GET", pattern=_pattern(path), handler=handler, is_open=is_open)


def post(
    path: str,
    handler: Handler,
    *,
    is_open: bool = False,
    grave: Words | None = None,
    needs_token: Callable[[Visitor], bool] = _always,
) -> Route:
    """
    Take a form.

    Args:
        path: Below the console; `{name}` stands for one segment.
    """
    return Route(
        method="POST",
        pattern=_pattern(path),
        handler=handler,
        is_open=is_open,
        grave=grave,
        needs_token=needs_token,
    )


def route_of(routes: Sequence[Route], method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
    """
    Return what answers a path, and the path's parameters; None where nothing does.
    """
    for route in routes:
        match = route.pattern.fullmatch(path) if route.method == method else None
        if match is not None:
            return route, match.groupdict()
    return None


def page_of_form(routes: Sequence[Route], path: str) -> str | None:
    """
    Return the page on which a form stands, by its address; None where it is no form's.

    It is the page that creates something, the one at the very address, or one above.
    """
    if route_of(routes, "POST", path) is None:
        return None
    if any(route.method == "GET" and route.pattern.pattern == f"{path}/new" for route in routes):
        return f"{path}/new"
    return path if _is_page(routes, path) else page_above(routes, path)


def page_above(routes: Sequence[Route], path: str) -> str:
    """
    Return the next page above an address; the front, which is empty, where there is none between.
    """
    above = path.rpartition("/")[0]
    return above if not above or _is_page(routes, above) else page_above(routes, above)


def _is_page(routes: Sequence[Route], path: str) -> bool:
    return route_of(routes, "GET", path) is not None


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path))
