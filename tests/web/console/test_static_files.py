"""
What pages load: kept where its address names its content, and compressed for those who take that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from watchword.server.web.console.static_files import takes_gzip

if TYPE_CHECKING:
    from tests.support.browser import Browser

ACCEPTED = {
    "": False,
    "gzip": True,
    "deflate, GZIP": True,
    "x-gzip": True,
    "br;q=1.0, gzip;q=0.8, *;q=0.1": True,
    "gzip;q=0": False,
    "gzip ; q=0.000, br": False,
    "gzip;q=0.001": True,
    "identity": False,
    "*": False,
    "gzipped": False,
    "br;q=gzip": False,
    ",;,": False,
}


@pytest.mark.parametrize(("accepted", "taken"), ACCEPTED.items())
def test_accepted_coding_is_read(accepted: str, *, taken: bool) -> None:
    """
    By name and weight.
    """
    assert takes_gzip(accepted) is taken


async def test_files_are_kept_where_their_address_names_their_content(owner: Browser) -> None:
    """
    For ever by that address; by the bare one a browser asks again.
    """
    addresses = await addresses_of(owner)
    assert len(addresses) == 4
    for address in addresses:
        assert "immutable" in (await owner.client.get(address)).headers["cache-control"]
        assert (await owner.client.get(address + "0")).headers["cache-control"] == "no-cache"


async def test_files_are_compressed_for_those_who_take_that(owner: Browser) -> None:
    """
    With a tag of its own, so that neither form is taken for the other.
    """
    for address in await addresses_of(owner):
        plain = await owner.client.get(address, headers={"accept-encoding": "identity"})
        small = await owner.client.get(address, headers={"accept-encoding": "gzip"})
        assert ("content-encoding" in plain.headers, small.headers["content-encoding"]) == (False, "gzip")
        assert small.content == plain.content
        assert int(small.headers["content-length"]) < len(plain.content)
        assert plain.headers["etag"] != small.headers["etag"]
        assert plain.headers["vary"] == small.headers["vary"] == "accept-encoding"
        known = {"accept-encoding": "gzip", "if-none-match": small.headers["etag"]}
        assert (await owner.client.get(address, headers=known)).status_code == 304
        known["accept-encoding"] = "identity"
        assert (await owner.client.get(address, headers=known)).content == plain.content


async def test_pages_are_not_compressed(owner: Browser) -> None:
    """
    Their length would tell of the token that their forms have.
    """
    page = await owner.client.get("/console/applications", headers={"accept-encoding": "gzip"})
    assert (page.status_code, "content-encoding" in page.headers) == (200, False)


async def addresses_of(owner: Browser) -> list[str]:
    """
    Return the addresses of what a page loads.
    """
    page = (await owner.open("/console/applications")).text
    return re.findall(r'(?:href|src)="(/console/[\w.]+\?v=\w+)"', page)
