"""
The table of commands, held against the Management API's own table.
"""

from __future__ import annotations

import re

import pytest

from watchword.cli.families.table import GROUPS, ROWS
from watchword.cli.refusals import commands_for
from watchword.cli.rows import Parameter, Place, Row
from watchword.server.web.api.guard import Body
from watchword.server.web.api.route import Paging, Route
from watchword.server.web.api.routes import TABLE

PLACEHOLDER = re.compile(r"{(\w+)}")
EACH_ROW = pytest.mark.parametrize("row", [pytest.param(row, id=row.words) for row in ROWS])


def route_of(row: Row) -> Route:
    """
    Find the route that a row's request takes.
    """
    found = TABLE.find(PLACEHOLDER.sub("x", row.path))
    assert found is not None, row.path
    return found[0].routes[row.method]


def members(row: Row, place: Place) -> list[Parameter]:
    """
    Return the parameters that go into one part of the request.
    """
    return [parameter for parameter in row.parameters if parameter.place is place]


@EACH_ROW
def test_request_is_one_that_the_api_answers(row: Row) -> None:
    """
    Path and method stand in the API's table, and each placeholder is a parameter.
    """
    route_of(row)
    assert set(PLACEHOLDER.findall(row.path)) == {parameter.name for parameter in members(row, Place.PATH)}


@EACH_ROW
def test_body_has_only_members_that_the_api_takes(row: Row) -> None:
    """
    Nothing that a command sends is dropped in silence.
    """
    body = route_of(row).body
    sent = {parameter.member for parameter in members(row, Place.MEMBER)} | set(row.fallback)
    if members(row, Place.BODY):
        assert not sent
        assert body is not None
        assert not issubclass(body, Body)
    elif body is None:
        assert not sent
    elif issubclass(body, Body):
        assert sent <= {field.alias or name for name, field in body.model_fields.items()}


@EACH_ROW
def test_query_has_only_parameters_that_the_api_reads(row: Row) -> None:
    """
    A filter that the API does not know would show too much.
    """
    route = route_of(row)
    sent = {parameter.member for parameter in members(row, Place.QUERY)}
    known = {query.name for query in route.query} | ({"search"} if route.search is not None else set())
    assert sent <= known
    assert row.pages <= (route.paging is not Paging.NEVER)


@EACH_ROW
def test_sentences_name_only_parameters(row: Row) -> None:
    """
    What is said and asked can be filled in.
    """
    names = {parameter.name for parameter in row.parameters}
    assert set(PLACEHOLDER.findall(row.done + row.asks)) <= names


@EACH_ROW
def test_what_is_not_found_can_be_listed(row: Row) -> None:
    """
    For each thing that a path names there is a command that lists what there is of its kind.
    """
    if "{" in row.path:
        assert f"{commands_for(f'/api{row.path}')} list" in {other.words for other in ROWS}


@EACH_ROW
def test_whatever_destroys_asks_first(row: Row) -> None:
    """
    Deleting or revoking a thing asks a person; taking a role away can be undone and does not.
    """
    assert bool(row.asks) == row.words.endswith(("delete", "revoke"))
    assert row.help.endswith(".")
    assert row.pages <= bool(row.columns)


def test_every_group_has_a_text_and_every_command_a_group() -> None:
    """
    The table of groups is exactly what the rows need.
    """
    above = {row.words.rpartition(" ")[0] for row in ROWS}
    assert above - {""} <= set(GROUPS)  # `explain` stands alone
    assert len({row.words for row in ROWS}) == len(ROWS)
    assert all(any(row.words.startswith(f"{group} ") for row in ROWS) for group in GROUPS)


@pytest.mark.parametrize("family", ["apps", "resources", "roles", "users"])
def test_every_family_can_be_listed_shown_created_updated_and_deleted(family: str) -> None:
    """
    The five commands that people try first are there.
    """
    words = {row.words for row in ROWS}
    assert {f"{family} {verb}" for verb in ("list", "show", "create", "update", "delete")} <= words
