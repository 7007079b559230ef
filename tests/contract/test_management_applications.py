"""
Applications at the Management API: what one recorded exchange can't say (core §2.1 to §2.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.exchange import Exchange, first
from tests.support.records import NOT_FOUND, application, not_exists_with_id
from tests.support.wire import assert_same

if TYPE_CHECKING:
    from tests.support.exchange import World

APP = "/applications/<app>"


@pytest.mark.parametrize(
    ("uri", "accepted"),
    [
        ("https://x.example/cb", True),
        ("http://localhost:3000", True),
        ("https://*.x.example/cb", True),
        ("https://x.example/*/cb", True),
        ("com.example.app://callback", True),
        ("https://x.example/../cb", False),
        ("https://x.example/./cb", False),
        ("https://*", False),
        ("https://x.example:*/cb", False),
        ("https://x.example/cb?a=*", False),
        ("HTTPS//x", False),
        ("", False),
    ],
)
def test_redirect_uri_is_checked(world: World, uri: str, *, accepted: bool) -> None:
    """
    Redirect URIs are URLs or custom schemes; a wildcard only in host or path, no dot segments.
    """
    metadata = {"redirectUris": [uri], "postLogoutRedirectUris": []}
    body = {"name": "x", "type": "SPA", "oidcClientMetadata": metadata}
    answer = world.send(Exchange(method="POST", path="/applications", body=body))
    assert answer.status_code == (200 if accepted else 400), answer.text


@pytest.mark.parametrize(
    ("id_", "kind"), [("demo-app", "SPA"), ("device-demo-app", "Native"), ("account-center", "SPA")]
)
def test_built_in_application_is_synthetic(world: World, id_: str, kind: str) -> None:
    """
    The reference's three built-in ids can be read, though they are stored nowhere.
    """
    answer = world.send(Exchange(method="GET", path=f"/applications/{id_}"))
    assert answer.status_code == 200
    told = answer.json()
    assert (told["id"], told["type"], told["createdAt"], told["isAdmin"]) == (id_, kind, 0, False)


def test_deleting_takes_everything_along(world: World) -> None:
    """
    Secrets and role links vanish with their application.
    """
    assigned = first("POST", f"{APP}/roles", {"roleIds": ["<role>"]})
    world.play(Exchange(method="DELETE", path=APP, status=204, before=(assigned,)))
    world.play(Exchange(method="GET", path="/roles/<role>/applications", answer=[], total=0))
    world.play(
        Exchange(
            method="GET",
            path=f"{APP}/secrets",
            status=404,
            answer=not_exists_with_id("applications", "<app>"),
        )
    )
    gone = Exchange(method="DELETE", path="/roles/<role>/applications/<app>", status=404, answer=NOT_FOUND)
    world.play(gone)


def test_refused_change_changes_nothing(world: World) -> None:
    """
    All or nothing: `isAdmin` is not given when a later member of the same PATCH is refused.
    """
    body = {"isAdmin": True, "name": "changed", "appLevelAccessControlEnabled": True}
    refused = world.send(Exchange(method="PATCH", path=APP, body=body))
    assert refused.status_code == 422
    now = world.send(Exchange(method="GET", path=APP)).json()
    assert_same(now, world.fill(application(name="a<n>", isAdmin=False)))
