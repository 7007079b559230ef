"""
Texts that try to be more than text, put into every field that the server keeps.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.support.server import MANAGEMENT_RESOURCE
from tests.support.shop import unique

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.server import RunningServer

# Whatever becomes an element has the attribute `data-hostile`; whatever runs sets `window.hostile`, or opens a dialog.
PAYLOADS = (
    "<script data-hostile>window.hostile=1</script>",
    "<img data-hostile src=x onerror=window.hostile=1>",
    '"><svg data-hostile onload=window.hostile=1>',
    "'><b data-hostile onmouseover=alert(1)>",
    '" autofocus onfocus="alert(1)" data-hostile="',
    "' autofocus onfocus='alert(1)' data-hostile='",
    "</title></textarea></script><iframe data-hostile srcdoc='<script>parent.hostile=1</script>'></iframe>",
    "<base data-hostile href=//evil.example/>",
    '<meta data-hostile http-equiv=refresh content="0;url=//evil.example">',
    "<style data-hostile>*{background:url(//evil.example)}</style>",
    "<div data-hostile hx-post=/console/sign-out hx-trigger=load></div>",
    "<a data-hostile href=javascript:alert(1)>x</a>",
    "javascript:window.hostile=1//",
    "{{ 71993 * 71993 }}{% for one in [1] %}${71993 * 71993}<%= 71993 * 71993 %>",
    "{{ operator.__class__.__mro__ }}{{ self.__init__.__globals__ }}",
    "&lt;script data-hostile&gt;alert(1)&lt;/script&gt;",
    "\u202eright to left\u2066 \u0007bell \u2028line " + "W" * 180,
)
_ALL = " ".join(PAYLOADS)
MULTIPLIED = str(71993 * 71993)


def hostile(field: str, payload: str, most: int = 10_000) -> str:
    """
    Return the text for a field, with the field's own name at the end, so that it is known where it was seen.
    """
    mark = f" ~{field}~"
    return payload[: most - len(mark)] + mark


def put_hostile_texts_in(server: RunningServer) -> None:
    """
    Fill every stored field by the Management API, and the logs by token requests, once with each text.
    """
    for payload in PAYLOADS:
        role = _put(server, "/roles", _role(payload))
        resource = {"name": hostile("resource.name", payload), "indicator": f"https://{unique('hostile')}.api"}
        made = _put(server, "/resources", resource)
        scope = {"name": hostile("scope.name", payload, 256), "description": hostile("scope.description", payload)}
        _put(server, f"/resources/{made['id']}/scopes", scope)
        _put(server, "/users", _user(payload))
        application = _put(server, "/applications", _application(payload))
        path = f"/applications/{application['id']}"
        _put(server, f"{path}/secrets", {"name": hostile("secret.name", payload, 256)})
        if role:
            server.management.post(f"{path}/roles", json={"roleIds": [role["id"]]})
        _ask_for_tokens(server, application["id"], payload)


def _application(payload: str) -> dict[str, object]:
    return {
        "name": hostile("application.name", payload, 256),
        "type": "MachineToMachine",
        "description": hostile("application.description", _ALL),
        "customData": {hostile("key", payload): hostile("application.custom_data", _ALL)},
    }


def _role(payload: str) -> dict[str, object]:
    return {
        "name": hostile("role.name", payload, 128),
        "description": hostile("role.description", payload, 128),
        "type": "MachineToMachine",
    }


def _user(payload: str) -> dict[str, object]:
    return {
        "username": unique("user"),
        "name": hostile("user.name", payload, 128),
        "customData": {hostile("key", payload): hostile("user.custom_data", _ALL)},
        "profile": {"nickname": hostile("user.nickname", payload), "website": payload},
    }


def _ask_for_tokens(server: RunningServer, application_id: str, payload: str) -> None:
    secret = server.management.get(f"/applications/{application_id}/secrets").json()[0]["value"]
    agent = {"user-agent": re.sub(r"[^ -~]", "", hostile("log.user_agent", payload))}
    form = {"grant_type": "client_credentials", "resource": hostile("log.resource", payload)}
    mine = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE, "scope": hostile("log.scope", payload)}
    for fields in (form, mine):
        server.http.post("/oidc/token", data=fields, auth=(application_id, secret), headers=agent)
    unknown = hostile("log.application", payload)
    server.http.post("/oidc/token", data=form, auth=(quote(unknown), "secret"), headers=agent)


def _put(server: RunningServer, path: str, body: Mapping[str, object]) -> dict[str, str]:
    """
    Create something; return nothing where the server does not take such a text.
    """
    answer = server.management.post(path, json=dict(body))
    assert answer.status_code in {200, 201, 400, 422}, f"POST {path}: {answer.status_code} {answer.text}"
    made: dict[str, str] = answer.json() if answer.is_success else {}
    return made
