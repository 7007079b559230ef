"""
The payload of a log entry as the wire has it: the contract's members in the contract's order, then ours.
"""

from collections.abc import Mapping

import msgspec

from watchword.server.domain.records import LogEntry

_ORDER = (
    "key",
    "result",
    "error",
    "ip",
    "userAgent",
    "userAgentParsed",
    "userId",
    "applicationId",
    "sessionId",
    "params",
    "scope",
    "tokenTypes",
    "applicationSecret",
)


def payload_as_json(entry: LogEntry) -> dict[str, object]:
    """
    Write an entry's payload. An error is a text that holds JSON, as in the reference.
    """
    members: dict[str, object] = {"key": entry.key, **entry.payload}
    error, user_agent = members.get("error"), members.get("userAgent")
    if isinstance(error, Mapping):
        members["error"] = msgspec.json.encode(error).decode()
    if user_agent is not None:
        members["userAgentParsed"] = _parse(user_agent)
    known = {name: members[name] for name in _ORDER if name in members}
    return {**known, **members}


def _parse(user_agent: object) -> dict[str, object]:
    # Machines name no browser or device: the members are there for scripts that read them, and say nothing.
    return {"ua": user_agent, "browser": {}, "device": {}, "engine": {}, "os": {}, "cpu": {}}
