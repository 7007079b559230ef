"""
Showing what the Management API answers.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchword.cli.output import emit, emit_json, hand_over, is_terminal, one_line, say, show_members, show_table
from watchword.cli.rows import Record, Row

if TYPE_CHECKING:
    from watchword.cli.api import Listing

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENTS = ("At", "From", "Until")


def show_listing(row: Row, listing: "Listing", *, as_json: bool) -> None:
    """
    Show records: a JSON array, or a table.
    """
    if as_json:
        emit_json(listing.records)
        return
    records = [row.tidies(record) if row.tidies else record for record in listing.records]
    if records:
        headers = [header_of(column) for column in row.columns]
        show_table(headers, [[text_of(column, member_of(one, column)) for column in row.columns] for one in records])
    else:
        say("There is nothing to show.")
    if len(records) < listing.total:
        say(f"{len(records)} of {listing.total} shown; --limit {listing.total} shows all.")


def show_answer(row: Row, answer: Any, *, as_json: bool) -> None:  # noqa: ANN401 - any JSON
    """
    Show one thing; a secret in it goes to a terminal, into JSON, or into a private file.
    """
    if as_json or row.is_data:
        emit_json(answer)
        return
    if row.tells is not None:
        for line in row.tells(answer):
            emit(one_line(line))
        return
    secret = None if row.secret is None else answer.get(row.secret)
    hidden = secret is not None and not is_terminal()
    shown = {name: value for name, value in answer.items() if not (hidden and name == row.secret)}
    show_members({name: text_of(name, value) for name, value in shown.items()})
    if hidden:
        application_id = answer.get("applicationId") or answer["id"]
        credentials = {"application_id": application_id, "application_secret": secret}
        if "applicationId" in answer:
            credentials["secret_name"] = answer["name"]
        hand_over(
            credentials,
            Path(f"watchword-{application_id}.json"),
            "the secret",
            otherwise=f"run `watchword apps secrets list {application_id} --reveal`",
        )


def header_of(column: str) -> str:
    """
    Say a member's name in words, without those that its values make plain.
    """
    last = column.rpartition(".")[2]
    for plain in ("At", "Count", "Id"):
        last = last.removesuffix(plain)
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in last).upper()


def member_of(record: Record, column: str) -> Any:  # noqa: ANN401 - any JSON value
    """
    Find a member, or a member of a member.
    """
    value: Any = record
    for name in column.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text_of(name: str, value: Any) -> str:  # noqa: ANN401 - any JSON value
    """
    Write a value for people: moments with their hour, lists and objects as JSON.
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float() if name.endswith(_MOMENTS):
            return _moment(value)
        case str():
            return value
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
    return str(value)


def _moment(milliseconds: float) -> str:
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return str(milliseconds)
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
