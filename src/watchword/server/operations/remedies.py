"""
What would mend a refusal, or let a scope be granted: each a request of the Management API, ready to be sent.

A remedy is a proposal. Whoever sends it needs the permission that its route demands, and is judged by its rules.
"""

import json
from collections.abc import Iterator, Mapping

import msgspec

from watchword.protocol.resource_indicators import is_registrable
from watchword.server.domain import names
from watchword.server.domain.authority import Dropped
from watchword.server.domain.explanation import (
    ExplainedResource,
    ExplainedRole,
    ExplainedScope,
    Explanation,
    Question,
)
from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.storage import explaining, roles
from watchword.server.storage.transaction import Transaction

MOST_ALIKE = 3
MOST_MENDED = 20  # of the scopes that are not granted
_LONGEST_INDICATOR, _LONGEST_SCOPE, _LONGEST_TITLE = 2_000, 256, 60


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """
    Something that helps.

    Attributes:
        text: What it does, for people.
        scope: The scope that it is about; None where it is about the whole request.
        method: Of the request that does it; None where the asker has to ask differently.
        path: With its `/api`.
        body: What goes with it.
    """

    text: str
    scope: str | None = None
    method: str | None = None
    path: str | None = None
    body: Mapping[str, object] | None = None

    @property
    def mark(self) -> str:
        """
        What tells it from all others: what is done, and to what, by ids. Names don't count, since some hold the time.
        """
        ids = {name: value for name, value in (self.body or {}).items() if name.endswith("Ids")}
        return json.dumps([self.method, self.path, self.scope, ids], ensure_ascii=False)

    @property
    def makes_secret(self) -> bool:
        """
        Whether what it makes is, or has, a secret.
        """
        return self.path is not None and (self.path == "/api/applications" or self.path.endswith("/secrets"))


def remedies_for(tx: Transaction, question: Question, explanation: Explanation) -> list[Remedy]:
    """
    Propose what would mend what an explanation says, the simplest first.
    """
    if explanation.refused is not None:
        return list(_of_refusal(tx, question, explanation))
    dropped = [scope for scope in explanation.scopes if scope.reason is not None]
    return [remedy for scope in dropped[:MOST_MENDED] for remedy in _of_dropped(tx, explanation, scope)]


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
        yield Remedy(text="Ask without `organization_id`: this server has no organizations.")
    elif explanation.resource is None and question.resource is None:
        yield Remedy(text="Name an API resource with `resource`, or make one the default.")
    elif explanation.resource is None and question.resource is not None:
        yield from _of_unknown_resource(tx, question.resource)


def _of_unknown_resource(tx: Transaction, asked: str) -> Iterator[Remedy]:
    alike = explaining.resources_alike(tx, asked, MOST_ALIKE)
    for indicator in alike:
        yield Remedy(text=f"Ask for `{indicator}`, letter by letter: that is the indicator.")
    can_be_made = len(asked) <= _LONGEST_INDICATOR and is_registrable(asked)
    if not alike and can_be_made and not names.is_management_indicator(asked):
        yield Remedy(
            text=f"Register `{asked}` as an API resource.",
            method="POST",
            path="/api/resources",
            body={"name": asked, "indicator": asked},
        )


def _of_dropped(tx: Transaction, explanation: Explanation, scope: ExplainedScope) -> Iterator[Remedy]:
    assert explanation.resource is not None  # noqa: S101 - scopes are judged on an API
    if scope.reason is Dropped.UNKNOWN:
        yield from _of_unknown_scope(tx, explanation.resource, scope.name)
    else:
        yield from _of_scope_not_given(tx, explanation, scope.name)


def _of_unknown_scope(tx: Transaction, resource: ExplainedResource, name: str) -> Iterator[Remedy]:
    meant = explaining.scopes_spelt_alike(tx, resource.id, name, MOST_ALIKE)
    for spelling in meant:
        yield Remedy(scope=name, text=f"Ask for `{spelling}`: upper and lower case matter.")
    for indicator in explaining.apis_with_scope(tx, resource.id, name, MOST_ALIKE):
        yield Remedy(scope=name, text=f"Ask for a token for `{indicator}`: `{name}` is a permission of that API.")
    can_be_made = len(name) <= _LONGEST_SCOPE and name.isprintable()
    if not meant and can_be_made and not names.is_management_indicator(resource.indicator):
        yield Remedy(
            scope=name,
            text=f"If it is spelt right, add the permission `{name}` to the API. A role has to give it, too.",
            method="POST",
            path=f"/api/resources/{resource.id}/scopes",
            body={"name": name},
        )


def _of_scope_not_given(tx: Transaction, explanation: Explanation, name: str) -> Iterator[Remedy]:
    assert explanation.resource is not None  # noqa: S101 - as above
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
