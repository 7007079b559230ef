"""
The Management API's records as answers show them: every member, in its order, ids and times left open.
"""

from __future__ import annotations

from tests.support.wire import ID, MILLISECONDS

BUILT_IN_RESOURCE: dict[str, object] = {
    "tenantId": "default",
    "id": "management-api",
    "name": "Logto Management API",
    "indicator": "https://default.logto.app/api",
    "isDefault": False,
    "accessTokenTtl": 3600,
}
BUILT_IN_SCOPE: dict[str, object] = {
    "tenantId": "default",
    "id": "management-api-all",
    "resourceId": "management-api",
    "name": "all",
    "description": "Default scope for Management API, allows all permissions.",
    "createdAt": MILLISECONDS,
}


def application(**members: object) -> dict[str, object]:
    """
    Return an application as lists and writes show it; with `isAdmin` as reading one shows it.
    """
    record: dict[str, object] = {
        "tenantId": "default",
        "id": ID,
        "name": "x",
        "description": None,
        "type": "MachineToMachine",
        "oidcClientMetadata": {"redirectUris": [], "postLogoutRedirectUris": []},
        "customClientMetadata": {},
        "protectedAppMetadata": None,
        "customData": {},
        "isThirdParty": False,
        "appLevelAccessControlEnabled": False,
        "createdAt": MILLISECONDS,
    }
    return record | members


def resource(**members: object) -> dict[str, object]:
    """
    Return an API resource; with `scopes` as creating one shows it.
    """
    record: dict[str, object] = {
        "tenantId": "default",
        "id": ID,
        "name": "Shop",
        "indicator": "<indicator>",
        "isDefault": False,
        "accessTokenTtl": 3600,
    }
    return record | members


def scope(**members: object) -> dict[str, object]:
    """
    Return a permission of an API resource; with `resource` as a role's list shows it.
    """
    record: dict[str, object] = {
        "tenantId": "default",
        "id": ID,
        "resourceId": "<resource>",
        "name": "read:products",
        "description": "read:products",
        "createdAt": MILLISECONDS,
    }
    return record | members


def not_exists_with_id(table: str, id_: str = "nope") -> dict[str, object]:
    """
    Return the error of a lookup by id that finds nothing.
    """
    return {
        "code": "entity.not_exists_with_id",
        "message": f"The {table} with ID `{id_}` does not exist.",
    }


NOT_FOUND: dict[str, object] = {"code": "entity.not_found", "message": "The resource does not exist."}
BAD_PAGE: dict[str, object] = {
    "code": "guard.invalid_pagination",
    "message": "The request pagination value is invalid.",
}
