"""
Requests that carry secrets in all the right and wrong places, to every route there is.

Owns: what is sent. Leaves to `test_secrets_never_leak.py`: sending it, and looking where it comes out.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from tests.support.shop import Application
from watchword.server.web.api.guard import Body
from watchword.server.web.api.route import Route

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """
    One request; `path` is percent-encoded and begins at the root.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """
    What must not come out again: an application with its secret, and others by name.
    """

    application: Application
    token: str
    master_key: str
    password: str
    password_digest: str

    def pasted(self) -> tuple[str, ...]:
        """
        Return those that people copy and paste, and so put into the wrong place.
        """
        return (self.application.secret, self.token, self.master_key)


def management_requests(route: Route, bearer: str, secrets: Secrets) -> Iterator[Sent]:
    """
    Yield requests to one route of the Management API.

    Args:
        bearer: The header of a caller who may do everything.
    """
    plain = f"/api{route.path}"
    for name in route.path_parameters:
        plain = plain.replace(f"{{{name}}}", "nope")
    for authorization in wrong_headers(secrets):
        headers = {"authorization": authorization, "x-api-key": secrets.master_key, "cookie": secrets.password}
        yield Sent(method=route.method, path=plain, headers=headers)
    allowed = {"authorization": bearer}
    misplaced = {
        "access_token": secrets.token,
        "client_secret": secrets.application.secret,
        "master_key": secrets.master_key,
        "password": secrets.password,
    }
    known = dict.fromkeys([*(query.name for query in route.query), "search", "page"], secrets.application.secret)
    for query in (misplaced, known, {**known, "search": secrets.token, "mode": secrets.token}):
        yield Sent(method=route.method, path=f"{plain}?{urlencode(query)}", headers=allowed)
    for name in route.path_parameters:
        for secret in secrets.pasted():
            path = f"/api{route.path}".replace(f"{{{name}}}", quote(secret, safe=""))
            for other in route.path_parameters:
                path = path.replace(f"{{{other}}}", "nope")
            yield Sent(method=route.method, path=path, headers=allowed)
    if route.method in {"POST", "PUT", "PATCH"}:
        for content_type, body in wrong_bodies(route, secrets):
            yield Sent(method=route.method, path=plain, headers={**allowed, "content-type": content_type}, body=body)


def wrong_headers(secrets: Secrets) -> Iterator[str]:
    """
    Yield `Authorization` headers with a secret where none, or another one, belongs.
    """
    yield basic(secrets.application.id, secrets.application.secret)
    yield basic(secrets.application.secret, secrets.application.id)
    for secret in (*secrets.pasted(), secrets.password):
        yield f"Bearer {secret}"
    yield secrets.application.secret
    yield f"Basic {secrets.application.secret}"


def wrong_bodies(route: Route, secrets: Secrets) -> Iterator[tuple[str, bytes]]:
    """
    Yield bodies with secrets in every member that the route knows, in others, and outside of any.
    """
    others = {
        "client_secret": secrets.application.secret,
        "password": secrets.password,
        "passwordDigest": secrets.password_digest,
        "token": secrets.token,
        "masterKey": secrets.master_key,
    }
    yield JSON, json.dumps(others).encode()
    yield JSON, json.dumps([others]).encode()
    yield JSON, json.dumps(others).encode()[:-1]
    yield JSON, secrets.application.secret.encode()
    yield "text/plain", secrets.password.encode()
    yield FORM, urlencode(others).encode()
    if route.body is not None and issubclass(route.body, Body):
        names = [member.alias or name for name, member in route.body.model_fields.items()]
        for secret in (secrets.application.secret, secrets.token):
            values: tuple[object, ...] = (secret, [secret], {secret: secret})
            for value in values:
                yield JSON, json.dumps({name: value for name in names}).encode()  # noqa: C420 - values need not be texts
            for name in names:
                yield JSON, json.dumps({name: secret}).encode()


def token_requests(resource: str, secrets: Secrets) -> Iterator[Sent]:
    """
    Yield requests to the token endpoint and to what looks like it.
    """
    application = secrets.application
    honest = {"grant_type": "client_credentials", "resource": resource, "scope": "read:products"}
    pair = {"client_id": application.id, "client_secret": application.secret}
    header = {"authorization": basic(application.id, application.secret)}
    yield form(honest, header)
    yield form(honest | pair)
    yield form(honest | pair, header)
    yield form(honest | {"client_id": application.secret, "client_secret": application.id})
    yield form(honest | {"client_id": application.id, "client_secret": application.secret + "x"})
    yield form(honest, header, path=f"/oidc/token?{urlencode(pair)}")
    yield form({}, method="GET", path=f"/oidc/token?{urlencode(honest | pair)}")
    for authorization in wrong_headers(secrets):
        yield form(honest, {"authorization": authorization})
    for secret in (*secrets.pasted(), secrets.password):
        yield form(honest | {"client_id": application.id, "client_secret": secret})
        yield form(honest | {"client_id": secret})
        yield form(honest | {secret: secret}, header)
    # What the log keeps of a request is shown as it came, but for what has a secret's form.
    for secret in (application.secret, secrets.token):
        for name in (*honest, "organization_id"):
            yield form(honest | {name: secret}, header)
        yield form(honest | {"resource": f"https://shop.example/{quote(secret)}"}, header)
        yield form(honest | {"scope": f"read:products {secret} {secret}"}, header)
        yield form(
            honest, {**header, "user-agent": secret, "x-forwarded-for": secret, "referer": f"https://a/{secret}"}
        )
        yield form(honest, {**header, "content-type": f"text/{quote(secret, safe='')}"})
        yield form(honest, {**header, "origin": f"https://{secret}.example"})
    yield Sent(
        method="POST", path="/oidc/token", headers={"content-type": JSON}, body=json.dumps(honest | pair).encode()
    )
    yield Sent(method="POST", path="/oidc/token", headers={"content-type": JSON}, body=json.dumps(pair).encode()[:-1])
    repeated = f"{urlencode(honest)}&{urlencode(pair)}&{urlencode(pair)}"
    yield Sent(method="POST", path="/oidc/token", headers={"content-type": FORM}, body=repeated.encode())
    yield Sent(
        method="POST", path="/oidc/token", headers={"content-type": FORM, **header}, body=repeated.encode() + b"\0"
    )


def lost_requests(secrets: Secrets) -> Iterator[Sent]:
    """
    Yield requests to places that don't exist.
    """
    for secret in secrets.pasted():
        segment = quote(secret, safe="")
        for root in ("", "/oidc", "/oidc/token", "/api", "/api/applications/x", "/health", "/.well-known"):
            for method in ("GET", "POST", "DELETE"):
                yield Sent(method=method, path=f"{root}/{segment}", headers={"authorization": f"Bearer {secret}"})
        for path in ("/health/ready", "/oidc/jwks", "/oidc/.well-known/openid-configuration", "/nothing"):
            yield Sent(method="GET", path=f"{path}?access_token={segment}", headers={"if-none-match": f'"{secret}"'})


def form(
    fields: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    path: str = "/oidc/token",
) -> Sent:
    """
    Return a request with a form.
    """
    sent = {"content-type": FORM} | dict(headers or {})
    return Sent(method=method, path=path, headers=sent, body=urlencode(fields).encode())


def basic(user: str, password: str) -> str:
    """
    Return the header of HTTP Basic.
    """
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
