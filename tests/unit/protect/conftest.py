"""
Fixtures of the verifier's tests.
"""

import pytest

from tests.unit.protect.issuer import FakeIssuer
from watchword.protect import Verifier


@pytest.fixture
def issuer() -> FakeIssuer:
    """
    Return an issuer that nobody has asked yet.
    """
    return FakeIssuer()


@pytest.fixture
def verifier(issuer: FakeIssuer) -> Verifier:
    """
    Return a verifier of that issuer's tokens that has no keys yet.
    """
    return issuer.verifier()
