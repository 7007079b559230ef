"""
Load on a server: clients that ask for tokens, and writers that change things, each on a thread of its own.

Owns: what they were answered, told apart by what it promises. Leaves to others: what must be true of it.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import httpx
import msgspec
import sqlalchemy as sa

from tests.support.server import MANAGEMENT_RESOURCE
from tests.support.stored import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.server import RunningServer

DEADLINE = 60.0


@dataclass(slots=True)
class Answered:
    """
    What came back, from all threads.

    Attributes:
        tokens: The ids of the tokens that clients have received.
        created: The ids of the applications whose creation was answered.
        statuses: How often the token endpoint answered what.
        odd: Answers that break a promise, in words.
        dropped: Requests that got no answer at all.
    """

    tokens: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    dropped: int = 0


class Load:
    """
    Load while the block runs. Threads go on after a dropped connection, until the block ends.

    Args:
        clients: How many ask for tokens.
        writers: How many create applications.
    """

    def __init__(self, server: RunningServer, *, clients: int = 8, writers: int = 0) -> None:
        self.answered = Answered()
        self._server = server
        self._bearer = server.management.headers["authorization"] if writers else ""
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        self._threads += [threading.Thread(target=self._write) for _ in range(writers)]

    def __enter__(self) -> Self:
        """
        Begin.
        """
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """
        End; what is under way is waited for.
        """
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for_tokens(self, more: int) -> None:
        """
        Wait until so many more tokens have been received.
        """
        wanted = len(self.answered.tokens) + more
        wait_until(lambda: len(self.answered.tokens) >= wanted, f"{more} more tokens")

    def wait_for_changes(self, more: int) -> None:
        """
        Wait until so many more changes have been answered.
        """
        wanted = len(self.answered.created) + more
        wait_until(lambda: len(self.answered.created) >= wanted, f"{more} more changes")

    def _ask(self) -> None:
        form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE, "scope": "all"}
        auth = (self._server.application_id, self._server.application_secret)
        with self._client() as http:
            while not self._stopping.is_set():
                try:
                    answer = http.post("/oidc/token", data=form, auth=auth)
                except httpx.TransportError:
                    self._drop()
                else:
                    self._note_token(answer)

    def _note_token(self, answer: httpx.Response) -> None:
        self.answered.statuses[answer.status_code] += 1
        match answer.status_code:
            case 200:
                self.answered.tokens.append(token_id(answer.json()["access_token"]))
            case 503 if answer.headers.get("retry-after", "").isdigit():
                time.sleep(0.01)  # a client that does as it is told would wait a whole second
            case _:
                self.answered.odd.append(f"{answer.status_code} {answer.headers.get('retry-after')} {answer.text}")

    def _write(self) -> None:
        number = 0
        with self._client() as http:
            while not self._stopping.is_set():
                number += 1
                try:
                    answer = http.post(
                        "/api/applications",
                        json={"name": f"written {number}", "type": "MachineToMachine"},
                        headers={"authorization": self._bearer},
                    )
                except httpx.TransportError:
                    self._drop()
                    continue
                if answer.status_code == httpx.codes.OK:
                    self.answered.created.append(answer.json()["id"])
                elif answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    self.answered.odd.append(f"{answer.status_code} {answer.text}")

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self._server.endpoint, timeout=30, trust_env=False)

    def _drop(self) -> None:
        self.answered.dropped += 1
        time.sleep(0.01)


def token_id(access_token: str) -> str:
    """
    Return the `jti` of a token.
    """
    payload = access_token.split(".")[1]
    found: str = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"]
    return found


def recorded_tokens(home: Path) -> set[str]:
    """
    Return the ids of all tokens that a home's log has a record of.
    """
    return {payload["jti"] for payload in recorded_payloads(home) if payload["result"] == "Success"}


def recorded_payloads(home: Path) -> Iterator[dict[str, Any]]:
    """
    Yield what a home's token log says in each record.
    """
    query = sa.select(sa.text("payload FROM tokens.token_events")).execution_options(yield_per=10_000)
    with stored(home) as database, database.read() as connection:
        yield from map(msgspec.json.decode, connection.scalars(query))


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = DEADLINE) -> None:
    """
    Poll until something holds.

    Raises:
        AssertionError: It did not come to pass in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not come to pass in {seconds:.0f} s: {what}"
        time.sleep(0.02)
