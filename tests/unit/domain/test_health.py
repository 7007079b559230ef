"""
What readiness says of a failure is chosen from a list: what it was told never shows.
"""

from __future__ import annotations

import pytest

from watchword.server.domain.health import Check, public_reason, what_is_missing


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        pytest.param("database or disk is full", "the disk is full", id="sqlite full"),
        pytest.param("[Errno 28] No space left on device: '/srv/tokens.lock'", "the disk is full", id="os full"),
        pytest.param("[Errno 27] File too large", "the disk is full", id="limit of the file size"),
        pytest.param("attempt to write a readonly database", "it can only be read", id="read-only"),
        pytest.param("[Errno 30] Read-only file system: '/srv'", "it can only be read", id="read-only file system"),
        pytest.param("database is locked", "another program holds its lock", id="locked"),
        pytest.param("unable to open database file", "its file is missing or can't be opened", id="missing"),
        pytest.param("file is not a database", "its file is damaged", id="no database"),
        pytest.param("disk I/O error", "the disk reports errors", id="i/o"),
        pytest.param(
            "tokens.db belongs to another installation", "its file belongs to another installation", id="other"
        ),
        pytest.param('connection to server at "10.0.0.5", port 5432 failed', "it can't be reached", id="anything else"),
    ],
)
def test_reason_is_one_of_a_list(detail: str, said: str) -> None:
    """
    Neither a path nor an address leaves.
    """
    assert public_reason(detail) == said


def test_what_tokens_do_not_need_is_not_missing() -> None:
    """
    A check that fails and is not needed is told, and nothing more.
    """
    fine, failing = Check(name="token_log", reason=None), Check(name="clock", reason="it is wrong")
    assert what_is_missing([fine, Check(name="x", reason="y", is_needed=False)]) is None
    assert what_is_missing([fine, failing]) is failing
