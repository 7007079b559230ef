"""
Where there is more to do than can be done in time, a request is refused at once, and says when to try again.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from watchword.server.domain import backlog
from watchword.server.web.answers import Written
from watchword.server.web.app import create_app

if TYPE_CHECKING:
    import httpx

    from tests.support.home import Made
    from watchword.server.context import Context


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let nobody in, as if too many were there.
    """
    monkeypatch.setattr(backlog.Backlog, "turns_away", lambda _: True)


@pytest.mark.usefixtures("crowded")
@pytest.mark.parametrize(("query", "is_bare"), [("", False), ("?parse_error=false", True)])
async def test_token_request_is_refused_in_oauths_form(anyone: httpx.AsyncClient, query: str, is_bare: bool) -> None:
    """
    503 with Retry-After, whatever the request holds: it is not even read.
    """
    answer = await anyone.post(f"/oidc/token{query}", content=b"\xff")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["error"] == "temporarily_unavailable"
    assert ("code" in answer.json()) != is_bare


@pytest.mark.usefixtures("crowded")
async def test_whole_token_request_is_refused_at_once(ctx: Context) -> None:
    """
    Nothing is to be awaited: the answer is there, and is the same, to be held back a moment.
    """
    answer = create_app(ctx, lambda: None).answer_token_request([(b"host", b"x")], b"a=b", "127.0.0.1")
    assert isinstance(answer, Written)
    assert answer.status_line == b"HTTP/1.1 503 Service Unavailable\r\n"
    assert b"\r\nretry-after: 1\r\n" in b"\r\n" + answer.fields
    assert json.loads(answer.body)["error"] == "temporarily_unavailable"
    assert answer.held_seconds == backlog.HELD_SECONDS


@pytest.mark.usefixtures("crowded")
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/oidc/token"), ("GET", "/api/applications"), ("GET", "/console/sign-in")]
)
async def test_who_is_sent_away_hears_of_it_a_moment_later(
    anyone: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    """
    Who asks again at once would have the server do nothing but send callers away.
    """
    waits: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    assert (await anyone.request(method, path)).status_code == 503
    assert waits == [backlog.HELD_SECONDS]


async def test_management_request_is_refused_in_its_own_form(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    503 with Retry-After, before anything is looked at.
    """
    monkeypatch.setattr(backlog.Backlog, "turns_away", lambda _: True)
    answer = await api.get("/applications")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["code"] == "temporarily_unavailable"


@pytest.mark.usefixtures("crowded")
@pytest.mark.parametrize(
    "path", ["/health/live", "/health/ready", "/oidc/jwks", "/oidc/.well-known/openid-configuration"]
)
async def test_what_watches_and_verifies_is_answered(anyone: httpx.AsyncClient, path: str) -> None:
    """
    An overloaded server is alive, and the tokens that it gave can be checked.
    """
    assert (await anyone.get(path)).status_code == 200


async def test_request_whose_body_comes_later_is_judged_once_more(
    anyone: httpx.AsyncClient, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    When it is let in: many heads on an idle server would all pass, and all their bodies come at once.
    """
    verdicts = [False, True, False, False]
    monkeypatch.setattr(backlog.Backlog, "turns_away", lambda _: verdicts.pop(0))
    asked = {"grant_type": "client_credentials", "resource": "https://default.logto.app/api"}
    credentials = (made.application_id, made.application_secret)
    statuses = [(await anyone.post("/oidc/token", data=asked, auth=credentials)).status_code for _ in range(2)]
    assert (statuses, verdicts) == ([503, 200], [])


async def test_places_are_given_back(anyone: httpx.AsyncClient, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    By requests that succeed, and by those that are refused.
    """
    left: list[tuple[str, int]] = []
    leave, give_up = backlog.Backlog.leave, backlog.Backlog.give_up

    def note_leave(self: backlog.Backlog, place: int, seconds: float) -> None:
        leave(self, place, seconds)
        left.append(("done", self.in_flight))

    def note_given_up(self: backlog.Backlog) -> None:
        give_up(self)
        left.append(("given up", self.in_flight))

    monkeypatch.setattr(backlog.Backlog, "leave", note_leave)
    monkeypatch.setattr(backlog.Backlog, "give_up", note_given_up)
    asked = {"grant_type": "client_credentials", "resource": "https://default.logto.app/api"}
    for secret in (made.application_secret, "wrong"):
        await anyone.post("/oidc/token", data=asked, auth=(made.application_id, secret))
    assert left == [("done", 0), ("given up", 0)]


async def test_whole_request_has_its_place_at_once(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Requests that come in one turn of the event loop count each other; all give their places back.
    """
    taken: list[int] = []
    enter = backlog.Backlog.enter

    def note(self: backlog.Backlog) -> int:
        taken.append(enter(self))
        return taken[-1]

    monkeypatch.setattr(backlog.Backlog, "enter", note)
    app = create_app(ctx, lambda: None)
    for _ in range(2):
        answers = [app.answer_token_request([(b"host", b"x")], b"a=b", "127.0.0.1") for _ in range(3)]
        statuses = {(await answer).status_line for answer in answers if not isinstance(answer, Written)}
        assert statuses == {b"HTTP/1.1 400 Bad Request\r\n"}
    assert taken == [1, 2, 3, 1, 2, 3]
