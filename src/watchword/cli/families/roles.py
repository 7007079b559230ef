"""
`watchword roles`: roles, the scopes that they give, and the applications and users that hold them.
"""

from watchword.cli.families.things import APPLICATION, RESOURCE, ROLE, SCOPE, SCOPE_OF_ROLE, USER
from watchword.cli.rows import Parameter, Place, Row, operand, option, search, subject, wish
from watchword.server.domain.names import RoleType

_ROLE = subject("role", "The role, by id or name.", ROLE)
_NARROW = Parameter(
    name="resource", help="The API resource whose scopes are meant, where several have one of the name.",
    place=Place.NOWHERE, member="id", refers=RESOURCE,
)  # fmt: skip
_USERS = "The users, by id, user name, e-mail address or phone number."
_SCOPE_COLUMNS = ("id", "name", "resource.indicator", "description")

ROWS = (
    Row(
        words="roles list", help="List roles, each with how many hold it.", method="GET", path="/roles",
        parameters=(
            search("id, name or description"),
            wish("type", "Only this type.", kind=RoleType),
            wish("without_app", "Only roles that this application does not hold.", "excludeApplicationId",
                 refers=APPLICATION),
        ),
        pages=True, columns=("id", "name", "type", "applicationsCount", "usersCount", "description"),
    ),
    Row(words="roles show", help="Show a role.", method="GET", path="/roles/{role}", parameters=(_ROLE,)),
    Row(
        words="roles create", help="Create a role.", method="POST", path="/roles",
        parameters=(
            operand("name", "What people call it."),
            option("description", "What it is for. Default: its name."),
            option("type", "Whom it can be given to.", kind=RoleType, default=RoleType.MACHINE_TO_MACHINE),
            _NARROW,
            option("scope", "A scope that it gives, by id or name; may be repeated.", "scopeIds", refers=SCOPE,
                   repeats=True),
        ),
        fallback={"description": "{name}"},
    ),
    Row(
        words="roles update", help="Change a role.", method="PATCH", path="/roles/{role}",
        parameters=(_ROLE, option("name", "What people call it."), option("description", "What it is for.")),
        changes=True,
    ),
    Row(
        words="roles delete", help="Delete a role: nobody holds it any more.", method="DELETE", path="/roles/{role}",
        parameters=(subject("role", "The roles, by id or name.", ROLE, repeats=True),),
        asks="Delete role {role}?", done="Deleted role {role}.",
    ),
    Row(
        words="roles scopes list", help="List the scopes that a role gives.",
        method="GET", path="/roles/{role}/scopes", parameters=(_ROLE,), pages=True, columns=_SCOPE_COLUMNS,
    ),
    Row(
        words="roles scopes add", help="Let a role give more scopes.", method="POST", path="/roles/{role}/scopes",
        parameters=(
            _ROLE,
            _NARROW,
            operand("scope", "The scopes, by id or name.", "scopeIds", SCOPE, repeats=True),
        ),
        done="{role} now gives {scope}.",
    ),
    Row(
        words="roles scopes remove", help="Take scopes from a role.",
        method="DELETE", path="/roles/{role}/scopes/{scope}",
        parameters=(_ROLE, subject("scope", "The scopes, by id or name.", SCOPE_OF_ROLE, repeats=True)),
        done="Took {scope} from {role}.",
    ),
    Row(
        words="roles applications list", help="List the applications that hold a role.",
        method="GET", path="/roles/{role}/applications", parameters=(_ROLE,), pages=True,
        columns=("id", "name", "createdAt"),
    ),
    Row(
        words="roles applications add", help="Give a role to applications.",
        method="POST", path="/roles/{role}/applications",
        parameters=(
            _ROLE, operand("app", "The applications, by id or name.", "applicationIds", APPLICATION, repeats=True),
        ),
        done="Gave {role} to {app}.",
    ),
    Row(
        words="roles applications remove", help="Take a role from applications.",
        method="DELETE", path="/roles/{role}/applications/{app}",
        parameters=(_ROLE, subject("app", "The applications, by id or name.", APPLICATION, repeats=True)),
        done="Took {role} from {app}.",
    ),
    Row(
        words="roles users list", help="List the users who hold a role, who got it last first.",
        method="GET", path="/roles/{role}/users", parameters=(_ROLE,), pages=True,
        columns=("id", "username", "primaryEmail", "name", "createdAt"),
    ),
    Row(
        words="roles users add", help="Give a role to users.", method="POST", path="/roles/{role}/users",
        parameters=(_ROLE, operand("user", _USERS, "userIds", USER, repeats=True)),
        done="Gave {role} to {user}.",
    ),
    Row(
        words="roles users remove", help="Take a role from users.",
        method="DELETE", path="/roles/{role}/users/{user}",
        parameters=(_ROLE, subject("user", _USERS, USER, repeats=True)),
        done="Took {role} from {user}.",
    ),
)  # fmt: skip
