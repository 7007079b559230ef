"""
Structured logs: JSON lines, or coloured ones for eyes. Nothing of a request but what `RequestLines` lists gets here.
"""

import logging
import sys
from typing import Any

import structlog

from watchword.server.domain.redaction import hide_secrets
from watchword.server.settings import Settings


def set_up_logging(settings: Settings) -> None:
    """
    Send structlog's and the standard library's records to standard error, in one form.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    # Tracebacks without local variables, which hold what was sent: credentials, bodies, keys.
    last: list[structlog.typing.Processor] = (
        [
            structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
        if settings.log_format == "json"
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last, _hide_secrets],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)


def _hide_secrets(_logger: object, _method: str, line: Any) -> Any:  # noqa: ANN401 - the last processor gets the line
    # The message of an exception that nobody expected may quote anything.
    return hide_secrets(str(line))
