"""
CORS at `/oidc`: open routes, preflights, and the token endpoint, where it is judged after authentication.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.shop import BASIC, Application, assign, create_application
from tests.support.wire import assert_oidc_error

if TYPE_CHECKING:
    import httpx

    from tests.support.server import RunningServer
    from tests.support.shop import Shop

FOREIGN = "https://foreign.example"
LISTED = "https://listed.example"
HERE = "grant_type=client_credentials&resource=<resource>"
OPEN_ROUTES = [
    "/oidc/jwks",
    "/oidc/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/oidc",
]


@pytest.fixture(scope="module")
def browser_application(shop: Shop) -> Application:
    """
    Create an application that lists one origin, and has the shop's role.
    """
    application = create_application(shop.server, customClientMetadata={"corsAllowedOrigins": [LISTED]})
    assign(shop.server, application.id, shop.role_id)
    return application


def ask(shop: Shop, application: Application, origin: str) -> httpx.Response:
    """
    Ask for a token from a page of this origin.
    """
    return shop.server.http.post(
        "/oidc/token",
        data={"grant_type": "client_credentials", "resource": shop.indicator},
        auth=(application.id, application.secret),
        headers={"origin": origin},
    )


@pytest.mark.parametrize(
    ("path", "method"),
    [
        pytest.param("/oidc/token", "POST", id="CORS preflight"),
        *[pytest.param(path, "GET", id=f"preflight of {path}") for path in OPEN_ROUTES],
    ],
)
def test_preflight_is_answered(server: RunningServer, path: str, method: str) -> None:
    """
    A preflight is 204 with the origin, the method, one hour, and the headers that were asked for.
    """
    answer = server.http.options(
        path,
        headers={
            "origin": "https://x.example",
            "access-control-request-method": method,
            "access-control-request-headers": "authorization, content-type",
        },
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "https://x.example"
    assert answer.headers["access-control-max-age"] == "3600"
    assert answer.headers["access-control-allow-methods"] == method
    assert answer.headers["access-control-allow-headers"] == "authorization, content-type"
    assert "origin" in answer.headers["vary"].lower()
    assert "access-control-allow-credentials" not in answer.headers


def test_preflight_with_an_origin_alone(server: RunningServer) -> None:
    """
    CORS preflight, as recorded: only an `Origin` is 204 with that origin.
    """
    answer = server.http.options("/oidc/token", headers={"origin": "https://x.example"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "https://x.example"


@pytest.mark.parametrize("path", OPEN_ROUTES)
def test_open_route_echoes_the_origin(server: RunningServer, path: str) -> None:
    """
    Keys and documents may be read by any page; without `Origin` the header is `*`.
    """
    assert server.http.get(path).headers["access-control-allow-origin"] == "*"
    answer = server.http.get(path, headers={"origin": FOREIGN})
    assert answer.headers["access-control-allow-origin"] == FOREIGN
    assert "origin" in answer.headers["vary"].lower()
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", [LISTED, "OWN"])
def test_listed_and_own_origin_get_a_token(shop: Shop, browser_application: Application, origin: str) -> None:
    """
    An origin that the application lists, and the server's own, are echoed.
    """
    sent = shop.server.endpoint if origin == "OWN" else origin
    answer = ask(shop, browser_application, sent)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == sent
    assert answer.headers["access-control-expose-headers"] == "WWW-Authenticate"
    assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize(
    "origin",
    [
        FOREIGN,
        f"{LISTED}.evil.example",
        f"{LISTED}:8443",
        "http://listed.example",
        "null",
        "https://LISTED.example/path",
    ],
)
def test_foreign_origin_is_refused_after_authentication(
    shop: Shop, browser_application: Application, origin: str
) -> None:
    """
    Who proved its identity is told that the origin is not allowed, and the page may not read it.
    """
    answer = ask(shop, browser_application, origin)
    told = f"origin {origin} not allowed for client: {browser_application.id}"
    assert_oidc_error(answer, 400, "invalid_request", told)
    assert "access-control-allow-origin" not in answer.headers


def test_machine_called_from_a_page_is_refused(shop: Shop) -> None:
    """
    An application without listed origins fails from every foreign page.
    """
    answer = shop.ask(HERE, authorization=BASIC, headers={"origin": FOREIGN})
    told = f"origin {FOREIGN} not allowed for client: {shop.application.id}"
    assert_oidc_error(answer, 400, "invalid_request", told)


@pytest.mark.parametrize("origin", [FOREIGN, LISTED, "null", "nonsense"])
@pytest.mark.parametrize(
    ("form", "authorization"),
    [
        pytest.param(HERE, "Basic <WHO:wrong>", id="wrong secret in the header"),
        pytest.param(f"{HERE}&client_id=WHO&client_secret=wrong", None, id="wrong secret in the body"),
        pytest.param(f"{HERE}&client_id=WHO", None, id="no secret"),
    ],
)
def test_origin_tells_nothing_about_ids(
    shop: Shop, browser_application: Application, form: str, authorization: str | None, origin: str
) -> None:
    """
    Before authentication the answers for known and unknown ids are equal byte for byte.
    """
    varies = {"date", "x-request-id", "logto-core-request-id"}
    told = set()
    for who in (browser_application.id, shop.application.id, "unknown"):
        header = None if authorization is None else authorization.replace("WHO", who)
        answer = shop.ask(form.replace("WHO", who), authorization=header, headers={"origin": origin})
        kept = tuple(pair for pair in answer.headers.multi_items() if pair[0] not in varies)
        told.add((answer.status_code, kept, answer.content))
    assert len(told) == 1


def test_hostile_origin_reaches_no_header(server: RunningServer) -> None:
    """
    An origin that is none is echoed at most as it came, on one line.
    """
    answer = server.http.get("/oidc/jwks", headers={"origin": "x" * 3000})
    assert answer.status_code in {200, 400}


@pytest.mark.parametrize("stored", [None, []], ids=["null", "no origin"])
def test_application_that_lists_no_origin_gets_its_tokens(shop: Shop, stored: list[str] | None) -> None:
    """
    `corsAllowedOrigins` may be stored as null: that lists no origin, and is no fault of ours at each token request.
    """
    answer = shop.server.management.post(
        "/applications",
        json={"name": "null", "type": "MachineToMachine", "customClientMetadata": {"corsAllowedOrigins": stored}},
    )
    if answer.status_code == 400:  # to refuse it is as good
        return
    application = answer.json()
    listed = shop.server.management.get(f"/applications/{application['id']}/secrets").json()
    assert shop.server.token(application["id"], listed[0]["value"], resource=shop.indicator).status_code == 200
