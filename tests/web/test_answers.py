"""
What every answer carries.
"""

from __future__ import annotations

import pytest

from watchword.server.web.answers import common_headers


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [pytest.param("https://id.example", True, id="https"), pytest.param("http://127.0.0.1:3001", False, id="http")],
)
def test_only_https_is_insisted_on(endpoint: str, told: bool) -> None:
    """
    A server behind https tells browsers to stay there, one on plain http must not (RFC 6797 §7.2).
    """
    names = [name for name, _ in common_headers(endpoint)]
    assert (b"strict-transport-security" in names) is told
    assert b"x-content-type-options" in names
