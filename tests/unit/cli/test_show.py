"""
Values as people see them.
"""

from __future__ import annotations

import pytest

from watchword.cli.show import header_of, member_of, text_of


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        pytest.param("createdAt", 1795519495123, "2026-11-24 11:24:55Z", id="moment with its hour and zone"),
        pytest.param("createdAt", 1e30, "1e+30", id="moment of no calendar"),
        pytest.param("accessTokenTtl", 3600, "3600", id="number"),
        pytest.param("isDefault", True, "yes", id="true"),
        pytest.param("isDefault", False, "no", id="false"),
        pytest.param("description", None, "", id="nothing"),
        pytest.param("customData", {"ä": [1]}, '{"ä": [1]}', id="object"),
        pytest.param("name", "x", "x", id="text"),
    ],
)
def test_value_is_written_for_people(name: str, value: object, text: str) -> None:
    """
    Each kind of value has one form.
    """
    assert text_of(name, value) == text


def test_columns_reach_into_members() -> None:
    """
    A dot leads into an object; what is not there is nothing.
    """
    record = {"resource": {"indicator": "https://a"}, "name": "x"}
    assert member_of(record, "resource.indicator") == "https://a"
    assert member_of(record, "name.first") is None
    assert header_of("resource.indicator") == "INDICATOR"
    assert header_of("accessTokenTtl") == "ACCESS TOKEN TTL"
    assert [header_of(name) for name in ("id", "createdAt", "usersCount", "applicationId")] == [
        "ID",
        "CREATED",
        "USERS",
        "APPLICATION",
    ]
