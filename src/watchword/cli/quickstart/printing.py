"""
How the quick start speaks: numbered steps, a column of labels, and no secret where others may read along.
"""

import os
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, TypeAlias

import typer

from watchword.cli.output import printable

Tick: TypeAlias = Callable[[], None]
_LABEL, _MARGIN = 9, 4
_NARROWEST, _WIDEST, _USUAL = 40, 100, 80
_SHOWN = 3
_PATIENCE_SECONDS, _REPEAT_SECONDS = 1.0, 5.0
_COLOURS = {"ok": typer.colors.GREEN, "FAILED": typer.colors.RED}


class OutputGone(Exception):
    """
    Nobody reads along any more: the pipe is closed, or the terminal is gone.
    """


class Printer:
    """
    Writes to one stream.

    Args:
        shows_secrets: Whether the stream's reader may see them; otherwise all that `hide` was told are masked.
    """

    def __init__(self, stream: TextIO, *, shows_secrets: bool) -> None:
        self._stream = stream
        self._shows_secrets = shows_secrets
        self._is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._is_styled = self._is_terminal and not os.environ.get("NO_COLOR")
        self._hidden: list[str] = []
        self._steps = 0

    @property
    def shows_secrets(self) -> bool:
        """
        Whether secrets appear as they are.
        """
        return self._shows_secrets

    def hide(self, secret: str) -> str:
        """
        Never print this as it is, from now on; returns it.
        """
        if secret not in self._hidden:
            self._hidden = sorted([*self._hidden, secret], key=len, reverse=True)
        return secret

    def heading(self, text: str) -> None:
        """
        Print a line that stands out, with space around it.
        """
        self._write("\n")
        self._prose(text, hanging=0, bold=True)
        self._write("\n")

    def step(self, text: str) -> None:
        """
        Begin the next step.
        """
        self._steps += 1
        self._write("\n" if self._steps > 1 else "")
        self._prose(f"{self._steps:2}  {text}", hanging=_MARGIN, bold=True)

    def say(self, text: str) -> None:
        """
        Print a sentence, broken to fit.
        """
        self._prose(text, hanging=0, bold=False)

    def row(self, label: str, text: str) -> None:
        """
        Print a sentence behind a label, broken to fit.
        """
        self.block(label, *self.fit(text))

    def fit(self, text: str, *, indent: int = 0, anywhere: bool = False) -> list[str]:
        """
        Break a text into lines that fit behind a label.

        Args:
            indent: Further columns to the right.
            anywhere: Break what has no spaces, too: for what need not be copied.
        """
        width = max(self._width(), _NARROWEST) - _MARGIN - _LABEL
        margin = " " * indent
        return textwrap.wrap(
            self._mask(text),
            width,
            initial_indent=margin,
            subsequent_indent=margin,
            break_long_words=anywhere,
            break_on_hyphens=False,
        ) or [""]

    def block(self, label: str, *lines: str) -> None:
        """
        Print lines as they are, the first behind a label.
        """
        tag = self._style(f"{label:{_LABEL}}", fg=_COLOURS.get(label), dim=label not in _COLOURS)
        for index, line in enumerate(lines):
            start = tag if index == 0 else " " * _LABEL
            self._write(f"{' ' * _MARGIN}{start}{printable(line)}".rstrip() + "\n")

    def raw(self, text: str) -> None:
        """
        Print a line from the first column on, unbroken, so that it can be copied; space around it.
        """
        self._write(f"\n{printable(text)}\n\n")

    def text(self, text: str = "") -> None:
        """
        Print lines of our own as they are.
        """
        self._write(f"{text}\n")

    @contextmanager
    def waiting(self, text: str) -> Iterator[Tick]:
        """
        Say what is being waited for once it takes more than a second, and how long it has taken.

        Yields:
            To be called now and then while waiting.
        """
        begun = time.monotonic()
        said = begun + _PATIENCE_SECONDS - _REPEAT_SECONDS

        def tick() -> None:
            nonlocal said
            now = time.monotonic()
            if self._is_terminal and now - begun >= _PATIENCE_SECONDS:
                self._write(f"\r    {text} ... {now - begun:.0f} s")
            elif not self._is_terminal and now - said >= _REPEAT_SECONDS:
                said = now
                self.row("...", f"{text} ({now - begun:.0f} s)")

        try:
            yield tick
        finally:
            if self._is_terminal and time.monotonic() - begun >= _PATIENCE_SECONDS:
                self._write("\r\x1b[K")

    def _prose(self, text: str, *, hanging: int, bold: bool) -> None:
        lines = textwrap.wrap(text, max(self._width(), _NARROWEST), subsequent_indent=" " * hanging)
        for line in lines:
            self._write(f"{self._style(line, bold=bold)}\n")

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "ascii"
        try:
            self._stream.write(self._mask(text).encode(encoding, "backslashreplace").decode(encoding))
            self._stream.flush()
        except OSError:
            raise OutputGone from None

    def _mask(self, text: str) -> str:
        if not self._shows_secrets:
            for secret in self._hidden:
                text = text.replace(secret, f"{secret[:_SHOWN]}***")
        return text

    def _style(self, text: str, *, fg: str | None = None, bold: bool = False, dim: bool = False) -> str:
        if not self._is_styled:
            return text
        return typer.style(text, fg=fg, bold=bold or None, dim=dim or None)

    def _width(self) -> int:
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns or _USUAL
        except (OSError, ValueError):
            columns = _USUAL
        return min(columns, _WIDEST)
