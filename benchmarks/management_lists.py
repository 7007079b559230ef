"""
Measures lists and searches of the Management API: `python benchmarks/management_lists.py FOLDER FOLDER`.

Each folder is a home that `dev seed` has filled, as `token_endpoint.py --million` leaves them below `.build/bench`. The
application runs in process, so what is measured is all but the network.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import httpx

from watchword.server.bootstrap import open_context
from watchword.server.settings import resolve
from watchword.server.web.app import create_app
from watchword.server.web.request_log import NoRequestLines

_MOST_SECONDS = 3.0
Times = Mapping[str, list[float]]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Measure one home, or two, and print a line for each list: last, how the p99 of the two compare.
    """
    parser = argparse.ArgumentParser(prog="management_lists.py", description="Measure lists of the Management API.")
    parser.add_argument("homes", nargs="+", type=Path, help="a seeded home, or a small one and a large one")
    parser.add_argument("--database-url", action="append", help="of each home in turn, where it is on PostgreSQL")
    parser.add_argument("--rounds", type=int, default=100, help="requests for each list, for 3 s at most (default 100)")
    given = parser.parse_args(arguments)
    urls = given.database_url or [None] * len(given.homes)
    taken = [asyncio.run(measure(home, url, given.rounds)) for home, url in zip(given.homes, urls, strict=True)]
    for name in taken[0]:
        middle, high = ([percentile(one[name], share) for one in taken] for share in (0.5, 0.99))
        figures = [f"p50 {one:8.1f} ms, p99 {other:8.1f} ms" for one, other in zip(middle, high, strict=True)]
        print(f"{name:34} {' | '.join(figures)} | {high[-1] / high[0]:6.1f}")
    return 0


async def measure(home: Path, database_url: str | None, rounds: int) -> Times:
    """
    Time each list, in milliseconds.
    """
    settings = resolve({"home": home, "database_url": database_url}).settings
    with closing(open_context(settings, NoRequestLines())) as ctx:
        transport = httpx.ASGITransport(create_app(ctx, lambda: None, local=True))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as http:
            paths = await lists_of(http)
            return {name: await _time(http, path, rounds) for name, path in paths.items()}


async def lists_of(http: httpx.AsyncClient) -> Mapping[str, str]:
    """
    Say what to ask for, by what it is called.
    """
    answer = await http.get("/api/applications?page_size=1")
    total, newest = int(answer.headers["Total-Number"]), answer.json()[0]
    roles = (await http.get("/api/roles?page_size=100")).json()
    common = next(role["id"] for role in roles if role["name"].endswith("everybody"))
    seldom = next(role["id"] for role in roles if role["name"].endswith("role 1"))
    middle = total // 40
    return {
        "applications": "/api/applications?page=1",
        "applications, of a type": "/api/applications?types=MachineToMachine&page=1",
        "applications, middle": f"/api/applications?page={middle}",
        "applications, last page": f"/api/applications?page={total // 20}",
        "applications without a role": f"/api/applications?excludeRoleId={seldom}&page=1",
        "search for one": f"/api/applications?search=%25{newest['name']}%25&page=1",
        "search for one in a hundred": "/api/applications?search=%25coral-export%25&page=1",
        "broad: one in ten": "/api/applications?search=%25export%25&page=1",
        "broad: one in ten, middle": f"/api/applications?search=%25export%25&page={middle // 10}",
        "broad: all": "/api/applications?search=%25seeded%25&page=1",
        "broad: all, middle": f"/api/applications?search=%25seeded%25&page={middle}",
        "broad: two letters": "/api/applications?search=%25xp%25&page=1",
        "broad: nobody, two letters": "/api/applications?search=%25%23%23%25&page=1",
        "roles": "/api/roles?page=1",
        "holders of a role": f"/api/roles/{seldom}/applications?page=1",
        "holders of everybody's role": f"/api/roles/{common}/applications?page=1",
        "holders, middle": f"/api/roles/{common}/applications?page={middle}",
        "holders, search for one": f"/api/roles/{common}/applications?search=%25{newest['name']}%25&page=1",
        "broad: holders": f"/api/roles/{common}/applications?search=%25export%25&page=1",
    }


async def _time(http: httpx.AsyncClient, path: str, rounds: int) -> list[float]:
    await http.get(path)
    taken: list[float] = []
    while len(taken) < rounds and sum(taken) < _MOST_SECONDS * 1000:
        began = time.perf_counter()
        answer = await http.get(path)
        taken.append((time.perf_counter() - began) * 1000)
        answer.raise_for_status()
    return sorted(taken)


def percentile(ordered: Sequence[float], share: float) -> float:
    """
    Return the time that this share of the requests did not exceed.
    """
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


if __name__ == "__main__":
    sys.exit(main())
