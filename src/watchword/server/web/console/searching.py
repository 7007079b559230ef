"""
One box that looks everywhere: a few of each kind, with the way to all of them.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias
from urllib.parse import urlencode

import msgspec

from watchword.server.domain.ids import RECORD_ID
from watchword.server.domain.problems import Problem
from watchword.server.domain.search import Search, fold_case
from watchword.server.operations import applications, logs, operators, resources, roles, scopes, users
from watchword.server.operations.operation import Acting
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.roles import RoleFilter
from watchword.server.storage.rows import Page as Part
from watchword.server.storage.users import UserFilter
from watchword.server.web.console.lists import literal_search
from watchword.server.web.console.log_rows import row_of
from watchword.server.web.console.pages import Page, address
from watchword.server.web.console.resources import SEARCHED as RESOURCES_SEARCHED
from watchword.server.web.console.route import get
from watchword.server.web.console.users import SEARCHED as USERS_SEARCHED
from watchword.server.web.console.users import called
from watchword.server.web.console.visitor import Visitor

# Id, name and something beside it, of the first few; and how many there are.
Notes: TypeAlias = tuple[Sequence[tuple[str, str, str]], int]
_FEW = Part(limit=5, offset=0)
_NAMED = ("id", "name", "description")


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """
    Something that was found.

    Attributes:
        path: Its page.
    """

    id: str
    name: str
    note: str
    path: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """
    The first few of a kind.

    Attributes:
        total: How many there are; None where they are not counted, and there are more.
        all: The page that lists all of them; empty where there is none.
    """

    hits: Sequence[Hit]
    total: int | None
    all: str = ""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """
    What can be found.

    Attributes:
        id: Of its part of the page.
        many: What several are called, within a sentence.
        find: Returns what words find.
    """

    id: str
    many: str
    find: Callable[[Acting, str], Found]

    @property
    def title(self) -> str:
        """
        What heads its part.
        """
        return self.many[:1].upper() + self.many[1:]


def page(visitor: Visitor) -> Page:
    """
    Show what words find.
    """
    words = visitor.asked("words").strip()
    found = [(kind, kind.find(visitor.acting, words)) for kind in _KINDS if words]
    groups = [{"kind": kind, "found": few} for kind, few in found if few.hits]
    return Page(template="search.html", shows={"words": words, "groups": groups})


def _applications(acting: Acting, words: str) -> Found:
    def find(search: Search) -> Notes:
        found = applications.listing(acting, ApplicationFilter(), search, _FEW)
        return [(one.id, one.name, one.description or "") for one in found.records], found.total

    return _in_room("applications", words, _NAMED, find)


def _resources(acting: Acting, words: str) -> Found:
    def find(search: Search) -> Notes:
        found = resources.overview(acting, search, _FEW)
        return [(one.resource.id, one.resource.name, one.resource.indicator) for one in found.records], found.total

    return _in_room("resources", words, RESOURCES_SEARCHED, find)


def _permissions(acting: Acting, words: str) -> Found:
    found = scopes.called(acting, words, _FEW.limit)
    hits = [
        Hit(id=one.id, name=one.name, note=resource.name, path=address("resources", resource.id, "scopes", one.id))
        for resource, members in found.groups
        for one in members
    ]
    return Found(hits=hits, total=len(hits) if found.are_all else None)


def _roles(acting: Acting, words: str) -> Found:
    def find(search: Search) -> Notes:
        found = roles.overview(acting, RoleFilter(), search, _FEW)
        return [(one.role.id, one.role.name, one.role.description) for one in found.records], found.total

    return _in_room("roles", words, _NAMED, find)


def _users(acting: Acting, words: str) -> Found:
    def find(search: Search) -> Notes:
        found = users.listing(acting, UserFilter(), search, _FEW)
        return [(one.id, called(one), one.primary_email or "") for one in found.records], found.total

    return _in_room("users", words, USERS_SEARCHED, find)


def _operators(acting: Acting, words: str) -> Found:
    """
    Find operators, for those who may see them.
    """
    try:
        there = operators.listing(acting)
    except Problem:
        return Found(hits=(), total=0)
    room, looked_for = address("operators"), fold_case(words)
    hits = [
        Hit(id=one.id, name=one.name, note=one.role, path=room)
        for one in there
        if looked_for in fold_case(one.name) or words == one.id
    ]
    return Found(hits=hits[: _FEW.limit], total=len(hits), all=room)


def _records(acting: Acting, words: str) -> Found:
    """
    Find the record of the log that has this very id.
    """
    if len(words) != RECORD_ID:
        return Found(hits=(), total=0)
    try:
        entry, names = logs.read_with_names(acting, words)
    except Problem:
        return Found(hits=(), total=0)
    row = row_of(entry, names)
    note = f"{row.at:%Y-%m-%d %H:%M:%S} UTC, {row.who}"
    return Found(hits=[Hit(id=row.id, name=row.event, note=note, path=address("logs", row.id))], total=1)


def _in_room(room: str, words: str, searched: Sequence[str], find: Callable[[Search], Notes]) -> Found:
    """
    Find what a room lists: first what is called so, and nothing else; then the newest that have the words in them.
    """
    called_so, _ = find(literal_search(words, searched, whole=True))
    newest, total = find(literal_search(words, searched))
    few = list(dict.fromkeys([*called_so, *newest]))[: _FEW.limit]
    hits = [Hit(id=one, name=name, note=note, path=address(room, one)) for one, name, note in few]
    return Found(hits=hits, total=total, all=f"{address(room)}?{urlencode({'search': words})}")


_KINDS = (
    Kind(id="applications", many="applications", find=_applications),
    Kind(id="resources", many="API resources", find=_resources),
    Kind(id="permissions", many="permissions", find=_permissions),
    Kind(id="roles", many="roles", find=_roles),
    Kind(id="users", many="users", find=_users),
    Kind(id="operators", many="operators", find=_operators),
    Kind(id="records", many="records of the audit log", find=_records),
)

ROUTES = (get("/search", page),)
