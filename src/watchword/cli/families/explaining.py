"""
`watchword explain` and what goes with it: why a scope is granted or not, who can obtain it, what a role is needed for.
"""

import json
import shlex
from collections.abc import Iterator

from watchword.cli.families.things import APPLICATION, RESOURCE, ROLE, SCOPE_OF_RESOURCE
from watchword.cli.rows import Record, Row, operand, option, subject

_HELP = """\
Explain what a token request would come to now, and why.

Where no API resource is named, it also says what the application's roles give it of each. The other way round,
`watchword resources scopes holders` lists who can obtain a scope, and `watchword roles losses` what would be lost
without a role."""


def _told(answer: Record) -> Iterator[str]:
    """
    Say an explanation: the outcome, scope by scope, what would mend it, and role by role.
    """
    yield from _outcome(answer)
    names = {role["id"]: role["name"] for role in answer["roles"]}
    for scope in answer["scopes"]:
        givers = ", ".join(names[role_id] for role_id in scope["roleIds"])
        yield (
            f"  + {scope['name']}: given by {givers}"
            if scope["isGranted"]
            else f"  - {scope['name']}: {scope['reason']}"
        )
        yield from _remedies(answer, scope["name"])
    if answer["reach"] is not None:
        yield from _reach(answer)
    if answer["resource"] is None:
        return
    yield f"Roles of {answer['application']['name']}, and what they give on {answer['resource']['indicator']}:"
    for role in answer["roles"]:
        yield f"  {role['name']} ({role['type']}): {' '.join(role['scopes']) or 'nothing'}"
    if not answer["roles"]:
        yield "  It holds none."


def _outcome(answer: Record) -> Iterator[str]:
    name, granted, refused = answer["application"]["name"], answer["granted"], answer["refused"]
    if refused is not None:
        detail = f" ({refused['detail']})" if refused["detail"] else ""
        yield f"{name} would be refused: {refused['status']} {refused['error']}: {refused['description']}{detail}"
        yield from _remedies(answer, None)
        return
    how = f"for {granted['expiresIn']} s, signed with {granted['algorithm']}"
    yield f"{name} would get a token for {granted['audience']}, {how}."
    yield f"Its scope: {granted['scope']}" if granted["scope"] else "It would have no scope."
    if not answer["scopes"]:
        yield f"No scope was asked for; it could have: {' '.join(answer['available']) or 'none'}"


def _reach(answer: Record) -> Iterator[str]:
    yield f"What {answer['application']['name']} could get:"
    for one in answer["reach"]:
        yield f"  {one['indicator']}: {' '.join(one['scopes'])}"
    if not answer["reach"]:
        yield "  Nothing: no role of it gives a permission of any API resource."


def _remedies(answer: Record, scope: str | None) -> Iterator[str]:
    for remedy in answer["remedies"]:
        if remedy["scope"] == scope:
            yield f"      {remedy['text']}"
            if remedy["method"] is not None:
                body = json.dumps(remedy["body"], ensure_ascii=False)
                yield f"        {remedy['method']} {remedy['path']} {body}"
            if remedy["ask"] is not None:
                yield f"        {_command(remedy['ask'])}"


def _command(ask: Record) -> str:
    """
    Write the command that asks another question.
    """
    options = (("--resource", ask["resource"]), ("--scope", ask["scope"]), ("--organization", ask["organizationId"]))
    given = [word for option, value in options if value for word in (option, value)]
    return shlex.join(["watchword", "explain", ask["applicationId"], *given])


def _told_of_record(answer: Record) -> Iterator[str]:
    """
    Say what was answered, and what the same request would come to now.
    """
    payload = answer["record"]["payload"]
    error = json.loads(payload["error"]) if payload.get("error") else {}
    described = error.get("error_description") or error.get("error") or "no error"
    then = f"scope {payload.get('scope') or 'none'}" if payload["result"] == "Success" else described
    yield f"Then: {payload['result']}, {then}."
    if answer["explanation"] is None:
        yield f"It can't be asked once more: {answer['reason']}"
        return
    yield "Now, with a secret that works:"
    yield from _told(answer["explanation"])


ROWS = (
    Row(
        words="explain", help=_HELP, method="POST", path="/explain", tells=_told,
        parameters=(
            operand("app", "The application, by id or name.", "applicationId", APPLICATION),
            option("resource", "The API resource, by indicator, just as it would be asked for."),
            option("scope", "The scopes that would be asked for, with spaces between."),
            option("organization", "The organization that the token would be for.", "organizationId"),
        ),
    ),
    Row(
        words="logs explain", help="Explain what a recorded token request would come to now.", method="GET",
        path="/logs/{entry}/explanation", parameters=(subject("entry", "The entry, by id."),), tells=_told_of_record,
    ),
    Row(
        words="resources scopes holders", method="GET", path="/resources/{resource}/scopes/{scope}/applications",
        help="List the applications that hold a role with a scope, and whether each can obtain it.",
        parameters=(
            subject("resource", "The API resource, by indicator, name or id.", RESOURCE),
            subject("scope", "The scope, by name or id.", SCOPE_OF_RESOURCE),
        ),
        pages=True, columns=("application.id", "application.name", "isGranted", "roleIds", "error"),
    ),
    Row(
        words="roles losses", help="List what the applications that hold a role would no longer be given without it.",
        method="GET", path="/roles/{role}/losses", parameters=(subject("role", "The role, by id or name.", ROLE),),
        pages=True, columns=("applicationId", "applicationName", "scopes"),
    ),
)  # fmt: skip
