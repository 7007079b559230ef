"""
What a page says is printed, and what was printed.

In both, `…` stands for what varies from run to run: in a line for any text, alone on a line for any lines. In JSON a
string may hold it, and a member `"…": "…"` stands for more members. One id is as good as another, and so is one moment.
Runs of blanks count as one: how wide a column is depends on what is in it.
"""

from __future__ import annotations

import json
import re
from typing import Any

ELLIPSIS = "…"
_ID = re.compile(r"\b(?=[a-z]*[0-9])(?:[a-z0-9]{21}|[a-z0-9]{12})\b")
_MOMENT = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z")


def check_text(expected: str, printed: str) -> None:
    """
    Compare lines.

    Raises:
        AssertionError: Something else was printed.
    """
    pattern = _pattern([_tidy(line) for line in expected.strip().splitlines()])
    told = "".join(f"{_tidy(line)}\n" for line in printed.strip().splitlines())
    assert re.fullmatch(pattern, told, re.DOTALL), f"the page says\n{expected}\nand this was printed\n{printed}"


def check_json(expected: str, printed: str) -> None:
    """
    Compare JSON.

    Raises:
        AssertionError: Something else was printed, or no JSON.
    """
    try:
        told = json.loads(printed)
    except ValueError:
        raise AssertionError(f"the page says\n{expected}\nand this was printed, which is no JSON\n{printed}") from None
    where = _difference(json.loads(expected), told, "")
    assert where is None, (
        f"the page says\n{expected}\nand this was printed\n{printed}\nthey differ at {where or 'the top'}"
    )


def _pattern(lines: list[str]) -> str:
    return "".join(r"(?:[^\n]*\n)*?" if line == ELLIPSIS else _of_line(line) for line in lines)


def _of_line(line: str) -> str:
    return r"[^\n]*?".join(re.escape(part) for part in line.split(ELLIPSIS)) + r"\n"


def _tidy(line: str) -> str:
    return _MOMENT.sub("MOMENT", _ID.sub("ID", re.sub(r"\s+", " ", line).strip()))


def _difference(expected: Any, told: Any, where: str) -> str | None:  # noqa: ANN401 - JSON
    match expected:
        case dict():
            return _difference_of_members(expected, told, where)
        case list():
            if not isinstance(told, list) or len(told) != len(expected):
                return where
            pairs = zip(expected, told, strict=True)
            found = (_difference(one, other, f"{where}[{index}]") for index, (one, other) in enumerate(pairs))
            return next((place for place in found if place is not None), None)
        case str() if ELLIPSIS in expected:
            return None if isinstance(told, str) and re.fullmatch(_of_line(expected), f"{told}\n") else where
    return None if type(expected) is type(told) and expected == told else where


def _difference_of_members(expected: dict[str, Any], told: Any, where: str) -> str | None:  # noqa: ANN401 - JSON
    if not isinstance(told, dict):
        return where
    named = {name: value for name, value in expected.items() if name != ELLIPSIS}
    if named.keys() - told.keys() or (ELLIPSIS not in expected and told.keys() - named.keys()):
        return where
    found = (_difference(value, told[name], f"{where}.{name}") for name, value in named.items())
    return next((place for place in found if place is not None), None)
