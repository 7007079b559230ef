"""
What looks for leaks finds them: otherwise the tests that stand on it prove nothing.
"""

import base64
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.e2e.spellings import leaks

SECRET = 'ww_6f+/Zk "q" 0123456789abcdefghijklmn'


@pytest.mark.parametrize(
    "spell",
    [
        pytest.param(lambda it: it, id="raw"),
        pytest.param(lambda it: it[:24], id="half"),
        pytest.param(lambda it: quote(it, safe=""), id="percent-encoded"),
        pytest.param(json.dumps, id="JSON"),
        pytest.param(lambda it: json.dumps({"error": json.dumps({"told": it})}), id="JSON in JSON"),
        pytest.param(lambda it: base64.b64encode(it.encode()).decode(), id="base64"),
        pytest.param(lambda it: base64.b64encode(f"id:{it}".encode()).decode(), id="HTTP Basic, id of two"),
        pytest.param(lambda it: base64.b64encode(f"id2:{it}!".encode()).decode(), id="HTTP Basic, id of three"),
        pytest.param(lambda it: base64.urlsafe_b64encode(f"i:{it}".encode()).decode(), id="base64url"),
        pytest.param(lambda it: it.encode().hex(), id="hexadecimal"),
    ],
)
def test_spelling_is_found(spell: Callable[[str], str]) -> None:
    """
    The secret is found inside other text, and named without being shown.
    """
    found = leaks(f"before {spell(SECRET)} after".encode(), {"the secret": SECRET})
    assert found
    assert all(told.startswith("the secret, ") and SECRET[:8] not in told for told in found)


def test_other_text_is_no_leak() -> None:
    """
    A mask that shows prefix and last four characters is fine.
    """
    assert leaks(f"ww_…{SECRET[-4:]}".encode(), {"the secret": SECRET}) == []
