"""
What a check of the doctor's finds.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One thing that was looked at.

    Attributes:
        check: What was looked at.
        ok: Whether it is as it should be.
        text: What was found; where it is wrong, with what to do.
    """

    check: str
    ok: bool
    text: str


def fine(check: str, text: str) -> Finding:
    """
    Find nothing wrong.
    """
    return Finding(check=check, ok=True, text=text)


def wrong(check: str, text: str) -> Finding:
    """
    Find something wrong.
    """
    return Finding(check=check, ok=False, text=text)
