"""
The tutorials: whoever follows one gets to its end.
"""

from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.docs.runner import run_page

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PAGES = sorted(path.name for path in (ROOT / "docs/tutorial").glob("*.md"))


@pytest.mark.parametrize("page", PAGES)
def test_tutorial_can_be_followed_from_its_first_block_to_its_last(page: str, tmp_path: Path) -> None:
    """
    Every command works, every program runs, and what the page says is printed is printed.
    """
    run_page((ROOT / "docs/tutorial" / page).read_text(encoding="utf-8"), tmp_path)
