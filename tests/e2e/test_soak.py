"""
All at once: clients at 70% of what the server can do, rights that change, keys that turn, workers that are killed.

No wrong grant, no lost record, no memory that only grows.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx
import pytest

from tests.e2e.test_cli_serve import workers_of
from tests.support.load import recorded_tokens, token_id, wait_until
from tests.support.long import IS_LONG
from tests.support.server import start_server
from tests.support.shop import create_shop
from watchword.protocol.jose import read_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.server import RunningServer
    from tests.support.shop import Shop

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SECONDS = 600.0 if IS_LONG else 30.0
SETTLING = SECONDS / 3  # the last part goes without kills, so that a worker's memory can be followed
CLIENTS = 8
SHARE_OF_CAPACITY = 0.7
MOST_GROWTH = 1.05 if IS_LONG else 1.3
SCOPE = "write:products"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A token, and between which instants it was asked for and had.
    """

    asked: float
    had: float
    token_id: str
    key_id: str
    has_scope: bool


@dataclass(frozen=True, slots=True)
class Change:
    """
    A right given or taken, between when that was sent and when it was answered.
    """

    sent: float
    answered: float
    gives: bool


class Clients:
    """
    Threads that ask for tokens at an even pace, until the block ends.

    Args:
        pause: Seconds between the requests of one of them.
    """

    def __init__(self, shop: Shop, pause: float) -> None:
        self.answers: list[Answer] = []
        self.odd: list[str] = []
        self._shop = shop
        self._pause = pause
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def __enter__(self) -> Self:
        """
        Begin.
        """
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """
        End, once what is under way is answered.
        """
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        form = {"grant_type": "client_credentials", "resource": self._shop.indicator, "scope": SCOPE}
        auth = (self._shop.application.id, self._shop.application.secret)
        with httpx.Client(base_url=self._shop.server.endpoint, timeout=30, trust_env=False) as http:
            while not self._ending.wait(self._pause):
                asked = time.monotonic()
                try:
                    answer = http.post("/oidc/token", data=form, auth=auth)
                except httpx.TransportError:
                    continue  # its worker was killed
                self._note(asked, answer)

    def _note(self, asked: float, answer: httpx.Response) -> None:
        if answer.status_code != httpx.codes.OK:
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                self.odd.append(f"{answer.status_code} {answer.text}")
            return
        body = answer.json()
        token = body["access_token"]
        key_id = read_token(token).kid
        self.answers.append(Answer(asked, time.monotonic(), token_id(token), key_id, body.get("scope") == SCOPE))


class Disturber:
    """
    Gives and takes a right, turns the keys, and kills workers, each in its turn.
    """

    def __init__(self, shop: Shop) -> None:
        self.changes: list[Change] = []
        self.published: set[str] = set()
        self._shop = shop
        self._server = shop.server
        self.note_keys()

    def change_right(self) -> None:
        """
        Take the right that was given, or give the one that was taken.
        """
        gives = bool(self.changes) and not self.changes[-1].gives
        path = f"/roles/{self._shop.role_id}/scopes"
        sent = time.monotonic()
        if gives:
            self._manage("POST", path, json={"scopeIds": [self._shop.scope_ids[SCOPE]]})
        else:
            self._manage("DELETE", f"{path}/{self._shop.scope_ids[SCOPE]}")
        self.changes.append(Change(sent, time.monotonic(), gives))

    def turn_keys(self) -> None:
        """
        Rotate at once, and note what is published afterwards.
        """
        self._manage("POST", "/configs/oidc/private-keys/rotate", json={"signingKeyAlgorithm": "EC"})
        self.note_keys()

    def kill_a_worker(self) -> None:
        """
        Kill one, and wait until there are two again.
        """
        victim = min(workers_of(self._server.process.pid))
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(workers_of(self._server.process.pid) - {victim}) == 2, "another takes its place")

    def note_keys(self) -> None:
        """
        Note the keys that are published.
        """
        answer = self._retried(lambda: self._server.http.get("/oidc/jwks"))
        self.published |= {key["kid"] for key in answer.json()["keys"]}

    def _manage(self, method: str, path: str, **more: object) -> None:
        answer = self._retried(lambda: self._server.management.request(method, path, **more))  # type: ignore[arg-type]
        # What was done and not answered, since its worker was killed, is there when it is tried again.
        assert answer.is_success or answer.status_code in {404, 422}, answer.text

    def _retried(self, send: object) -> httpx.Response:
        for _ in range(20):
            try:
                answer: httpx.Response = send()  # type: ignore[operator]
            except httpx.TransportError:
                continue
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer
            time.sleep(0.1)  # as a client does that is told to retry
        raise AssertionError("twenty tries got no answer")


def resident_kib(pid: int) -> int:
    """
    Return the memory that a process holds.
    """
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1])


def wrong_grants(answers: list[Answer], changes: list[Change]) -> Iterator[Answer]:
    """
    Find the tokens that were asked for after a change was answered, had before the next was sent, and don't show it.
    """
    for change, following in zip(changes, [*changes[1:], Change(float("inf"), float("inf"), gives=True)], strict=True):
        for answer in answers:
            if change.answered <= answer.asked and answer.had <= following.sent and answer.has_scope != change.gives:
                yield answer


def pause_for(shop: Shop) -> float:
    """
    Measure what the server and these clients can do together, and return the pause that takes their share of it.
    """
    with Clients(shop, 0.0) as clients:
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 2, "two seconds have gone by")
    rate = len(clients.answers) / 2
    busy = CLIENTS / rate
    return busy / SHARE_OF_CAPACITY - busy


@pytest.mark.timeout(SECONDS * 2 + 300)
def test_nothing_is_wrong_lost_or_leaking(tmp_path: Path) -> None:
    """
    Whatever happens meanwhile, tokens say what is true, have their records, and are signed by published keys.
    """
    server = start_server(tmp_path / "home", arguments=("--workers", "2"))
    try:
        shop = create_shop(server)
        disturber = Disturber(shop)
        with Clients(shop, pause_for(shop)) as clients:
            disturb(disturber, until=time.monotonic() + SECONDS - SETTLING, kills=True)
            disturb(disturber, until=time.monotonic() + SETTLING / 2, kills=False)  # new workers get warm
            before = {pid: resident_kib(pid) for pid in workers_of(server.process.pid)}
            disturb(disturber, until=time.monotonic() + SETTLING / 2, kills=False)
            after = {pid: resident_kib(pid) for pid in before}
        server.stop()
    finally:
        server.kill()
    judge(clients, disturber, server)
    assert len(clients.answers) > SECONDS * 10
    for pid, held in before.items():
        assert after[pid] <= held * MOST_GROWTH, (held, after[pid])


def disturb(disturber: Disturber, *, until: float, kills: bool) -> None:
    """
    Change rights all the time, keys now and then, and workers where that is wanted.
    """
    turn = 0
    while time.monotonic() < until:
        turn += 1
        disturber.change_right()
        if turn % 20 == 0:
            disturber.turn_keys()
        if kills and turn % 50 == 0:
            disturber.kill_a_worker()
        time.sleep(0.05)  # so that tokens are asked for between two changes


def judge(clients: Clients, disturber: Disturber, server: RunningServer) -> None:
    """
    Hold what was answered to what is promised.
    """
    assert clients.odd == []
    assert list(wrong_grants(clients.answers, disturber.changes)) == []
    assert {answer.has_scope for answer in clients.answers} == {True, False}
    assert {answer.token_id for answer in clients.answers} <= recorded_tokens(server.home)
    assert {answer.key_id for answer in clients.answers} <= disturber.published
    assert "Traceback" not in server.output
