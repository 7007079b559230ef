"""
What would mend a refusal, or let a scope be granted: each a request of the Management API, ready to be sent.

A remedy is a proposal. Whoever sends it needs the permission that its route demands, and is judged by its rules.
"""

from collections.abc import Iterator

from watchword.protocol.resource_indicators import is_registrable
from watchword.protocol.scopes import is_scope_token
from watchword.server.domain import names
from watchword.server.domain.authority import Dropped
from watchword.server.domain.explanation import ExplainedRole, ExplainedScope, Explanation, Question
from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.operations import asking
from watchword.server.operations.asking import LONGEST_INDICATOR, MOST_ALIKE
from watchword.server.operations.remedy import Remedy
from watchword.server.storage import explaining, roles
from watchword.server.storage.transaction import Transaction

MOST_MENDED = 20  # of the scopes that are not granted
_LONGEST_SCOPE, _LONGEST_TITLE = 256, 60


def remedies_for(tx: Transaction, question: Question, explanation: Explanation) -> list[Remedy]:
    """
    Propose what would mend what an explanation says, the simplest first.
    """
    if explanation.refused is not None:
        return list(_of_refusal(tx, question, explanation))
    dropped = [scope for scope in explanation.scopes if scope.reason is not None]
    mended = (remedy for scope in dropped[:MOST_MENDED] for remedy in _of_dropped(tx, question, explanation, scope))
    return [*asking.for_all_that_is_given(question, explanation), *mended]


def _of_refusal(tx: Transaction, question: Question, explanation: Explanation) -> Iterator[Remedy]:
    application = explanation.application
    if application.type is not ApplicationType.MACHINE_TO_MACHINE:
        yield Remedy(
            text="Only machine-to-machine applications get tokens for themselves: create one.",
            method="POST",
            path="/api/applications",
            # Not its namesake: lists would show two of one name, and commands that are given the name choose none.
            body={"name": f"{application.name[:_LONGEST_TITLE]} (machine)", "type": ApplicationType.MACHINE_TO_MACHINE},
        )
    elif not application.usable_secrets:
        yield Remedy(
            text="Give the application a secret that works.",
            method="POST",
            path=f"/api/applications/{application.id}/secrets",
            body={"name": f"Secret of {tx.now():%Y-%m-%d %H:%M}"},
        )
    elif question.organization_id is not None:
        yield asking.without_organization(question)
    elif question.resource is not None:
        # An import may have left an indicator that is no URI: that API is there, and nobody can ask for it.
        if explanation.resource is None or not is_registrable(question.resource):
            yield from _of_unknown_resource(tx, question, question.resource)
    elif explanation.resource is None:
        yield Remedy(text="Name an API resource with `resource`, or make one the default.")
        yield from asking.for_what_is_reached(tx, question)


def _of_unknown_resource(tx: Transaction, question: Question, asked: str) -> Iterator[Remedy]:
    meant = asking.for_what_was_meant(tx, question, asked)
    yield from meant
    if meant:
        return
    if not is_registrable(asked):
        yield asking.for_well_formed(question, asked)
    elif len(asked) <= LONGEST_INDICATOR and not names.is_management_indicator(asked):
        yield Remedy(
            text=f"Register `{asked}` as an API resource.",
            method="POST",
            path="/api/resources",
            body={"name": asked, "indicator": asked},
        )
    yield from asking.for_what_is_reached(tx, question)


def _of_dropped(
    tx: Transaction, question: Question, explanation: Explanation, scope: ExplainedScope
) -> Iterator[Remedy]:
    if scope.reason is Dropped.UNKNOWN:
        yield from _of_unknown_scope(tx, question, explanation, scope.name)
    else:
        yield from _of_scope_not_given(tx, explanation, scope.name)


def _of_unknown_scope(tx: Transaction, question: Question, explanation: Explanation, name: str) -> Iterator[Remedy]:
    assert explanation.resource is not None  # noqa: S101 - scopes are judged on an API
    resource = explanation.resource
    meant = explaining.scopes_spelt_alike(tx, resource.id, name, MOST_ALIKE)
    for spelling in meant:
        yield asking.for_scope(question, name, spelling, f"Ask for `{spelling}`: upper and lower case matter.")
    yield from asking.for_other_apis(tx, question, explanation, name)
    if meant:
        return
    if names.is_management_indicator(resource.indicator):
        only = names.MANAGEMENT_SCOPE
        yield asking.for_scope(question, name, only, f"Ask for `{only}`: the Management API has no other permission.")
    elif not is_scope_token(name) or len(name) > _LONGEST_SCOPE:
        yield asking.for_scope(
            question,
            name,
            None,
            f"Ask without it: no scope can be called so. It is {_LONGEST_SCOPE} characters of ASCII at most, "
            "without blanks, double quotes and backslashes (RFC 6749 §3.3).",
        )
    else:
        yield Remedy(
            scope=name,
            text=f"If it is spelt right, add the permission `{name}` to the API. A role has to give it, too.",
            method="POST",
            path=f"/api/resources/{resource.id}/scopes",
            body={"name": name},
        )


def _of_scope_not_given(tx: Transaction, explanation: Explanation, name: str) -> Iterator[Remedy]:
    assert explanation.resource is not None  # noqa: S101 - scopes are judged on an API
    application = explanation.application
    scope_id = explaining.scope_id(tx, explanation.resource.id, name)
    if scope_id is None:
        return
    giving = explaining.roles_giving(tx, scope_id, MOST_ALIKE)
    for role in giving:
        yield Remedy(
            scope=name,
            text=f"Give “{application.name}” the role “{role.name}”.",
            method="POST",
            path=f"/api/applications/{application.id}/roles",
            body={"roleIds": [role.id]},
        )
    widened = _may_give_more(tx, explanation)
    for held in widened[:MOST_ALIKE]:
        yield Remedy(
            scope=name,
            text=f"Let the role “{held.name}” give it, to all who hold that role.",
            method="POST",
            path=f"/api/roles/{held.id}/scopes",
            body={"scopeIds": [scope_id]},
        )
    if not giving and not widened:
        yield _new_role(tx, application.name, scope_id, name)


def _may_give_more(tx: Transaction, explanation: Explanation) -> list[ExplainedRole]:
    """
    Return the application's roles that may be made wider: never to run this server, and none that came with it.
    """
    assert explanation.resource is not None  # noqa: S101 - as above
    if names.is_management_indicator(explanation.resource.indicator):
        return []
    return [
        role
        for role in explanation.roles
        if role.type is RoleType.MACHINE_TO_MACHINE
        and not role.name.startswith(names.INTERNAL_ROLE_PREFIX)
        and not roles.is_built_in(tx, role.id)
    ]


def _new_role(tx: Transaction, application: str, scope_id: str, name: str) -> Remedy:
    title = f"{name[:_LONGEST_TITLE]} for {application}"[:_LONGEST_TITLE]
    return Remedy(
        scope=name,
        text="Create a role that gives it, then give that to the application.",
        method="POST",
        path="/api/roles",
        body={
            "name": f"{title}, {tx.now():%Y-%m-%d %H:%M}",
            "description": title,
            "type": RoleType.MACHINE_TO_MACHINE,
            "scopeIds": [scope_id],
        },
    )
