"""
Explaining: what a token request would come to and why, who can obtain a scope, and what a role is needed for.

All of it is judged by the code of the token path, over a view of one transaction; nothing is granted or recorded.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from watchword.protocol.names import GrantType
from watchword.protocol.scopes import parse_scope
from watchword.server.domain import explanation, problems
from watchword.server.domain.client_auth.origins import is_of_origin
from watchword.server.domain.events import CUT, KEYS, TOKEN_KEY_PREFIX
from watchword.server.domain.explanation import ExplainedApplication, Explanation, Question
from watchword.server.domain.names import Permission
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import LogEntry, Resource, Scope
from watchword.server.domain.redaction import HIDDEN, shown_id
from watchword.server.domain.search import NO_SEARCH
from watchword.server.domain.view import View
from watchword.server.operations.operation import reads
from watchword.server.operations.reaching import Reach, reach_of
from watchword.server.operations.remedies import remedies_for
from watchword.server.operations.remedy import Remedy
from watchword.server.operations.resources import demand as demand_resource
from watchword.server.operations.role_scopes import demand as demand_role
from watchword.server.storage import explaining, logs, resources, roles
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction
from watchword.server.storage.view import TransactionView

MOST_SCOPES = 100  # each costs some queries
MOST_REACHED = 100


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """
    An explanation, and what would mend it.

    Attributes:
        reach: What the application's roles give by API, the first hundred; None where the question names an API.
    """

    explanation: Explanation
    remedies: Sequence[Remedy]
    reach: Sequence[Reach] | None


class Obtaining(msgspec.Struct, frozen=True, kw_only=True):
    """
    An application with a role that gives a scope.

    Attributes:
        is_granted: Whether a request for it would be granted now.
        role_ids: Its roles that give the scope.
        error: Why it would not, in the protocol's words.
    """

    application: ExplainedApplication
    is_granted: bool
    role_ids: Sequence[str]
    error: str | None


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """
    What an application would lose with a role: scopes by the indicator of their API.
    """

    application_id: str
    application_name: str
    scopes: Mapping[str, Sequence[str]]


class ExplainedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """
    A record of a token request, and what the same request would come to now.

    Attributes:
        question: What was asked; None where that can't be told.
        explained: None where it can't be asked once more; then `reason` says why.
    """

    record: LogEntry
    question: Question | None
    explained: Explained | None
    reason: str | None


@reads(Permission.ALL)
def explain(tx: Transaction, question: Question) -> Explained:
    """
    Say what a token request would come to now, and why.

    Raises:
        Problem: There is no such application, or there are too many scopes.
    """
    if len(question.scopes) > MOST_SCOPES:
        raise problems.invalid_input(f"At most {MOST_SCOPES} scopes are explained at once.")
    return _explained(tx, question)


@reads(Permission.ALL)
def explain_record(tx: Transaction, entry_id: str) -> ExplainedRecord:
    """
    Ask once more what a record says was asked.

    Raises:
        Problem: There is no such record, or it is none of a token request.
    """
    entry = logs.find(tx, entry_id)
    if entry is None:
        raise problems.unknown("logs", entry_id)
    if not entry.key.startswith(TOKEN_KEY_PREFIX):
        raise Problem("log.not_a_token_request", status=422, message="Only records of token requests can be explained.")
    reason = _not_repeatable(entry)
    if reason is not None:
        return ExplainedRecord(record=entry, question=None, explained=None, reason=reason)
    question = _question_of(entry)
    try:
        return ExplainedRecord(record=entry, question=question, explained=_explained(tx, question), reason=None)
    except Problem:
        return ExplainedRecord(record=entry, question=question, explained=None, reason="The application is gone.")


@reads(Permission.ALL)
def obtaining(tx: Transaction, resource_id: str, scope_id: str, page: Page | None) -> Listing[Obtaining]:
    """
    List the applications that hold a role which gives a scope, each judged as if it asked for that scope alone.

    Raises:
        Problem: There is no such resource or scope.
    """
    resource, scope = _demand_scope(tx, resource_id, scope_id)
    view, now = TransactionView(tx), tx.now()
    holders = explaining.holders_of_scope(tx, scope_id, page)
    view.read_ahead(holders.records)
    found = [judge(view, now, application_id, resource, scope) for application_id in holders.records]
    return Listing(found, holders.total)


def judge(view: View, now: datetime, application_id: str, resource: Resource, scope: Scope) -> Obtaining:
    """
    Judge whether an application would be granted a scope, as if it asked for that one alone.

    Args:
        now: Aware UTC datetime.
    """
    question = Question(application_id=application_id, resource=resource.indicator, scopes=(scope.name,))
    outcome = explanation.explain(question, view, now)
    return Obtaining(
        application=outcome.application,
        is_granted=any(one.is_granted for one in outcome.scopes),
        role_ids=[role.id for role in outcome.roles if scope.name in role.scopes],
        error=None if outcome.refused is None else outcome.refused.description,
    )


@reads(Permission.ALL)
def scope_named(tx: Transaction, indicator: str, name: str) -> tuple[Resource, Scope]:
    """
    Find a scope by the names that a token request has for it.

    Raises:
        Problem: There is no such API, or no such scope of it.
    """
    resource = resources.find_by_indicator(tx, indicator)
    if resource is None:
        raise Problem(
            "entity.not_found", status=404, message=f"There is no API `{shown_id(indicator)}`.", about="resource"
        )
    scope_id = explaining.scope_id(tx, resource.id, name)
    if scope_id is None:
        raise Problem(
            "entity.not_found", status=404, message=f"That API has no permission `{shown_id(name)}`.", about="scope"
        )
    return _demand_scope(tx, resource.id, scope_id)


@reads(Permission.ALL)
def losing(tx: Transaction, role_id: str, page: Page | None) -> Listing[Loss]:
    """
    List the applications that hold a role, and what each could no longer have without it.

    Raises:
        Problem: There is no such role.
    """
    demand_role(tx, role_id)
    view = TransactionView(tx)
    targets = [view.resource(indicator) for indicator in explaining.indicators_of_role(tx, role_id)]
    holders = roles.list_applications(tx, role_id, NO_SEARCH, page)
    view.read_ahead([holder.id for holder in holders.records])
    found: list[Loss] = []
    for holder in holders.records:
        application = view.application(holder.id)
        assert application is not None  # noqa: S101 - read in this very transaction
        held = view.roles(application)
        role = next(role for role in held if role.id == role_id)
        lost = {target.indicator: explanation.lost_without(role, held, target) for target in targets if target}
        found.append(
            Loss(
                application_id=application.id,
                application_name=application.name,
                scopes={indicator: scopes for indicator, scopes in lost.items() if scopes},
            )
        )
    return Listing(found, holders.total)


def _demand_scope(tx: Transaction, resource_id: str, scope_id: str) -> tuple[Resource, Scope]:
    resource, scope = demand_resource(tx, resource_id), resources.find_scope(tx, resource_id, scope_id)
    if scope is None:
        raise problems.unknown("scopes", scope_id)
    return resource, scope


def _explained(tx: Transaction, question: Question) -> Explained:
    outcome = explanation.explain(question, TransactionView(tx), tx.now())
    reached = None if question.resource is not None else reach_of(tx, question.application_id, MOST_REACHED)
    return Explained(explanation=outcome, remedies=remedies_for(tx, question, outcome), reach=reached)


def _not_repeatable(entry: LogEntry) -> str | None:
    payload = entry.payload
    if payload.get("notRecorded"):
        return "It stands for refusals that were counted and not recorded one by one."
    if entry.key != KEYS[GrantType.CLIENT_CREDENTIALS]:
        return "It could not be read, or asked for something else than a token for the application itself."
    error = payload.get("error")
    if isinstance(error, Mapping) and is_of_origin(str(error.get("error_description"))):
        return "A page in a browser asked, whose origin its application does not list."
    if payload.get("cut") or any(mark in value for value in _asked(entry).values() for mark in (CUT, HIDDEN)):
        return "The record does not hold all of what was asked."
    if not payload.get("applicationId"):
        return "No application of this server asked."
    return None


def _question_of(entry: LogEntry) -> Question:
    given = _asked(entry)
    return Question(
        application_id=str(entry.payload["applicationId"]),
        resource=given.get("resource"),
        scopes=parse_scope(given.get("scope")),
        organization_id=given.get("organization_id"),
    )


def _asked(entry: LogEntry) -> Mapping[str, str]:
    params = entry.payload.get("params")
    given = params if isinstance(params, Mapping) else {}
    return {name: str(given[name]) for name in ("resource", "scope", "organization_id") if given.get(name)}
