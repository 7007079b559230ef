"""
The room of explanations: remedies that are done by a button, and who can obtain a scope.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.support.browser import FOREIGN, PAYLOAD, Browser, invited
from tests.support.shopping import INDICATOR, Shopping, shopping
from watchword.server.domain.names import ApplicationType, OperatorRole, RoleType
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import (
    application_roles,
    applications,
    logs,
    resources,
    role_scopes,
    roles,
    scopes,
    secrets,
)
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.log_filter import LogFilter
from watchword.server.web.console import explaining

if TYPE_CHECKING:
    from tests.support.clock import MovedClock
    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application

__all__ = ["shopping"]
FORM = re.compile(r'action="(/console/explain/(?:remedies|secrets))">(.*?)</form>', re.DOTALL)
FIELD = re.compile(r'name="(\w+)" value="([^"]*)"')


def page_of(application_id: str, resource: str = INDICATOR, scope: str = "") -> str:
    """
    Return the address of a question.
    """
    asked = {"application": application_id, "resource": resource, "scope": scope}
    return f"/console/explain?{urlencode(asked)}"


def forms(text: str) -> list[tuple[str, dict[str, str]]]:
    """
    Return the forms of a page that mend something: where each is sent, and its fields.
    """
    return [
        (path, {name: unescape(value) for name, value in FIELD.findall(body) if name != "form_token"})
        for path, body in FORM.findall(text)
    ]


async def press(browser: Browser, number: int = 0) -> str:
    """
    Press a button of the page that is shown; return the page behind it.
    """
    path, fields = forms(browser.shown.text)[number]
    answer = await browser.send(path, **fields)
    return answer.text if answer.status_code != 303 else (await browser.open(answer.headers["location"])).text


ASK_SO = re.compile(r'href="([^"]+)" aria-label="Ask so: [^"]*">Ask so</a>')


@pytest.mark.parametrize(
    ("asked", "scope"),
    [
        pytest.param({"scope": "read:products"}, "read:products", id="no resource"),
        pytest.param({"resource": f"{INDICATOR}/", "scope": "read:products"}, "read:products", id="a slash too many"),
        pytest.param({"resource": "shopping.api", "scope": "read:products"}, "read:products", id="no URI"),
        pytest.param(
            {"resource": INDICATOR, "scope": "READ:products write:products"}, "read:products write:products",
            id="a scope in capitals",
        ),
        pytest.param({"resource": INDICATOR}, "read:products write:products", id="no scope"),
        pytest.param({"resource": INDICATOR, "scope": 'read:products "bad'}, "read:products", id="no scope's name"),
        pytest.param(
            {"resource": INDICATOR, "scope": "read:products", "organization_id": "x&y"}, "read:products",
            id="an organization",
        ),
        pytest.param({"resource": "https://foo.logto.app/api"}, "", id="another Management API"),
    ],
)  # fmt: skip
async def test_better_question_is_asked_by_a_link(
    owner: Browser, shopping: Shopping, asked: dict[str, str], scope: str
) -> None:
    """
    It leads to the page that answers it, where nothing is left to be mended so.
    """
    page = (await owner.open(f"/console/explain?{urlencode({'application': shopping.application_id, **asked})}")).text
    [link] = ASK_SO.findall(page)
    assert forms(page) == []
    answer = unescape((await owner.open(unescape(link))).text)
    assert "A token for <code>https://" in answer
    told = re.search(r"Its scope: <code>([^<]*)</code>", answer)
    assert sorted(told[1].split() if told else []) == scope.split()
    assert not scope or "What would help" not in answer


def make_application(acting: Acting, name: str = "another-bot") -> str:
    """
    Make an application without roles; return its id.
    """
    new = NewApplication(name=name, type=ApplicationType.MACHINE_TO_MACHINE)
    return applications.create(acting, new)[0].id


def role_names(acting: Acting, application_id: str) -> list[str]:
    """
    Name an application's roles.
    """
    return [role.name for role in application_roles.listing(acting, application_id, NO_SEARCH, None).records]


def count_events(acting: Acting) -> int:
    """
    Count what was recorded.
    """
    return logs.listing(acting, LogFilter(), None, count_up_to=None).total


async def test_role_is_given_by_a_button_and_the_answer_changes(owner: Browser, shopping: Shopping) -> None:
    """
    The simplest remedy, on the page that explains.
    """
    other = make_application(shopping.acting)
    page = (await owner.open(page_of(other, scope="read:products"))).text
    assert "Give “another-bot” the role “shopper”." in page
    assert "no role of the application gives it" in page
    page = await press(owner)
    assert "It is done." in page
    assert "no role of the application gives it" not in page
    assert f"A token for <code>{INDICATOR}</code>" in page
    assert role_names(shopping.acting, other) == ["shopper"]


async def test_everything_that_is_missing_is_made_by_buttons(local: Acting, owner: Browser, clock: MovedClock) -> None:
    """
    From an application alone to a token with the permission: API, permission, role, role given.
    """
    new = make_application(local)
    await owner.open(page_of(new, scope="sell"))
    for expected in (
        "Register <code>",
        "add the permission <code>sell</code>",
        "Create a role that gives it",
        "Give “another-bot”",
    ):
        assert expected in unescape(owner.shown.text)
        clock.move(minutes=1)
        await press(owner)
    assert '<span class="good">yes</span>' in owner.shown.text
    assert forms(owner.shown.text) == []
    assert len(role_names(local, new)) == 1


async def test_role_is_widened_for_all_who_hold_it(owner: Browser, shopping: Shopping) -> None:
    """
    Where no role gives the permission yet.
    """
    scopes.create(shopping.acting, shopping.resource_id, "fly", None)
    await owner.open(page_of(shopping.application_id, scope="read:products fly"))
    assert "Let the role “shopper” give it" in owner.shown.text
    await press(owner)
    assert '<span class="bad">no</span>' not in owner.shown.text


async def test_secret_is_made_once_the_password_was_said_and_is_shown_once(
    app: Application, owner: Browser, shopping: Shopping, clock: MovedClock
) -> None:
    """
    It works; no page shows it again, and the other way takes none that makes a secret.
    """
    secrets.delete(shopping.acting, shopping.application_id, "Default secret")
    await owner.open(page_of(shopping.application_id))
    (path, fields), *_ = forms(owner.shown.text)
    assert path == "/console/explain/secrets"
    before = count_events(shopping.acting)
    assert (await owner.send("/console/explain/remedies", **fields)).status_code == 409
    assert count_events(shopping.acting) == before
    clock.move(minutes=10)
    await owner.open(page_of(shopping.application_id))
    assert "Your password, once more" in (await owner.send(path, **fields)).text
    await owner.sign_in("Ada")
    await owner.open(page_of(shopping.application_id))
    page = await press(owner)
    secret = re.search(r"ww_\w{49}", page)
    assert secret is not None
    assert f"A token for <code>{INDICATOR}</code>" in page
    form = {"grant_type": "client_credentials", "resource": INDICATOR}
    answer = await Browser(app).client.post("/oidc/token", data=form, auth=(shopping.application_id, secret[0]))
    assert answer.status_code == 200
    assert secret[0] not in (await owner.open(page_of(shopping.application_id))).text


async def test_application_for_machines_is_made_in_place_of_another(local: Acting, owner: Browser) -> None:
    """
    The page that shows its secret asks about the new one, whose name is its own, however long the other's is.
    """
    site = applications.create(local, NewApplication(name="site" * 64, type=ApplicationType.TRADITIONAL))[0]
    resources.create(local, NewResource(name="Shop", indicator=INDICATOR))
    await owner.open(page_of(site.id))
    page = await press(owner)
    assert re.search(r"ww_\w{49}", page) is not None
    assert f"A token for <code>{INDICATOR}</code>" in page
    assert f'value="{site.id}"' not in page.partition("<datalist")[0]
    machines = ApplicationFilter(types=[ApplicationType.MACHINE_TO_MACHINE])
    made = applications.listing(local, machines, NO_SEARCH, None).records[0]
    assert (made.name.endswith(" (machine)"), made.name.startswith("site")) == (True, True)


async def test_remedy_that_is_stale_does_nothing_and_shows_how_things_stand(owner: Browser, shopping: Shopping) -> None:
    """
    The role is another one by now, though it is called the same; what was chosen was never that.
    """
    other = make_application(shopping.acting)
    await owner.open(page_of(other, scope="read:products"))
    (path, fields), *_ = forms(owner.shown.text)
    roles.delete(shopping.acting, shopping.role_id)
    everything = list(shopping.scope_ids.values())
    roles.create(
        shopping.acting,
        NewRole(name="shopper", description="x", type=RoleType.MACHINE_TO_MACHINE, scope_ids=everything),
    )
    before = count_events(shopping.acting)
    answer = await owner.send(path, **fields)
    assert answer.status_code == 409
    assert "not proposed any more" in answer.text
    assert len(forms(answer.text)) >= 1
    assert role_names(shopping.acting, other) == []
    assert count_events(shopping.acting) == before


async def test_form_that_somebody_made_up_does_nothing(owner: Browser, shopping: Shopping) -> None:
    """
    A remedy of another question, one of nothing, and one that is done already.
    """
    victim = make_application(shopping.acting, "victim")
    await owner.open(page_of(make_application(shopping.acting), scope="read:products"))
    (path, fields), *_ = forms(owner.shown.text)
    before = count_events(shopping.acting)
    for wrong in (
        {"application": victim},
        {"scope": "write:products"},
        {"scope": ""},
        {"remedy": ""},
        {"remedy": "0"},
        {"remedy": fields["remedy"].replace("POST", "DELETE")},
    ):
        assert (await owner.send(path, **{**fields, **wrong})).status_code == 409
    assert (await owner.send(path, **{**fields, "application": "nobody"})).status_code == 404
    assert count_events(shopping.acting) == before
    assert (await owner.send(path, **fields)).status_code == 303
    assert (await owner.send(path, **fields)).status_code == 409


async def test_viewer_reads_what_would_help_and_can_not_do_it(app: Application, shopping: Shopping) -> None:
    """
    Not by a form of another's, either.
    """
    other = make_application(shopping.acting)
    editor = await invited(app, shopping.acting, OperatorRole.EDITOR)
    page = (await editor.open(page_of(other, scope="read:products"))).text
    (path, fields), *_ = forms(page)
    viewer = await invited(app, shopping.acting, OperatorRole.VIEWER)
    page = (await viewer.open(page_of(other, scope="read:products"))).text
    assert "Give “another-bot” the role “shopper”." in page
    assert forms(page) == []
    assert len(ASK_SO.findall((await viewer.open(page_of(other, resource=f"{INDICATOR}/"))).text)) == 1
    assert (await viewer.send(path, **fields)).status_code == 403
    assert role_names(shopping.acting, other) == []


def suggested(page: str, name: str) -> list[str]:
    """
    Return what a list of the page suggests.
    """
    return re.findall(
        r'<option value="([^"]*)"', page.partition(f'<datalist id="{name}">')[2].partition("</datalist>")[0]
    )


async def test_pickers_suggest_what_there_is(owner: Browser, shopping: Shopping) -> None:
    """
    A hundred at most; all else can be typed.
    """
    for number in range(101):
        make_application(shopping.acting, f"bot {number}")
    page = (await owner.open("/console/explain")).text
    assert {name: len(suggested(page, name)) for name in ("applications", "resources", "scopes", "roles")} == {
        "applications": 100, "resources": 2, "scopes": 3, "roles": 2,
    }  # fmt: skip
    assert f'<option value="{INDICATOR}">Online Shopping</option>' in page


async def test_who_can_obtain_a_scope_is_asked_by_its_names(owner: Browser, shopping: Shopping) -> None:
    """
    That leads to the permission's page; what is not there is told, and what was typed stays.
    """
    query = urlencode({"resource": INDICATOR, "scope": "read:products"})
    answer = await owner.open(f"/console/explain/scope?{query}")
    page = (await owner.open(answer.headers["location"])).text
    assert "read:products" in page
    assert page.count('<span class="good">yes</span>') == 1
    for wrong, text in (
        ("resource=x&scope=y", "no API <code>x</code>"),
        (f"resource={INDICATOR}&scope=y", "no permission <code>y</code>"),
    ):
        answer = await owner.open(f"/console/explain/scope?{wrong}")
        assert answer.status_code == 404
        assert text in answer.text
        assert 'value="y"' in answer.text


async def test_names_in_remedies_and_suggestions_are_text(owner: Browser, local: Acting) -> None:
    """
    Payloads in the names of application, API and role, and in what is asked.
    """
    application = make_application(local, PAYLOAD)
    api = resources.create(local, NewResource(name=PAYLOAD, indicator=INDICATOR))
    scope = scopes.create(local, api.id, PAYLOAD.replace(" ", ""), None)
    roles.create(local, NewRole(name=PAYLOAD, description="x", type=RoleType.MACHINE_TO_MACHINE, scope_ids=[scope.id]))
    pages = [(await owner.open(page_of(application, scope=f"{scope.name} {PAYLOAD}"))).text, await press(owner)]
    pages.append(
        (await owner.client.get("/console/explain/scope", params={"resource": PAYLOAD, "scope": PAYLOAD})).text
    )
    for page in pages:
        assert "alert(1)" in page
        assert "<script>alert" not in page
        assert str(71993 * 71993) not in page
        assert FOREIGN.search(page) is None


async def test_application_is_asked_about_by_name(owner: Browser, shopping: Shopping) -> None:
    """
    In any case of letters; the address says the id. What is no name is looked for as an id.
    """
    other = make_application(shopping.acting, "Nightly report")
    answer = await owner.open(f"/console/explain?{urlencode({'application': ' nightly REPORT ', 'scope': 'fly'})}")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/console/explain?application={other}&scope=fly"
    assert (await owner.open("/console/explain?application=nightly%25")).status_code == 404
    named_like_an_id = make_application(shopping.acting, other)
    assert (await owner.open(f"/console/explain?application={other}")).status_code == 200
    assert (await owner.open(f"/console/explain?application={named_like_an_id}")).status_code == 200


async def test_application_alone_shows_what_its_roles_give(owner: Browser, shopping: Shopping) -> None:
    """
    By API, each with the explanation of it; roles for users, and what they would give, don't count.
    """
    other = make_application(shopping.acting)
    page = (await owner.open(page_of(other, resource=""))).text
    assert "no role of it gives a permission" in page
    page = (await owner.open(page_of(shopping.application_id, resource=""))).text
    assert "could get</h2>" in page
    link = re.search(r'href="([^"]+)" aria-label="Explain what it gets of', page)
    assert link is not None
    explained = (await owner.open(unescape(link[1]))).text
    assert f"A token for <code>{INDICATOR}</code>" in explained
    assert '<span class="bad">no</span>' not in explained
    assert "could get</h2>" not in explained


async def test_application_that_could_get_much_is_explained_as_far_as_one_question_goes(
    owner: Browser, shopping: Shopping
) -> None:
    """
    The page names the first scopes, and its link asks for as many as can be asked for at once.
    """
    many = [scopes.create(shopping.acting, shopping.resource_id, f"scope:{one:03}", None).id for one in range(120)]
    role_scopes.add(shopping.acting, shopping.role_id, many)
    page = (await owner.open(page_of(shopping.application_id, resource=""))).text
    assert "and 102 more" in page
    link = re.search(r'href="([^"]+)" aria-label="Explain what it gets of', page)
    assert link is not None
    explained = (await owner.open(unescape(link[1]))).text
    assert explained.count('<span class="good">yes</span>') == 100


async def test_permissions_of_the_api_are_suggested(owner: Browser, shopping: Shopping) -> None:
    """
    Once it is known which API is meant; roles that give nothing there are told in few words.
    """
    for number in range(12):
        new = NewRole(name=f"idle {number}", description="x", type=RoleType.MACHINE_TO_MACHINE)
        application_roles.assign(shopping.acting, shopping.application_id, [roles.create(shopping.acting, new).id])
    page = (await owner.open(page_of(shopping.application_id))).text
    suggested = page.partition('<datalist id="scopes">')[2].partition("</datalist>")[0]
    assert 'value="read:products"' in suggested
    told = page.partition("Nothing on this API:")[2].partition("</p>")[0]
    assert told.count("<a ") == 10
    assert "and 2 more" in told


SCOPES = ["read:products", "write:products"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({}, ["all", *SCOPES], id="nothing"),
        pytest.param({"resource": INDICATOR}, SCOPES, id="an API"),
        pytest.param({"resource": INDICATOR, "scope": "read:products"}, SCOPES, id="an API and a scope"),
        pytest.param({"resource": "shop"}, SCOPES, id="a part of an API"),
        pytest.param({"resource": "default.logto"}, ["all"], id="a part of another API"),
        pytest.param({"resource": "https://none.example"}, [], id="an API that is not there"),
        pytest.param({"scope": "write"}, ["write:products"], id="a part of a scope"),
        pytest.param({"scope": "all write"}, ["write:products"], id="a scope and a part of another"),
    ],
)
async def test_scopes_are_suggested_of_what_stands_in_the_address(
    owner: Browser, shopping: Shopping, asked: dict[str, str], expected: list[str]
) -> None:
    """
    Before any application is named.
    """
    del shopping  # is there
    assert sorted(suggested((await owner.open(f"/console/explain?{urlencode(asked)}")).text, "scopes")) == expected


@pytest.mark.parametrize(
    ("asked", "name", "expected"),
    [
        pytest.param(
            {"application": "bot 7"}, "applications", ["bot 7", *(f"bot 7{one}" for one in range(10))], id="app"
        ),
        pytest.param({"application": "nobody"}, "applications", [], id="no app"),
        pytest.param({"resource": INDICATOR}, "scopes", SCOPES, id="scopes of an API"),
        pytest.param(
            {"resource": INDICATOR, "scope": "read:products "},
            "scopes",
            ["read:products write:products"],
            id="another scope",
        ),
        pytest.param(
            {"resource": INDICATOR, "scope": "a b wri"}, "scopes", [f"a b {one}" for one in SCOPES], id="a third"
        ),
    ],
)
async def test_suggestions_are_asked_for_alone_while_one_types(
    owner: Browser, shopping: Shopping, asked: dict[str, str], name: str, expected: list[str]
) -> None:
    """
    Of more than a hundred, those that fit; nothing is explained or refused meanwhile.
    """
    for number in range(101):
        make_application(shopping.acting, f"bot {number}")
    answer = await owner.open(f"/console/explain?{urlencode({'part': 'suggestions', **asked})}")
    assert answer.status_code == 200
    lists = answer.text.partition(f'<datalist id="{name}">')[2].partition("</datalist>")[0]
    shown = re.findall(r">([^<]+)</option>", lists) if name == "applications" else suggested(answer.text, name)
    assert sorted(shown) == sorted(expected)
    assert "<form" not in answer.text


async def test_of_many_scopes_those_that_fit_are_suggested(owner: Browser, shopping: Shopping) -> None:
    """
    The last word that stands in the field is looked for; others are there already.
    """
    for number in range(100):
        scopes.create(shopping.acting, shopping.resource_id, f"scope:{number:03}", None)
    query = urlencode({"resource": INDICATOR, "scope": "read:products scope:09"})
    found = suggested((await owner.open(f"/console/explain?{query}")).text, "scopes")
    assert sorted(found) == [f"scope:{number:03}" for number in range(90, 100)]


FITTING = re.compile(r'<code>([^<]+)</code></td>\s*<td class="act"><a class="button plain small" href="([^"]+)"')


@pytest.mark.parametrize(
    ("typed", "shown", "total"),
    [
        pytest.param("service 01", 10, 10, id="a part of names, in another case"),
        pytest.param("Service", 20, 25, id="a part of many names"),
        pytest.param("Same", 2, 2, id="the name of two, and a part of others"),
        pytest.param("Nightly", 1, 1, id="a part of one name"),
        pytest.param("runs at two", 1, 1, id="a part of a description"),
    ],
)
async def test_applications_that_may_be_meant_are_listed(
    owner: Browser, local: Acting, typed: str, shown: int, total: int
) -> None:
    """
    Each with its App ID and a link that asks the same question for it; and how many more there are.
    """
    for number in range(25):
        make_application(local, f"Service {number:03}")
    for name in ("Same", "Same", "Same as this"):
        make_application(local, name)
    nightly = NewApplication(name="Nightly report", type=ApplicationType.MACHINE_TO_MACHINE, description="Runs at two")
    applications.create(local, nightly)
    answer = await owner.open(page_of(typed, scope="a b"))
    assert answer.status_code == 200
    found = FITTING.findall(answer.text)
    assert len(found) == shown
    many = "applications" if total > 1 else "application"
    assert f"{total} {many} may be meant by “<bdi>{typed}</bdi>”" in answer.text
    assert ("of which these are the first 20" in answer.text) is (total > shown)
    assert f'value="{typed}"' in answer.text
    assert "Refused" not in answer.text
    application_id, link = found[-1]
    assert unescape(link) == page_of(application_id, scope="a b")
    assert (await owner.open(unescape(link))).status_code == 200


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param("nobody", id="nothing is called so"),
        pytest.param("nobody%_", id="no pattern"),
        pytest.param("x" * 300, id="longer than any name"),
    ],
)
async def test_application_that_nobody_knows_is_told_in_words(owner: Browser, local: Acting, typed: str) -> None:
    """
    With the way to the list; what was typed stays.
    """
    make_application(local, "anybody")
    answer = await owner.open(page_of(typed, scope="a b"))
    assert answer.status_code == 404
    assert "as its id, or in its name or description" in answer.text
    assert "with ID" not in answer.text
    assert '<a href="/console/applications">Search the applications</a>' in answer.text
    assert f'value="{typed}"' in answer.text
    assert 'value="a b"' in answer.text


async def test_what_would_be_lost_without_a_role_is_asked_by_its_name(owner: Browser, shopping: Shopping) -> None:
    """
    By name or id; where several fit they are listed, and roles for users are none that machines lose.
    """
    assert suggested((await owner.open("/console/explain")).text, "roles")[-1] == shopping.role_id
    for typed in ("SHOPPER", shopping.role_id):
        answer = await owner.open(f"/console/explain/role?{urlencode({'role': typed})}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/console/roles/{shopping.role_id}/without")
    for number in range(21):
        new = NewRole(name=f"idle {number}", description="x", type=RoleType.MACHINE_TO_MACHINE)
        roles.create(shopping.acting, new)
    page = (await owner.open("/console/explain/role?role=idle")).text
    found = FITTING.findall(page)
    assert len(found) == 20
    assert "21 roles may be meant by “<bdi>idle</bdi>”, of which these are the first 20" in page
    assert found[0][1] == f"/console/roles/{found[0][0]}/without"
    assert "to be lost" not in (await owner.open(found[0][1])).text
    roles.create(shopping.acting, NewRole(name="staff", description="x", type=RoleType.USER))
    answer = await owner.open("/console/explain/role?role=staff")
    assert answer.status_code == 404
    assert "No role for machines has “staff” as its id" in answer.text


async def test_identifier_is_judged_to_the_letter(owner: Browser, shopping: Shopping) -> None:
    """
    As the token endpoint judges it: with a blank it is another one.
    """
    page = await owner.open(page_of(shopping.application_id, resource=f"{INDICATOR} ", scope="read:products"))
    assert "Refused: <code>invalid_target</code>" in page.text
    better = re.search(r'<a class="button plain small" href="([^"]+)" aria-label="Ask so: Ask for', page.text)
    assert better is not None
    assert f"A token for <code>{INDICATOR}</code>" in (await owner.open(unescape(better[1]))).text


async def test_question_that_no_address_holds_has_no_link(
    owner: Browser, shopping: Shopping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Its words stay; and who was named is explained at once, without another address.
    """
    monkeypatch.setattr(explaining, "LONGEST_ADDRESS", 60)
    page = await owner.open(page_of("shop-bot", resource=f"{INDICATOR}/"))
    assert page.status_code == 200
    assert "letter by letter" in page.text
    assert "Ask so" not in page.text
