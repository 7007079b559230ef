"""
Reads exchanges that are written down the way the recordings are: a test's row is the recording itself.

A file holds one exchange per `###` title; prose before the first title is for people:

    ### create secret, name taken
    before POST /applications/<app>/secrets {"name": "ci"}
    POST /applications/<app>/secrets
    {"name": "ci"}
    → 422
    {"code":"application.secret_name_exists","message":"Secret name already exists."}

The line `→` gives the status, then what else is known: `code X` (only the code counts, not the text),
`total N` (`Total-Number`, and with it the `Link` headers), `allow X`. `<app>` and the like are made for the
row alone (`exchange.py`); in an answer `<id>`, `<ms>` and the like stand for what varies.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.exchange import NO_BODY, Exchange
from tests.support.wire import ID, MILLISECONDS, SECRET, TEXT_VALUE, USER_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark.structures import ParameterSet

FOLDER = Path(__file__).parent.parent / "contract" / "recordings"
VARIES = {
    "<id>": ID,
    "<user id>": USER_ID,
    "<ms>": MILLISECONDS,
    "<secret>": SECRET,
    "<text>": TEXT_VALUE,
}
REQUEST = re.compile(r"(?P<method>[A-Z]+) (?P<path>/\S*(?: \S+)*?)(?: (?P<body>[\[{].*))?$")
RESULT = re.compile(r"→ (?P<status>\d{3})(?: (?P<kind>code|total|allow) (?P<value>.+))?$")
TYPED = re.compile(r"\((?P<type>[^)]*)\) ?(?P<text>.*)$")


def recorded(name: str) -> list[ParameterSet]:
    """
    Return the exchanges of `contract/recordings/<name>.md` as rows, each with its title as id.
    """
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    rows = [pytest.param(exchange, id=title) for title, exchange in exchanges(text)]
    titles = [row.id for row in rows]
    assert len(set(titles)) == len(titles), f"{name}.md: a title occurs twice"
    return rows


def exchanges(text: str) -> Iterator[tuple[str, Exchange]]:
    """
    Yield title and exchange of every block.
    """
    for block in re.split(r"(?m)^### ", text)[1:]:
        title, *lines = [line for line in block.splitlines() if line.strip() and not line.startswith("## ")]
        yield title, exchange_of(lines)


def exchange_of(lines: list[str]) -> Exchange:
    """
    Return the exchange that these lines write down.
    """
    before = tuple(prepared(line) for line in lines if line.startswith("before "))
    request, *rest = [line for line in lines if not line.startswith("before ")]
    arrow = next(index for index, line in enumerate(rest) if line.startswith("→ "))
    result = RESULT.match(rest[arrow])
    method, path = request.split(" ", 1)
    assert result is not None, rest[arrow]
    found: dict[str, Any] = {result["kind"]: result["value"]} if result["kind"] else {}
    body, content_type = body_of(rest[:arrow])
    return Exchange(
        method=method,
        path=path,
        body=body,
        content_type=content_type,
        status=int(result["status"]),
        answer=answer_of(rest[arrow + 1 :]),
        code=found.get("code"),
        total=int(found["total"]) if "total" in found else None,
        allow=found.get("allow"),
        before=before,
    )


def prepared(line: str) -> Exchange:
    """
    Return the exchange of a line `before METHOD path body`.
    """
    found = REQUEST.match(line.removeprefix("before "))
    assert found is not None, line
    body = NO_BODY if found["body"] is None else json.loads(found["body"])
    return Exchange(method=found["method"], path=found["path"], body=body)


def body_of(lines: list[str]) -> tuple[object, str]:
    """
    Return the body to send and its content type; `(text/plain) …` sends text as it stands.
    """
    if not lines:
        return NO_BODY, ""
    text = "\n".join(lines)
    typed = TYPED.match(text)
    if typed is not None:
        return typed["text"].encode(), typed["type"]
    return json.loads(text), "application/json"


def answer_of(lines: list[str]) -> object:
    """
    Return the expected body: JSON with patterns for what varies, a text, or None.
    """
    if not lines:
        return None
    text = "\n".join(lines)
    return with_patterns(json.loads(text)) if text[0] in "[{" else text


def with_patterns(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """
    Replace the strings that stand for what varies.
    """
    if isinstance(value, str):
        return VARIES.get(value, value)
    if isinstance(value, list):
        return [with_patterns(element) for element in value]
    if isinstance(value, dict):
        return {name: with_patterns(element) for name, element in value.items()}
    return value
