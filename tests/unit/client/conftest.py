"""
Fixtures of the token source's tests.
"""

import pytest

from tests.unit.client.endpoint import FakeEndpoint
from watchword.client import TokenSource


@pytest.fixture
def endpoint() -> FakeEndpoint:
    """
    Return a token endpoint that nobody has asked yet.
    """
    return FakeEndpoint()


@pytest.fixture
def source(endpoint: FakeEndpoint) -> TokenSource:
    """
    Return a token source that has no token yet.
    """
    return endpoint.source()
