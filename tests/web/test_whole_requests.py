"""
Token requests that come in one piece take a shorter way; whatever is longer, slower or stranger goes the usual one.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from watchword.server.web.answers import CLOSE, Answer, Written
from watchword.server.web.app import create_app
from watchword.server.web.sweeper import Awaits, ConnectionLimits, Sweeper
from watchword.server.web.token_protocol import TokenProtocol
from watchword.server.web.whole_request import MOST_BODY, RawHeaders, WholeAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from starlette.types import Receive, Scope, Send

    from watchword.server.context import Context

BODY = b"grant_type=x"


def request(line: bytes = b"POST /oidc/token HTTP/1.1", *headers: bytes, body: bytes = BODY) -> bytes:
    """
    Write a request.
    """
    return b"\r\n".join([line, b"host: x", *headers, b"content-length: %d" % len(body), b"", body])


async def usual(scope: Scope, receive: Receive, send: Send) -> None:
    """
    Answer what goes the usual way: with its body, and after a while where the body is long.
    """
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        body, more = body + message["body"], message["more_body"]
    names = b" ".join(name for name, _ in scope["headers"] if name.startswith(b"x-"))
    said = b"usual %b %b" % (scope["path"].encode(), body[:40] or names)
    length = (b"content-length", b"%d" % len(said))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": said})


class Shorter:
    """
    What answers requests that came whole: with what it was given, once it may.
    """

    def __init__(self) -> None:
        self.came: list[tuple[RawHeaders, bytes, str | None]] = []
        self.is_busy = False
        self.busy = b"busy"
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.fails = False
        self.is_last = False
        self.held_seconds = 0.0

    def __call__(self, headers: RawHeaders, body: bytes, address: str | None) -> WholeAnswer:
        """
        Answer one.
        """
        self.came.append((headers, body, address))
        if self.is_busy and self.fails:
            raise LookupError("a fault")
        if self.is_busy:
            return Answer(503, self.busy, (CLOSE,) if self.is_last else (), self.held_seconds).written((), "1")
        return self._answer(body)

    async def _answer(self, body: bytes) -> Written:
        await self.may_answer.wait()
        if self.fails:
            raise LookupError("a fault")
        return Answer(200, b"whole " + body[:40], (CLOSE,) if self.is_last else ()).written((), "1")


@pytest.fixture
async def shorter() -> Shorter:
    """
    Answer requests that came whole.
    """
    return Shorter()


@pytest.fixture
def state() -> ServerState:
    """
    Know the server's connections.
    """
    return ServerState()


@pytest.fixture
async def port(shorter: Shorter, state: ServerState) -> AsyncIterator[int]:
    """
    Serve on a free port of 127.0.0.1.
    """
    config = Config(usual, ws="none", lifespan="off", log_config=None)
    config.load()
    sweeper = Sweeper(ConnectionLimits())
    server = await asyncio.get_running_loop().create_server(
        lambda: TokenProtocol(sweeper=sweeper, answer_whole=shorter, config=config, server_state=state, app_state={}),
        "127.0.0.1",
        0,
    )
    yield server.sockets[0].getsockname()[1]
    for connection in list(state.connections):
        connection.shutdown()
    server.close()
    await server.wait_closed()


async def until(condition: Callable[[], object]) -> None:
    """
    Let the event loop go on until something holds.
    """
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0)


class Client:
    """
    A connection that reads one answer at a time.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """
        Send bytes in one piece.
        """
        self.writer.write(data)
        await self.writer.drain()

    async def send_many(self, number: int) -> None:
        """
        Send so many requests, each in a piece of its own.
        """
        for _ in range(number):
            await self.send(request())

    async def answer(self) -> tuple[bytes, bytes]:
        """
        Read the head of an answer, and its body.
        """
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        [length] = [line[16:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: ")]
        return head, await asyncio.wait_for(self.reader.readexactly(int(length)), 10)

    async def rest(self) -> bytes:
        """
        Read until the server closes.
        """
        return await asyncio.wait_for(self.reader.read(), 10)


@pytest.fixture
async def client(port: int) -> AsyncIterator[Client]:
    """
    Connect.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield Client(reader, writer)
    writer.close()


async def test_whole_request_takes_the_shorter_way(client: Client, shorter: Shorter, state: ServerState) -> None:
    """
    It is handed over with its headers, its body and the other end's address, and the connection goes on.
    """
    state.default_headers = [(b"date", b"today")]
    for _ in range(2):
        await client.send(request(b"POST /oidc/token HTTP/1.1", b"X-Mark: a", b"x-mark: b"))
        head, body = await client.answer()
        assert body == b"whole " + BODY
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\ndate: today\r\n" in head
        assert b"connection" not in head
    headers, body, address = shorter.came[0]
    assert [value for name, value in headers if name == b"x-mark"] == [b"a", b"b"]
    assert (body, address) == (BODY, "127.0.0.1")
    assert state.total_requests == 2
    assert not state.tasks


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(request(b"POST /oidc/token?a=b HTTP/1.1"), id="a query"),
        pytest.param(request(b"POST /oidc/token/ HTTP/1.1"), id="another path"),
        pytest.param(request(b"POST /oidc/%74oken HTTP/1.1"), id="a path spelt otherwise"),
        pytest.param(request(b"PUT /oidc/token HTTP/1.1"), id="another method"),
        pytest.param(request(body=b"x" * (MOST_BODY + 1)), id="a long body"),
    ],
)
async def test_what_is_no_plain_token_request_goes_the_usual_way(client: Client, shorter: Shorter, data: bytes) -> None:
    """
    The shorter way knows one request.
    """
    await client.send(data)
    _, body = await client.answer()
    assert body.startswith(b"usual /oidc/token")
    assert shorter.came == []


async def test_body_that_is_late_goes_the_usual_way(client: Client, shorter: Shorter, state: ServerState) -> None:
    """
    So the limits on slow bodies are in one place. What had come of it is not lost.
    """
    data = request(body=b"abcdef")
    for at in (len(data) - 6, len(data) - 3):
        await client.send(data[:at])
        await until(lambda: {getattr(open_, "awaits", None) for open_ in state.connections} == {Awaits.TOKEN_BODY})
        await client.send(data[at:])
        _, body = await client.answer()
        assert body.endswith(b" abcdef")
    assert shorter.came == []


async def test_expectation_is_met(client: Client, shorter: Shorter) -> None:
    """
    Whoever waits for `100 Continue` gets it, the usual way.
    """
    data = request(b"POST /oidc/token HTTP/1.1", b"expect: 100-continue")
    await client.send(data[: -len(BODY)])
    assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    await client.send(BODY)
    assert (await client.answer())[1] == b"usual /oidc/token " + BODY
    assert shorter.came == []


async def test_chunked_body_may_come_whole(client: Client, shorter: Shorter) -> None:
    """
    Its parts are put together.
    """
    head = b"POST /oidc/token HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    await client.send(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert (await client.answer())[1] == b"whole abcde"
    assert shorter.came[0][1] == b"abcde"


@pytest.mark.parametrize("query", [b"", b"?a=b"])
async def test_trailers_are_no_headers(client: Client, shorter: Shorter, query: bytes) -> None:
    """
    RFC 9110 §6.5.1: what comes behind the body is not what a proxy or the application has judged as headers.
    """
    head = b"POST /oidc/token%b HTTP/1.1\r\nhost: x\r\nx-a: b\r\ntransfer-encoding: chunked\r\n\r\n" % query
    await client.send(head + b"0\r\nx-forwarded-for: 192.0.2.1\r\n\r\n")
    _, body = await client.answer()
    if query:
        assert body == b"usual /oidc/token x-a"
    else:
        assert [name for name, _ in shorter.came[0][0]] == [b"host", b"x-a", b"transfer-encoding"]


async def test_offered_upgrade_is_ignored(client: Client, shorter: Shorter) -> None:
    """
    A request that offers one may come whole as well; its body is no request.
    """
    smuggled = request(body=b"smuggled")
    await client.send(request(b"POST /oidc/token HTTP/1.1", b"connection: upgrade", b"upgrade: h2c", body=smuggled))
    assert (await client.answer())[1] == b"whole " + smuggled[:40]
    assert [body for _, body, _ in shorter.came] == [smuggled]


async def test_requests_in_one_piece_are_answered_in_order(client: Client, shorter: Shorter) -> None:
    """
    The first takes the shorter way, and those behind it wait for its answer.
    """
    shorter.may_answer.clear()
    await client.send(request(body=b"1") + request(body=b"2") + request(body=b"3"))
    await until(lambda: shorter.came)
    shorter.may_answer.set()
    answers = [(await client.answer())[1] for _ in range(3)]
    assert answers == [b"whole 1", b"usual /oidc/token 2", b"usual /oidc/token 3"]
    await client.send(request(body=b"4"))
    assert (await client.answer())[1] == b"whole 4"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(request(b"POST /oidc/token HTTP/1.1", b"connection: close"), id="close"),
        pytest.param(request(b"POST /oidc/token HTTP/1.0"), id="HTTP/1.0"),
    ],
)
async def test_connection_ends_where_the_client_wants_it(client: Client, data: bytes) -> None:
    """
    The answer says so, and is the last.
    """
    await client.send(data)
    head, body = await client.answer()
    assert b"\r\nconnection: close\r\n" in head
    assert body == b"whole " + BODY
    assert await client.rest() == b""


async def test_connection_ends_where_the_answer_says_it(client: Client, shorter: Shorter) -> None:
    """
    And it says it once.
    """
    shorter.is_last = True
    await client.send(request())
    head, _ = await client.answer()
    assert head.count(b"connection: close") == 1
    assert await client.rest() == b""


async def test_connection_ends_with_the_server(client: Client, shorter: Shorter, state: ServerState) -> None:
    """
    A server that stops answers what it has, and no more on that connection.
    """
    shorter.may_answer.clear()
    await client.send(request())
    await until(lambda: shorter.came)
    for connection in list(state.connections):
        connection.shutdown()
    shorter.may_answer.set()
    head, body = await client.answer()
    assert b"\r\nconnection: close\r\n" in head
    assert body == b"whole " + BODY
    assert await client.rest() == b""


async def test_client_that_has_gone_gets_nothing(client: Client, shorter: Shorter, state: ServerState) -> None:
    """
    What was begun for it is finished, and nothing is left over.
    """
    shorter.may_answer.clear()
    await client.send(request())
    await until(lambda: shorter.came)
    client.writer.transport.abort()
    await until(lambda: not state.connections)
    shorter.may_answer.set()
    await until(lambda: not state.tasks)
    assert state.total_requests == 0


async def test_answer_that_is_there_is_written_at_once(client: Client, shorter: Shorter, state: ServerState) -> None:
    """
    However many come in one piece, in their order; the connection goes on.
    """
    shorter.is_busy = True
    for number in (1, 3):
        await client.send(request() * number)
        assert [(await client.answer())[1] for _ in range(number)] == [b"busy"] * number
    assert len(shorter.came) == 4
    assert state.total_requests == 4
    assert not state.tasks
    shorter.is_busy = False
    await client.send(request())
    assert (await client.answer())[1] == b"whole " + BODY


async def test_nothing_behind_the_last_answer_is_looked_at(client: Client, shorter: Shorter) -> None:
    """
    The answer said that the connection ends with it: what was sent behind the request is nobody's.
    """
    shorter.is_busy = shorter.is_last = True
    await client.send(request() + request() + b"POST /other HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nab")
    assert (await client.answer())[1] == b"busy"
    assert await client.rest() == b""
    assert len(shorter.came) == 1


async def test_answers_that_nobody_reads_are_not_piled_up(client: Client, shorter: Shorter) -> None:
    """
    Who asks and asks and reads nothing is let go, as with answers that take their time.
    """
    shorter.is_busy, shorter.busy = True, b"x" * 100_000
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(client.send_many(100_000), 30)
    assert len(shorter.came) < 1_000


@pytest.mark.parametrize("is_busy", [False, True], ids=["later", "at once"])
async def test_fault_ends_the_connection(
    client: Client, shorter: Shorter, state: ServerState, caplog: pytest.LogCaptureFixture, *, is_busy: bool
) -> None:
    """
    Nothing is answered that might be half an answer, and the log says what it was.
    """
    shorter.fails, shorter.is_busy = True, is_busy
    with caplog.at_level(logging.ERROR):
        await client.send(request())
        assert await client.rest() == b""
    assert "a token request failed" in caplog.text
    assert not state.tasks


def test_header_that_would_end_its_line_is_not_written() -> None:
    """
    Whatever a value was made of, it makes no header of its own.
    """
    with pytest.raises(ValueError, match="control character"):
        Answer(200, b"", ((b"x-a", b"b\r\nset-cookie: c"),)).written((), "1")


async def test_both_ways_give_the_same_answer(ctx: Context) -> None:
    """
    Status, headers in their order, and body of a refusal are the same; only ids differ.
    """
    app = create_app(ctx, lambda: None)
    headers = [(b"host", b"x"), (b"content-type", b"application/x-www-form-urlencoded"), (b"origin", b"https://a.b")]
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": BODY}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/oidc/token", "query_string": b"", "headers": headers}
    await app(scope, receive, send)
    start, body = sent
    answer = app.answer_token_request(headers, BODY, None)
    whole = answer if isinstance(answer, Written) else await answer
    lines = whole.fields.split(b"\r\n")[:-1]
    named = start["headers"]
    assert isinstance(named, list)
    assert (whole.status_line, start["status"]) == (b"HTTP/1.1 400 Bad Request\r\n", 400)
    assert without_ids(lines) == without_ids([b"%b: %b" % header for header in named])
    assert whole.body == body["body"]


def without_ids(lines: Sequence[bytes]) -> list[bytes]:
    """
    Leave out what is different for each request.
    """
    return [line for line in lines if b"request-id" not in line]


class Held:
    """
    Keeps what the event loop was told to do later, until the test lets it.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self.later: list[Callable[[], object]] = []
        loop = asyncio.get_running_loop()
        call_later = loop.call_later

        def hold(delay: float, callback: Callable[..., object], *given: object, **more: object) -> object:
            if delay != seconds:
                return call_later(delay, callback, *given, **more)  # type: ignore[arg-type]  # as it came
            self.later.append(partial(callback, *given))
            return None

        monkeypatch.setattr(loop, "call_later", hold)

    def let_go(self) -> None:
        """
        Do it.
        """
        for callback in self.later:
            callback()
        self.later.clear()


@pytest.fixture
async def held(shorter: Shorter, monkeypatch: pytest.MonkeyPatch) -> Held:
    """
    Hold answers back.
    """
    shorter.is_busy, shorter.held_seconds = True, 7.25
    return Held(monkeypatch, 7.25)


async def test_answer_that_is_held_is_sent_later(client: Client, shorter: Shorter, held: Held) -> None:
    """
    And so is what waits behind it on the connection.
    """
    await client.send(request() + request(b"GET /next HTTP/1.1", body=b""))
    await until(lambda: held.later)
    shorter.is_busy = False
    assert len(shorter.came) == 1
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.reader.read(1), 0.05)
    held.let_go()
    assert (await client.answer())[1] == b"busy"
    assert (await client.answer())[1] == b"usual /next "
    await client.send(request())
    assert (await client.answer())[1] == b"whole " + BODY


async def test_nobody_is_told_who_hung_up_meanwhile(client: Client, held: Held, state: ServerState) -> None:
    """
    An answer that was held back for a connection that is gone is forgotten.
    """
    await client.send(request())
    await until(lambda: held.later)
    client.writer.close()
    await until(lambda: not state.connections)
    held.let_go()
    assert not state.tasks
    assert state.total_requests == 0


async def test_server_that_ends_sends_what_it_holds(client: Client, held: Held, state: ServerState) -> None:
    """
    And closes the connection behind it.
    """
    await client.send(request())
    await until(lambda: held.later)
    for connection in list(state.connections):
        connection.shutdown()
    held.let_go()
    head, body = await client.answer()
    assert (b"connection: close" in head.lower(), body) == (True, b"busy")
    assert await client.rest() == b""


@pytest.mark.parametrize("first", [b"POST /oidc/token HTTP/1.1", b"POST /other HTTP/1.1"], ids=["whole", "usual"])
async def test_garbage_behind_requests_ends_the_connection(
    client: Client, shorter: Shorter, state: ServerState, first: bytes
) -> None:
    """
    Once they are answered; nobody waits for what was never a request.
    """
    shorter.may_answer.clear()
    await client.send(request(first, body=b"1") + request(body=b"2") + b"garbage\r\n\r\n")
    (connection,) = state.connections
    await until(lambda: getattr(connection, "_is_over", False))
    shorter.may_answer.set()
    answers = await asyncio.wait_for(client.reader.read(), 10)
    assert answers.count(b"HTTP/1.1 200") == 2
    await until(lambda: not state.connections)
