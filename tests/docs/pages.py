"""
A page as its code blocks: language, text, and how the page wants each to be run.

A comment right above a block says what can't be seen from the block itself:

    <!-- file: NAME -->                  the reader saves it under this name
    <!-- run: background until URL -->   it stays up; go on once the URL answers, or once it has printed "this"
    <!-- run: no -->                     it installs from an index, or runs by other tests; its lines are checked
    <!-- picture -->                     it is not the output of anything
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"(?P<indent> *)```(?P<info>.*)\Z")
_COMMENT = re.compile(r" *<!-- (?P<words>.*?) -->\Z")
_INDENTED = re.compile(r"(?: {4,}|\t)\S")
_ITEM = re.compile(r" *(?:[-*+]|\d+[.)]) ")
_BACKGROUND = re.compile(r"run: background until (?P<until>http://\S+|\"[^\"]+\")\Z")
_FILE = re.compile(r"file: (?P<name>\S+)\Z")


class PageError(Exception):
    """
    A page is written in a way that can't be run.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """
    A code block.

    Attributes:
        line: Number of its first line, the fence, counted from 1.
        file: The name that the reader saves it under; None where it is run or read where it stands.
        until: The address that answers, or the quoted text that is printed, once a program that stays up is ready;
            None for all others.
        is_run: False where only its lines are checked.
        is_picture: True where it is nobody's output.
    """

    line: int
    language: str
    text: str
    file: str | None = None
    until: str | None = None
    is_run: bool = True
    is_picture: bool = False


def all_pages() -> list[Path]:
    """
    Find every page that a reader may follow.
    """
    found = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").glob("*/README.md"),
    ]
    return sorted(path for path in found if path.exists())


def read_blocks(text: str) -> list[Block]:
    """
    Read the code blocks of a page.

    Raises:
        PageError: A block has no language, is not closed, is merely indented, or a comment above it is unknown.
    """
    blocks: list[Block] = []
    lines = text.splitlines()
    number, comment, in_list = 0, "", False
    while number < len(lines):
        line = lines[number]
        fence = _FENCE.match(line)
        if fence is not None:
            end = _end_of(lines, number, fence["indent"])
            blocks.append(_block(number + 1, fence["info"].strip(), lines[number + 1 : end], fence["indent"], comment))
            number, comment = end, ""
        elif line.strip():
            in_list = bool(_ITEM.match(line)) or (in_list and line.startswith(" "))
            if _INDENTED.match(line) and not in_list:
                raise PageError(f"line {number + 1}: an indented code block: use a fence that names its language")
            words = _COMMENT.match(line)
            comment = words["words"] if words else ""
        number += 1
    return blocks


def _end_of(lines: list[str], start: int, indent: str) -> int:
    for number in range(start + 1, len(lines)):
        if lines[number].rstrip() == f"{indent}```":
            return number
    raise PageError(f"line {start + 1}: a code block that does not end")


def _block(line: int, language: str, lines: list[str], indent: str, comment: str) -> Block:
    if not re.fullmatch(r"[a-z]+", language):
        raise PageError(f"line {line}: a code block without a plain language: {language!r}")
    text = "".join(f"{one.removeprefix(indent)}\n" for one in lines)
    if not comment:
        return Block(line=line, language=language, text=text)
    if comment == "run: no":
        return Block(line=line, language=language, text=text, is_run=False)
    if comment == "picture":
        return Block(line=line, language=language, text=text, is_picture=True)
    if (file := _FILE.match(comment)) is not None:
        return Block(line=line, language=language, text=text, file=file["name"])
    if (background := _BACKGROUND.match(comment)) is not None:
        return Block(line=line, language=language, text=text, until=background["until"])
    raise PageError(f"line {line}: nobody knows what this comment wants: {comment!r}")
