"""
README, CONTRIBUTING, reference, explanation and the examples' pages: whoever follows one gets where it says.

The tutorial and the how-tos, which take longer, stand in files of their own, so that two processes can share the work.
"""

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, all_pages
from tests.docs.runner import run_page

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ELSEWHERE = ("docs/tutorial/", "docs/how-to/")
PAGES = [name for path in all_pages() if not (name := str(path.relative_to(ROOT))).startswith(ELSEWHERE)]


@pytest.mark.parametrize("page", PAGES)
def test_page_can_be_followed_from_its_first_block_to_its_last(page: str, tmp_path: Path) -> None:
    """
    Every command works, every program runs, and what the page says is printed is printed.
    """
    run_page((ROOT / page).read_text(encoding="utf-8"), tmp_path)
