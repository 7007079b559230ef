"""
`watchword logs`: what happened.
"""

import json

from watchword.cli.families.things import APPLICATION_ONCE, USER_ONCE
from watchword.cli.rows import Record, Row, subject, wish
from watchword.cli.values import milliseconds_past


def _tidy(entry: Record) -> Record:
    payload = entry["payload"]
    error = payload.get("error")
    try:
        members = json.loads(error) if error else {}
    except ValueError:
        members = {"error_description": error}
    described = members.get("error_description") if isinstance(members, dict) else error
    return {
        **entry,
        "result": payload.get("result"),
        "applicationId": payload.get("applicationId"),
        "scope": payload.get("scope"),
        "error": described,
    }


ROWS = (
    Row(
        words="logs list", help="List what happened, newest first.", method="GET", path="/logs",
        parameters=(
            wish("app", "Only of this application, by id or name.", "applicationId", refers=APPLICATION_ONCE),
            wish("user", "Only of this user.", "userId", refers=USER_ONCE),
            wish("key", "Only this kind, like ExchangeTokenBy.ClientCredentials.", "logKey"),
            wish("since", "Only from this moment on: 2026-11-24T08:00:00Z, or 2h ago.", "start_time",
                 reads=milliseconds_past),
            wish("until", "Only up to this moment: 2026-11-24T09:00:00Z, or 1h ago.", "end_time",
                 reads=milliseconds_past),
        ),
        pages=True, limit=20, tidies=_tidy,
        columns=("createdAt", "id", "key", "result", "applicationId", "scope", "error"),
    ),
    Row(
        words="logs show", help="Show one entry of the log.", method="GET", path="/logs/{entry}",
        parameters=(subject("entry", "The entry, by id."),), is_data=True,
    ),
)  # fmt: skip
