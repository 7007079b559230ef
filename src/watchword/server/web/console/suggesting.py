"""
What fields suggest while one types: all where there are few, else those that fit what stands there.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from watchword.server.domain.names import RoleType
from watchword.server.domain.search import NO_SEARCH, Search
from watchword.server.operations import applications, resources, roles, scopes
from watchword.server.operations.operation import Acting
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.roles import RoleFilter
from watchword.server.storage.rows import Listing
from watchword.server.storage.rows import Page as Part
from watchword.server.web.console.lists import literal_search
from watchword.server.web.console.meaning import NAMED
from watchword.server.web.console.resources import SEARCHED as RESOURCES_SEARCHED

R = TypeVar("R")
# What is put into the field, and what is said beside it.
Suggestions = Sequence[tuple[str, str]]
_MOST = 100
_FIRST = Part(limit=_MOST, offset=0)
MACHINE_ROLES = RoleFilter(type=RoleType.MACHINE_TO_MACHINE)


def suggestions(acting: Acting, asked: Mapping[str, str], role: str) -> Mapping[str, Suggestions]:
    """
    Return what each list of the page suggests, by its id.

    Args:
        asked: What stands in the fields; of scopes, those before the last word stay, and it is the one that is typed.
        role: What stands in that of the role.
    """
    return {
        "applications": [
            (one.id, one.name)
            for one in _some(
                lambda search: applications.listing(acting, ApplicationFilter(), search, _FIRST),
                asked["application"],
                NAMED,
            )
        ],
        "resources": [
            (one.resource.indicator, one.resource.name)
            for one in _some(
                lambda search: resources.overview(acting, search, _FIRST), asked["resource"], RESOURCES_SEARCHED
            )
        ],
        "scopes": _beside_others(asked["scope"], lambda words: _scopes(acting, asked["resource"], words)),
        "roles": [
            (one.id, one.name)
            for one in _some(lambda search: roles.choices(acting, MACHINE_ROLES, search, _MOST), role, NAMED)
        ],
    }


def _beside_others(typed: str, suggest: Callable[[str], Suggestions]) -> Suggestions:
    """
    Suggest another word behind those that stand there: a browser compares the whole field with what is suggested.
    """
    before, _, words = typed.rpartition(" ")
    there = before.split()
    return [(" ".join([*there, one]), note) for one, note in suggest(words) if one not in there]


def _scopes(acting: Acting, indicator: str, words: str) -> Suggestions:
    """
    Suggest the scopes of an API; where there is none of that identifier, those of all that fit it, or the words.
    """
    api = resources.with_indicator(acting, indicator) if indicator else None
    if api is None:
        found = scopes.choices(acting, RoleType.MACHINE_TO_MACHINE, indicator or words, _MOST, not_of_role=None)
        return list({one.name: (one.name, resource.name) for resource, some in found.groups for one in some}.values())
    some = _some(lambda search: scopes.listing(acting, api.id, search, _FIRST), words, NAMED)
    return [(one.name, one.description or "") for one in some]


def _some(fetch: Callable[[Search], Listing[R]], typed: str, searched: Sequence[str]) -> Sequence[R]:
    """
    Return the first records; where there are more, the first of those that fit what was typed.
    """
    first = fetch(NO_SEARCH)
    if not typed or len(first.records) == first.total:
        return first.records
    return fetch(literal_search(typed, searched)).records
