"""
Doing what an explanation proposes.

Nobody sends a request here: the question is asked again, within the transaction that does it, and what was chosen is
done if it is proposed still. So a page that is out of date, or a form that somebody made up, does nothing else.
"""

import msgspec

from watchword.server.domain.explanation import Question
from watchword.server.domain.names import ApplicationType, Permission, RoleType
from watchword.server.domain.problems import Problem
from watchword.server.operations import (
    application_roles,
    applications,
    explaining,
    resources,
    role_scopes,
    roles,
    scopes,
    secrets,
)
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.operation import writes
from watchword.server.operations.remedy import Remedy
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.storage.transaction import Transaction


class Mended(msgspec.Struct, frozen=True, kw_only=True):
    """
    What was done.

    Attributes:
        application_id: The one to ask about from now on.
        secret: The secret that was made, in clear text.
    """

    remedy: Remedy
    application_id: str
    secret: str | None


@writes(Permission.ALL)
def mend(tx: Transaction, question: Question, mark: str, *, may_make_secret: bool) -> Mended:
    """
    Do one of the remedies that the explanation of a question proposes at this moment.

    Args:
        mark: Of the remedy that was chosen.
        may_make_secret: Whether it may be one that makes a secret.

    Raises:
        Problem: It is not proposed any more, or can't be done.
    """
    proposed = explaining.explain.body(tx, question).remedies
    remedy = next((one for one in proposed if one.method is not None and one.mark == mark), None)
    if remedy is None or (remedy.makes_secret and not may_make_secret):
        raise Problem(
            "explain.stale_remedy",
            status=409,
            message="That is not proposed any more: something has changed meanwhile. Here is how things stand now.",
        )
    application_id, secret = _do(tx, question.application_id, remedy)
    return Mended(remedy=remedy, application_id=application_id, secret=secret)


def _do(tx: Transaction, application_id: str, remedy: Remedy) -> tuple[str, str | None]:
    match (remedy.path or "").split("/")[2:], remedy.body:
        case ["applications"], {"name": str(name), "type": ApplicationType.MACHINE_TO_MACHINE}:
            new = NewApplication(name=name, type=ApplicationType.MACHINE_TO_MACHINE)
            made, secret = applications.create.body(tx, new)
            return made.id, secret
        case ["applications", str(asking), "secrets"], {"name": str(name)}:
            return asking, secrets.create.body(tx, asking, name, None).value
        case ["applications", str(asking), "roles"], {"roleIds": [str(role_id)]}:
            application_roles.assign.body(tx, asking, [role_id])
        case ["roles", str(role_id), "scopes"], {"scopeIds": [str(scope_id)]}:
            role_scopes.add.body(tx, role_id, [scope_id])
        case ["roles"], {"name": str(name), "description": str(text), "scopeIds": [str(scope_id)]}:
            role = NewRole(name=name, description=text, type=RoleType.MACHINE_TO_MACHINE, scope_ids=[scope_id])
            roles.create.body(tx, role)
        case ["resources"], {"name": str(name), "indicator": str(indicator)}:
            resources.create.body(tx, NewResource(name=name, indicator=indicator))
        case ["resources", str(resource_id), "scopes"], {"name": str(name)}:
            scopes.create.body(tx, resource_id, name, None)
        case _:
            raise AssertionError("a remedy that nobody knows how to do")
    return application_id, None
