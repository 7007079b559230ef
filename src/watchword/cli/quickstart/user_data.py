"""
The built-in Management API: an application of one's own that updates a user's custom data.
"""

import json
from typing import Any

from watchword.cli.quickstart.checks import Expected
from watchword.cli.quickstart.exchanges import show_call
from watchword.cli.quickstart.home import Account
from watchword.cli.quickstart.management import ManagementApi
from watchword.cli.quickstart.places import MANAGEMENT
from watchword.cli.quickstart.scene import Scene
from watchword.server.domain.names import MANAGEMENT_SCOPE

USERNAME = "quick_start"
_COUNTER = "quickStartRuns"
_OK = Expected(status=200)


def update_user_data(scene: Scene, account: Account) -> str:
    """
    List applications, make a user, update its custom data, read it back; returns the user's id.

    Raises:
        Failure: There is no token, or the user can't be made.
    """
    scene.printer.step("Use the Management API as that application")
    token = scene.desk.fetch(account, resource=MANAGEMENT, scope=MANAGEMENT_SCOPE)
    scene.printer.row("sent", f"POST /oidc/token, resource={MANAGEMENT} scope={MANAGEMENT_SCOPE}")
    scene.printer.row("answer", "200 OK, a token as above")
    api = ManagementApi(http=scene.http, url=scene.places.management_api, token=token)
    _list_applications(scene, api, account)
    user = _ensure_user(scene, api)
    _update_custom_data(scene, api, user)
    return str(user["id"])


def _list_applications(scene: Scene, api: ManagementApi, account: Account) -> None:
    response = api.call("GET", "/applications")
    listed = response.json() if response.is_success else []
    show_call(scene.printer, response, body=f"{len(listed)}: {', '.join(one['name'] for one in listed)}")
    is_there = account.id in {one["id"] for one in listed}
    scene.checks.that("it sees itself among the applications", *([] if is_there else ["it does not"]))


def _ensure_user(scene: Scene, api: ManagementApi) -> dict[str, Any]:
    user = api.find("/users", "username", USERNAME)
    if user is not None:
        scene.printer.text()
        scene.printer.row("reused", f"user {USERNAME}, made by an earlier run")
        return user
    body = {"username": USERNAME, "name": "Quick start"}
    response = api.post("/users", body)
    created: dict[str, Any] = response.json()
    show_call(scene.printer, response, json.dumps(body), body=f"id: {created['id']}")
    scene.checks.that("a user is made", *([] if created["username"] == USERNAME else [f"it is {created['username']}"]))
    return created


def _update_custom_data(scene: Scene, api: ManagementApi, user: dict[str, Any]) -> None:
    path = f"/users/{user['id']}"
    before = user["customData"].get(_COUNTER)
    change = {_COUNTER: before + 1 if isinstance(before, int) else 1}
    body = {"customData": change}
    response = api.call("PATCH", f"{path}/custom-data", body)
    show_call(scene.printer, response, json.dumps(body))
    scene.checks.answer("custom data is updated", response, _OK)
    response = api.call("GET", path)
    seen = response.json().get("customData") if response.is_success else None
    show_call(scene.printer, response, body=f"customData: {json.dumps(seen)}")
    wanted = user["customData"] | change
    scene.checks.that("what was written is what is read", *([] if seen == wanted else [f"it should be {wanted}"]))
