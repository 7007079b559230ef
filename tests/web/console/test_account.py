"""
An operator's own room, and the password that is asked for once more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import PASSWORD, Browser, invited
from watchword.server.domain.names import DEFAULT_TENANT, OperatorRole
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import applications, operator_sessions, operators
from watchword.server.storage.applications import ApplicationFilter

if TYPE_CHECKING:
    from tests.support.clock import MovedClock
    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application

OTHER = "another horse, stapled"
SESSION = "watchword-session"


def names_of_applications(local: Acting) -> list[str]:
    """
    List what there is.
    """
    return [one.name for one in applications.listing(local, ApplicationFilter(), NO_SEARCH, None).records]


async def test_form_waits_for_the_password(local: Acting, owner: Browser, clock: MovedClock) -> None:
    """
    Ten minutes after it was said last; nothing happens before it is right, and then nothing of the form is lost.
    """
    before = names_of_applications(local)
    await owner.open("/console/applications/new")
    clock.move(minutes=10)
    cookie = owner.client.cookies[SESSION]
    asked = await owner.send("/console/applications", name="shop-bot", description="sells & buys")
    assert "Your password, once more" in asked.text
    waiting = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
    assert {"name": "shop-bot", "description": "sells &amp; buys"}.items() <= waiting.items()
    fields = {"name": "shop-bot", "description": "sells & buys"}
    refused = await owner.send("/console/applications", confirming_password=OTHER, **fields)
    assert (refused.status_code, "The password is wrong." in refused.text) == (422, True)
    assert names_of_applications(local) == before
    made = await owner.send("/console/applications", confirming_password=PASSWORD, **fields)
    assert re.search(r"ww_\w{49}", made.text)
    assert names_of_applications(local) == ["shop-bot", *before]
    assert owner.client.cookies[SESSION] != cookie
    again = await owner.send("/console/applications", name="second")
    assert "second" in names_of_applications(local)
    assert again.status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("/applications/x/roles/y/remove", id="a role from an application"),
        pytest.param("/roles/x/members/y/remove", id="a role, from its page"),
        pytest.param("/roles/x/permissions/y/remove", id="a permission from all who hold a role"),
        pytest.param("/users/x/roles/y/remove", id="a role from a user"),
    ],
)
async def test_rights_are_not_taken_without_the_password(owner: Browser, clock: MovedClock, form: str) -> None:
    """
    As they are not given; whoever thinks better of it gets back to the page that the form stands on.
    """
    path = f"/console{form}"
    await owner.open("/console/applications/new")
    clock.move(minutes=10)
    asked = await owner.send(path)
    assert "gives or takes rights" in asked.text
    assert f'<a href="{path}">Cancel</a>' in asked.text
    assert "It is not there" in (await owner.client.get(path)).text


async def test_search_within_a_form_asks_for_no_password(owner: Browser, clock: MovedClock) -> None:
    """
    It makes nothing, gives nothing, and keeps what was typed.
    """
    await owner.open("/console/applications/new")
    clock.move(minutes=10)
    looked = await owner.send("/console/applications/new", name="shop-bot", words="reader")
    assert (looked.status_code, 'value="shop-bot"' in looked.text) == (200, True)
    assert "Your password, once more" in (await owner.send("/console/roles/x/permissions", scope="x")).text
    assert "Your password, once more" in (await owner.send("/console/applications", name="shop-bot")).text


@pytest.mark.parametrize("form", ["applications/x/roles", "users/x/roles", "roles/x/members", "roles/x/permissions"])
async def test_who_gives_something_says_the_password(owner: Browser, clock: MovedClock, form: str) -> None:
    """
    Whoever finds the browser open makes nobody more than they are.
    """
    await owner.open("/console/roles/new")
    clock.move(minutes=10)
    assert "Your password, once more" in (await owner.send(f"/console/{form}")).text


async def test_password_said_twice_at_once_is_told_as_it_is(
    app: Application, local: Acting, owner: Browser, clock: MovedClock
) -> None:
    """
    The first made another session, and was taken; who sends the second is out, and told to look.
    """
    await owner.open("/console/applications/new")
    clock.move(minutes=10)
    await owner.send("/console/applications", name="shop-bot")
    second = Browser(app)
    second.client.cookies.update(owner.client.cookies)
    second.shown = owner.shown
    await owner.send("/console/applications", name="shop-bot", confirming_password=PASSWORD)
    out = await second.send("/console/applications", name="shop-bot", confirming_password=PASSWORD)
    text = (await second.open(out.headers["location"])).text
    assert "If you had sent it before, look whether that was." in text
    assert names_of_applications(local).count("shop-bot") == 1


async def test_refusal_behind_the_password_keeps_the_session(owner: Browser, clock: MovedClock) -> None:
    """
    The session of before has ended by then.
    """
    await owner.open("/console/applications/new")
    clock.move(minutes=10)
    fields = {"name": "x", "confirming_password": PASSWORD}
    assert (await owner.send("/console/applications/nobody/secrets/delete", **fields)).status_code == 404
    assert (await owner.open("/console/applications")).status_code == 200


async def test_fault_is_told_on_a_page_and_keeps_the_session(
    owner: Browser, clock: MovedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The page says nothing of it but where the log has more; a session that has just been renewed goes on.
    """

    def fail(*_arguments: object) -> None:
        raise RuntimeError("private")

    await owner.open("/console/applications/new")
    clock.move(minutes=10)
    monkeypatch.setattr(applications, "create", fail)
    answer = await owner.send("/console/applications", name="x", confirming_password=PASSWORD)
    assert (answer.status_code, "private" in answer.text) == (500, False)
    number = re.search(r"by the id (\w{16})\.", answer.text)
    assert number is not None
    faults = [vars(one) for one in caplog.records if one.getMessage() == "a request failed"]
    assert [(one["request_id"], str(one["exc_info"][1])) for one in faults] == [(number[1], "private")]
    assert (await owner.open("/console/applications")).status_code == 200


async def test_password_is_not_tried_for_ever(owner: Browser, clock: MovedClock) -> None:
    """
    Whoever finds a browser open has ten tries, too.
    """
    await owner.open("/console/applications/new")
    clock.move(minutes=10)
    answers = [await owner.send("/console/applications", name="x", confirming_password="no") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    answer = await owner.send("/console/applications", name="x", confirming_password=PASSWORD)
    assert answer.status_code == 429


async def test_password_is_changed(app: Application, owner: Browser) -> None:
    """
    All other sessions end; this browser goes on with a session of its own.
    """
    elsewhere = Browser(app)
    await elsewhere.sign_in("Ada")
    await owner.open("/console/account")
    fields = {"old": PASSWORD, "password": OTHER, "again": "something else"}
    assert "The two passwords differ." in (await owner.send("/console/account/password", **fields)).text
    wrong = await owner.send("/console/account/password", old=OTHER, password=OTHER, again=OTHER)
    assert (wrong.status_code, "The password is wrong." in wrong.text) == (422, True)
    assert (await owner.send("/console/account/password", old=PASSWORD, password=OTHER, again=OTHER)).status_code == 303
    page = (await owner.open("/console/account")).text
    assert "The password is changed." in page
    assert "The password is changed." not in (await owner.open("/console/account")).text
    assert (await elsewhere.open("/console/account")).status_code == 303
    assert (await Browser(app).sign_in("Ada")).status_code == 401
    assert (await Browser(app).sign_in("Ada", OTHER)).status_code == 303


async def test_sessions_are_seen_and_ended(app: Application, owner: Browser) -> None:
    """
    One's own, one by one or all others at once.
    """
    others = [Browser(app), Browser(app), Browser(app)]
    for other in others:
        await other.sign_in("Ada")
    page = (await owner.open("/console/account")).text
    listed = re.findall(r'name="session" value="(\w+)"', page)
    assert len(listed) == 3
    assert "this one" in page
    await owner.send("/console/account/sessions/end", session=listed[0])
    opened = [(await other.open("/console/account")).status_code for other in others]
    assert sorted(opened) == [200, 200, 303]
    await owner.send("/console/account/sessions/end-others")
    assert [(await other.open("/console/account")).status_code for other in others] == [303] * 3
    assert (await owner.open("/console/account")).status_code == 200


@pytest.mark.usefixtures("owner")
async def test_session_of_somebody_else_stays(app: Application, local: Acting) -> None:
    """
    Its id is no secret, and no key.
    """
    viewer = await invited(app, local, OperatorRole.VIEWER)
    editor = await invited(app, local, OperatorRole.EDITOR)
    found = operator_sessions.session_of(local.ctx, DEFAULT_TENANT, editor.client.cookies[SESSION])
    assert found is not None
    await viewer.open("/console/account")
    assert (await viewer.send("/console/account/sessions/end", session=found[0].id)).status_code == 404
    assert (await editor.open("/console/account")).status_code == 200
    assert len(operators.listing(local)) == 3


async def test_notice_is_ours_alone(owner: Browser) -> None:
    """
    Whoever can set a cookie can't make a page say something.
    """
    owner.client.cookies.set("watchword-notice", "0123456789abcdef.Call%20this%20number")
    assert "Call this number" not in (await owner.open("/console/applications")).text
