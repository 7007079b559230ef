"""
Where a request came from, as trusted proxies tell it.
"""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from watchword.server.web.requests import RequestHeaders, came_from

NEAR, PROXY = "10.0.0.1", "10.0.0.2"
TRUSTED = (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("address", "forwarded", "found"),
    [
        pytest.param(NEAR, "203.0.113.7", "203.0.113.7", id="address"),
        pytest.param("203.0.113.1", "203.0.113.7", "203.0.113.1", id="from nobody that is trusted"),
        pytest.param(NEAR, f"6.6.6.6, 203.0.113.7, {PROXY}", "203.0.113.7", id="as far as hops are trusted"),
        pytest.param(NEAR, "203.0.113.7:4711", "203.0.113.7", id="port"),
        pytest.param(NEAR, "[2001:db8::1]:4711", "2001:db8::1", id="port behind an IPv6 address"),
        pytest.param(NEAR, "2001:db8::1", "2001:db8::1", id="IPv6 address"),
        pytest.param(NEAR, f"203.0.113.7, {PROXY}:99", "203.0.113.7", id="trusted hop with a port"),
        pytest.param(NEAR, f"203.0.113.7, unknown, {PROXY}", PROXY, id="no address: the hop before it is the nearest"),
        pytest.param(NEAR, "<script>", NEAR, id="garbage"),
        pytest.param(NEAR, "", NEAR, id="nothing"),
    ],
)
def test_origin_is_the_nearest_hop_that_is_not_trusted(address: str, forwarded: str, found: str) -> None:
    """
    What a client writes into the header itself counts for nothing.
    """
    headers = RequestHeaders([(b"x-forwarded-for", forwarded.encode())])
    assert came_from(address, headers, TRUSTED).ip == found
