"""
A flood of refusals beside honest clients: it costs them nothing, though the disk be small, and none of it disappears.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.crowd import Answers, client, token_request
from tests.support.databases import ABOUT_FILES
from tests.support.load import recorded_payloads
from tests.support.long import IS_LONG
from tests.support.server import RunningServer, start_server
from tests.support.shop import Shop, create_shop
from tests.support.small_disk import limit_file_size, may_mount, mounted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, ABOUT_FILES]  # PostgreSQL's disk is not ours to look at

REFUSALS = 100_000 if IS_LONG else 20_000
HONEST, HOSTILE = 64, 64
PAUSE = 15.0 if IS_LONG else 2.0  # between the tokens of one honest client: they must not fill the disk themselves
DISK_MIB, TAKEN_MIB, FILE_MIB = 24, 9, 8
LONG_SCOPE = " ".join(f"scope{number:06}" for number in range(4_000))
# No limit but the disk's decides, and the log lines leave the disk alone.
SETTINGS = {"refusals_per_minute": "1000000", "request_log": "false"}


@pytest.fixture(params=["disk", "file size"])
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningServer]:
    """
    Serve a home that has little room.
    """
    if request.param == "disk":
        with mounted(tmp_path / "disk", DISK_MIB) as folder, start_server(folder / "home", settings=SETTINGS) as server:
            (folder / "other").write_bytes(bytes(TAKEN_MIB * 1024 * 1024))
            yield server
        return
    if may_mount() and not IS_LONG:
        pytest.skip("a small disk can be had, which says more")
    with start_server(tmp_path / "home", settings=SETTINGS) as server:
        limit_file_size(server, FILE_MIB)
        yield server


def test_flood_on_a_small_disk_fails_no_honest_request(small: RunningServer) -> None:
    """
    Refusals with scopes of 50 KB fill what is theirs and are counted from then on; tokens go on being issued.
    """
    shop = create_shop(small)
    before = records_of(small)
    honest, hostile = asyncio.run(flood(shop))
    assert Counter(honest.statuses).keys() == {200}
    assert Counter(hostile.statuses) == {400: REFUSALS}
    small.stop()
    after = records_of(small)
    assert after["issued"] - before["issued"] == len(honest.statuses)
    assert after["refused"] + after["counted"] == REFUSALS
    assert after["refused"] > 1_000
    assert after["counted"] > 0
    assert "too little space is left" in small.output


async def flood(shop: Shop) -> tuple[Answers, Answers]:
    """
    Send all refused requests, as fast as they are answered, while honest clients ask for tokens.
    """
    endpoint, application = shop.server.endpoint, shop.application
    good = token_request(endpoint, application.id, application.secret, resource=shop.indicator, scope="read:products")
    bad = token_request(
        endpoint, application.id, application.secret, resource="https://nowhere.example", scope=LONG_SCOPE
    )
    honest, hostile = Answers(), Answers()
    left = itertools.repeat(bad, REFUSALS)
    over = asyncio.Event()
    crowd = [
        asyncio.ensure_future(client(endpoint, lambda: None if over.is_set() else good, honest, pause=PAUSE))
        for _ in range(HONEST)
    ]
    await asyncio.gather(*(client(endpoint, lambda: next(left, None), hostile) for _ in range(HOSTILE)))
    over.set()
    await asyncio.gather(*crowd)
    return honest, hostile


def records_of(server: RunningServer) -> dict[str, int]:
    """
    Count what the log holds: tokens, refusals with a record of their own, and refusals that were counted.
    """
    found = Counter[str]()
    for payload in recorded_payloads(server.home):
        found["issued"] += payload["result"] == "Success"
        found["refused"] += payload["result"] == "Error" and "notRecorded" not in payload
        found["counted"] += payload.get("notRecorded", 0)
    return found
