"""
The "Online Shopping" API inside a running server, and an application that may use it.

Owns: making what a token request needs (resource, permissions, role, application, secret) through the
Management API, and the short notation of the recordings: `<id>`, `<secret>`, `<resource>` in a form,
`Basic <id:secret>` in a header.
"""

from __future__ import annotations

import base64
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.support.wire import FORM, encode_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from tests.support.server import RunningServer

BASIC = "Basic <id:secret>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """
    An application and its default secret; `secret` is empty for types that have none.
    """

    id: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """
    One API with three permissions, of which a role gives an application the first two.
    """

    server: RunningServer
    indicator: str
    resource_id: str
    scope_ids: Mapping[str, str]
    role_id: str
    application: Application

    def fill(self, text: str) -> str:
        """
        Replace `<id>`, `<secret>` and `<resource>`, as the recordings write them.
        """
        filled = text.replace("<id>", self.application.id).replace("<secret>", self.application.secret)
        return filled.replace("<resource>", self.indicator)

    def authorization(self, text: str) -> str:
        """
        Replace `<user:password>` by its base64; `id` and `secret` stand for the application's.
        """
        names = {"id": self.application.id, "secret": self.application.secret}
        names |= {f"%{name}": "".join(f"%{ord(letter):02X}" for letter in text) for name, text in names.items()}

        def encode(found: re.Match[str]) -> str:
            user, password = (names.get(half, half) for half in found[1].split(":", 1))
            return base64.b64encode(f"{user}:{password}".encode()).decode()

        return re.sub(r"<([^>]*:[^>]*)>", encode, text)

    def ask(
        self,
        form: str | bytes,
        *,
        authorization: str | None = BASIC,
        headers: Mapping[str, str] | None = None,
        path: str = "/oidc/token",
    ) -> httpx.Response:
        """
        Send a token request.

        Args:
            form: Readable text (`scope=a b`), encoded here; bytes go out as they are.
            authorization: The header in the notation above; None sends none.
            headers: Further headers; a `content-type` in it replaces the form's.
            path: Where to, with a query if one is wanted.
        """
        sent = {"content-type": FORM}
        if authorization is not None:
            sent["authorization"] = self.authorization(authorization)
        content = form if isinstance(form, bytes) else encode_form(self.fill(form)).encode()
        return self.server.http.post(path, content=content, headers=sent | dict(headers or {}))

    def request_token(self, **form: str | list[str]) -> httpx.Response:
        """
        Ask for a token for this API with the application's own credentials.
        """
        return self.server.token(self.application.id, self.application.secret, **{"resource": self.indicator, **form})

    def assert_still_serves(self) -> None:
        """
        Check that an honest request gets its token, whatever was sent before.
        """
        answer = self.request_token(scope="read:products")
        assert answer.status_code == 200, answer.text
        assert answer.json()["scope"] == "read:products"


def unique(prefix: str) -> str:
    """
    Return a name that no other test uses.
    """
    return f"{prefix}{secrets.token_hex(6)}"


def create(server: RunningServer, path: str, body: Mapping[str, object]) -> dict[str, Any]:
    """
    Create something through the Management API and return it.
    """
    answer = server.management.post(path, json=dict(body))
    assert answer.status_code in {200, 201}, f"POST {path}: {answer.status_code} {answer.text}"
    created: dict[str, Any] = answer.json()
    return created


def create_application(server: RunningServer, kind: str = "MachineToMachine", **members: object) -> Application:
    """
    Create an application and read its default secret, as a provisioning script does.
    """
    created = create(server, "/applications", {"name": unique("app"), "type": kind, **members})
    found = server.management.get(f"/applications/{created['id']}/secrets").json()
    return Application(id=created["id"], secret=found[0]["value"] if found else "")


def create_role(server: RunningServer, *scope_ids: str, kind: str = "MachineToMachine", **members: object) -> str:
    """
    Create a role that holds these permissions and return its id.
    """
    body: dict[str, object] = {"name": unique("role"), "description": "d", "type": kind, **members}
    role_id: str = create(server, "/roles", body)["id"]
    if scope_ids:
        answer = server.management.post(f"/roles/{role_id}/scopes", json={"scopeIds": list(scope_ids)})
        assert answer.status_code == 201, answer.text
    return role_id


def create_resource(server: RunningServer, *scopes: str, **members: object) -> tuple[str, str, dict[str, str]]:
    """
    Create an API resource with permissions; return its id, its indicator, and the permissions' ids by name.
    """
    indicator = f"https://{unique('shop')}.api"
    resource_id = create(server, "/resources", {"name": "Shop", "indicator": indicator, **members})["id"]
    path = f"/resources/{resource_id}/scopes"
    ids = {name: create(server, path, {"name": name, "description": name})["id"] for name in scopes}
    return resource_id, indicator, ids


def assign(server: RunningServer, application_id: str, *role_ids: str) -> None:
    """
    Give an application these roles.
    """
    path = f"/applications/{quote(application_id)}/roles"
    answer = server.management.post(path, json={"roleIds": list(role_ids)})
    assert answer.status_code == 201, answer.text


def create_shop(server: RunningServer) -> Shop:
    """
    Create the API, its role and its application through the Management API.
    """
    resource_id, indicator, scope_ids = create_resource(server, "read:products", "write:products", "delete:products")
    role_id = create_role(server, scope_ids["read:products"], scope_ids["write:products"])
    application = create_application(server)
    assign(server, application.id, role_id)
    return Shop(
        server=server,
        indicator=indicator,
        resource_id=resource_id,
        scope_ids=scope_ids,
        role_id=role_id,
        application=application,
    )
