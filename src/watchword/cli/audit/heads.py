"""
Heads that were exported: read from the command line, or from files that hold lines of the stream.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from watchword.cli.failures import MISUSED, Failure

_HEAD = re.compile(r"[0-9a-f]{64}\Z")


def read_heads(given: Sequence[str]) -> Mapping[str, str]:
    """
    Return the heads, each with where it came from.

    Args:
        given: Heads, or names of files.

    Raises:
        Failure: One is neither, or a file holds none.
    """
    found: dict[str, str] = {}
    for value in given:
        if _HEAD.match(value):
            found[value] = "the command line"
        else:
            found.update(dict.fromkeys(_in_file(Path(value)), value))
    return found


def _in_file(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8") as lines:
            found = [head for line in lines for head in _in_line(line.strip())]
    except UnicodeDecodeError:
        found = []
    if not found:
        raise Failure(
            f"{path} holds no head: give a file of `watchword audit heads` or `follow`, or 64 hexadecimal digits",
            code=MISUSED,
        )
    return found


def _in_line(line: str) -> Iterator[str]:
    if _HEAD.match(line):
        yield line
        return
    try:
        members = json.loads(line)
    except (ValueError, RecursionError):
        return
    if isinstance(members, dict) and members.get("kind") == "head":
        head = members.get("head")
        if isinstance(head, str) and _HEAD.match(head):
            yield head
