"""
A home for each test, opened.
"""

from __future__ import annotations

import pytest

from tests.support.home import DATABASES
from tests.support.shopping import shopping

__all__ = ["shopping"]


@pytest.fixture(params=[DATABASES[0], pytest.param(DATABASES[1], marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest) -> str:
    """
    Run every test on both databases.
    """
    chosen: str = request.param
    return chosen
