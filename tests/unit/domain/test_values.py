"""
What a record's values may be.
"""

from __future__ import annotations

import pytest

from watchword.server.domain import values
from watchword.server.domain.phones import read_phone
from watchword.server.domain.problems import Problem


def test_length_is_counted_as_the_reference_counts() -> None:
    """
    A letter beyond the first plane counts twice; what is no text is judged elsewhere.
    """
    values.demand_text("name", "\N{GRINNING FACE}" * 64, most=128)
    with pytest.raises(Problem, match="too long"):
        values.demand_text("name", "\N{GRINNING FACE}" * 65, most=128)
    values.demand_text("name", None, most=1)


@pytest.mark.parametrize("seconds", [0, -1, values.LONGEST_LIFETIME + 1])
def test_lifetime_has_bounds(seconds: int) -> None:
    """
    Which are good themselves.
    """
    with pytest.raises(Problem):
        values.demand_lifetime(seconds)
    values.demand_lifetime(1)
    values.demand_lifetime(values.LONGEST_LIFETIME)
    values.demand_lifetime(None)


def test_username_and_address_may_be_none() -> None:
    """
    Or have their form.
    """
    for nothing in (None, ""):
        values.demand_username(nothing)
        values.demand_email(nothing)
    values.demand_username("ada_1")
    values.demand_email("ada@example.com")
    with pytest.raises(Problem):
        values.demand_username("ada-1")
    with pytest.raises(Problem):
        values.demand_email("ada@example")


@pytest.mark.parametrize("written", ["+49 (30) 901820", "4930901820", "+49-30/901.820"])
def test_phone_number_is_read_as_people_write_it(written: str) -> None:
    """
    One form for each.
    """
    assert read_phone(written) == "4930901820"


@pytest.mark.parametrize("written", ["", "+", "1800FLOWERS", "++4930901820", "٤٩٣٠٩٠١٨٢٠"])
def test_what_is_no_phone_number_is_refused(written: str) -> None:
    """
    Letters stand for no digits.
    """
    with pytest.raises(Problem):
        read_phone(written)
