"""
Carrying out a row: what the command line says becomes a request, and the answer is shown.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from watchword.cli.api import Api, Listing, open_api, segment
from watchword.cli.failures import FAILED, MISUSED, Failure
from watchword.cli.lookups import find_id
from watchword.cli.output import agrees, say
from watchword.cli.rows import Parameter, Place, Row
from watchword.cli.show import show_answer, show_listing
from watchword.cli.target import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    What the command line asks for.

    Attributes:
        values: As they were typed, by the parameters' names.
        limit: Most records to show; None leaves it to the row.
        assent: Whether the person was asked already.
    """

    values: Mapping[str, Any]
    as_json: bool
    limit: int | None = None
    assent: bool = False


def run_row(row: Row, asked: Asked, connection: Connection) -> None:
    """
    Carry out a row.

    Raises:
        Failure: It can't be done.
    """
    if row.changes and all(asked.values[option.name] is None for option in _options(row)):
        names = ", ".join(option.option for option in _options(row))
        raise Failure(f"nothing to change: give at least one of {names}", code=MISUSED)
    _check_input(row, asked, connection)
    asyncio.run(_run(row, asked, connection))


async def _run(row: Row, asked: Asked, connection: Connection) -> None:
    async with open_api(connection) as api:
        await carry_out(row, asked, api)


async def carry_out(row: Row, asked: Asked, api: Api) -> None:
    """
    Carry out a row on an API that is open.

    Raises:
        Failure: It can't be done.
    """
    wire = await _read(row, api, asked.values)
    if row.pages:
        await _list(row, api, asked, wire)
        return
    for values, words in _each(row, asked.values, wire):
        await _request(row, api, asked, values, words)


async def _list(row: Row, api: Api, asked: Asked, wire: Mapping[str, Any]) -> None:
    limit = row.limit if asked.limit is None else asked.limit
    query = {
        parameter.member: _in_query(wire[parameter.name])
        for parameter in row.parameters
        if parameter.place is Place.QUERY and wire[parameter.name] not in (None, [])
    }
    listing = await api.list(_path(row, wire), query, limit)
    show_listing(row, listing, as_json=asked.as_json)


async def _request(row: Row, api: Api, asked: Asked, wire: Mapping[str, Any], words: Mapping[str, str]) -> None:
    if row.asks and not asked.assent and not agrees(row.asks.format(**words)):
        raise Failure("nothing was changed: answer y, or give --yes", code=FAILED)
    answer = await (
        api.get(_path(row, wire)) if row.method == "GET" else api.send(row.method, _path(row, wire), _body(row, wire))
    )
    if row.finishes is not None:
        answer = await row.finishes(api, answer, asked.values)
    if row.picks:
        answer = answer[row.picks]
    if answer is None or (row.done and not asked.as_json):
        say(row.done.format(**words))
    elif isinstance(answer, list) and not row.is_data:
        show_listing(row, Listing(answer, len(answer)), as_json=asked.as_json)
    else:
        show_answer(row, answer, as_json=asked.as_json)


async def _read(row: Row, api: Api, values: Mapping[str, Any]) -> dict[str, Any]:
    """
    Turn what was typed into what is sent, in the order of the row: a scope is looked for in the resource before it.
    """
    wire: dict[str, Any] = {}
    for parameter in row.parameters:
        value = values[parameter.name]
        if isinstance(value, list | tuple):
            wire[parameter.name] = [await _value(parameter, api, item, wire) for item in value]
        else:
            wire[parameter.name] = None if value is None else await _value(parameter, api, value, wire)
    return wire


async def _value(parameter: Parameter, api: Api, value: Any, known: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    if parameter.refers is not None:
        ids = {name: held for name, held in known.items() if isinstance(held, str)}
        return await find_id(api, parameter.refers, value, ids)
    if parameter.reads is not None:
        return parameter.reads(value)
    return value.value if isinstance(value, Enum) else value


def _each(row: Row, values: Mapping[str, Any], wire: Mapping[str, Any]) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """
    Make one request of a row for each value of the path's parameter that repeats.
    """
    words = {name: _in_words(value) for name, value in values.items()}
    several = next((one for one in row.parameters if one.place is Place.PATH and one.repeats), None)
    if several is None:
        return [(dict(wire), words)]
    return [
        ({**wire, several.name: sent}, {**words, several.name: typed})
        for sent, typed in zip(wire[several.name], values[several.name], strict=True)
    ]


def _path(row: Row, wire: Mapping[str, Any]) -> str:
    places = {
        parameter.name: segment(str(wire[parameter.name]), parameter.name)
        for parameter in row.parameters
        if parameter.place is Place.PATH
    }
    return row.path.format(**places)


def _body(row: Row, wire: Mapping[str, Any]) -> object:
    whole = [wire[parameter.name] for parameter in row.parameters if parameter.place is Place.BODY]
    if whole:
        return whole[0]
    members = {
        parameter.member: wire[parameter.name]
        for parameter in row.parameters
        if parameter.place is Place.MEMBER and wire[parameter.name] not in (None, [])
    }
    fallback = {
        name: value.format(**{key: held for key, held in wire.items() if isinstance(held, str)})
        for name, value in row.fallback.items()
    }
    return {**fallback, **members} if members or fallback or row.method != "DELETE" else None


def _in_query(value: Any) -> str | list[str]:  # noqa: ANN401 - any value of an option
    if isinstance(value, bool):
        return "true" if value else "false"
    return [str(item) for item in value] if isinstance(value, list) else str(value)


def _in_words(value: Any) -> str:  # noqa: ANN401 - any value of an option
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _options(row: Row) -> list[Parameter]:
    return [parameter for parameter in row.parameters if not parameter.positional]


def _check_input(row: Row, asked: Asked, connection: Connection) -> None:
    readers = [asked.values[parameter.name] for parameter in row.parameters if parameter.reads is not None]
    if sum(value == "-" for value in [*readers, connection.client_secret]) > 1:
        raise Failure("standard input can be read once: give `-` for one thing only", code=MISUSED)
