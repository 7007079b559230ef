"""
Owns an open load: a request is sent when its time has come, whether or not those before it were answered.

wrk and oha wait for an answer before they send the next request, so they never offer much more than is served.

How late this process itself is must not count as the server's: the kernel notes when an answer has come, and whether
this process was there to read it at once makes no difference.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.load_generator import LoadError, Post
from benchmarks.pinned_server import HOST

_MOST_CONNECTIONS = 8_000
_SENT_AT_ONCE = 16
_LAST_ANSWERS_SECONDS = 5.0
_LENGTH = b"\r\ncontent-length: "
_SO_TIMESTAMPING = 37  # Linux: `socket` does not name it, nor what is wanted: software times of what is received
_RECEIVED_BY_SOFTWARE = 1 << 3 | 1 << 4


@dataclass(slots=True)
class Answers:
    """
    What came back. Latencies are in seconds, from the writing of a request to the arrival of its answer's end.

    Attributes:
        per_second: How many requests were sent each second.
        tokens: Latencies of the answers with status 200.
        refusals: Latencies of those with status 503.
        others: Answers with any other status.
        broken: Connections that ended while an answer was awaited, or could not be made.
        unanswered: Requests without an answer after all that.
    """

    per_second: float = 0.0
    tokens: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    others: int = 0
    broken: int = 0
    unanswered: int = 0


@dataclass(slots=True, eq=False)
class _Connection:
    socket: socket.socket
    sent_at: float = 0.0
    received: bytes = b""


class OpenLoop:
    """
    Sends one request at a steady rate, over as many kept-alive connections as that takes.
    """

    def __init__(self, port: int, post: Post) -> None:
        body = post.body.encode()
        headers = "".join(f"{name}: {value}\r\n" for name, value in post.headers.items())
        head = f"POST {post.path} HTTP/1.1\r\nHost: {HOST}:{port}\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        self._request = head.encode() + body
        self._port = port
        self._poll = select.epoll()
        self._waiting: dict[int, _Connection] = {}
        self._free: deque[_Connection] = deque()
        self._answers = Answers()

    def run(self, rate: float, seconds: float) -> Answers:
        """
        Send so many requests a second for so long, or as many as this process can, and wait for the last answers.
        """
        began, sent = time.perf_counter(), 0
        while (now := time.perf_counter()) < began + seconds:
            due = min(int((now - began) * rate) + 1 - sent, _SENT_AT_ONCE)
            for _ in range(due):
                self._send()
            sent += max(due, 0)
            self._collect(0.0 if due > 0 else 0.000_5)
        self._answers.per_second = sent / seconds
        while self._waiting and time.perf_counter() < began + seconds + _LAST_ANSWERS_SECONDS:
            self._collect(0.1)
        self._answers.unanswered = len(self._waiting)
        for connection in (*self._waiting.values(), *self._free):
            connection.socket.close()
        return self._answers

    def _send(self) -> None:
        try:
            connection = self._free.popleft() if self._free else self._connect()
            connection.sent_at = time.time()
            connection.socket.send(self._request)
        except OSError:
            self._answers.broken += 1
            return
        self._waiting[connection.socket.fileno()] = connection

    def _connect(self) -> _Connection:
        if len(self._waiting) >= _MOST_CONNECTIONS:
            raise OSError("too many requests are unanswered")
        made = socket.create_connection((HOST, self._port), timeout=_LAST_ANSWERS_SECONDS)
        made.setblocking(False)  # noqa: FBT003 - the call's only argument
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, _RECEIVED_BY_SOFTWARE)
        self._poll.register(made, select.EPOLLIN)
        return _Connection(made)

    def _collect(self, patience: float) -> None:
        for descriptor, _ in self._poll.poll(patience, 256):
            connection = self._waiting.get(descriptor)
            if connection is None:
                self._drop_free(descriptor)
                continue
            try:
                data, notes, _, _ = connection.socket.recvmsg(65_536, 128)
            except OSError:
                data, notes = b"", []
            connection.received += data
            if not data:
                del self._waiting[descriptor]
                connection.socket.close()
                self._answers.broken += 1
            elif _is_whole(connection.received):
                del self._waiting[descriptor]
                self._note(connection.received, _arrival(notes) - connection.sent_at)
                connection.received = b""
                self._free.append(connection)

    def _drop_free(self, descriptor: int) -> None:
        # The server has closed a connection that was not used for a while.
        for connection in self._free:
            if connection.socket.fileno() == descriptor:
                self._free.remove(connection)
                connection.socket.close()
                return

    def _note(self, answer: bytes, seconds: float) -> None:
        match answer[9:12]:
            case b"200":
                self._answers.tokens.append(seconds)
            case b"503":
                self._answers.refusals.append(seconds)
            case _:
                self._answers.others += 1


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    return len(body) >= int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0] or 0)


def _arrival(notes: list[tuple[int, int, bytes]]) -> float:
    for level, kind, value in notes:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPING:
            seconds, nanoseconds = struct.unpack_from("@ll", value)
            return float(seconds) + float(nanoseconds) / 1e9
    raise LoadError("the kernel does not tell when an answer came: Linux is needed")


def percentile(latencies: Sequence[float], share: float) -> float:
    """
    Return the latency that this share of the answers did not exceed, in milliseconds.
    """
    ordered = sorted(latencies)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else 0.0
