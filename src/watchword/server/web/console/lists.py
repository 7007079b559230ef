"""
Lists: a page of what there is, or of what a search finds. The address of the page says which.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from watchword.server.domain.search import NO_SEARCH, Match, Mode, Search, parse_search
from watchword.server.storage.rows import Listing
from watchword.server.storage.rows import Page as Part
from watchword.server.web.console.visitor import Visitor

R = TypeVar("R")
A_PAGE = 20
_MOST_DIGITS = 9


class Found(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """
    A page of a list.

    Attributes:
        path: Of the page, without its query.
        words: What was searched for; empty where nothing was.
        number: Of the page, from 1.
        last: The number of the last page.
        kept: What else the address of the page says, so that the next page says it, too.
    """

    records: Sequence[R]
    total: int
    path: str
    words: str
    number: int
    last: int
    kept: Sequence[tuple[str, str]] = ()

    def address_of(self, number: int) -> str:
        """
        Return the address of another page of the list.
        """
        search = [("search", self.words)] if self.words else []
        return f"{self.path}?" + urlencode([*self.kept, *search, ("page", str(number))])


def find(
    visitor: Visitor,
    fetch: Callable[[Search, Part], Listing[R]],
    searched: Sequence[str],
    kept: Sequence[str] = (),
    path: str | None = None,
) -> Found[R]:
    """
    Return the page that the address asks for; the last one where there are fewer.

    Args:
        fetch: Returns the records of a search, and how many there are.
        searched: Fields in which words are looked for.
        kept: Parameters of the address that every page of the list has.
        path: Of the list, where it is shown behind a form that was sent elsewhere, too; None for where the visitor is.
    """
    words, number = visitor.asked("search").strip(), _number(visitor.asked("page"))
    search = literal_search(words, searched)
    found = fetch(search, _part(number))
    last = max(1, -(-found.total // A_PAGE))
    if number > last:
        number, found = last, fetch(search, _part(last))
    told = [(name, visitor.asked(name)) for name in kept if visitor.asked(name)]
    return Found(
        records=found.records,
        total=found.total,
        path=path or visitor.here,
        words=words,
        number=number,
        last=last,
        kept=told,
    )


def literal_search(words: str, searched: Sequence[str], *, whole: bool = False) -> Search:
    """
    Look for words as they were typed, anywhere in these fields; for none, where there are none.

    Args:
        whole: Look for fields that hold these words alone.
    """
    if not words:
        return NO_SEARCH
    for character in "\\%_":
        words = words.replace(character, f"\\{character}")
    return parse_search({"search": [words if whole else f"%{words}%"]}, searched)


def exact_search(typed: str, *fields: str) -> Search:
    """
    Look for what has this text as any of these fields, whole.
    """
    return Search(tuple((Match(field, Mode.EXACT, (typed,)),) for field in fields))


def _part(number: int) -> Part:
    return Part(limit=A_PAGE, offset=(number - 1) * A_PAGE)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < _MOST_DIGITS and int(text) else 1
