"""
`watchword apps`: applications, their secrets, roles and custom data.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from watchword.cli.families.things import APPLICATION, ROLE
from watchword.cli.rows import (
    Parameter,
    Place,
    Record,
    Row,
    data,
    json_option,
    operand,
    option,
    search,
    subject,
    wish,
)
from watchword.cli.values import milliseconds_ahead
from watchword.server.domain.names import ApplicationType

if TYPE_CHECKING:
    from watchword.cli.api import Api

_APP = subject("app", "The application, by id or name.", APPLICATION)
_SECRETS = "/applications/{app}/secrets"
_SECRET = subject("secret", "The secret, by name.")
_ROLE_COLUMNS = ("id", "name", "type", "description")
_SETTINGS = (
    json_option("oidc_client_metadata", "Redirect URIs and the like.", "oidcClientMetadata"),
    json_option("custom_client_metadata", "How the server treats it.", "customClientMetadata"),
)


async def _with_secret(api: "Api", application: Record, _asked: Mapping[str, Any]) -> Record:
    # Where secrets can't be read back, the answer that makes one carries it.
    if "secret" in application or not ApplicationType(application["type"]).has_secrets:
        return application
    secrets = await api.get(f"/applications/{application['id']}/secrets")
    return {**application, "secret": secrets[0]["value"] if secrets else None}


async def _hidden(_api: "Api", secrets: list[Record], asked: Mapping[str, Any]) -> list[Record]:
    return secrets if asked["reveal"] else [_masked(secret) for secret in secrets]


def _masked(secret: Record) -> Record:
    value = secret["value"]
    if value is None:
        return secret
    shown = f"{value[:3]}…{value[-4:]}"
    return {**{name: None if name == "value" else held for name, held in secret.items()}, "maskedValue": shown}


def _merged(secret: Record) -> Record:
    return {**secret, "value": secret["value"] or secret.get("maskedValue")}


ROWS = (
    Row(
        words="apps list", help="List applications, newest first.", method="GET", path="/applications",
        parameters=(
            search("id, name or description"),
            wish("type", "Only this type; may be repeated.", "types", kind=ApplicationType, repeats=True),
            wish("without_role", "Only those that don't hold this role.", "excludeRoleId", refers=ROLE),
            wish("third_party", "Only third-party applications, or none.", "isThirdParty", kind=bool,
                 off="--no-third-party"),
        ),
        pages=True, columns=("id", "name", "type", "createdAt"),
    ),
    Row(
        words="apps show", help="Show an application.", method="GET", path="/applications/{app}",
        parameters=(_APP,),
    ),
    Row(
        words="apps create", method="POST", path="/applications",
        help="Create an application. Its first secret goes to the terminal or into the JSON, else into a private file.",
        parameters=(
            operand("name", "What people call it."),
            option("type", "Its type.", kind=ApplicationType, default=ApplicationType.MACHINE_TO_MACHINE),
            option("description", "What it is for."),
            json_option("custom_data", "Data of your own.", "customData"),
            *_SETTINGS,
            option("third_party", "It is somebody else's.", "isThirdParty", kind=bool),
        ),
        finishes=_with_secret, secret="secret",
    ),
    Row(
        words="apps update", help="Change an application.", method="PATCH", path="/applications/{app}",
        parameters=(
            _APP,
            option("name", "What people call it."),
            option("description", "What it is for; empty removes it."),
            json_option("custom_data", "Data of your own, in place of what is there.", "customData"),
            *_SETTINGS,
        ),
        changes=True,
    ),
    Row(
        words="apps delete", help="Delete an application; its tokens live on until they expire.",
        method="DELETE", path="/applications/{app}",
        parameters=(subject("app", "The applications, by id or name.", APPLICATION, repeats=True),),
        asks="Delete application {app} with its secrets?", done="Deleted application {app}.",
    ),
    Row(
        words="apps secrets list", help="List an application's secrets.", method="GET", path=_SECRETS,
        parameters=(
            _APP,
            Parameter(name="reveal", help="Show the values that can still be read.", place=Place.NOWHERE,
                      member="", kind=bool, default=False),
        ),
        finishes=_hidden, tidies=_merged, columns=("name", "value", "createdAt", "expiresAt"),
    ),
    Row(
        words="apps secrets create", method="POST", path=_SECRETS,
        help="Add a secret. It goes to the terminal or into the JSON, else into a private file.",
        parameters=(
            _APP,
            operand("name", "What to call it."),
            option("expires", "When it stops working: 2027-01-31T12:00:00Z, or 90d from now.", "expiresAt",
                   reads=milliseconds_ahead),
        ),
        secret="value",
    ),
    Row(
        words="apps secrets rename", help="Rename a secret.", method="PATCH", path=_SECRETS + "/{secret}",
        parameters=(_APP, _SECRET, operand("name", "Its new name.")),
        done="Renamed secret {secret} to {name}.",
    ),
    Row(
        words="apps secrets delete", help="Delete secrets: they stop working at once.",
        method="DELETE", path=_SECRETS + "/{secret}",
        parameters=(_APP, subject("secret", "The secrets, by name.", repeats=True)),
        asks="Delete secret {secret} of {app}?", done="Deleted secret {secret} of {app}.",
    ),
    Row(
        words="apps roles list", help="List an application's roles.",
        method="GET", path="/applications/{app}/roles", parameters=(_APP,), pages=True, columns=_ROLE_COLUMNS,
    ),
    Row(
        words="apps roles add", help="Give roles to an application.",
        method="POST", path="/applications/{app}/roles",
        parameters=(_APP, operand("role", "The roles, by id or name.", "roleIds", ROLE, repeats=True)),
        done="Gave {role} to {app}.",
    ),
    Row(
        words="apps roles set", help="Give an application exactly these roles.",
        method="PUT", path="/applications/{app}/roles",
        parameters=(_APP, operand("role", "The roles, by id or name.", "roleIds", ROLE, repeats=True)),
        done="Gave {app} exactly these roles: {role}.",
    ),
    Row(
        words="apps roles remove", help="Take roles from an application.",
        method="DELETE", path="/applications/{app}/roles/{role}",
        parameters=(_APP, subject("role", "The roles, by id or name.", ROLE, repeats=True)),
        done="Took {role} from {app}.",
    ),
    Row(
        words="apps custom-data get", help="Show an application's custom data.",
        method="GET", path="/applications/{app}", parameters=(_APP,), picks="customData", is_data=True,
    ),
    Row(
        words="apps custom-data set", help="Replace an application's custom data.",
        method="PATCH", path="/applications/{app}", picks="customData", is_data=True,
        parameters=(_APP, data("customData")),
    ),
    Row(
        words="apps custom-data merge", help="Merge into an application's custom data, member by member.",
        method="PATCH", path="/applications/{app}/custom-data",
        parameters=(_APP, data()), is_data=True,
    ),
)  # fmt: skip
