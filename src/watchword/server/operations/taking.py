"""
What would change if a right were taken away: a permission from a role, a role from somebody, or an API from all.

All of it is judged by the code of the token path, over a view of one transaction; nothing is taken.
"""

from collections.abc import Mapping, Sequence

import msgspec

from watchword.server.domain import problems
from watchword.server.domain.explanation import ExplainedApplication, Question, explain, given_without
from watchword.server.domain.names import Permission
from watchword.server.domain.records import Resource, Scope
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations.explaining import Obtaining, judge
from watchword.server.operations.operation import reads
from watchword.server.operations.resources import demand as demand_resource
from watchword.server.operations.role_scopes import demand as demand_role
from watchword.server.operations.users import demand as demand_user
from watchword.server.storage import explaining, resources, roles, user_roles
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction
from watchword.server.storage.view import TransactionView


class ScopeTaken(msgspec.Struct, frozen=True, kw_only=True):
    """
    What would change if a role no longer gave a scope, for the applications that hold the role.

    Attributes:
        losing: Those that no other role gives the scope.
        keeping: Those that another role gives it, too.
        role_names: What the roles are called that give it to any of them, by id.
    """

    scope: Scope
    resource: Resource
    losing: Listing[Obtaining]
    keeping: Listing[Obtaining]
    role_names: Mapping[str, str]


class ApiTaken(msgspec.Struct, frozen=True, kw_only=True):
    """
    What would change on one API if an application no longer held a role.

    Attributes:
        lifetime: Of its tokens, in seconds.
        lost: Scopes that no other role of the application gives.
        kept: The other scopes of the role, each with the names of the roles that give it, too, by id.
        error: Why the application would get no token for this API now either, in the protocol's words.
    """

    id: str
    name: str
    indicator: str
    lifetime: int
    lost: Sequence[str]
    kept: Mapping[str, Mapping[str, str]]
    error: str | None


class ApiLost(msgspec.Struct, frozen=True, kw_only=True):
    """
    What an application would lose if an API were deleted.

    Attributes:
        scopes: All that its roles give it there, id by name.
        error: Why it would get no token for this API now either, in the protocol's words.
    """

    application: ExplainedApplication
    scopes: Mapping[str, str]
    error: str | None


@reads(Permission.ALL)
def scope_from_role(tx: Transaction, role_id: str, scope_id: str, page: Page) -> ScopeTaken:
    """
    Say which applications would lose a scope with a role that no longer gives it, and which would keep it.

    Raises:
        Problem: There is no such role, or it does not have the scope.
    """
    demand_role(tx, role_id)
    if scope_id not in roles.scope_ids(tx, role_id):
        raise problems.not_found()
    scope, _ = resources.scopes_with_ids(tx, [scope_id])[scope_id]
    resource = resources.resources_with_ids(tx, [scope.resource_id])[scope.resource_id]
    losing = explaining.holders_of_role(tx, role_id, scope_id, page, have_another=False)
    keeping = explaining.holders_of_role(tx, role_id, scope_id, page, have_another=True)
    view, now = TransactionView(tx), tx.now()
    shown = [*losing.records, *keeping.records]
    view.read_ahead(shown)
    judged = {one: judge(view, now, one, resource, scope) for one in shown}
    giving = {given for one in judged.values() for given in one.role_ids}
    return ScopeTaken(
        scope=scope,
        resource=resource,
        losing=Listing([judged[one] for one in losing.records], losing.total),
        keeping=Listing([judged[one] for one in keeping.records], keeping.total),
        role_names={role.id: role.name for role in roles.with_ids(tx, giving).values()},
    )


@reads(Permission.ALL)
def role_from_application(tx: Transaction, application_id: str, role_id: str, page: Page) -> Listing[ApiTaken]:
    """
    List the APIs on which a role gives an application anything, each with what it would lose there, and what not.

    Raises:
        Problem: There is no such application, or it does not hold the role.
    """
    view = TransactionView(tx)
    view.read_ahead([application_id])
    application = view.application(application_id)
    if application is None:
        raise problems.unknown("applications", application_id)
    held = {role.id: role for role in view.roles(application)}
    if role_id not in held:
        raise problems.not_found()
    indicators, now = explaining.indicators_of_role(tx, role_id), tx.now()
    found: list[ApiTaken] = []
    for indicator in indicators[page.offset : page.offset + page.limit]:
        target = view.resource(indicator)
        assert target is not None  # noqa: S101 - read in this very transaction
        given = given_without(held[role_id], list(held.values()), target)
        question = Question(application_id=application_id, resource=indicator, scopes=tuple(given))
        refused = explain(question, view, now).refused
        found.append(
            ApiTaken(
                id=target.id,
                name=target.name,
                indicator=indicator,
                lifetime=target.access_token_ttl,
                lost=[name for name, others in given.items() if not others],
                kept={name: {one: held[one].name for one in others} for name, others in given.items() if others},
                error=None if refused is None else refused.description,
            )
        )
    return Listing(found, len(indicators))


@reads(Permission.ALL)
def api_from_all(tx: Transaction, resource_id: str, page: Page) -> Listing[ApiLost]:
    """
    List the applications whose roles give anything on an API, each with what it would lose if that were deleted.

    Raises:
        Problem: There is no such resource.
    """
    resource = demand_resource(tx, resource_id)
    holders = explaining.holders_of_resource(tx, resource_id, page)
    view, now = TransactionView(tx), tx.now()
    view.read_ahead(holders.records)
    target = view.resource(resource.indicator)
    assert target is not None  # noqa: S101 - read in this very transaction
    found: list[ApiLost] = []
    for application_id in holders.records:
        outcome = explain(Question(application_id=application_id, resource=resource.indicator), view, now)
        scopes = {name: target.scopes[name] for name in outcome.available}
        error = None if outcome.refused is None else outcome.refused.description
        found.append(ApiLost(application=outcome.application, scopes=scopes, error=error))
    return Listing(found, holders.total)


@reads(Permission.ALL)
def role_from_user(tx: Transaction, user_id: str, role_id: str, page: Page) -> Listing[Scope]:
    """
    List the scopes of a role that a user holds.

    Raises:
        Problem: There is no such user, or they do not hold it.
    """
    demand_user(tx, user_id)
    if not user_roles.holding(tx, role_id, [user_id]):
        raise problems.not_found()
    return roles.list_scopes(tx, role_id, NO_SEARCH, page)
