"""
What a command shows: tables for people, JSON for programs, both on standard output; notes on standard error.

Text that others chose (names, user agents, errors) never reaches a terminal raw: control characters are written out.
Secrets go to a terminal or into JSON, else into a file that only its owner can read.
"""

import itertools
import json
import os
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import typer

from watchword.cli.failures import Failure

_WIDE = 100_000
_WHOLE = frozenset({"ID", "VALUE"})  # columns that are copied from: others give way on a narrow terminal
_TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def say(text: str) -> None:
    """
    Write a note to standard error.
    """
    typer.echo(printable(text), err=True)


def emit(text: str) -> None:
    """
    Write a line to standard output.
    """
    typer.echo(text)


def emit_json(value: object) -> None:
    """
    Write JSON to standard output; ASCII only, so that no text in it can steer a terminal.
    """
    typer.echo(json.dumps(value, indent=2))


def is_terminal() -> bool:
    """
    Tell whether standard output is read by a person.
    """
    return sys.stdout.isatty()


def agrees(question: str) -> bool:
    """
    Ask a person. Where there is none, the command itself is the answer: a script has said what it wants.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    return typer.confirm(printable(question), err=True)


def printable(text: str) -> str:
    """
    Write out what a terminal would obey: control characters and those that turn the direction of text.
    """
    return "".join(_written_out(character) if _steers(character) else character for character in text)


def show_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """
    Show rows as a table. Off a terminal nothing is cut or folded, so that lines can be searched.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold" if is_terminal() else "")
    for header in headers:
        table.add_column(Text(header), overflow="fold", no_wrap=header in _WHOLE)
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    # Width is the terminal's; elsewhere there is none to keep to.
    console = Console() if is_terminal() else Console(width=_WIDE, force_terminal=False)
    console.print(table)


def show_members(members: Mapping[str, str]) -> None:
    """
    Show one thing, a line for each member. A long value is left to the terminal to wrap: it can be copied whole.
    """
    width = max(map(len, members), default=0)
    for name, value in members.items():
        emit(f"{name:{width}}  {one_line(value)}".rstrip())


def hand_over(members: Mapping[str, str | None], path: Path, what: str, *, otherwise: str) -> None:
    """
    Give credentials to a person at a terminal, else put them into a private file and say where it is.

    Args:
        path: The file; one that is there is kept and another name taken.
        what: What the credentials are, for the note.
        otherwise: What to do where the file can't be written.

    Raises:
        Failure: The file can't be written.
    """
    if is_terminal():
        show_members({name: value or "" for name, value in members.items()})
        return
    try:
        written = _write_private(path, json.dumps(members, indent=2) + "\n")
    except OSError as error:
        raise Failure(f"{what} can't be written to {path}: {error.strerror}: {otherwise}") from None
    say(f"Wrote {what} to {written}, which only you can read.")


def _write_private(path: Path, text: str) -> Path:
    for number in itertools.count(1):
        candidate = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        with suppress(FileExistsError):
            descriptor = os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
            return candidate
    raise AssertionError("unreachable: numbers don't end")


def one_line(text: str) -> str:
    """
    Write a text in one line, so that none of it looks like another.
    """
    return printable(text).replace("\n", "\\n")


def _steers(character: str) -> bool:
    if character == "\n":
        return False
    return (
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or unicodedata.bidirectional(character) in _TURNING
    )


def _written_out(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"  # noqa: PLR2004 - as Python writes them
