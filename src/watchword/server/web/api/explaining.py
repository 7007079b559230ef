"""
Rows for explanations, which the reference does not have: why a scope is granted or not, and what hangs on a role.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

from watchword.protocol.scopes import format_scope, parse_scope
from watchword.server.domain.explanation import Question
from watchword.server.operations import explaining
from watchword.server.operations.explaining import MOST_SCOPES, Explained
from watchword.server.web.api.guard import Body, NonEmpty, Text, issue, text
from watchword.server.web.api.route import Call, Paged, Paging, Route
from watchword.server.web.api.wire import all_as_json, as_json

LONGEST_SCOPE = 10_000


def _check_scope(value: str) -> str:
    if len(parse_scope(value)) > MOST_SCOPES:
        raise issue(code="custom", message=f"At most {MOST_SCOPES} scopes are explained at once.")
    return value


class ExplainTokenRequest(Body):
    """
    What `POST /explain` takes: who would ask, and the parameters of the token request, `scope` with spaces between.
    """

    application_id: NonEmpty
    resource: Text | None = None
    scope: Annotated[Annotated[str, text(least=0, most=LONGEST_SCOPE)], AfterValidator(_check_scope)] | None = None
    organization_id: Text | None = None


def _explain(call: Call[ExplainTokenRequest]) -> object:
    body = call.body
    question = Question(
        application_id=body.application_id,
        resource=body.resource or None,
        scopes=parse_scope(body.scope),
        organization_id=body.organization_id or None,
    )
    return _as_json(explaining.explain(call.acting, question))


def _explain_record(call: Call[None]) -> object:
    found = explaining.explain_record(call.acting, call.path["id"])
    return {
        "record": as_json(found.record),
        "explanation": None if found.explained is None else _as_json(found.explained),
        "reason": found.reason,
    }


def _obtaining(call: Call[None]) -> Paged:
    found = explaining.obtaining(call.acting, call.path["resourceId"], call.path["scopeId"], call.page)
    return Paged(all_as_json(found.records), found.total)


def _losing(call: Call[None]) -> Paged:
    found = explaining.losing(call.acting, call.path["id"], call.page)
    return Paged(all_as_json(found.records), found.total)


def _as_json(explained: Explained) -> dict[str, object]:
    return {
        **as_json(explained.explanation),
        "remedies": [{**as_json(remedy), "ask": _body_of(remedy.ask)} for remedy in explained.remedies],
        "reach": None if explained.reach is None else all_as_json(explained.reach),
    }


def _body_of(question: Question | None) -> dict[str, object] | None:
    """
    Write a question as `POST /explain` takes it.
    """
    if question is None:
        return None
    return {
        "applicationId": question.application_id,
        "resource": question.resource,
        "scope": format_scope(question.scopes) or None,
        "organizationId": question.organization_id,
    }


ROUTES: Sequence[Route] = (
    Route(
        method="POST", path="/explain", summary="Explain what a token request would come to now, and why",
        handler=_explain, body=ExplainTokenRequest, answer="Explanation", also=(404,),
    ),
    Route(
        method="GET", path="/logs/{id}/explanation", summary="Explain what a recorded token request would come to now",
        handler=_explain_record, answer="ExplainedRecord", also=(422,),
    ),
    Route(
        method="GET", path="/resources/{resourceId}/scopes/{scopeId}/applications",
        summary="List the applications that hold a role with a scope, and whether each can obtain it",
        handler=_obtaining, paging=Paging.ALWAYS, answer="[Obtaining]",
    ),
    Route(
        method="GET", path="/roles/{id}/losses",
        summary="List what the applications that hold a role would no longer be given without it",
        handler=_losing, paging=Paging.ALWAYS, answer="[Loss]",
    ),
)  # fmt: skip
