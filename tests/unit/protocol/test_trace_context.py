"""
`traceparent`: exactly the form of W3C Trace Context §3.2, or nothing.
"""

from __future__ import annotations

import pytest

from watchword.protocol.trace_context import TraceParent, parse_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("flags", "is_sampled"),
    [
        pytest.param("01", True, id="sampled"),
        pytest.param("00", False, id="not sampled"),
        pytest.param("03", True, id="a flag of a later level beside it"),
        pytest.param("02", False, id="a flag of a later level alone"),
    ],
)
def test_parent_is_read(flags: str, is_sampled: bool) -> None:
    """
    The example of the specification.
    """
    expected = TraceParent(trace_id=TRACE, span_id=SPAN, is_sampled=is_sampled)
    assert parse_traceparent([f"00-{TRACE}-{SPAN}-{flags}"]) == expected


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="none"),
        pytest.param([""], id="empty"),
        pytest.param([f"00-{TRACE}-{SPAN}-01"] * 2, id="twice"),
        pytest.param([f"00-{TRACE.upper()}-{SPAN}-01"], id="upper case"),
        pytest.param([f"00-{'0' * 32}-{SPAN}-01"], id="trace id of zeros"),
        pytest.param([f"00-{TRACE}-{'0' * 16}-01"], id="span id of zeros"),
        pytest.param([f"ff-{TRACE}-{SPAN}-01"], id="forbidden version"),
        pytest.param([f"01-{TRACE}-{SPAN}-01"], id="unknown version"),
        pytest.param([f"00-{TRACE}-{SPAN}-01-more"], id="more than version 00 has"),
        pytest.param([f"00-{TRACE}-{SPAN}-1"], id="short flags"),
        pytest.param([f"00-{TRACE[:-1]}-{SPAN}-01"], id="short trace id"),
        pytest.param([f" 00-{TRACE}-{SPAN}-01"], id="space before"),
        pytest.param([f"00-{TRACE}-{SPAN}-01\n"], id="line end behind"),
        pytest.param([f"00-{chr(0x660) * 32}-{SPAN}-01"], id="digits of another script"),
        pytest.param(["0" * 100_000], id="very long"),
    ],
)
def test_what_has_another_form_says_nothing(values: list[str]) -> None:
    """
    A caller can neither break a log line nor choose an id of a form of its own.
    """
    assert parse_traceparent(values) is None
