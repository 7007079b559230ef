"""
What the guide's reader creates: an API with two permissions, a role that holds them. What is there is reused.
"""

from dataclasses import dataclass
from typing import Any

from watchword.cli.failures import Failure
from watchword.cli.quickstart.management import ManagementApi
from watchword.cli.quickstart.places import READ, SHOPPING, WRITE
from watchword.cli.quickstart.printing import Printer
from watchword.server.domain.names import MANAGEMENT_ROLE, RoleType

RESOURCE_NAME, ROLE_NAME = "Online Shopping", "Products access"
ROLE_DESCRIPTION = "Read and write the products of Online Shopping."
_PERMISSIONS = {READ: "See the products.", WRITE: "Change the products."}
_MACHINES = RoleType.MACHINE_TO_MACHINE.value
_WHAT = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """
    Makes things through the Management API, or finds them made, and says which.
    """

    api: ManagementApi
    printer: Printer

    def tell(self, label: str, what: str, call: str) -> None:
        """
        Print what was done, by which call.
        """
        self.printer.row(label, f"{what:{_WHAT}} {call}")

    def ensure_resource(self) -> dict[str, Any]:
        """
        Return the API resource, with its scopes.
        """
        listed = self.api.get("/resources", includeScopes="true")
        resource: dict[str, Any] | None = next((one for one in listed if one["indicator"] == SHOPPING), None)
        if resource is None:
            resource = self.api.post("/resources", {"name": RESOURCE_NAME, "indicator": SHOPPING}).json()
            self.tell("created", f"API resource {RESOURCE_NAME}", "POST /api/resources")
        else:
            self.tell("reused", f"API resource {RESOURCE_NAME}", "GET /api/resources")
        resource["scopes"] = [self._ensure_scope(resource, name) for name in _PERMISSIONS]
        return resource

    def _ensure_scope(self, resource: dict[str, Any], name: str) -> dict[str, Any]:
        scope: dict[str, Any] | None = next((one for one in resource["scopes"] if one["name"] == name), None)
        if scope is None:
            body = {"name": name, "description": _PERMISSIONS[name]}
            scope = self.api.post(f"/resources/{resource['id']}/scopes", body).json()
            self.tell("created", f"permission {name}", "POST /api/resources/:id/scopes")
        else:
            self.tell("reused", f"permission {name}", "GET /api/resources")
        return scope

    def ensure_role(self, scope_ids: list[str]) -> dict[str, Any]:
        """
        Return the machine-to-machine role that holds these scopes.
        """
        role = self.api.find("/roles", "name", ROLE_NAME, type=_MACHINES)
        if role is None:
            body = {
                "name": ROLE_NAME,
                "description": ROLE_DESCRIPTION,
                "type": _MACHINES,
                "scopeIds": scope_ids,
            }
            made: dict[str, Any] = self.api.post("/roles", body).json()
            self.tell("created", f"role {ROLE_NAME}, holds both", "POST /api/roles")
            return made
        self.tell("reused", f"role {ROLE_NAME}", "GET /api/roles")
        held = {scope["id"] for scope in self.api.get(f"/roles/{role['id']}/scopes")}
        missing = [scope_id for scope_id in scope_ids if scope_id not in held]
        if missing:
            self.api.post(f"/roles/{role['id']}/scopes", {"scopeIds": missing})
            self.tell("created", "what the role lacked", "POST /api/roles/:id/scopes")
        return role

    def find_management_role(self) -> dict[str, Any]:
        """
        Return the pre-configured role for the Management API.

        Raises:
            Failure: It has another name here.
        """
        role = self.api.find("/roles", "name", MANAGEMENT_ROLE, type=_MACHINES)
        if role is None:
            raise Failure(f"there is no role of the name {MANAGEMENT_ROLE}: give it back its name")
        self.tell("found", f"role {MANAGEMENT_ROLE}", "GET /api/roles")
        return role

    def ensure_assigned(self, application_id: str, role: dict[str, Any]) -> None:
        """
        Assign a role to an application, unless it has it.
        """
        path = f"/applications/{application_id}/roles"
        if any(held["id"] == role["id"] for held in self.api.get(path, page_size="100")):
            self.tell("reused", "the role, on the application", "GET /api/applications/:id/roles")
        else:
            self.api.post(path, {"roleIds": [role["id"]]})
            self.tell("assigned", "the role, to the application", "POST /api/applications/:id/roles")
