"""
All rows, and what their groups are called.
"""

from watchword.cli.families import apps, explaining, keys, logs, resources, roles, users

ROWS = (*apps.ROWS, *resources.ROWS, *roles.ROWS, *users.ROWS, *keys.ROWS, *logs.ROWS, *explaining.ROWS)
GROUPS = {
    "apps": "Applications: software that asks for tokens.",
    "apps secrets": "An application's secrets.",
    "apps roles": "An application's roles.",
    "apps custom-data": "An application's custom data.",
    "resources": "API resources: what tokens are for.",
    "resources scopes": "An API resource's scopes: the permissions that it offers.",
    "roles": "Roles: named sets of scopes.",
    "roles scopes": "The scopes that a role gives.",
    "roles applications": "The applications that hold a role.",
    "roles users": "The users who hold a role.",
    "users": "Users, as records.",
    "users roles": "A user's roles.",
    "users custom-data": "A user's custom data.",
    "keys": "Signing keys: what tokens are signed with.",
    "logs": "The log: tokens issued and refused, and what was changed.",
}
