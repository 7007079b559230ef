"""
Pages with generated parts: where they stand, and how they are put in.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.reference import endpoints, errors, metrics, python_names, settings

ROOT = Path(__file__).resolve().parents[2]
Part = Callable[[], str]
PAGES: Mapping[str, Mapping[str, Part]] = {
    "docs/reference/settings.md": {"settings": settings.table},
    "docs/reference/endpoints.md": {
        "routes": endpoints.routes,
        "bodies": endpoints.bodies,
        "records": endpoints.records,
    },
    "docs/reference/errors.md": {"errors": errors.errors},
    "docs/reference/metrics.md": {"metrics": metrics.metrics},
    "docs/reference/python.md": {
        "client": python_names.client,
        "protect": python_names.protect,
        "adapters": python_names.adapters,
        "protocol": python_names.protocol,
    },
}
_MARKED = re.compile(r"(<!-- generated: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def path_of(page: str) -> Path:
    """
    Return the file of a page.
    """
    return ROOT / page


def fresh_text(page: str) -> str:
    """
    Return the text that a page should have: as it stands, with its generated parts made anew.

    Raises:
        ValueError: The page's marks are not those that it should have.
    """
    return replace_parts(path_of(page).read_text(encoding="utf-8"), PAGES[page])


def replace_parts(text: str, parts: Mapping[str, Part]) -> str:
    """
    Put parts between their marks.

    Raises:
        ValueError: A mark is missing, or stands for no part.
    """
    marked = [match["name"] for match in _MARKED.finditer(text)]
    if sorted(marked) != sorted(parts):
        raise ValueError(f"the page has marks for {marked}, and should have them for {sorted(parts)}")
    return _MARKED.sub(lambda match: f"{match[1]}\n{parts[match['name']]().strip()}\n\n{match[3]}", text)
