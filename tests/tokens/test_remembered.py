"""
What the directory remembers: bounded, and what is used stays.
"""

from __future__ import annotations

import time

from watchword.server.domain.names import RoleType
from watchword.server.domain.view import ResourceEntry, RoleEntry
from watchword.server.storage.changes import Changes, Mark
from watchword.server.storage.loader import Kind, Loaded
from watchword.server.tokens.remembered import MOST_ABSENT, Remembered


def role(name: str) -> Loaded:
    """
    Make a slot with an entry.
    """
    return Loaded(1, "", RoleEntry(id=name, name=name, type=RoleType.MACHINE_TO_MACHINE, scope_ids=frozenset()))


def resource(name: str) -> Loaded:
    """
    Make a slot with an entry that is known by its indicator, and changes by its id.
    """
    entry = ResourceEntry(
        id=name, name=name, indicator=name, access_token_ttl=60, signing_algorithm=None, scopes={}, is_requestable=True
    )
    return Loaded(1, "", entry)


def test_used_longest_ago_goes_first() -> None:
    """
    A hot entry survives any number of others that are asked for once.
    """
    remembered, loads = Remembered(3), 0
    for number in range(50):
        remembered.remember(Kind.ROLE, f"once {number}", role("x"))
        if remembered.find(Kind.ROLE, "hot") is None:
            remembered.remember(Kind.ROLE, "hot", role("hot"))
            loads += 1
    assert list(remembered.shelves[Kind.ROLE].present) == ["once 48", "once 49", "hot"]
    assert loads == 1


def test_kinds_are_bounded_apart() -> None:
    """
    Many applications don't drive out the few API resources.
    """
    remembered = Remembered(2)
    remembered.remember(Kind.RESOURCE, "api", resource("api"))
    for number in range(5):
        remembered.remember(Kind.APPLICATION, str(number), role("x"))
    assert remembered.find(Kind.RESOURCE, "api") is not None
    assert len(remembered.shelves[Kind.APPLICATION].present) == 2


def test_strings_that_callers_choose_drive_out_no_entry() -> None:
    """
    What does not exist is bounded apart.
    """
    remembered = Remembered(1)
    remembered.remember(Kind.ROLE, "there", role("there"))
    for number in range(MOST_ABSENT + 10):
        remembered.remember(Kind.ROLE, f"nowhere {number}", Loaded(1, "", None))

    assert remembered.find(Kind.ROLE, "there") is not None
    assert len(remembered.shelves[Kind.ROLE].absent) == MOST_ABSENT


def test_nothing_is_left_of_resources_that_had_to_go() -> None:
    """
    Their ids go with them.
    """
    remembered = Remembered(2)
    for number in range(20):
        remembered.remember(Kind.RESOURCE, f"api {number}", resource(f"api {number}"))
    assert len(remembered.indicators) == 2
    remembered.apply(Changes(Mark(2, "x"), [("resource", "api 19"), ("resource", "api 0")]))
    assert list(remembered.shelves[Kind.RESOURCE].present) == ["api 18"]


def test_bound_stays_after_everything_was_forgotten() -> None:
    """
    A gap in the history makes new shelves, of the same size.
    """
    remembered = Remembered(2)
    remembered.apply(Changes(Mark(2, "x"), None))
    for number in range(5):
        remembered.remember(Kind.ROLE, str(number), role("x"))
    assert len(remembered.shelves[Kind.ROLE].present) == 2


def test_letting_go_costs_no_more_with_many_entries() -> None:
    """
    A hundred times the entries, and about the same time for each that goes.
    """

    def seconds(most: int) -> float:
        remembered, slot = Remembered(most), role("x")
        for number in range(most):
            remembered.remember(Kind.ROLE, str(number), slot)
        began = time.thread_time()
        for number in range(10_000):
            remembered.remember(Kind.ROLE, f"new {number}", slot)
        return time.thread_time() - began

    assert min(seconds(100_000) for _ in range(3)) < 10 * min(seconds(1_000) for _ in range(3))
