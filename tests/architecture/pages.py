"""
The pages of docs/, as far as tests ask what is in them.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_FENCED = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


def all_pages() -> list[Path]:
    """
    Return every page of the repository that people read.
    """
    return sorted(
        [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("examples/*/*.md"), *ROOT.glob("benchmarks/*.md")]
    )


@cache
def prose_of(page: Path) -> str:
    """
    Return a page without its code blocks.
    """
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def code_in(page: Path) -> list[str]:
    """
    Return what stands between backquotes on a page.
    """
    return _CODE.findall(prose_of(page))


def links_of(page: Path) -> list[str]:
    """
    Return where a page's links lead, those to other sites left out.
    """
    return [target for target in _LINK.findall(prose_of(page)) if "://" not in target]


def anchors_of(page: Path) -> set[str]:
    """
    Return the fragments by which a page's headings are reached.
    """
    return {
        _NOT_IN_ANCHORS.sub("", heading.replace("`", "").lower()).replace(" ", "-")
        for heading in _HEADING.findall(prose_of(page))
    }


def rows(page: Path, heading: str | None = None) -> Iterator[list[str]]:
    """
    Walk the rows of a page's tables, those below one heading where it is named; heads and rules are left out.
    """
    text = prose_of(page)
    if heading is not None:
        text = section(text, heading)
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("| ") and not line.startswith("| ---") and not following.startswith("| ---"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def section(text: str, heading: str) -> str:
    """
    Return what stands below a heading, down to the next one of its level or above.

    Raises:
        ValueError: There is no such heading.
    """
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"there is no heading {heading!r}")
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest if end is None else rest[: end.start()]
