"""
One box that looks everywhere: a few of each kind, with the way to all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from watchword.server.domain.search import Search
from watchword.server.operations import applications, resources, roles, users
from watchword.server.operations.operation import Acting
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.roles import RoleFilter
from watchword.server.storage.rows import Page as Part
from watchword.server.storage.users import UserFilter
from watchword.server.web.console.lists import literal_search
from watchword.server.web.console.pages import Page, address
from watchword.server.web.console.resources import SEARCHED as RESOURCES_SEARCHED
from watchword.server.web.console.route import get
from watchword.server.web.console.users import SEARCHED as USERS_SEARCHED
from watchword.server.web.console.users import called
from watchword.server.web.console.visitor import Visitor

_FEW = Part(limit=5, offset=0)
_NAMED = ("id", "name", "description")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """
    Something that was found.
    """

    id: str
    name: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """
    What can be found.

    Attributes:
        room: Where it is.
        searched: Fields that are looked at.
        find: Returns the first few, and how many there are.
    """

    title: str
    room: str
    searched: Sequence[str]
    find: Callable[[Acting, Search], tuple[Sequence[Hit], int]]

    def address_of(self, hit: Hit) -> str:
        """
        Return the page of what was found.
        """
        return address(self.room, hit.id)

    def all_of(self, words: str) -> str:
        """
        Return the page that lists all that these words find.
        """
        return f"{address(self.room)}?{urlencode({'search': words})}"


def page(visitor: Visitor) -> Page:
    """
    Show what words find.
    """
    words = visitor.asked("words").strip()
    found = [(kind, *kind.find(visitor.acting, literal_search(words, kind.searched))) for kind in _KINDS if words]
    groups = [{"kind": kind, "hits": hits, "total": total} for kind, hits, total in found if hits]
    return Page(template="search.html", shows={"words": words, "groups": groups})


def _applications(acting: Acting, search: Search) -> tuple[Sequence[Hit], int]:
    found = applications.listing(acting, ApplicationFilter(), search, _FEW)
    return [Hit(id=one.id, name=one.name, note=one.description or "") for one in found.records], found.total


def _resources(acting: Acting, search: Search) -> tuple[Sequence[Hit], int]:
    found = resources.overview(acting, search, _FEW)
    hits = [Hit(id=one.resource.id, name=one.resource.name, note=one.resource.indicator) for one in found.records]
    return hits, found.total


def _roles(acting: Acting, search: Search) -> tuple[Sequence[Hit], int]:
    found = roles.overview(acting, RoleFilter(), search, _FEW)
    hits = [Hit(id=one.role.id, name=one.role.name, note=one.role.description) for one in found.records]
    return hits, found.total


def _users(acting: Acting, search: Search) -> tuple[Sequence[Hit], int]:
    found = users.listing(acting, UserFilter(), search, _FEW)
    hits = [Hit(id=one.id, name=called(one), note=one.primary_email or "") for one in found.records]
    return hits, found.total


_KINDS = (
    Kind(title="Applications", room="applications", searched=_NAMED, find=_applications),
    Kind(title="API resources", room="resources", searched=RESOURCES_SEARCHED, find=_resources),
    Kind(title="Roles", room="roles", searched=_NAMED, find=_roles),
    Kind(title="Users", room="users", searched=USERS_SEARCHED, find=_users),
)

ROUTES = (get("/search", page),)
