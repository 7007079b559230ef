"""
Refusals of the Management API, as failures that say what to do.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from watchword.cli.failures import FAILED, MISUSED, NOT_FOUND, REFUSED, UNREACHABLE, Failure
from watchword.cli.output import printable

_ACCESS = (
    "give the application the role that may manage, on the server's machine: "
    "watchword apps roles add APP 'Logto Management API access'"
)
_READ_ONLY = "it belongs to the server and stays as it is"
_WHAT_TO_DO = {
    "auth.unauthorized": "check --endpoint, --client-id and --client-secret",
    "auth.forbidden": _ACCESS,
    "entity.invalid_input": "give at least one thing that can be changed",
    "application.secret_name_exists": "choose another name; `watchword apps secrets list` shows those taken",
    "application.invalid_type": "only applications of type MachineToMachine have roles",
    "application.invalid_role_type": "choose a role of type MachineToMachine: `watchword roles list`",
    "user.invalid_role_type": "choose a role of type User: `watchword roles list --type User`",
    "role.user_exists": "`watchword roles users list` shows who has it; leave those out",
    "resource.resource_identifier_in_use": "choose another; `watchword resources list` shows those taken",
    "resource.cannot_modify_management_api": _READ_ONLY,
    "resource.cannot_delete_management_api": _READ_ONLY,
    "scope.name_exists": "choose another name; `watchword resources scopes list` shows those taken",
    "scope.name_with_space": "write it without spaces, like read:products",
    "role.name_in_use": "choose another name; `watchword roles list` shows those taken",
    "role.scope_exists": "`watchword roles scopes list` shows what it has; leave that out",
    "role.application_exists": "`watchword roles applications list` shows who has it; leave those out",
    "role.internal_role_violation": _READ_ONLY,
    "role.management_api_scopes_not_assignable_to_user_role": "make a role of type MachineToMachine for it",
    "signing_key.algorithm_not_in_use": "`watchword keys list` shows what tokens are signed with",
    "signing_key.too_many": "wait until the tokens of the oldest have expired: `watchword keys list` shows when",
    "user.username_already_in_use": "choose another; `watchword users list --search` finds who has it",
    "user.email_already_in_use": "choose another; `watchword users list --search` finds who has it",
    "user.phone_already_in_use": "choose another; `watchword users list --search` finds who has it",
}
# Where a thing's commands have another name than its path.
_COMMANDS = {"applications": "apps", "signing-keys": "keys"}
_BY_STATUS: Mapping[int, tuple[int, str]] = {
    HTTPStatus.BAD_REQUEST: (MISUSED, "see the command's --help for what it takes"),
    HTTPStatus.UNAUTHORIZED: (REFUSED, "check --client-id and --client-secret"),
    HTTPStatus.FORBIDDEN: (REFUSED, _ACCESS),
    HTTPStatus.NOT_FOUND: (NOT_FOUND, "`list` shows what there is"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (MISUSED, "send less"),
    HTTPStatus.UNPROCESSABLE_ENTITY: (FAILED, "see the command's --help for what it takes"),
    HTTPStatus.TOO_MANY_REQUESTS: (UNREACHABLE, "try again in a moment"),
    HTTPStatus.SERVICE_UNAVAILABLE: (UNREACHABLE, "try again in a moment"),
}


def failure_of_answer(response: httpx.Response) -> Failure:
    """
    Say what an answer that is no success means.
    """
    members = _members(response)
    code, message = members.get("code"), members.get("message")
    if not isinstance(message, str):
        return strange(response)
    exit_code, what = _BY_STATUS.get(response.status_code, (FAILED, _report(members)))
    what = _WHAT_TO_DO.get(str(code), what)
    details = members.get("details")
    text = message.rstrip(". ") if not isinstance(details, str) else f"{message.rstrip('. ')}: {details.rstrip('. ')}"
    what = what.replace("`list`", f"`watchword {commands_for(response.url.path)} list`")
    return Failure(printable(f"{text}: {what}"), code=exit_code)


def commands_for(path: str) -> str:
    """
    Return the words of the commands that handle what a path of the Management API names last by its id.
    """
    segments = path.strip("/").split("/")[1:]
    # Nouns and ids in turns: a noun without an id, at the end, is not what was looked for.
    first, *others = segments[: len(segments) // 2 * 2 : 2] or segments
    return " ".join([_COMMANDS.get(first, first), *others])


def strange(response: httpx.Response) -> Failure:
    """
    Say that whoever answers is no server of ours.
    """
    return Failure(
        f"{response.url.copy_with(query=None)} answers {response.status_code}, and not as the Management API does: "
        "see that --endpoint names the server and nothing else"
    )


def unreachable(endpoint: str, error: Exception) -> Failure:
    """
    Say that nobody answers.
    """
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Failure(
        printable(f"{endpoint} can't be reached ({reason}): see that the server runs and that --endpoint is right"),
        code=UNREACHABLE,
    )


def _members(response: httpx.Response) -> Mapping[str, Any]:
    try:
        value = response.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _report(members: Mapping[str, Any]) -> str:
    return f"the server's log has more, under request {members.get('request_id', 'of this moment')}"
