"""
What readiness says: one check for each thing that tokens need, and why it fails, in words that give nothing away.
"""

from collections.abc import Sequence

import msgspec

# By words that the databases, their drivers and the operating system use; their own texts may name paths and hosts.
_REASONS = (
    (("another installation",), "its file belongs to another installation"),
    (("was moved",), "its file was moved, deleted or exchanged"),
    (("disk is full", "no space left", "quota", "file too large"), "the disk is full"),
    (("readonly", "read-only"), "it can only be read"),
    (("queuepool limit",), "all connections to it are in use"),
    (("locked",), "another program holds its lock"),
    (("has not come back",), "a commit has not come back"),
    (("unable to open", "no such file", "too many open files"), "its file is missing or can't be opened"),
    (("malformed", "not a database", "no such table"), "its file is damaged"),
    (("i/o error", "input/output"), "the disk reports errors"),
)


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """
    One thing that was looked at.

    Attributes:
        name: For programs.
        reason: Why it fails, for people; None where it does not.
        is_needed: Whether no token can be had without it.
    """

    name: str
    reason: str | None
    is_needed: bool = True


def public_reason(detail: str) -> str:
    """
    Say why something can't be used, without what the detail may name: paths, hosts, statements.
    """
    lower = detail.lower()
    return next((said for words, said in _REASONS if any(word in lower for word in words)), "it can't be reached")


def what_is_missing(checks: Sequence[Check]) -> Check | None:
    """
    Return the first check that fails of those that tokens need.
    """
    return next((check for check in checks if check.is_needed and check.reason is not None), None)
