"""
What is meant by what somebody has typed: the one thing of that id or name, or some that fit.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from watchword.server.domain.problems import Problem
from watchword.server.domain.redaction import shown_id
from watchword.server.domain.search import LONGEST_PATTERN, Search
from watchword.server.storage.rows import Listing
from watchword.server.storage.rows import Page as Part
from watchword.server.web.console.lists import A_PAGE, exact_search, literal_search
from watchword.server.web.console.naming import quoted

NAMED = ("id", "name", "description")
_FIRST = Part(limit=A_PAGE, offset=0)


class Named(Protocol):
    """
    Something with an id and a name.
    """

    @property
    def id(self) -> str:
        """
        Its id.
        """

    @property
    def name(self) -> str:
        """
        Its name, which others may have, too.
        """


N = TypeVar("N", bound=Named)


def meant(fetch: Callable[[Search, Part], Listing[N]], typed: str, noun: str, about: str) -> str | Listing[N]:
    """
    Return the id of what was typed, by id or by name; else the first of those that may be meant.

    Args:
        fetch: Returns the records of a search, and how many there are.
        noun: What each of them is.
        about: The field that it was typed into.

    Returns:
        The id; or those of that name; or, where none has it, those with these words in id, name or description.

    Raises:
        Problem: There are none (404).
    """
    if len(typed) <= LONGEST_PATTERN:
        if any(one.id == typed for one in fetch(exact_search(typed, "id"), _FIRST).records):
            return typed
        called = fetch(exact_search(typed, "name"), _FIRST)
        if called.total == 1:
            return called.records[0].id
        found = called if called.total else fetch(literal_search(typed, NAMED), _FIRST)
        if found.total:
            return found
    raise Problem(
        "entity.not_found",
        status=404,
        message=f"No {noun} has {quoted(shown_id(typed))} as its id, or in its name or description.",
        about=about,
    )
