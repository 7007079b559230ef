"""
Requests to the Management API, and what answers mean that are not what one hopes for.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from watchword.cli.api import Api
from watchword.cli.failures import FAILED, MISUSED, NOT_FOUND, REFUSED, UNREACHABLE, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.cli.api import Listing


def problem(status: int, code: str, message: str = "It is not so.", **more: object) -> httpx.Response:
    """
    Return an error answer as the API writes it.
    """
    return httpx.Response(status, json={"code": code, "message": message, "request_id": "r1", **more})


def read_list(answer: Callable[[httpx.Request], httpx.Response]) -> Listing:
    """
    Read a list of an API that answers so.
    """

    async def read() -> Listing:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://id") as client:
            return await Api(client).list("/roles", {})

    return asyncio.run(read())


def ask(answer: Callable[[httpx.Request], httpx.Response]) -> object:
    """
    Send a request to an API that answers so.
    """

    async def send() -> object:
        transport = httpx.MockTransport(answer)
        async with httpx.AsyncClient(transport=transport, base_url="https://id.example.com") as client:
            return await Api(client).get("/roles/x", {"a": "b"})

    return asyncio.run(send())


@pytest.mark.parametrize(
    ("response", "text", "code"),
    [
        pytest.param(problem(401, "auth.unauthorized"), "--client-secret", REFUSED, id="401"),
        pytest.param(problem(403, "auth.forbidden"), "watchword apps roles add", REFUSED, id="403"),
        pytest.param(problem(404, "entity.not_exists_with_id"), "`watchword roles list` shows", NOT_FOUND, id="404"),
        pytest.param(problem(400, "guard.invalid_input", details="name: bad"), "name: bad", MISUSED, id="400"),
        pytest.param(problem(422, "role.name_in_use"), "choose another name", FAILED, id="422"),
        pytest.param(problem(422, "brand.new"), "It is not so", FAILED, id="code that nobody knows yet"),
        pytest.param(problem(418, "brand.new"), "It is not so", FAILED, id="status that nobody knows yet"),
        pytest.param(problem(520, "x"), "It is not so", FAILED, id="status that no registry has"),
        pytest.param(problem(503, "temporarily_unavailable"), "try again", UNREACHABLE, id="503"),
        pytest.param(problem(429, "temporarily_unavailable"), "try again", UNREACHABLE, id="429"),
        pytest.param(problem(500, "x"), "under request r1", FAILED, id="500 names the request"),
        pytest.param(
            httpx.Response(404, text="Not Found"), "names the server and nothing else", FAILED, id="another server"
        ),
        pytest.param(
            httpx.Response(200, text="<html>"), "names the server and nothing else", FAILED, id="a page, not an API"
        ),
        pytest.param(
            httpx.Response(302, headers={"location": "https://evil"}),
            "answers 302",
            FAILED,
            id="redirects are not followed",
        ),
        pytest.param(httpx.Response(400, json=["x"]), "answers 400", FAILED, id="JSON of another kind"),
        pytest.param(problem(400, "x", "a\x1b[2Jb"), r"a\\x1b\[2Jb", MISUSED, id="message that steers a terminal"),
    ],
)
def test_every_answer_says_what_to_do(response: httpx.Response, text: str, code: int) -> None:
    """
    The exit code tells programs what kind of failure it is, the line tells people what to do.
    """
    with pytest.raises(Failure, match=text) as refused:
        ask(lambda _: response)
    assert refused.value.code == code
    assert "\n" not in str(refused.value)


def test_nobody_answers() -> None:
    """
    A server that is not there is unreachable, whatever the reason.
    """

    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    with pytest.raises(Failure, match=r"https://id\.example\.com can't be reached") as refused:
        ask(fail)
    assert refused.value.code == UNREACHABLE


@pytest.mark.parametrize(
    ("records", "total"),
    [
        pytest.param({}, "1", id="no list"),
        pytest.param(["x"], "1", id="no records"),
        pytest.param([{"id": "1"}], "many", id="no total"),
    ],
)
def test_list_of_another_kind_of_server_is_told(records: object, total: str) -> None:
    """
    Whatever it has in place of a page.
    """
    with pytest.raises(Failure, match="names the server and nothing else"):
        read_list(lambda _: httpx.Response(200, json=records, headers={"total-number": total}))


def test_list_ends_where_there_is_nothing_more() -> None:
    """
    Whatever the total says.
    """
    assert read_list(lambda _: httpx.Response(200, json=[], headers={"total-number": "999999999999"})).records == []


def test_records_that_move_while_pages_are_read_count_once() -> None:
    """
    A record added meanwhile pushes another to the next page: it is shown once, and none is lost.
    """
    pages = {
        "1": [{"id": str(number)} for number in range(100)],
        "2": [{"id": "99"}, {"id": "100"}],
    }

    def answer(request: httpx.Request) -> httpx.Response:
        page = request.url.params["page"]
        total = "101" if page == "1" else "102"
        return httpx.Response(200, json=pages[page], headers={"total-number": total})

    listing = read_list(answer)
    assert [record["id"] for record in listing.records] == [str(number) for number in range(101)]
    assert listing.total == 102
