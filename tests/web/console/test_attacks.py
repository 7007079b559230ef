"""
What an attacker tries: sessions that are planted or stolen, rights that one has not, frames, guesses.

Forged forms have a file of their own; what hostile texts do in a real browser is in `tests/browser`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import argon2
import pytest

from tests.support.browser import ORIGIN, PASSWORD, TOKEN, Browser, invited
from watchword.server.domain.names import OperatorRole
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import applications, operators
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.web.api.routes import TABLE
from watchword.server.web.console.pages import POLICY

if TYPE_CHECKING:
    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application

SESSION, BEFORE_SESSION = "watchword-session", "watchword-form"
CREATE = "/console/applications"


def names_of_applications(local: Acting) -> set[str]:
    """
    List what there is.
    """
    return {one.name for one in applications.listing(local, ApplicationFilter(), NO_SEARCH, None).records}


def token_in(text: str) -> str:
    """
    Return what a page's forms carry.
    """
    found = TOKEN.search(text)
    assert found is not None
    return found[1]


async def test_session_is_never_one_that_somebody_chose(app: Application, owner: Browser) -> None:
    """
    Whoever plants a cookie in a browser knows nothing of the session that begins there.
    """
    await owner.open("/console/account")
    for name in (SESSION, BEFORE_SESSION):
        victim = Browser(app)
        victim.client.cookies.set(name, "planted" * 6, domain="127.0.0.1", path="/")
        form = token_in((await victim.open("/console/sign-in")).text)
        assert (await victim.open("/console/account")).status_code == 303
        await victim.open("/console/sign-in")
        assert (await victim.send("/console/sign-in", name="Ada", password=PASSWORD)).status_code == 303
        assert "planted" not in victim.client.cookies[SESSION]
        assert token_in((await victim.open("/console/account")).text) != form
        attacker = Browser(app)
        attacker.client.cookies.set(name, "planted" * 6)
        assert (await attacker.open("/console/account")).status_code == 303


async def test_every_sign_in_begins_a_session_of_its_own(app: Application, owner: Browser) -> None:
    """
    The one before has ended where it was signed in on top of it.
    """
    first = owner.client.cookies[SESSION]
    await owner.sign_in("Ada")
    second = owner.client.cookies[SESSION]
    assert first != second
    thief = Browser(app)
    thief.client.cookies.set(SESSION, first)
    assert (await thief.open("/console/account")).status_code == 303
    assert (await owner.open("/console/account")).status_code == 200


async def test_what_the_database_keeps_is_no_cookie(app: Application, owner: Browser) -> None:
    """
    A session's id is shown on a page and stands in backups: as a cookie it is nothing.
    """
    elsewhere = Browser(app)
    await elsewhere.sign_in("Ada")
    listed = re.findall(r'name="session" value="(\w+)"', (await owner.open("/console/account")).text)
    assert listed
    thief = Browser(app)
    thief.client.cookies.set(SESSION, listed[0])
    assert (await thief.open("/console/account")).status_code == 303


ODD_PATHS = (
    "//operators", "/operators/", "/operators//", "/%6fperators", "/operators%2f", "/OPERATORS", "/./operators",
    "/x/../operators", "/operators;x=1", "/operators%00", "/console.css/../operators", "/sign-in/../operators",
    "/sign-in/%2e%2e/operators", "/operators%3Fx", "/operators%23", "/\\operators",
)  # fmt: skip


@pytest.mark.usefixtures("owner")
async def test_odd_paths_let_no_stranger_in(app: Application) -> None:
    """
    However the address of a page is written.
    """
    for path in ODD_PATHS:
        answer = await Browser(app).client.get(f"{ORIGIN}/console{path}")
        assert "Owners may do everything" not in answer.text, path
        assert answer.status_code in {303, 404}, path


async def test_session_is_no_way_into_the_management_api(owner: Browser) -> None:
    """
    On any of its routes: a page of another site could send a browser there.
    """
    assert (await owner.open("/console/account")).status_code == 200
    for route in TABLE.routes:
        if not route.is_public:
            path = "/api" + re.sub(r"{\w+}", "some", route.path)
            answer = await owner.client.request(route.method, path, headers={"origin": ORIGIN})
            assert answer.status_code == 401, f"{route.method} {path}"
    cookie = owner.client.cookies[SESSION]
    bearer = {"authorization": f"Bearer {cookie}"}
    assert (await owner.client.get("/api/applications", headers=bearer)).status_code == 401


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("role", [OperatorRole.VIEWER, OperatorRole.EDITOR])
async def test_nobody_gives_themselves_a_role(app: Application, local: Acting, role: OperatorRole) -> None:
    """
    Nor invites somebody who would.
    """
    browser = await invited(app, local, role)
    (own,) = [one for one in operators.listing(local) if one.name == role.value]
    await browser.open("/console/account")
    for path in (f"/console/operators/{own.id}/role", "/console/operators"):
        assert (await browser.send(path, role="owner")).status_code == 403
        await browser.open("/console/account")
    (own,) = [one for one in operators.listing(local) if one.name == role.value]
    assert own.role is role


@pytest.mark.usefixtures("owner")
async def test_role_that_was_taken_away_counts_at_once(app: Application, local: Acting) -> None:
    """
    A page that was opened before does not keep it.
    """
    editor = await invited(app, local, OperatorRole.EDITOR)
    await editor.open(f"{CREATE}/new")
    (own,) = [one for one in operators.listing(local) if one.role is OperatorRole.EDITOR]
    operators.change_role(local, own.id, OperatorRole.VIEWER)
    assert (await editor.send(CREATE, name="late")).status_code == 403
    assert "late" not in names_of_applications(local)


async def test_no_answer_of_the_console_may_stand_in_a_frame(app: Application, owner: Browser) -> None:
    """
    Whatever it says: a page, a problem, a refusal, a word that the password is wrong.
    """
    stranger = Browser(app)
    await owner.open("/console/account")
    answers = [
        await owner.open(f"{CREATE}/new"),
        await owner.send(CREATE, name=" "),
        await owner.send(CREATE, origin="null"),
        await owner.open("/console/nothing"),
        await stranger.sign_in("Ada", "wrong password"),
        await stranger.join("nonsense", "Eve"),
    ]
    assert [answer.status_code for answer in answers] == [200, 422, 403, 404, 401, 403]
    for answer in answers:
        assert answer.headers["content-security-policy"].encode() == POLICY[1]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("owner")
async def test_unknown_name_costs_what_a_wrong_password_costs(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    One password is hashed, with the same parameters: the work is compared, not the time that a busy machine takes.
    """
    asked: list[argon2.Parameters] = []
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, digest: str, password: str) -> bool:
        asked.append(argon2.extract_parameters(digest))
        return verify(self, digest, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    work = []
    for name, password in (("Ada", "wrong password"), ("Nobody", "wrong password"), ("Ada", PASSWORD)):
        asked.clear()
        await Browser(app).sign_in(name, password)
        work.append(list(asked))
    assert work[0] == work[1] == work[2]
    assert len(work[0]) == 1


@pytest.mark.usefixtures("owner")
async def test_bad_invitation_costs_no_hashing(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Anybody may come with one.
    """

    def never(*_: object, **__: object) -> str:
        raise AssertionError

    monkeypatch.setattr(argon2.PasswordHasher, "hash", never)
    assert (await Browser(app).join("nonsense", "Eve")).status_code == 403
