"""
`/metrics` of a real server: several workers, one of which dies; and what `deploy/` expects to find there.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import httpx
import pytest

from tests.support.server import MANAGEMENT_RESOURCE, RunningServer, start_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TOKEN = "a-token-of-the-tests-0123456789"
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ISSUED = 'watchword_token_requests_total{grant="client_credentials",outcome="issued"}'
SECONDS = 60.0
T = TypeVar("T")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """
    Run two workers.
    """
    home = tmp_path_factory.mktemp("metrics") / "home"
    with start_server(home, settings={"metrics_token": TOKEN}, arguments=("--workers", "2")) as running:
        wait_for(lambda: samples(running)["watchword_workers"] == 2)
        yield running


def scrape(server: RunningServer) -> str:
    """
    Read the page over a connection of its own, so that any worker may answer.
    """
    answer = httpx.get(f"{server.endpoint}/metrics", headers={"authorization": f"Bearer {TOKEN}"}, trust_env=False)
    assert answer.status_code == 200
    return answer.text


def samples(server: RunningServer) -> dict[str, float]:
    """
    Read the numbers; none while no worker answers.
    """
    lines = [line for line in scrape(server).splitlines() if not line.startswith("#")]
    return {name: float(number) for name, _, number in (line.rpartition(" ") for line in lines)}


def ask(server: RunningServer) -> str:
    """
    Ask for a token over a connection of its own, and return which worker answered.
    """
    form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE}
    credentials = (server.application_id, server.application_secret)
    answer = httpx.post(f"{server.endpoint}/oidc/token", data=form, auth=credentials, trust_env=False)
    assert answer.status_code == 200
    return answer.headers["x-request-id"][:8]


def test_numbers_are_right_in_sum_when_a_worker_is_killed_and_replaced(server: RunningServer) -> None:
    """
    Whichever worker answers tells of all, and no number ever falls: to Prometheus that would be a restart.
    """
    before = samples(server)[ISSUED]
    answered = ask_until_both_answer(server)
    wait_for(lambda: samples(server)[ISSUED] == before + answered)
    assert {samples(server)[ISSUED] for _ in range(10)} == {before + answered}

    os.kill(worker_of(server), signal.SIGKILL)
    for _ in range(20):
        read = retried(lambda: samples(server))
        assert read[ISSUED] == before + answered
    again = ask_until_both_answer(server)
    wait_for(lambda: retried(lambda: samples(server))["watchword_workers"] == 2)
    wait_for(lambda: samples(server)[ISSUED] == before + answered + again)
    assert {samples(server)[ISSUED] for _ in range(10)} == {before + answered + again}


def ask_until_both_answer(server: RunningServer) -> int:
    """
    Ask until two workers have answered; return how many tokens were had.
    """
    asked, workers = 0, set[str]()

    def both_have() -> bool:
        nonlocal asked
        workers.add(retried(lambda: ask(server)))
        asked += 1
        return len(workers) == 2

    wait_for(both_have)
    return asked


def worker_of(server: RunningServer) -> int:
    """
    Find the process id of a worker.
    """
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text(encoding="ascii")
    workers = [pid for pid in children.split() if b"--board=" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return int(workers[0])


def retried(call: Callable[[], T]) -> T:
    """
    Call again when the worker that had taken the connection died.
    """
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return call()
        except httpx.TransportError:
            assert time.monotonic() < deadline


def wait_for(is_so: Callable[[], bool]) -> None:
    """
    Wait until something is so.
    """
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def names_of(page: str) -> set[str]:
    """
    List the names that a page declares, and what a histogram makes of its own.
    """
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))
    suffixes = ("_bucket", "_sum", "_count")
    return {name for name, kind in kinds.items() if kind != "histogram"} | {
        name + suffix for name, kind in kinds.items() if kind == "histogram" for suffix in suffixes
    }


@pytest.mark.parametrize("name", ["grafana-dashboard.json", "prometheus-alerts.yml"])
def test_what_deploy_asks_for_is_there(server: RunningServer, name: str) -> None:
    """
    No panel and no alert is about a metric that does not exist.
    """
    asked = set(re.findall(r"\bwatchword_[a-z_]+", (DEPLOY / name).read_text(encoding="utf-8")))
    assert len(asked) > 8
    assert asked - names_of(scrape(server)) == set()


def test_every_metric_is_on_the_dashboard(server: RunningServer) -> None:
    """
    What is measured can be seen; of a histogram one of its parts is enough.
    """
    board = (DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8")
    declared = re.findall(r"^# TYPE (\S+) ", scrape(server), re.MULTILINE)
    assert [name for name in declared if name not in board] == []


def test_dashboard_is_whole() -> None:
    """
    Every panel has a number, a title, a place of its own and something to show.
    """
    panels = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
    assert all(panel["title"] and panel["targets"] and all(one["expr"] for one in panel["targets"]) for panel in panels)
