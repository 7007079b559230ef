"""
A home for each test, opened, with something to ask tokens for.
"""

from __future__ import annotations

import pytest

from tests.support.home import ctx, home, made
from tests.support.shopping import Shopping, shopping

__all__ = ["Shopping", "ctx", "home", "made", "shopping"]


@pytest.fixture
def anyio_backend() -> str:
    """
    Run async tests on asyncio, which is what serves.
    """
    return "asyncio"
