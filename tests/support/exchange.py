"""
Management API exchanges as rows of a table: a request, the requests before it, and the whole answer.

Owns: the notation (`<app>` in a path, a body or an answer is the id of an application made for this row
alone), playing a row against a server and comparing what comes back.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.shop import create
from tests.support.wire import assert_answer, assert_code, assert_page

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.support.server import RunningServer

NAME = re.compile(r"<([a-z][a-z0-9 ]*)>")
NO_BODY = object()
REDIRECT = {"redirectUris": ["https://x.example/cb"], "postLogoutRedirectUris": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """
    One request and its answer.

    Args:
        method: The verb.
        path: Below `/api`, with its query.
        body: JSON to send; bytes go out as they are, but for names; left out sends none.
        content_type: Of a body in bytes.
        status: What must come back.
        answer: The whole body; a text for a text answer, None for an empty one.
        code: When given, of an error only `code` is compared.
        total: `Total-Number` of a paginated answer, whose `Link` headers are then checked too.
        allow: The `Allow` header.
        before: Exchanges that come first; only their success is checked.
    """

    method: str
    path: str
    body: object = NO_BODY
    content_type: str = "application/json"
    status: int = 200
    answer: object = None
    code: str | None = None
    total: int | None = None
    allow: str | None = None
    before: tuple[Exchange, ...] = ()


def first(method: str, path: str, body: object = NO_BODY) -> Exchange:
    """
    Return an exchange that only prepares another.
    """
    return Exchange(method=method, path=path, body=body)


@dataclass(slots=True)
class World:
    """
    What the names in a row stand for; each thing is created when a row first names it.
    """

    server: RunningServer
    known: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """
        Return what `name` stands for, creating it on the first use.
        """
        if name not in self.known:
            self.known[name] = MAKERS[name](self)
        return self.known[name]

    def fill(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """
        Replace the names in every string of a JSON value.
        """
        if isinstance(value, str):
            return NAME.sub(lambda found: self[found[1]], value)
        if isinstance(value, list):
            return [self.fill(element) for element in value]
        if isinstance(value, dict):
            return {self.fill(name): self.fill(element) for name, element in value.items()}
        return value

    def made(self, path: str, body: dict[str, object]) -> str:
        """
        Create something and return its id.
        """
        id_: str = create(self.server, self.fill(path), self.fill(body))["id"]
        return id_

    def send(self, exchange: Exchange) -> httpx.Response:
        """
        Send an exchange's request with a token that may do everything.
        """
        headers = {}
        content = None
        if isinstance(exchange.body, bytes):
            text = exchange.body.decode(errors="surrogateescape")
            content = self.fill(text).encode(errors="surrogateescape")
            headers = {"content-type": exchange.content_type} if exchange.content_type else {}
        elif exchange.body is not NO_BODY:
            content = json.dumps(self.fill(exchange.body)).encode()
            headers = {"content-type": "application/json"}
        return self.server.management.request(
            exchange.method, self.fill(exchange.path), content=content, headers=headers
        )

    def play(self, exchange: Exchange) -> httpx.Response:
        """
        Play a row: what comes before it, then the exchange, whose answer is compared exactly.
        """
        for step in exchange.before:
            prepared = self.send(step)
            assert prepared.is_success, f"{step.method} {step.path}: {prepared.status_code} {prepared.text}"
        answer = self.send(exchange)
        if exchange.code is None:
            assert_answer(answer, exchange.status, self.fill(exchange.answer))
        else:
            assert_code(answer, exchange.status, exchange.code)
        if exchange.total is not None:
            assert_page(answer, self.server.endpoint, self.fill(exchange.path), exchange.total)
        if exchange.allow is not None:
            assert answer.headers.get("allow") == exchange.allow
        return answer


def access_role(world: World) -> str:
    """
    Return the id of the pre-configured role of the Management API.
    """
    found = world.server.management.get("/roles", params={"search": "Logto Management API access"}).json()
    id_: str = found[0]["id"]
    return id_


MAKERS: dict[str, Callable[[World], str]] = {
    "n": lambda _: secrets.token_hex(6),
    "endpoint": lambda world: world.server.endpoint,
    "access": access_role,
    "app": lambda world: world.made("/applications", {"name": "a<n>", "type": "MachineToMachine"}),
    "other": lambda world: world.made("/applications", {"name": "o<n>", "type": "MachineToMachine"}),
    "spa": lambda world: world.made("/applications", {"name": "spa<n>", "type": "SPA"}),
    "native": lambda world: world.made("/applications", {"name": "native<n>", "type": "Native"}),
    "traditional": lambda world: world.made(
        "/applications", {"name": "t<n>", "type": "Traditional", "oidcClientMetadata": REDIRECT}
    ),
    "third party": lambda world: world.made("/applications", {"name": "third<n>", "type": "SPA", "isThirdParty": True}),
    "indicator": lambda world: world.fill("https://s<n>.api"),
    "resource": lambda world: world.made("/resources", {"name": "Shop", "indicator": "<indicator>"}),
    "read": lambda world: world.made(
        "/resources/<resource>/scopes", {"name": "read:products", "description": "read:products"}
    ),
    "write": lambda world: world.made(
        "/resources/<resource>/scopes", {"name": "write:products", "description": "write:products"}
    ),
    "role": lambda world: world.made("/roles", {"name": "m<n>", "description": "d", "type": "MachineToMachine"}),
    "role two": lambda world: world.made(
        "/roles", {"name": "second<n>", "description": "d", "type": "MachineToMachine"}
    ),
    "user role": lambda world: world.made("/roles", {"name": "u<n>", "description": "d", "type": "User"}),
    "user": lambda world: world.made("/users", {"username": "u<n>", "primaryEmail": "u<n>@x.example", "name": "U"}),
}
