"""
Trace context: which trace of the caller's a request belongs to (W3C Trace Context, level 1).

A caller may say anything: what does not have exactly the form of version 00 says nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

HEADER = "traceparent"
_FORM = re.compile(r"00-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})\Z")
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceParent:
    """
    The caller's span.

    Attributes:
        trace_id: 32 hexadecimal digits in lower case, not all 0.
        span_id: 16 of them.
        is_sampled: Whether the caller records this trace.
    """

    trace_id: str
    span_id: str
    is_sampled: bool


def parse_traceparent(values: Sequence[str]) -> TraceParent | None:
    """
    Read the `traceparent` header.

    Args:
        values: All of its values: more than one say nothing.

    Implements: W3C Trace Context §3.2.
    """
    if len(values) != 1 or (found := _FORM.match(values[0])) is None:
        return None
    if not int(found["trace"], 16) or not int(found["span"], 16):
        return None
    return TraceParent(
        trace_id=found["trace"], span_id=found["span"], is_sampled=bool(int(found["flags"], 16) & _SAMPLED)
    )
