"""
Two server processes on one database, SQLite or PostgreSQL: what one has answered, the other's next token shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.databases import on_database
from tests.support.home import DATABASES
from tests.support.long import IS_LONG
from tests.support.server import RunningServer, start_beside, start_server
from tests.support.shop import Application, assign, create_application, create_resource, create_role, unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

pytestmark = pytest.mark.e2e
ROUNDS = 50 if IS_LONG else 15  # of four changes each


@pytest.fixture(scope="module", params=DATABASES)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningServer, RunningServer]]:
    """
    Start two processes on one database.
    """
    home = tmp_path_factory.mktemp("pair") / "home"
    with on_database(request, home), start_server(home) as one, start_beside(one) as other:
        yield one, other


def scope_of(server: RunningServer, application: Application, indicator: str, scope: str) -> str | None:
    """
    Ask for a token; return what it was granted, or None when it was refused.
    """
    answer = server.token(application.id, application.secret, resource=indicator, scope=scope)
    if answer.status_code == 401:
        return None
    assert answer.status_code == 200, answer.text
    granted: str = answer.json().get("scope", "")
    return granted


def demand(answer: httpx.Response) -> httpx.Response:
    """
    Demand success of a change.
    """
    assert answer.is_success, answer.text
    return answer


@pytest.mark.slow
def test_answered_change_is_in_the_other_processs_next_token(pair: tuple[RunningServer, RunningServer]) -> None:
    """
    Again and again: scope added, role removed, secret deleted, application deleted.
    """
    writer, reader = pair
    api = writer.management
    resource_id, indicator, _ = create_resource(writer)
    for number in range(ROUNDS):
        scope = f"do:{number}"
        role = create_role(writer)
        application = create_application(writer)
        assign(writer, application.id, role)
        assert scope_of(reader, application, indicator, scope) == ""
        scope_id = demand(api.post(f"/resources/{resource_id}/scopes", json={"name": scope})).json()["id"]
        demand(api.post(f"/roles/{role}/scopes", json={"scopeIds": [scope_id]}))
        assert scope_of(reader, application, indicator, scope) == scope
        demand(api.delete(f"/applications/{application.id}/roles/{role}"))
        assert scope_of(reader, application, indicator, scope) == ""
        second = demand(api.post(f"/applications/{application.id}/secrets", json={"name": "second"})).json()["value"]
        demand(api.delete(f"/applications/{application.id}/secrets/Default secret"))
        assert scope_of(reader, application, indicator, scope) is None
        renewed = Application(id=application.id, secret=second)
        assert scope_of(reader, renewed, indicator, scope) == ""
        demand(api.delete(f"/applications/{application.id}"))
        assert scope_of(reader, renewed, indicator, scope) is None


def test_both_append_to_one_log(pair: tuple[RunningServer, RunningServer]) -> None:
    """
    Tokens of either process are in the log that either shows.
    """
    one, other = pair
    application = create_application(one, name=unique("logged"))
    for server in (one, other, one, other):
        assert scope_of(server, application, "https://default.logto.app/api", "all") == ""
    for server in (one, other):
        found = server.management.get("/logs", params={"applicationId": application.id})
        assert found.headers["total-number"] == "4"


def test_token_of_one_is_good_at_the_other(pair: tuple[RunningServer, RunningServer]) -> None:
    """
    They have one issuer and one set of keys.
    """
    one, other = pair
    token = one.management.headers["authorization"].removeprefix("Bearer ")
    with other.management_as(token) as api:
        assert api.get("/applications").status_code == 200
    assert one.http.get("/oidc/jwks").json() == other.http.get("/oidc/jwks").json()
