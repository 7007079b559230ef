"""
Passwords that cost next to nothing, for tests whose subject is not what a guess costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from watchword.server.domain import passwords

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """
    Hash with the least memory and one pass: with the true cost, half of the time of the console's tests went there.
    """
    monkeypatch.setattr(passwords, "_PASSES", 1)
    monkeypatch.setattr(passwords, "_MEMORY_KIB", 8)
    passwords._of_nobody.cache_clear()
    yield
    passwords._of_nobody.cache_clear()
