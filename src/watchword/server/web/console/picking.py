"""
Permissions to tick within a form: some of all resources', more by a search that keeps what was ticked.
"""

from dataclasses import dataclass

from watchword.server.domain.names import MANAGEMENT_RESOURCE_ID, RoleType
from watchword.server.operations import scopes
from watchword.server.operations.scopes import Choices
from watchword.server.web.console.visitor import Visitor

# A form may have two hundred fields: some searches' ticks fit into one.
_MOST_OFFERED = 50
_LONGEST_WORDS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """
    What may be ticked.

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
