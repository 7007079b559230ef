"""
The pages say what the code does: nothing is missing, nothing is stale, and what they name is there.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripts.reference.pages import PAGES, fresh_text, path_of, replace_parts
from tests.architecture.pages import DOCS, ROOT, all_pages, anchors_of, code_in, links_of, prose_of, rows
from tests.architecture.raised import SOURCE, modules, tree_of
from watchword.protocol.metadata import TOKEN_PATH
from watchword.server.settings import Settings
from watchword.server.web import health, metrics
from watchword.server.web.api.route import PREFIX
from watchword.server.web.api.routes import TABLE
from watchword.server.web.errors import PAGES as ERRORS
from watchword.server.web.oauth.routes import DOCUMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE, EXPLANATION = DOCS / "reference", DOCS / "explanation"
# A place in the code, a test, or a recorded exchange by its title.
PLACE = re.compile(r"(?P<path>(?:src|tests|scripts|benchmarks)/[\w./-]+\.\w+)(?:::(?P<name>[\w.]+)|#(?P<title>.+))?")
CELLS = re.compile(r"`([^`]+)`")
IMPLEMENTS = re.compile(r"Implements:.*?(?:\n\s*\n|\Z)", re.DOTALL)


def page_ids(pages: list[Path]) -> list[str]:
    """
    Name pages by their paths.
    """
    return [str(page.relative_to(ROOT)) for page in pages]


PAGES_OF_PEOPLE = all_pages()


@pytest.mark.parametrize("page", list(PAGES))
def test_reference_is_fresh(page: str) -> None:
    """
    What is made from the code is what the code says now. If not: `scripts/write-reference`.
    """
    assert path_of(page).read_text(encoding="utf-8") == fresh_text(page), (
        f"{page} is stale: run scripts/write-reference"
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("nothing is generated here", id="no marks"),
        pytest.param("<!-- generated: other -->\n<!-- end -->", id="another part"),
        pytest.param("<!-- generated: part -->\n<!-- end -->\n" * 2, id="a part twice"),
        pytest.param("<!-- generated: part -->\nno end", id="no end"),
    ],
)
def test_page_without_its_marks_is_refused(text: str) -> None:
    """
    A page that lost a mark is not passed over in silence.
    """
    with pytest.raises(ValueError, match="marks"):
        replace_parts(text, {"part": lambda: "made"})


def test_generated_part_is_put_between_its_marks() -> None:
    """
    What stands around it stays, and what stood there is gone.
    """
    written = replace_parts("before\n<!-- generated: part -->\nold\n<!-- end -->\nafter", {"part": lambda: "new\n"})
    assert written == "before\n<!-- generated: part -->\n\nnew\n\n<!-- end -->\nafter"


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_setting_is_documented(name: str) -> None:
    """
    Every setting has a row with values, default and meaning.
    """
    row = next(row for row in rows(REFERENCE / "settings.md", "All settings") if row[0] == f"`{name}`")
    assert len(row) == 5
    assert all(row), row


def test_endpoints_are_documented() -> None:
    """
    Every method and path that the server answers stands in the reference, and none that it does not.
    """
    told = {
        (method, path)
        for row in rows(REFERENCE / "endpoints.md")
        for method in row[0].split(", ")
        for path in CELLS.findall(row[1])
        if path.startswith("/")
    }
    readable = [*DOCUMENTS, health.LIVE, health.READY, metrics.PATH, ERRORS, ERRORS + "/{code}"]
    expected = {
        ("POST", TOKEN_PATH),
        *((method, path) for path in readable for method in ("GET", "HEAD")),
        *(("OPTIONS", path) for path in [TOKEN_PATH, *DOCUMENTS]),
        *((route.method, PREFIX + route.path) for route in TABLE.routes),
    }
    assert told == expected


@pytest.mark.parametrize("page", PAGES_OF_PEOPLE, ids=page_ids(PAGES_OF_PEOPLE))
def test_links_lead_somewhere(page: Path) -> None:
    """
    Every link within the repository leads to a file that is there, and to a heading that it has.
    """
    for target in links_of(page):
        path, _, fragment = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if fragment:
            assert fragment in anchors_of(found), target


@pytest.mark.parametrize("page", PAGES_OF_PEOPLE, ids=page_ids(PAGES_OF_PEOPLE))
def test_places_in_the_code_exist(page: Path) -> None:
    """
    Every file, name, test and recorded exchange that a page names is there.
    """
    for text in code_in(page):
        place = PLACE.fullmatch(text)
        if place is None:
            continue
        path = ROOT / place["path"]
        assert path.is_file(), text
        if place["name"]:
            assert place["name"] in set(names_in(path)), text
        if place["title"]:
            assert f"### {place['title']}\n" in path.read_text(encoding="utf-8"), text


def names_in(path: Path) -> Iterator[str]:
    """
    Name what a Python file defines: its functions, classes, constants, and the members of its classes.
    """
    for node in tree_of(path).body:
        for name in _defined(node):
            yield name
            if isinstance(node, ast.ClassDef):
                yield from (f"{name}.{member}" for inner in node.body for member in _defined(inner))


def _defined(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Assign():
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


@pytest.mark.parametrize(
    "page", [pytest.param(EXPLANATION / name, id=name) for name in ("compatibility.md", "promises.md")]
)
def test_every_row_names_its_test(page: Path) -> None:
    """
    No difference and no promise without a test that holds us to it.
    """
    found = list(rows(page))
    assert found
    for row in found:
        proofs = CELLS.findall(row[-1])
        assert proofs, row
        assert all(PLACE.fullmatch(proof) and proof.startswith("tests/") for proof in proofs), row
        assert all(row[:-1]) or row[0] == "errors", row


def test_every_row_of_an_rfc_names_code_and_test() -> None:
    """
    Section → where in the code → which test.
    """
    pages = [*DOCS.glob("rfc/rfc*.md"), DOCS / "rfc" / "README.md"]
    for page in pages:
        for row in rows(page, "Smaller pieces" if page.name == "README.md" else None):
            places, proofs = CELLS.findall(row[2]), CELLS.findall(row[3])
            assert places, row
            assert proofs, row
            assert all(place.startswith("src/watchword/") and PLACE.fullmatch(place) for place in places), row
            assert all(proof.startswith("tests/") and PLACE.fullmatch(proof) for proof in proofs), row


def test_every_rfc_that_the_code_implements_has_a_page() -> None:
    """
    What a docstring says it implements stands in docs/rfc.
    """
    implemented: set[str] = set()
    for path in modules("."):
        for text in docstrings(path):
            implemented |= {number for part in IMPLEMENTS.findall(text) for number in re.findall(r"RFC (\d+)", part)}
    assert {"6749", "9068"} <= implemented
    described = {page.stem.removeprefix("rfc") for page in DOCS.glob("rfc/rfc*.md")}
    described |= set(re.findall(r"RFC (\d+)", prose_of(DOCS / "rfc" / "README.md")))
    assert implemented - described == set()


def docstrings(path: Path) -> Iterator[str]:
    """
    Read the docstrings of a file.
    """
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def test_decision_records_are_whole() -> None:
    """
    Numbered without gaps, each with context, choice, alternatives and cost, all of them in the index.
    """
    records = sorted(DOCS.glob("decisions/[0-9]*.md"))
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))
    listed = [target for target in links_of(DOCS / "decisions" / "README.md") if target[0].isdigit()]
    assert listed == [record.name for record in records]
    for record in records:
        text = record.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(record.name[:4])}. "), record.name
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Choice", "Alternatives", "Cost"], record.name
        assert len(text.splitlines()) <= 80, record.name


def test_commands_that_pages_name_exist() -> None:
    """
    A command between backquotes is one that the command line has.
    """
    known = commands()
    for page in PAGES_OF_PEOPLE:
        for text in code_in(page):
            words = text.split()
            if words[0] != "watchword" or len(words) == 1:
                continue
            named = " ".join(word for word in words[1:4] if re.fullmatch(r"[a-z-]+", word) and not word.startswith("-"))
            assert any(named == command or named.startswith(f"{command} ") for command in known), (page.name, text)


def commands() -> set[str]:
    """
    Return every command and every group of commands.
    """
    return set(re.findall(r"^#{2,4} watchword ([a-z -]+)$", prose_of(REFERENCE / "cli.md"), re.MULTILINE))


def test_picture_shows_the_rooms_that_there_are() -> None:
    """
    Every room of the server stands on the picture of the architecture.
    """
    picture = (EXPLANATION / "architecture.svg").read_text(encoding="utf-8")
    rooms = [path.name for path in (SOURCE / "server").iterdir() if (path / "__init__.py").exists()]
    assert len(rooms) > 5
    assert {room for room in rooms if f">{room}</text>" not in picture} == set()


def test_rooms_are_those_whose_imports_are_checked() -> None:
    """
    The table of rooms and the contract of import-linter know the same ones.
    """
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    contract = next(one for one in tools["importlinter"]["contracts"] if one.get("containers") == ["watchword.server"])
    checked = {name for layer in contract["layers"] for name in re.findall(r"\w+", layer)}
    told = {name for row in rows(EXPLANATION / "architecture.md", "The rooms") for name in CELLS.findall(row[0])}
    assert told == checked
