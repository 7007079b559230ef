"""
Structured logs: JSON lines, or lines for eyes. Nothing of a request but what `RequestLines` lists gets here.
"""

import json
import logging
import sys
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Any

from watchword.server.domain.redaction import hide_secrets
from watchword.server.settings import Settings

# What every record has by itself; all else is what a call gave as `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_COLOURS = {"WARNING": "33", "ERROR": "31", "CRITICAL": "31"}


def set_up_logging(settings: Settings) -> None:
    """
    Send all records to standard error, in one form.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonLines() if settings.log_format == "json" else LinesForEyes(coloured=handler.stream.isatty())
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the server has a line of its own for each request
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # which it has is nobody's concern


class _Lines(logging.Formatter, ABC):
    """
    What the forms have in common: a message may quote anything, an unexpected exception's above all.

    Tracebacks are Python's own, without local variables, which hold what was sent: credentials, bodies, keys.
    """

    def format(self, record: logging.LogRecord) -> str:
        """
        Write a record as a line.
        """
        given = {name: value for name, value in vars(record).items() if name not in _OWN}
        return hide_secrets(self._line(record, given))

    @abstractmethod
    def _line(self, record: logging.LogRecord, given: dict[str, Any]) -> str: ...


class JsonLines(_Lines):
    """
    One JSON object a record: `time`, `level`, `event`, what the call gave, and `exception` where there was one.
    """

    def _line(self, record: logging.LogRecord, given: dict[str, Any]) -> str:
        members = {"time": _time(record), "level": record.levelname.lower(), "event": record.getMessage()}
        members = {**members, **{name: value for name, value in given.items() if name not in members}}
        if record.exc_info:
            members["exception"] = self.formatException(record.exc_info)
        try:
            return json.dumps(members, default=str, allow_nan=False)
        except ValueError:  # a number that JSON does not know
            return json.dumps({name: str(value) for name, value in members.items()})


class LinesForEyes(_Lines):
    """
    Time, level, event, what the call gave as `name=value`; a traceback on lines of its own.

    Args:
        coloured: Whether levels are.
    """

    def __init__(self, *, coloured: bool) -> None:
        super().__init__()
        self._colours = _COLOURS if coloured else {}

    def _line(self, record: logging.LogRecord, given: dict[str, Any]) -> str:
        level = f"{record.levelname.lower():<8}"
        colour = self._colours.get(record.levelname)
        if colour is not None:
            level = f"\x1b[{colour}m{level}\x1b[0m"
        event = record.getMessage()
        words = [_time(record), level, _printable(event)]
        words += [f"{name}={_shown(value)}" for name, value in given.items()]
        lines = [" ".join(words)]
        if record.exc_info:
            lines += [_printable(line) for line in self.formatException(record.exc_info).split("\n")]
        return "\n".join(lines)


def _printable(text: str) -> str:
    return text if text.isprintable() else repr(text)


def _shown(value: object) -> str:
    # No text of a caller's may look like the next name, or the next line.
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(text)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
