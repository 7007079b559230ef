"""
The room of the audit log: what it finds, how it goes on, what a record says, and what is exported.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from html import escape, unescape
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import FOREIGN, PAYLOAD, Browser, invited
from tests.support.roles import make_role
from tests.support.shopping import INDICATOR, Shopping, ask, ask_as_bot, shopping
from watchword.protocol.errors import OAuthError
from watchword.server.domain.events import changed
from watchword.server.domain.names import ApplicationType, OperatorRole, Permission
from watchword.server.domain.records import LogEntry
from watchword.server.operations import applications, logs, resources, role_applications, roles, scopes, secrets
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.operation import writes
from watchword.server.operations.resources import NewResource
from watchword.server.storage.log_filter import LogFilter
from watchword.server.web.console import log_rows
from watchword.server.web.console.log_rows import Refusal, refusal_of
from watchword.server.web.docs.catalogue import by_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.clock import MovedClock
    from watchword.server.context import Context
    from watchword.server.operations.operation import Acting
    from watchword.server.storage.transaction import Transaction
    from watchword.server.web.app import Application

__all__ = ["shopping"]
TOKENS = "ExchangeTokenBy.ClientCredentials"
NEXT = re.compile(r'rel="next" href="([^"]+)"')
ROW = re.compile(r'<a href="/console/logs/(\w{21})">')


@writes(Permission.ALL)
def record(tx: Transaction, key: str, data: Mapping[str, object]) -> None:
    """
    Put something into the log.
    """
    tx.record(changed(key, tx.actor, data))


def ids(text: str) -> list[str]:
    """
    Return the ids of the records that a page lists, in their order.
    """
    return ROW.findall(text)


async def refused(ctx: Context, shopping: Shopping, **more: str) -> None:
    """
    Let a token request be refused.
    """
    with pytest.raises(OAuthError):
        await ask_as_bot(ctx, shopping, **more)


async def test_pages_lead_from_the_newest_to_the_oldest_and_lose_nothing(
    local: Acting, owner: Browser, clock: MovedClock
) -> None:
    """
    However many records share a moment.
    """
    for number in range(60):
        make_role(local, f"role {number:02}")
        if number % 7 == 0:
            clock.move(seconds=1)
    everything = [entry.id for entry in logs.listing(local, LogFilter(), None, count_up_to=None).records]
    path, found, page = "/console/logs", [], ""
    while path:
        page = (await owner.open(path)).text
        assert f"{len(everything)} records" in page
        found += ids(page)
        more = NEXT.search(page)
        path = unescape(more[1]) if more else ""
    assert sorted(found) == sorted(everything)
    assert "Newest" in page
    assert "Nothing else is found" in (await owner.open("/console/logs?before=2000-01-01")).text


async def test_filters_are_in_the_address(
    ctx: Context, local: Acting, owner: Browser, shopping: Shopping, clock: MovedClock
) -> None:
    """
    Event, application, outcome, from, to; a page of what was found is handed on whole.
    """
    await ask_as_bot(ctx, shopping)
    await refused(ctx, shopping, resource="https://nowhere")
    clock.move(minutes=10)
    since = clock.now
    make_role(local, "late")

    async def found(query: str) -> str:
        return (await owner.open(f"/console/logs?{query}")).text

    page = await found("event=Role.Created")
    assert len(ids(page)) == 2
    assert "late" in page
    assert TOKENS not in page.replace(f"<option>{TOKENS}", "")
    page = await found(f"application={shopping.application_id}")
    assert len(ids(page)) == 2
    assert page.count(">shop-bot</a>") == 2
    assert "invalid_target" in page
    page = await found("outcome=error")
    assert len(ids(page)) == 1
    assert "https://nowhere" in page
    assert len(ids(await found(f"outcome=success&event={TOKENS}"))) == 1
    assert len(ids(await found(f"from={since:%Y-%m-%dT%H:%M:%S}"))) == 1
    page = await found(f"event=Role.Created&to={since:%Y-%m-%dT%H:%M:%S}Z")
    assert "late" not in page
    assert f'value="{since:%Y-%m-%dT%H:%M:%S}"' in page  # as browsers want it
    assert "Nothing is found" in await found("event=Role.Exploded")
    for wrong in ("from=yesterday", "outcome=perhaps", "from=2026-01-02&to=2026-01-01", "to=0001-01-01T00:00%2B05:00"):
        assert (await owner.open(f"/console/logs?{wrong}")).status_code == 422
        assert (await owner.open(f"/console/logs/export?{wrong}")).status_code == 422


async def test_who_acted_is_an_application_or_an_operator(
    ctx: Context, app: Application, owner: Browser, shopping: Shopping
) -> None:
    """
    By App ID, or by the name that the log shows, in whatever case.
    """
    await ask_as_bot(ctx, shopping)
    await invited(app, shopping.acting, OperatorRole.VIEWER)
    await owner.open("/console/roles/new")
    await owner.send("/console/roles", name="made by Ada", description="x", type="User")

    async def found(query: str) -> str:
        return (await owner.open(f"/console/logs?{query}")).text

    page = await found("who=ADA")
    assert set(re.findall(r'<td data-label="Who">([^<]+)</td>', page)) == {"Ada"}
    assert ">Role.<wbr>Created<" in page
    assert "made by Ada" in page
    assert "viewer" not in page.partition("<tbody>")[2]
    assert 'value="ADA"' in page
    assert "shop-bot" in await found("who=command+line&event=Application.Created")
    assert "Nothing is found" in await found("who=nobody")
    assert "Nothing is found" in await found("who=ada&outcome=error")
    assert len(ids(await found(f"who={shopping.application_id}"))) == 1
    assert ids(await found(f"who={shopping.application_id}")) == ids(
        await found(f"application={shopping.application_id}")
    )
    assert f'value="{shopping.application_id}"' in owner.shown.text
    assert ids(await found("who=SHOP-bot")) == ids(await found(f"who={shopping.application_id}"))
    namesake = NewApplication(name="shop-bot", type=ApplicationType.MACHINE_TO_MACHINE)
    applications.create(shopping.acting, namesake)
    assert "Nothing is found" in await found("who=shop-bot")  # which of the two?
    exported = (await owner.open("/console/logs/export?who=ada&event=Role.Created")).text
    assert json.loads(exported)["payload"]["data"]["name"] == "made by Ada"


async def test_page_of_an_application_leads_to_who_changed_it(ctx: Context, owner: Browser, shopping: Shopping) -> None:
    """
    Itself, its secrets and its roles; from its own side, and from that of a role.
    """
    await ask_as_bot(ctx, shopping)
    role_applications.remove(shopping.acting, shopping.role_id, shopping.application_id)
    role_applications.assign(shopping.acting, shopping.role_id, [shopping.application_id])
    page = (await owner.open(f"/console/applications/{shopping.application_id}")).text
    link = re.search(r'href="([^"]+)">Who changed it\?', page)
    assert link is not None
    page = (await owner.open(link[1])).text
    events = [event.replace("<wbr>", "") for event in re.findall(r'<th scope="row">([^ ]+?)</th>', page)]
    assert sorted(events) == [
        "Application.Created",
        "Application.Roles.Updated",
        "Role.Applications.Updated",
        "Role.Applications.Updated",
    ]
    assert "4 records" not in page  # they are found by reading
    assert f'value="{shopping.application_id}"' in page
    await owner.open(f"/console/logs?about={shopping.application_id}&event=Application.Created")
    assert len(ids(owner.shown.text)) == 1


async def test_record_of_a_change_leads_to_what_was_changed(ctx: Context, owner: Browser, shopping: Shopping) -> None:
    """
    Whatever room it is in; and nowhere, where it is in none.
    """
    resource = f"/console/resources/{shopping.resource_id}"
    pages = {f"{resource}/scopes/{scope_id}" for scope_id in shopping.scope_ids.values()} | {resource}
    pages |= {f"/console/applications/{shopping.application_id}", f"/console/roles/{shopping.role_id}"}
    found: dict[str, set[str]] = {}
    for entry in logs.newest(shopping.acting, LogFilter(only_changes=True), 50):
        shown = (await owner.open(f"/console/logs/{entry.id}")).text
        found.setdefault(entry.key, set()).update(re.findall(r'<a href="([^"]+)">what was changed</a>', shown))
    assert pages <= set().union(*found.values())
    assert found["Tenant.Created"] == set()
    for path in pages:
        assert (await owner.open(path)).status_code == 200


async def test_record_of_what_is_gone_names_it_and_leads_nowhere(owner: Browser, shopping: Shopping) -> None:
    """
    The name stands in no other place any more.
    """
    acting = shopping.acting
    (scope_id, *_) = shopping.scope_ids.values()
    gone = {
        "Scope.Deleted": scopes.read(acting, shopping.resource_id, scope_id).name,
        "Role.Deleted": roles.read(acting, shopping.role_id).name,
        "Application.Deleted": applications.read(acting, shopping.application_id).application.name,
        "Resource.Deleted": resources.read(acting, shopping.resource_id).indicator,
    }
    scopes.delete(acting, shopping.resource_id, scope_id)
    roles.delete(acting, shopping.role_id)
    applications.delete(acting, shopping.application_id)
    resources.delete(acting, shopping.resource_id)
    found = {entry.key: entry for entry in logs.newest(acting, LogFilter(only_changes=True), 50)}
    for key, name in gone.items():
        shown = (await owner.open(f"/console/logs/{found[key].id}")).text
        assert escape(name) in shown.replace("<wbr>", "")
        assert "what was changed" not in shown


async def test_search_among_changes_passes_tokens_over(
    ctx: Context, owner: Browser, shopping: Shopping, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    However many were issued since, they are not among the records that are looked at.
    """
    monkeypatch.setattr(logs, "MOST_LOOKED_AT", 10)
    for _ in range(15):
        clock.move(seconds=1)
        await ask_as_bot(ctx, shopping)
    page = (await owner.open("/console/logs?who=command+line")).text
    assert "Application.<wbr>Created" in page


async def test_search_that_no_index_knows_looks_at_so_many_and_goes_on(
    ctx: Context, owner: Browser, shopping: Shopping, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    No page reads the whole log, and what it has not read is one click away.
    """
    monkeypatch.setattr(logs, "MOST_LOOKED_AT", 10)
    for number in range(25):
        clock.move(seconds=1)
        make_role(shopping.acting, f"role {number}")
    path, pages = f"/console/logs?about={shopping.application_id}", 0
    while not ids((await owner.open(path)).text):
        assert "were looked at" in owner.shown.text
        more = NEXT.search(owner.shown.text)
        assert more is not None
        path, pages = unescape(more[1]), pages + 1
    assert pages >= 2
    assert "Application.<wbr>" in owner.shown.text


async def test_refusals_are_found_however_much_else_there_is(
    ctx: Context, owner: Browser, shopping: Shopping, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    By whom and of what kind they may be, too: they have an index of their own.
    """
    monkeypatch.setattr(logs, "MOST_LOOKED_AT", 10)
    await refused(ctx, shopping, resource="https://nowhere")
    for number in range(25):
        clock.move(seconds=1)
        make_role(shopping.acting, f"role {number}")
        await ask_as_bot(ctx, shopping)
    about = f"application={shopping.application_id}&event={TOKENS}&outcome=error"
    for query in ("outcome=error", about):
        assert "https://nowhere" in (await owner.open(f"/console/logs?{query}")).text
        assert len(ids(owner.shown.text)) == 1
    for query in (about.replace(TOKENS, "Role.Created"), f"who={'x' * 21}&outcome=error", "who=ada&outcome=error"):
        assert ids((await owner.open(f"/console/logs?{query}")).text) == []


async def test_refusals_are_found_by_their_error(
    ctx: Context, owner: Browser, shopping: Shopping, monkeypatch: pytest.MonkeyPatch, clock: MovedClock
) -> None:
    """
    With what the overview leads to; it looks at so many refusals a page, and says that there are older ones.
    """
    monkeypatch.setattr(logs, "MOST_LOOKED_AT", 10)
    await refused(ctx, shopping, resource="https://nowhere")
    for _ in range(15):
        clock.move(seconds=1)
        await refused(ctx, shopping, grant_type="password")
        await ask_as_bot(ctx, shopping)
    overview = unescape((await owner.open("/console/overview")).text)
    found: Counter[str] = Counter()
    for path, error in re.findall(r'href="(/console/logs\?application=[^"]+outcome=(\w+))"', overview):
        page: str | None = (await owner.open(path)).text
        while page is not None:
            assert f"<option selected>{error}</option>" in page
            found[error] += len(ids(page))
            more = NEXT.search(page)
            assert ("There are older ones" in page) == (more is not None)
            page = (await owner.open(unescape(more[1]))).text if more else None
    assert found == {"invalid_target": 1, "unsupported_grant_type": 15}
    for query in (
        "outcome=access_denied",
        "who=ada&outcome=invalid_target",
        "event=Role.Created&outcome=invalid_target",
    ):
        assert ids((await owner.open(f"/console/logs?{query}")).text) == []


async def test_record_of_a_refusal_says_why(ctx: Context, owner: Browser, shopping: Shopping) -> None:
    """
    In place, with all that is recorded, and leads to the question.
    """
    await refused(ctx, shopping, resource=INDICATOR + "/")
    entry = ids((await owner.open("/console/logs?outcome=error")).text)[0]
    page = unescape((await owner.open(f"/console/logs/{entry}")).text)
    assert f"Ask for <code>{INDICATOR}</code>, letter by letter" in page
    for member in ("params.resource", "error.error_description", "applicationId", "userAgent", '"statusCode": 400'):
        assert member in page
    assert ">Ask so</a>" in page
    link = re.search(r'href="(/console/explain\?[^"]+)">Explain it</a>', page)
    assert link is not None
    assert f"Ask for <code>{INDICATOR}</code>" in (await owner.open(link[1])).text
    assert 'href="/docs/errors/invalid_target"' in page
    assert (await owner.open("/console/logs/nothing")).status_code == 404


async def shown(owner: Browser, query: str) -> str:
    """
    Return the page of the newest record that a search finds, without what its list of members repeats.
    """
    entry = ids((await owner.open(f"/console/logs?{query}")).text)[0]
    return unescape((await owner.open(f"/console/logs/{entry}")).text).partition('id="members"')[0]


async def test_record_of_a_wrong_secret_leads_to_the_secrets(ctx: Context, owner: Browser, shopping: Shopping) -> None:
    """
    And says what the request would get with a good one; there is nothing to mend.
    """
    with pytest.raises(OAuthError):
        await ask(ctx, shopping.application_id, "wrong")
    page = await shown(owner, "outcome=error")
    assert "Refused: <code>invalid_client</code>" in page
    assert "401: client authentication failed" in page
    assert "(wrong secret)" in page
    assert 'href="/docs/errors/invalid_client"' in page
    assert (
        f'href="/console/applications/{shopping.application_id}#secrets">the secrets of <bdi>shop-bot</bdi></a>' in page
    )
    assert f"With a good secret its request would get all that it asks for now: a token for <code>{INDICATOR}" in page
    assert "<table" not in page
    assert "/console/explain?" not in page
    with pytest.raises(OAuthError):
        await ask(ctx, shopping.application_id, "wrong", scope="fly")
    page = await shown(owner, "outcome=error")
    assert "What its request would get now with a good secret:" in page
    assert "Explain, and mend it" in page
    with pytest.raises(OAuthError):
        await ask(ctx, "nobody", "wrong")
    page = await shown(owner, "outcome=error")
    assert "(unknown application)" in page
    assert "#secrets" not in page


async def test_record_of_an_expired_secret_leads_to_the_secrets(
    ctx: Context, owner: Browser, shopping: Shopping, clock: MovedClock
) -> None:
    """
    Of an application that has another one, and of one that has none that is good.
    """
    secret = secrets.create(shopping.acting, shopping.application_id, "short", clock.now + timedelta(minutes=1))
    assert secret.value is not None
    clock.move(minutes=2)
    with pytest.raises(OAuthError):
        await ask(ctx, shopping.application_id, secret.value)
    page = await shown(owner, "outcome=error")
    assert "400: client secret has expired" in page
    assert "#secrets" in page
    assert "With a good secret its request would get" in page
    for one in secrets.listing(shopping.acting, shopping.application_id):
        if one.name != "short":
            secrets.delete(shopping.acting, shopping.application_id, one.name)
    page = await shown(owner, "outcome=error")
    assert "What the same request comes to now" in page
    assert "Give the application a secret that works." in page
    assert "good secret" not in page


async def test_record_of_what_was_mended_says_that_it_is(ctx: Context, owner: Browser, shopping: Shopping) -> None:
    """
    In one line, and offers nothing to mend.
    """
    await refused(ctx, shopping, resource="https://orders.api", scope="")
    assert "Register <code>https://orders.api</code>" in await shown(owner, "outcome=error")
    resources.create(shopping.acting, NewResource(name="Orders", indicator="https://orders.api"))
    page = await shown(owner, "outcome=error")
    assert "Refused: <code>invalid_target</code>" in page
    assert "The same request gets all that it asks for now: a token for <code>https://orders.api</code>." in page
    assert "/console/explain?" not in page


def test_only_errors_that_have_a_page_lead_to_one() -> None:
    """
    A record may hold any; each of the protocol's has one.
    """

    def refusal(error: object) -> Refusal | None:
        payload = {"result": "Error", "error": error}
        return refusal_of(LogEntry(tenant_id="t", id="x", key="k", payload=payload, created_at=datetime.now(UTC)))

    for code in ("invalid_request", "invalid_client", "invalid_target", "unsupported_grant_type", "access_denied"):
        told = refusal({"error": code})
        assert told is not None
        assert told.has_page
    assert set(by_code()) >= log_rows._DOCUMENTED
    assert refusal({"error": "made_up", "statusCode": [1]}) == Refusal(
        error="made_up", status="[1]", description="", detail="", has_page=False, is_of_secret=False
    )
    assert refusal("broken") is None


async def test_record_of_less_than_was_asked_says_why(ctx: Context, owner: Browser, shopping: Shopping) -> None:
    """
    A token that was narrowed is marked; one that was not has nothing to explain.
    """
    await ask_as_bot(ctx, shopping)
    await ask_as_bot(ctx, shopping, scope="read:products fly")
    page = (await owner.open(f"/console/logs?event={TOKENS}")).text
    assert page.count('whole">narrowed<') == 1
    (alone,) = ids((await owner.open("/console/logs?outcome=narrowed")).text)
    assert alone == ids(page)[0]
    narrowed, whole = [(await owner.open(f"/console/logs/{entry}")).text for entry in ids(page)]
    assert "add the permission <code>fly</code> to the API" in narrowed
    assert "What the same request comes to now" not in whole


async def test_page_of_an_application_shows_what_it_did_as_the_log_does(
    ctx: Context, owner: Browser, shopping: Shopping, clock: MovedClock
) -> None:
    """
    The newest first; less than was asked for is no success.
    """
    await refused(ctx, shopping, resource="https://nowhere")
    for scope in ("read:products fly", "read:products"):
        clock.move(seconds=1)
        await ask_as_bot(ctx, shopping, scope=scope)
    page = (await owner.open(f"/console/applications/{shopping.application_id}")).text
    listed = (await owner.open(f"/console/logs?application={shopping.application_id}")).text
    outcomes = re.compile(r'<span class="(good|warn|bad) whole">([^<]+)</span>')
    assert outcomes.findall(page) == [("good", "success"), ("warn", "narrowed"), ("bad", "invalid_target")]
    assert outcomes.findall(page) == outcomes.findall(listed)
    assert ids(page) == ids(listed)
    assert "https://nowhere" in page


async def test_record_that_can_not_be_asked_again_says_so(ctx: Context, owner: Browser, shopping: Shopping) -> None:
    """
    Its application is gone: the page is there all the same.
    """
    await refused(ctx, shopping, resource="https://nowhere")
    applications.delete(shopping.acting, shopping.application_id)
    entry = ids((await owner.open("/console/logs?outcome=error")).text)[0]
    assert "The application is gone." in (await owner.open(f"/console/logs/{entry}")).text


async def test_export_has_what_the_search_finds(
    ctx: Context, owner: Browser, shopping: Shopping, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A record a line, to be saved; where it is cut the last line says from when to go on.
    """
    await ask_as_bot(ctx, shopping)
    answer = await owner.open(f"/console/logs/export?application={shopping.application_id}")
    assert answer.headers["content-type"] == "application/x-ndjson"
    # Its own header says that it is saved: a link that did would save the sign-in page in its place.
    assert 'class="button plain" href="/console/logs/export' in (await owner.open("/console/logs")).text
    assert re.fullmatch(r'attachment; filename="watchword-log-\w+\.jsonl"', answer.headers["content-disposition"])
    assert answer.headers["cache-control"] == "no-store"
    line = json.loads(answer.text)
    assert (line["key"], line["payload"]["params"]["scope"]) == (TOKENS, "read:products write:products")
    for number in range(8):
        clock.move(seconds=1)
        make_role(shopping.acting, f"role {number}")
    whole = (await owner.open("/console/logs/export?event=Role.Created")).text.splitlines()
    for name, value in (("MOST_EXPORTED", 3), ("MOST_EXPORTED_BYTES", 3 * len(whole[0]))):
        with monkeypatch.context() as patched:
            patched.setattr(logs, name, value)
            path, lines = "/console/logs/export?event=Role.Created", []
            while path:
                answer = await owner.open(path)
                *told, last = map(json.loads, answer.text.splitlines())
                before = last.get("goesOnBefore")
                assert len(told) <= 4
                lines += told if before else [*told, last]
                path = f"/console/logs/export?event=Role.Created&before={before}" if before else ""
        assert lines == [json.loads(line) for line in whole]


async def test_large_records_break_no_page(local: Acting, owner: Browser) -> None:
    """
    A list stays small; the record's own page shows all of it.
    """
    long = " ".join(f"scope:{number}" for number in range(5_000))
    assert len(long) > 50_000
    for number in range(20):
        record(
            local,
            "Role.Scopes.Updated",
            {"name": PAYLOAD * 9, **{f"{part}": long[:320] for part in range(160)}, "n": [number]},
        )
    page = await owner.open("/console/logs?event=Role.Scopes.Updated")
    assert len(page.content) < 40_000
    shown = await owner.open(f"/console/logs/{ids(page.text)[0]}")
    assert shown.status_code == 200
    assert len(shown.content) > 50_000


async def test_nothing_that_was_recorded_becomes_markup(
    ctx: Context, app: Application, owner: Browser, shopping: Shopping
) -> None:
    """
    Names, what callers send, and the filters themselves.
    """
    applications.update(shopping.acting, shopping.application_id, {"name": PAYLOAD})
    make_role(shopping.acting, PAYLOAD)
    form = {"grant_type": PAYLOAD, "scope": PAYLOAD, "resource": PAYLOAD, "organization_id": PAYLOAD}
    signed = (shopping.application_id, shopping.application_secret)
    for sent in (form, {**form, "grant_type": "client_credentials"}):
        headers = {"user-agent": PAYLOAD}
        await Browser(app).client.post("/oidc/token", data=sent, auth=signed, headers=headers)
    await Browser(app).client.post("/oidc/token", data=form, auth=(PAYLOAD, "x"))
    listed = (await owner.open("/console/logs")).text
    pages = [listed, *[(await owner.open(f"/console/logs/{entry}")).text for entry in ids(listed)]]
    names = ("event", "application", "outcome", "from", "to", "before")
    pages.append((await owner.client.get("/console/logs", params=dict.fromkeys(names, PAYLOAD))).text)
    assert sum("alert(1)" in unescape(page) for page in pages) >= 5
    for page in pages:
        assert "<script>alert" not in page
        assert str(71993 * 71993) not in page
        assert FOREIGN.search(page) is None


async def test_viewer_reads_the_log_and_sees_no_form(ctx: Context, app: Application, shopping: Shopping) -> None:
    """
    But that of signing out.
    """
    await ask_as_bot(ctx, shopping, scope="read:products fly")
    viewer = await invited(app, shopping.acting, OperatorRole.VIEWER)
    page = (await viewer.open(f"/console/logs?event={TOKENS}")).text
    shown = (await viewer.open(f"/console/logs/{ids(page)[0]}")).text
    for text in (page, shown):
        assert re.findall(r'method="post" action="([^"]*)"', text) == ["/console/sign-out"]
    assert (await viewer.open("/console/logs/export")).status_code == 200
