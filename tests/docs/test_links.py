"""
Links between pages: each leads to a file, and to a heading in it, that is there.
"""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, all_pages

_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"^( *)```.*?^\1```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PAGES = [str(path.relative_to(ROOT)) for path in (*all_pages(), ROOT / "SECURITY.md", ROOT / "CHANGELOG.md")]


def anchors(text: str) -> set[str]:
    """
    Return the anchors of a page's headings, as GitHub makes them.
    """
    shown = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading) for heading in _HEADING.findall(_fenceless(text)))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in shown}


def _fenceless(text: str) -> str:
    return re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    """
    Nothing that a page links to is missing; addresses of other sites are not asked.
    """
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    for match in _LINK.finditer(_CODE.sub("", text)):
        target, _, anchor = match["target"].partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        linked = path if not target else (path.parent / target).resolve()
        assert linked.exists(), f"{page} links to {target}, which is not there"
        if anchor and linked.suffix == ".md":
            known = anchors(linked.read_text(encoding="utf-8"))
            assert anchor in known, f"{page} links to {target}#{anchor}, and there is no such heading"


def test_every_page_of_the_docs_is_in_the_index() -> None:
    """
    Whoever begins at docs/README.md can find every tutorial, how-to, reference and explanation.
    """
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    linked = {match["target"] for match in _LINK.finditer(index)}
    kinds = ("tutorial", "how-to", "reference", "explanation")
    pages = {str(path.relative_to(ROOT / "docs")) for kind in kinds for path in (ROOT / "docs" / kind).glob("*.md")}
    assert pages - linked == set()


def test_no_page_speaks_of_a_place_on_somebodys_machine() -> None:
    """
    Folders that pages name are the reader's or the system's.
    """
    for page in PAGES:
        text = Path(ROOT / page).read_text(encoding="utf-8")
        assert re.findall(r"(?<![\w.])/(?:root|home|work|farm|tmp)/\S*", text) == [], page
