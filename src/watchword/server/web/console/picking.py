"""
What forms offer to tick: some of all permissions or roles, more by a search that keeps what was ticked.
"""

from collections.abc import Mapping

import msgspec

from watchword.server.domain.names import MANAGEMENT_RESOURCE_ID, RoleType
from watchword.server.domain.problems import bad_value
from watchword.server.domain.records import Role
from watchword.server.operations import roles, scopes
from watchword.server.operations.scopes import Choices
from watchword.server.storage.roles import RoleFilter
from watchword.server.storage.rows import Listing
from watchword.server.web.console.lists import literal_search
from watchword.server.web.console.naming import told
from watchword.server.web.console.visitor import Visitor

# A form may have a thousand fields: many searches' ticks fit into one.
_MOST_OFFERED = 50
_LONGEST_WORDS = 256
_ROLES_SEARCHED = ("id", "name", "description")


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """
    Permissions that may be ticked.

    Attributes:
        kept: What was ticked before, and is not among what is found now.
        words: What was searched for.
        ticked: Ids of scopes.
    """

    found: Choices
    kept: Choices
    words: str
    ticked: frozenset[str]
    management: str = MANAGEMENT_RESOURCE_ID


class RoleOffer(msgspec.Struct, frozen=True, kw_only=True):
    """
    Roles that may be ticked, or of which one may be chosen.

    Attributes:
        kept: Names by id of what was ticked before, and is not among what is found now.
        words: What was searched for.
        ticked: Ids of roles.
    """

    found: Listing[Role]
    kept: Mapping[str, str]
    words: str
    ticked: frozenset[str]

    @property
    def are_all(self) -> bool:
        """
        Whether there are no more of them.
        """
        return len(self.found.records) == self.found.total


def offered(visitor: Visitor, role_type: RoleType, *, not_of_role: str | None) -> Offer:
    """
    Return what a form offers to tick.

    Args:
        not_of_role: Leave out what this role has.
    """
    words, ticked = visitor.field("words").strip()[:_LONGEST_WORDS], visitor.ticked("scope")
    found = scopes.choices(visitor.acting, role_type, words, _MOST_OFFERED, not_of_role=not_of_role)
    shown = {scope.id for _, members in found.groups for scope in members}
    kept = scopes.chosen(visitor.acting, [scope_id for scope_id in ticked if scope_id not in shown])
    return Offer(found=found, kept=kept, words=words, ticked=frozenset(ticked))


def offered_roles(visitor: Visitor, wanted: RoleFilter, words: str) -> RoleOffer:
    """
    Return what a form offers, of roles that are wanted.
    """
    words, ticked = words.strip()[:_LONGEST_WORDS], visitor.ticked("role")
    found = roles.choices(visitor.acting, wanted, literal_search(words, _ROLES_SEARCHED), _MOST_OFFERED)
    shown = {role.id for role in found.records}
    kept = roles.names_of(visitor.acting, [role_id for role_id in ticked if role_id not in shown])
    return RoleOffer(found=found, kept=kept, words=words, ticked=frozenset(ticked))


def chosen_role(visitor: Visitor) -> str:
    """
    Return the id of the role that was chosen.

    Raises:
        Problem: None was (422).
    """
    role_id = visitor.field("role")
    if not role_id:
        raise bad_value("Choose a role.")
    return role_id


def role_told(visitor: Visitor, role_id: str) -> str:
    """
    Return what a role is called, to be told within a sentence.
    """
    return told(roles.read(visitor.acting, role_id).name, role_id)


def chosen_role_quoted(visitor: Visitor) -> str:
    """
    Return what the role that was chosen is called, as a sentence names it.
    """
    return f"“{role_told(visitor, chosen_role(visitor))}”"
