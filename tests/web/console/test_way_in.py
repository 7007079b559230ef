"""
The way into the console: invitations, signing in, sessions, cookies, and plain http.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextlib import closing
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.support.browser import PASSWORD, Browser, invited
from tests.support.home import settings_of
from watchword.server.bootstrap import open_context
from watchword.server.domain.names import OperatorRole
from watchword.server.jobs import operator_sessions
from watchword.server.operations import operators
from watchword.server.operations.operation import Acting
from watchword.server.web.app import create_app
from watchword.server.web.console.own_origin import is_other_name, origin_of
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.clock import MovedClock
    from watchword.server.context import Context
    from watchword.server.settings import Settings
    from watchword.server.web.app import Application


async def test_first_operator_comes_in_by_the_link(app: Application, local: Acting) -> None:
    """
    The link is good once, and dead once there is an operator.
    """
    first, other = operators.invite(local, OperatorRole.OWNER), operators.invite(local, OperatorRole.OWNER)
    browser = Browser(app)
    assert "first operator" in (await browser.open("/console")).text
    answer = await browser.join(first, "Ada")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert "HttpOnly; SameSite=Lax" in answer.headers["set-cookie"]
    assert '><bdi>Ada</bdi> <span class="quiet">owner</span>' in (await browser.open("/console/applications")).text
    for used in (first, other, "nonsense"):
        again = await Browser(app).join(used, "Eve")
        assert again.status_code == 403
        assert "not good" in again.text


async def test_invitation_is_too_old_after_fifteen_minutes(app: Application, local: Acting, clock: MovedClock) -> None:
    """
    And good until then.
    """
    late = operators.invite(local, OperatorRole.OWNER)
    clock.move(seconds=1)
    in_time = operators.invite(local, OperatorRole.OWNER)
    clock.move(minutes=14, seconds=59)
    assert (await Browser(app).join(late, "Eve")).status_code == 403
    assert (await Browser(app).join(in_time, "Ada")).status_code == 303


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"password": "short", "again": "short"}, "12 to 1024"),
        ({"password": PASSWORD, "again": "something else"}, "differ"),
        ({"name": " ", "password": PASSWORD, "again": PASSWORD}, "printable"),
        ({"name": "a\u0007b", "password": PASSWORD, "again": PASSWORD}, "printable"),
    ],
)
async def test_bad_name_or_password_is_told(app: Application, local: Acting, fields: dict[str, str], text: str) -> None:
    """
    The invitation is not used up by it.
    """
    invitation, browser = operators.invite(local, OperatorRole.OWNER), Browser(app)
    await browser.open("/console/join")
    answer = await browser.send("/console/join", **{"invitation": invitation, "name": "Ada", **fields})
    assert answer.status_code == 422
    assert text in answer.text
    assert PASSWORD not in answer.text
    assert (await browser.join(invitation, "Ada")).status_code == 303


@pytest.mark.usefixtures("owner")
async def test_sign_in_by_name_in_whatever_case(app: Application) -> None:
    """
    An unknown name and a wrong password look the same.
    """
    browser = Browser(app)
    refused = [await browser.sign_in("Ada", "wrong password"), await browser.sign_in("Nobody")]
    assert [answer.status_code for answer in refused] == [401, 401]
    texts = {re.sub(r'value="[^"]*"', "", answer.text) for answer in refused}
    assert len(texts) == 1
    assert (await browser.sign_in(" aDA ")).status_code == 303
    assert (await browser.open("/console")).headers["location"] == "/console/start"


@pytest.mark.usefixtures("owner")
async def test_too_many_tries_are_refused_whatever_the_password(app: Application) -> None:
    """
    From one source for one name; others get in meanwhile.
    """
    guesser = Browser(app, "203.0.113.7")
    for _ in range(10):
        assert (await guesser.sign_in("Ada", "wrong password")).status_code == 401
    assert (await guesser.sign_in("Ada")).status_code == 429
    assert (await Browser(app, "203.0.113.8").sign_in("Ada")).status_code == 303


PAGES = (
    "/start",
    "/applications",
    "/applications/new",
    "/applications/x",
    "/applications/%00",
    "/explain",
    "/explain/scope",
    "/logs",
    "/logs/x",
    "/logs/export",
    "/keys",
    "/keys/x/revoke",
    "/settings",
    "/operators",
    "/nothing",
    "/%2E%2E/api/users",
)


@pytest.mark.parametrize("path", PAGES)
async def test_strangers_are_sent_to_sign_in(app: Application, path: str) -> None:
    """
    From every page, and every form, below the console.
    """
    browser = Browser(app)
    shown, sent = await browser.client.get("/console" + path), await browser.send("/console" + path)
    assert [shown.status_code, sent.status_code] == [303, 303]
    assert shown.headers["location"].startswith("/console/sign-in?to=%2F")
    assert sent.headers["location"].partition("?")[0] == "/console/sign-in"


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize(
    "to",
    [
        *("//evil.example", "https://evil.example", "/\\evil.example", "\t//evil.example", "/x\r\ny: z"),
        *("/..//evil.example", "/../api/status", "/x/%2e%2E/%2e./api/status", "/x//y", "x", ""),
    ],
)
async def test_sign_in_leads_nowhere_else(app: Application, to: str) -> None:
    """
    No open redirect, whatever an address brings along.
    """
    browser = Browser(app)
    await browser.open("/console/sign-in")
    answer = await browser.send("/console/sign-in", name="Ada", password=PASSWORD, to=to)
    assert answer.headers["location"] == "/console"


async def test_session_ends_by_idleness_by_age_and_by_hand(
    app: Application, local: Acting, owner: Browser, clock: MovedClock
) -> None:
    """
    And at once where the operator is removed.
    """
    for _ in range(24):  # it is in use, and lasts twelve hours
        clock.move(minutes=29)
        assert (await owner.open("/console/applications")).status_code == 200
    clock.move(minutes=29)
    assert (await owner.open("/console/applications")).status_code == 303
    await owner.sign_in("Ada")
    clock.move(minutes=30)
    assert (await owner.open("/console/applications")).status_code == 303
    await owner.sign_in("Ada")
    stolen = dict(owner.client.cookies)
    await owner.open("/console/applications")
    assert (await owner.send("/console/sign-out")).status_code == 303
    thief = Browser(app)
    thief.client.cookies.update(stolen)
    assert (await thief.open("/console/applications")).status_code == 303
    editor = await invited(app, local, OperatorRole.EDITOR)
    assert (await editor.open("/console/applications")).status_code == 200
    gone = next(one for one in operators.listing(local) if one.role is OperatorRole.EDITOR)
    operators.remove(local, gone.id)
    assert (await editor.open("/console/applications")).status_code == 303


@pytest.fixture
async def exposed(home: Path) -> AsyncIterator[Context]:
    """
    A server whose endpoint is plain http, off loopback.
    """
    ctx = open_context(settings_of(home, endpoint="http://id.example", allow_http_endpoint=True), NoRequestLines())
    yield ctx
    ctx.close()


async def test_plain_http_off_loopback_has_one_page(exposed: Context) -> None:
    """
    It says why, and what to do; nobody types a password there.
    """
    browser = Browser(create_app(exposed, lambda: None))
    for path in ("", "/sign-in", "/applications"):
        answer = await browser.client.get("/console" + path)
        assert answer.status_code == 403
        assert "The console needs https" in answer.text
        assert "id.example" in answer.text
        assert "<form" not in answer.text
        loaded = re.findall(r'(?:href|src)="(/console/[^"]+|/docs[^"]*|/api[^"]*)"', answer.text)
        assert len(loaded) == 6  # icon, stylesheet, scripts, and what is open to all
        for address in loaded:
            assert (await browser.client.get(address)).status_code == 200, address


@pytest.mark.parametrize(
    ("peer", "host", "is_shown"),
    [
        pytest.param("192.0.2.7", "192.0.2.2:3001", False, id="from the network, by address"),
        pytest.param("192.0.2.7", "id", False, id="from the network, by another name"),
        pytest.param("192.0.2.7", "[", False, id="from the network, by what is no name"),
        pytest.param("192.0.2.7", "id.example.com", True, id="through a proxy that leaves the name"),
        pytest.param("198.51.100.1", "192.0.2.2:3001", True, id="through a proxy that is known"),
        pytest.param("127.0.0.1", "192.0.2.2:3001", True, id="through a proxy on this machine"),
    ],
)
async def test_nobody_is_asked_for_a_password_past_the_https_endpoint(
    home: Path, peer: str, host: str, *, is_shown: bool
) -> None:
    """
    Who comes to the server's own port from another machine types into a page that is sent in clear.
    """
    settings = settings_of(home, endpoint="https://id.example.com", trusted_proxies=["198.51.100.0/24"])
    answer = await _way_in(settings, peer, host)
    assert ("<form" in answer.text, answer.status_code == 403) == (is_shown, not is_shown)
    if not is_shown:
        assert 'href="https://id.example.com/console"' in answer.text


@pytest.mark.parametrize(
    ("peer", "host", "is_shown"),
    [
        pytest.param("192.0.2.7", "192.0.2.2:3001", False, id="from the network, by address"),
        pytest.param("192.0.2.7", "id.example.com:3001", False, id="from the network, by name"),
        pytest.param("192.0.2.7", "", False, id="from the network, by nothing"),
        pytest.param("192.0.2.7", "[::1", False, id="from the network, by half an address"),
        pytest.param("192.0.2.7", "a]b", False, id="from the network, by what is no name"),
        pytest.param("192.0.2.7", "127.0.0.1:3001x", False, id="from the network, by what is no port"),
        pytest.param("127.0.0.1", "[", True, id="from this machine, by what is no name"),
        pytest.param("172.17.0.1", "127.0.0.1:3001", True, id="by a port that is forwarded to a container"),
        pytest.param("127.0.0.1", "127.0.0.1:3001", True, id="from this machine"),
        pytest.param("::1", "127.0.0.1:3001", True, id="from this machine, by IPv6"),
        pytest.param("198.51.100.1", "192.0.2.2:3001", True, id="through a proxy that is known"),
    ],
)
async def test_nobody_is_asked_for_a_password_from_elsewhere_where_the_endpoint_is_on_loopback(
    home: Path, peer: str, host: str, *, is_shown: bool
) -> None:
    """
    The server may listen for all, so that services get tokens; passwords of people don't cross the network in clear.
    """
    settings = settings_of(home, endpoint="http://127.0.0.1:3001", trusted_proxies=["198.51.100.0/24"])
    answer = await _way_in(settings, peer, host)
    wanted = "<form" if is_shown else "<code>ssh -L 3001:127.0.0.1:3001</code>"
    assert (wanted in answer.text, answer.status_code) == (True, 200 if is_shown else 403)
    assert is_shown or "<form" not in answer.text


async def _way_in(settings: Settings, peer: str, host: str) -> httpx.Response:
    with closing(open_context(settings, NoRequestLines())) as ctx:
        transport = httpx.ASGITransport(create_app(ctx, lambda: None), client=(peer, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.get("/console/join", headers={"host": host})


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("path", ["", "/sign-in", "/join"])
async def test_way_in_says_what_it_leads_to(app: Application, path: str) -> None:
    """
    Whoever has several servers knows whose password is asked for.
    """
    page = (await Browser(app).open(f"/console{path}")).text
    assert '<span class="brand">Watchword</span> <span class="quiet">127.0.0.1:3001</span>' in page


async def test_cookies_are_bound_to_the_host_over_https(home: Path) -> None:
    """
    `__Host-`: secure, for the whole host and no other.
    """
    ctx = open_context(settings_of(home, endpoint="https://id.example"), NoRequestLines())
    answer = await Browser(create_app(ctx, lambda: None)).client.get("/console/join")
    assert re.fullmatch(
        r"__Host-watchword-form=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Secure", answer.headers["set-cookie"]
    )
    ctx.close()


async def test_sessions_that_are_over_are_forgotten(ctx: Context, owner: Browser, clock: MovedClock) -> None:
    """
    A job deletes what nobody can use any more.
    """
    assert (await owner.open("/console/applications")).status_code == 200
    for minutes, left in ((29, 1), (1, 0)):
        clock.move(minutes=minutes)
        operator_sessions.run_once(ctx, ctx.clock())
        with ctx.database.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM operator_sessions").scalar_one() == left


@pytest.mark.usefixtures("owner")
async def test_tries_at_once_and_other_spellings_are_counted(app: Application) -> None:
    """
    Neither many at a time nor blanks around a name get a guesser further; who was turned away unheard is not counted.
    """
    browsers = [Browser(app, "203.0.113.7") for _ in range(30)]
    statuses: Counter[int] = Counter()
    while not statuses[429]:
        answers = await asyncio.gather(
            *(browser.sign_in(" " * number + "ADA", "wrong password") for number, browser in enumerate(browsers))
        )
        statuses.update(answer.status_code for answer in answers)
    assert statuses[401] == 10
    assert set(statuses) <= {401, 429, 503}
    late = await browsers[0].sign_in("Ada")
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) <= 61


@pytest.mark.usefixtures("owner")
async def test_way_back_has_the_whole_address(app: Application) -> None:
    """
    A question that was handed on is there after signing in; what was sent is not sent again.
    """
    browser = Browser(app)
    sent_away = await browser.client.get("/console/explain?application=x&scope=a%20b")
    await browser.open(sent_away.headers["location"])
    to = re.search(r'name="to" value="([^"]*)"', browser.shown.text)
    assert to is not None
    answer = await browser.send("/console/sign-in", name="Ada", password=PASSWORD, to=unescape(to[1]))
    assert answer.headers["location"] == "/console/explain?application=x&scope=a%20b"
    late = Browser(app)
    posted = await late.send("/console/applications/x/secrets")
    assert posted.headers["location"] == "/console/sign-in?to=%2Fapplications%2Fx"
    for path, page in (
        ("/applications", "/applications/new"),
        ("/applications/x", "/applications/x"),
        ("/applications/x/delete", "/applications/x/delete"),
        ("/resources/x/scopes", "/resources/x"),
        ("/roles/x/permissions", "/roles/x/permissions"),
        ("/roles/x/members/y/remove", "/roles/x/members/y/remove"),
        ("/operators", "/operators"),
        ("/keys/rotate", "/keys/rotate"),
    ):
        sent = await late.send(f"/console{path}")
        assert sent.headers["location"] == f"/console/sign-in?to={quote(page, safe='')}"
    assert "If you had sent it before, look whether that was" in (await late.open(posted.headers["location"])).text


async def test_second_tab_goes_on_where_the_first_has_signed_in(owner: Browser) -> None:
    """
    Its form is of before, so it signs nobody in; it leads where it was to lead.
    """
    await owner.send("/console/sign-out")
    form = await owner.open("/console/sign-in")
    await owner.sign_in("Ada")
    session = owner.client.cookies["watchword-session"]
    owner.shown = form
    on = await owner.send("/console/sign-in", name="Ada", password=PASSWORD, to="/roles?page=2")
    assert (on.status_code, on.headers["location"]) == (303, "/console/roles?page=2")
    assert owner.client.cookies["watchword-session"] == session


async def test_signing_out_needs_no_fresh_page(app: Application, owner: Browser, clock: MovedClock) -> None:
    """
    From a page of a session before, or when the session has ended by itself: nobody is told of anything lost.
    """
    old = await owner.open("/console/account")
    await owner.sign_in("Ada")
    owner.shown = old
    assert (await owner.send("/console/sign-out")).headers["location"] == "/console"
    assert (await owner.open("/console/account")).status_code == 303
    await owner.sign_in("Ada")
    await owner.open("/console/account")
    clock.move(minutes=30)
    assert (await owner.send("/console/sign-out")).headers["location"] == "/console"
    page = await owner.open("/console")
    assert (page.status_code, "You are signed out" in page.text) == (200, False)


@pytest.mark.parametrize("foreign", ["flag", "a/b=1", "version=1", 'prefs={"a":1,"b":[2]}', "=", ";;"])
async def test_cookies_of_others_are_in_nobodys_way(owner: Browser, foreign: str) -> None:
    """
    Other servers on this host set theirs for all ports.
    """
    own = "; ".join(f"{name}={value}" for name, value in owner.client.cookies.items())
    owner.client.cookies.clear()
    answer = await owner.client.get("/console/applications", headers={"cookie": f"{foreign}; {own}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        ("https://ID.example.com:443", "https://id.example.com"),
        ("https://id.example.com:8443", "https://id.example.com:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:3001", "http://[::1]:3001"),
    ],
)
def test_origin_is_written_as_browsers_do(endpoint: str, origin: str) -> None:
    """
    However the setting is written.
    """
    assert origin_of(urlsplit(endpoint)) == origin


@pytest.mark.parametrize(
    ("endpoint", "host", "is_other"),
    [
        pytest.param("http://127.0.0.1:3001", "localhost:3001", True, id="name"),
        pytest.param("http://127.0.0.1:3001", "[::1]:3001", True, id="IPv6"),
        pytest.param("http://localhost:3001", "127.0.0.1:3001", True, id="address"),
        pytest.param("http://127.0.0.1:3001", "127.0.0.1:3001", False, id="its own"),
        pytest.param("http://127.0.0.1:3001", "localhost:8080", False, id="port that is forwarded"),
        pytest.param("http://127.0.0.1:3001", "id.example.com:3001", False, id="another machine"),
        pytest.param("https://id.example.com", "127.0.0.1:3001", False, id="proxy that names itself"),
        pytest.param("http://127.0.0.1:3001", "localhost:x", False, id="no port"),
        pytest.param("http://127.0.0.1:3001", None, False, id="none"),
    ],
)
def test_other_names_of_the_machine_are_known(endpoint: str, host: str | None, is_other: bool) -> None:
    """
    What a proxy has put there is none of them: to send it elsewhere would never end.
    """
    assert is_other_name(host, urlsplit(endpoint)) is is_other


async def test_console_by_another_name_of_the_machine_leads_to_its_own(app: Application) -> None:
    """
    Cookies and forms are good there alone. An invitation behind the # goes along by itself.
    """
    answer = await Browser(app).client.get("/console/join?a=%2F", headers={"host": "localhost:3001"})
    assert (answer.status_code, answer.headers["location"]) == (303, "http://127.0.0.1:3001/console/join?a=%2F")
