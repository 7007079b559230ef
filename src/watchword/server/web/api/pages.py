"""
Pagination: which part of a list is wanted, and the headers that say what else there is.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from watchword.server.domain.problems import Problem
from watchword.server.storage.rows import Page
from watchword.server.web.answers import Headers
from watchword.server.web.api.route import Paged, Paging

DEFAULT_SIZE = 20
LARGEST_SIZE = 100
_LARGEST_PAGE = 2**53


def wanted_page(query: Mapping[str, Sequence[str]], paging: Paging) -> Page | None:
    """
    Read `page` and `page_size`; an empty value counts as not given.

    Raises:
        Problem: `guard.invalid_pagination` (400).
    """
    number, size = _number(query, "page"), _number(query, "page_size")
    if paging is Paging.NEVER or (paging is Paging.OPTIONAL and number is None and size is None):
        return None
    size = DEFAULT_SIZE if size is None else size
    if size > LARGEST_SIZE:
        raise _invalid()
    return Page(limit=size, offset=((number or 1) - 1) * size)


def page_headers(url: str, query: Mapping[str, Sequence[str]], page: Page, paged: Paged) -> Headers:
    """
    Say how many there are in all, and where the other pages are.

    Args:
        url: Absolute URL of the list, without its query.

    Implements: RFC 8288 §3.
    """
    number = page.offset // page.limit + 1
    last = max(1, -(-paged.total // page.limit))
    relations = [("first", 1)]
    if number > 1:
        relations.append(("prev", number - 1))
    if not paged.is_capped:
        relations.append(("last", last))
    if number < last and not paged.is_capped:
        relations.append(("next", number + 1))
    links = [
        (b"link", f'<{url}?{_query(query, target)}>; rel="{relation}"'.encode("ascii"))
        for relation, target in relations
    ]
    capped = ((b"total-number-is-capped", b"true"),) if paged.is_capped else ()
    return ((b"total-number", b"%d" % paged.total), *capped, *links)


def _query(query: Mapping[str, Sequence[str]], page: int) -> str:
    members = {**query, "page": [str(page)]}
    return urlencode([(name, value) for name, values in members.items() for value in values])


def _number(query: Mapping[str, Sequence[str]], name: str) -> int | None:
    values = query.get(name, ())
    if len(values) > 1:
        raise _invalid()
    if not values or not values[0]:
        return None
    text = values[0].strip()
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:17]) <= _LARGEST_PAGE or len(text) > 16:  # noqa: PLR2004
        raise _invalid()
    return int(text)


def _invalid() -> Problem:
    return Problem("guard.invalid_pagination", status=400, message="The request pagination value is invalid.")
