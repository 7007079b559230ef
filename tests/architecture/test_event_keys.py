"""
The kinds of events that are named are those that are recorded, and each is documented.
"""

import re

from tests.architecture.pages import DOCS
from tests.architecture.raised import SOURCE
from watchword.server.domain.event_keys import CHANGES, EVENT_KEYS

RECORDED = re.compile(r'(?:changed|_record)\(\s*(?:ground, )?"([\w.]+)"')
OF_KEYS = re.compile(r'_record_one\("([\w.]+)"')


def test_kinds_of_changes_are_those_that_operations_record() -> None:
    """
    None is missing, and none is stale.
    """
    texts = [path.read_text(encoding="utf-8") for path in (SOURCE / "server/operations").glob("*.py")]
    found = {key for text in texts for key in RECORDED.findall(text)}
    found |= {f"SigningKey.{what}" for text in texts for what in OF_KEYS.findall(text)}
    assert sorted(CHANGES) == sorted(found)


def test_every_kind_of_event_is_documented() -> None:
    """
    In the order in which they are suggested.
    """
    page = (DOCS / "reference/audit-events.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+\.[\w.]+)` \|", page, re.MULTILINE) == list(EVENT_KEYS)
