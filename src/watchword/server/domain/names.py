"""
Fixed names that scripts of others rely on: the built-in resource, its permission, the roles of a new tenant.
"""

from enum import StrEnum

DEFAULT_TENANT = "default"
MANAGEMENT_RESOURCE_ID = "management-api"
MANAGEMENT_RESOURCE_NAME = "Logto Management API"
MANAGEMENT_SCOPE_ID = "management-api-all"
MANAGEMENT_SCOPE = "all"
MANAGEMENT_SCOPE_DESCRIPTION = "Default scope for Management API, allows all permissions."
MANAGEMENT_ROLE = "Logto Management API access"
MANAGEMENT_ROLE_DESCRIPTION = "This default role grants access to the Logto management API."
ADMIN_ROLE_ID = "admin-role"
INTERNAL_ROLE_PREFIX = "#internal:"
ADMIN_ROLE = "#internal:admin"
DEFAULT_SECRET_NAME = "Default secret"
DEFAULT_TOKEN_LIFETIME = 3600


def management_indicator(tenant_id: str) -> str:
    """
    Return the resource indicator of a tenant's Management API.
    """
    return f"https://{tenant_id}.logto.app/api"


def is_management_indicator(indicator: str) -> bool:
    """
    Tell whether an indicator has the form that is reserved for the Management APIs of tenants.
    """
    label = indicator.removeprefix("https://").removesuffix(".logto.app/api")
    return indicator == management_indicator(label) and bool(label) and "." not in label and "/" not in label


class ApplicationType(StrEnum):
    """
    Kinds of application; machine-to-machine ones get tokens for themselves.
    """

    NATIVE = "Native"
    SPA = "SPA"
    TRADITIONAL = "Traditional"
    MACHINE_TO_MACHINE = "MachineToMachine"
    PROTECTED = "Protected"
    SAML = "SAML"

    @property
    def has_secrets(self) -> bool:
        """
        Whether applications of this type authenticate with secrets.
        """
        return self in {self.MACHINE_TO_MACHINE, self.TRADITIONAL, self.PROTECTED}


class RoleType(StrEnum):
    """
    Whom a role can be given to.
    """

    USER = "User"
    MACHINE_TO_MACHINE = "MachineToMachine"


class OperatorRole(StrEnum):
    """
    What an operator may do: everything, everything but with operators, or look on.
    """

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"


class Permission(StrEnum):
    """
    What an operation demands of its actor. The wire knows one permission so far, `all`; the others are for operators.

    Attributes:
        OPERATORS: To invite, change and remove operators.
        OWN_SESSION: To begin and end a session of one's own.
        JOIN: To become an operator by an invitation.
    """

    ALL = "all"
    OPERATORS = "operators"
    OWN_SESSION = "own-session"
    JOIN = "join"
