"""
A home for each test, opened, with something to ask tokens for.
"""

from __future__ import annotations

import pytest

from tests.support.home import DATABASES
from tests.support.shopping import Shopping, shopping

__all__ = ["Shopping", "shopping"]


@pytest.fixture
def anyio_backend() -> str:
    """
    Run async tests on asyncio, which is what serves.
    """
    return "asyncio"


@pytest.fixture(params=[DATABASES[0], pytest.param(DATABASES[1], marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest) -> str:
    """
    Run every test on both databases.
    """
    chosen: str = request.param
    return chosen
