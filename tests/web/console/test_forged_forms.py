"""
Forms that no page of ours has made, or that another browser sends: CSRF, whatever it is dressed as.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.browser import ORIGIN, PASSWORD, TOKEN, Browser
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import applications, operators
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.web.console.guard import Guard
from watchword.server.web.console.rooms import all_routes

if TYPE_CHECKING:
    from tests.support.clock import MovedClock
    from watchword.server.domain.records import Application
    from watchword.server.operations.operation import Acting
    from watchword.server.web.console.route import Route

CREATE = "/console/applications"


def address_of(route: Route) -> str:
    """
    Return an address that a route answers.
    """
    return "/console" + re.sub(r"\(\?P<\w+>[^)]*\)", "some", route.pattern.pattern)


FORMS = sorted({address_of(route) for route in all_routes(Guard()) if route.method == "POST"})


# What somebody who has signed in is led on, or out, by: the origin is enough.
LEADING = {"/console/sign-in", "/console/sign-out"}


def all_applications(local: Acting) -> dict[str, Application]:
    """
    Return what there is, by name.
    """
    found = applications.listing(local, ApplicationFilter(), NO_SEARCH, None).records
    return {one.name: one for one in found}


def token_in(text: str) -> str:
    """
    Return what a page's forms carry.
    """
    found = TOKEN.search(text)
    assert found is not None
    return found[1]


async def test_no_form_is_taken_from_elsewhere_or_without_its_token(owner: Browser) -> None:
    """
    Of whatever room: the sender is judged before anything else is.
    """
    for path in FORMS:
        await owner.open("/console/account")
        foreign = await owner.send(path, origin="https://evil.example")
        assert (foreign.status_code, "sent from another address" in foreign.text) == (403, True), path
        if path in LEADING:
            continue
        bare = await owner.client.post(path, data={"name": "forged"}, headers={"origin": ORIGIN})
        assert (bare.status_code, "too old" in bare.text) == (403, True), path


ALMOST_OURS = (
    "http://127.0.0.1:3001.evil.example",
    "http://127.0.0.1:30010",
    "http://127.0.0.1",
    "https://127.0.0.1:3001",
    "http://localhost:3001",
    "http://user@127.0.0.1:3001",
    "http://127.0.0.1:3001/",
    "http://127.0.0.1:3001 https://evil.example",
    "",
)


async def test_origin_that_is_almost_ours_is_not_ours(local: Acting, owner: Browser) -> None:
    """
    It is compared whole.
    """
    for origin in ALMOST_OURS:
        await owner.open(f"{CREATE}/new")
        assert (await owner.send(CREATE, origin=origin, name="forged")).status_code == 403, origin
    assert "forged" not in all_applications(local)


async def test_two_origins_are_none(local: Acting, owner: Browser) -> None:
    """
    Whichever comes first.
    """
    token = token_in((await owner.open(f"{CREATE}/new")).text)
    for origins in ((ORIGIN, "https://evil.example"), ("https://evil.example", ORIGIN)):
        headers = [("origin", origin) for origin in origins]
        answer = await owner.client.post(CREATE, data={"form_token": token, "name": "forged"}, headers=headers)
        assert answer.status_code == 403
    assert "forged" not in all_applications(local)


async def test_other_kinds_of_bodies_are_no_forms(local: Acting, owner: Browser) -> None:
    """
    Among them those that a page of another origin may send without asking.
    """
    token = token_in((await owner.open(f"{CREATE}/new")).text)
    body = f"form_token={token}&name=forged"
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/json", "", "x"):
        answer = await owner.client.post(CREATE, content=body, headers={"origin": ORIGIN, "content-type": kind})
        assert answer.status_code == 400, kind
    assert "forged" not in all_applications(local)


async def test_token_counts_in_the_form_alone_and_once(local: Acting, owner: Browser) -> None:
    """
    Not in the address, and not as the second of two.
    """
    token = token_in((await owner.open(f"{CREATE}/new")).text)
    form = {"content-type": "application/x-www-form-urlencoded", "origin": ORIGIN}
    sent = (
        await owner.client.post(f"{CREATE}?form_token={token}", content="name=forged", headers=form),
        await owner.client.post(CREATE, content=f"form_token=x&form_token={token}&name=forged", headers=form),
    )
    assert [answer.status_code for answer in sent] == [403, 403]
    assert "forged" not in all_applications(local)


async def test_token_of_another_session_is_none(local: Acting, owner: Browser) -> None:
    """
    Not that from before one has signed in, nor that of the session before.
    """
    before = token_in((await owner.open(f"{CREATE}/new")).text)
    await owner.send("/console/sign-out")
    stranger = token_in((await owner.open("/console/sign-in")).text)
    gone = await owner.client.post(CREATE, data={"form_token": before, "name": "forged"}, headers={"origin": ORIGIN})
    assert gone.headers["location"].partition("?")[0] == "/console/sign-in"
    await owner.sign_in("Ada")
    for token in (before, stranger):
        fields = {"form_token": token, "name": "forged"}
        assert (await owner.client.post(CREATE, data=fields, headers={"origin": ORIGIN})).status_code == 403
    assert "forged" not in all_applications(local)


async def test_forms_of_other_tabs_outlive_the_password_said_again(
    local: Acting, owner: Browser, clock: MovedClock
) -> None:
    """
    Until the password is changed, or another session begins.
    """
    form = await owner.open(f"{CREATE}/new")
    clock.move(minutes=10)
    await owner.open("/console/account")
    said = await owner.send(f"{CREATE}/nobody/delete", confirming_password=PASSWORD)
    assert said.status_code == 404
    owner.shown = form
    assert (await owner.send(CREATE, name="late")).status_code == 200
    await owner.open("/console/account")
    passwords = {"old": PASSWORD, "password": f"{PASSWORD}!", "again": f"{PASSWORD}!"}
    assert (await owner.send("/console/account/password", **passwords)).status_code == 303
    owner.shown = form
    assert (await owner.send(CREATE, name="too late")).status_code == 403
    assert {"late", "too late"} & all_applications(local).keys() == {"late"}


async def test_nothing_is_changed_by_a_link(local: Acting, owner: Browser) -> None:
    """
    An address that holds a form's fields shows a page at most, whatever method it claims.
    """
    token = token_in((await owner.open(f"{CREATE}/new")).text)
    before = all_applications(local), operators.listing(local)
    for path in FORMS:
        query = {"form_token": token, "name": "forged", "role": "owner", "_method": "POST"}
        answer = await owner.client.get(path, params=query, headers={"x-http-method-override": "POST"})
        assert answer.status_code in {200, 303, 404, 422}, path
    for method in ("PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"):
        assert (await owner.client.request(method, CREATE)).status_code == 405
    assert (all_applications(local), operators.listing(local)) == before
    assert (await owner.open("/console/account")).status_code == 200


async def test_fields_that_no_form_has_change_nothing(local: Acting, owner: Browser) -> None:
    """
    A form says what it says, and no more.
    """
    await owner.open(f"{CREATE}/new")
    extra = {"type": "Traditional", "id": "chosen", "is_admin": "true", "isThirdParty": "true", "tenant_id": "other"}
    made = await owner.send(CREATE, name="plain", **extra)
    assert made.status_code == 200
    found = all_applications(local)["plain"]
    assert (found.type.value, found.id == "chosen", found.is_third_party) == ("MachineToMachine", False, False)
