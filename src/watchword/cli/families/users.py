"""
`watchword users`: users as records, their roles and their custom data.
"""

from watchword.cli.families.things import ROLE, USER
from watchword.cli.rows import Row, data, json_option, operand, option, search, subject, wish

_USER = subject("user", "The user, by id, user name, e-mail address or phone number.", USER)
_WHO = (
    option("username", "Letters, digits and underscores; no digit first."),
    option("email", "E-mail address.", "primaryEmail"),
    option("phone", "Phone number, digits alone, with its country code.", "primaryPhone"),
    option("name", "Full name."),
    option("avatar", "URL of a picture."),
    json_option("custom_data", "Data of your own.", "customData"),
    json_option("profile", "Profile.", "profile"),
)

ROWS = (
    Row(
        words="users list", help="List users, newest first.", method="GET", path="/users",
        parameters=(
            search("id, user name, e-mail address, phone number or name"),
            wish("without_role", "Only those that don't hold this role.", "excludeRoleId", refers=ROLE),
        ),
        pages=True, columns=("id", "username", "primaryEmail", "name", "createdAt"),
    ),
    Row(words="users show", help="Show a user.", method="GET", path="/users/{user}", parameters=(_USER,)),
    Row(words="users create", help="Create a user.", method="POST", path="/users", parameters=_WHO),
    Row(
        words="users update", help="Change a user; an empty value removes what is there.",
        method="PATCH", path="/users/{user}", parameters=(_USER, *_WHO), changes=True,
    ),
    Row(
        words="users delete", help="Delete a user.", method="DELETE", path="/users/{user}",
        parameters=(
            subject("user", "The users, by id, user name, e-mail address or phone number.", USER, repeats=True),
        ),
        asks="Delete user {user}?", done="Deleted user {user}.",
    ),
    Row(
        words="users roles list", help="List a user's roles.",
        method="GET", path="/users/{user}/roles", parameters=(_USER,), pages=True,
        columns=("id", "name", "type", "description"),
    ),
    Row(
        words="users roles add", help="Give roles to a user.", method="POST", path="/users/{user}/roles",
        parameters=(_USER, operand("role", "The roles, by id or name.", "roleIds", ROLE, repeats=True)),
        done="Gave {role} to {user}.",
    ),
    Row(
        words="users roles set", help="Give a user exactly these roles.", method="PUT", path="/users/{user}/roles",
        parameters=(_USER, operand("role", "The roles, by id or name.", "roleIds", ROLE, repeats=True)),
        done="Gave {user} exactly these roles: {role}.",
    ),
    Row(
        words="users roles remove", help="Take roles from a user.",
        method="DELETE", path="/users/{user}/roles/{role}",
        parameters=(_USER, subject("role", "The roles, by id or name.", ROLE, repeats=True)),
        done="Took {role} from {user}.",
    ),
    Row(
        words="users custom-data get", help="Show a user's custom data.",
        method="GET", path="/users/{user}/custom-data", parameters=(_USER,), is_data=True,
    ),
    Row(
        words="users custom-data set", help="Replace a user's custom data.",
        method="PATCH", path="/users/{user}", parameters=(_USER, data("customData")), picks="customData",
        is_data=True,
    ),
    Row(
        words="users custom-data merge", help="Merge into a user's custom data, member by member.",
        method="PATCH", path="/users/{user}/custom-data", parameters=(_USER, data("customData")), is_data=True,
    ),
)  # fmt: skip
