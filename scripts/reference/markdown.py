"""
Markdown, as far as the generated parts need it.
"""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """
    Write a table; a bar inside a cell is escaped.
    """
    lines = [list(head), ["---"] * len(head), *(list(row) for row in rows)]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def code(text: object) -> str:
    """
    Write a word of code.
    """
    return f"`{text}`"


def either(options: Sequence[str], *, word: str = "or") -> str:
    """
    Join with commas, and with a word before the last.
    """
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} {word} {options[-1]}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
