"""
The runner itself: a page that is wrong fails, in each of the ways in which one can be wrong.
"""

from pathlib import Path

import pytest

from tests.docs import outputs, unrun
from tests.docs.pages import PageError, read_blocks
from tests.docs.runner import run_page
from watchword.server.settings import SettingsError

pytestmark = pytest.mark.e2e


def block(language: str, text: str, comment: str = "") -> str:
    """
    Write a code block, with a comment above it.
    """
    above = f"<!-- {comment} -->\n" if comment else ""
    return f"{above}```{language}\n{text}\n```\n\n"


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(block("bash", "false"), id="a command that fails"),
        pytest.param(block("bash", "false | cat"), id="a command that fails in a pipe"),
        pytest.param(block("bash", "echo $NEVER_SET"), id="a variable that was never set"),
        pytest.param(block("bash", "exit 0") + block("bash", "true"), id="a shell that is gone"),
        pytest.param(block("bash", "echo one") + block("text", "two"), id="another output"),
        pytest.param(block("bash", "echo one; echo two") + block("text", "one"), id="more output"),
        pytest.param(block("console", "$ echo one\ntwo"), id="another output in a console"),
        pytest.param(block("bash", "echo '{\"a\": 1}'") + block("json", '{"a": 2}'), id="another value in JSON"),
        pytest.param(block("bash", "echo text") + block("json", "{}"), id="text where JSON was said"),
        pytest.param(block("python", "raise SystemExit(1)"), id="Python that fails"),
        pytest.param(block("js", "throw new Error('no')"), id="JavaScript that fails"),
        pytest.param(block("http", "once upon a time"), id="no HTTP"),
        pytest.param(block("bash", "true", "run: background until http://127.0.0.1:3003/"), id="nothing that answers"),
    ],
)
def test_page_whose_words_are_not_true_fails(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What a page says does not happen.
    """
    monkeypatch.setattr("tests.docs.runner.READY_SECONDS", 0.2)
    with pytest.raises(AssertionError):
        run_page(page, tmp_path)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(block("rust", "fn main() {}"), id="a language that nobody knows"),
        pytest.param("```\ntrue\n```\n", id="no language"),
        pytest.param("```bash\ntrue\n", id="no end"),
        pytest.param("Type\n\n    true\n", id="indented, without a fence"),
        pytest.param(block("bash", "true", "run: maybe"), id="a comment that nobody knows"),
        pytest.param(block("text", "one"), id="output of nothing"),
        pytest.param(block("python", "print()", "file: unused.py"), id="a file that nothing uses"),
        pytest.param(block("ini", "[Unit]"), id="a configuration that is not saved"),
        pytest.param(block("console", "echo one"), id="a console without a command"),
        pytest.param(block("bash", "watchword version", "run: no"), id="a command that has to be run"),
        pytest.param(block("bash", "pip install 'watchword[servers]'", "run: no"), id="no such extra"),
        pytest.param(block("bash", "pip install wachtword", "run: no"), id="no such package"),
        pytest.param(block("bash", "npm install josé", "run: no"), id="no such npm package"),
        pytest.param(block("bash", "make quick-start", "run: no"), id="no such target of make"),
        pytest.param(block("bash", "git clone https://example.com/watchword", "run: no"), id="another repository"),
    ],
)
def test_page_that_can_not_be_run_fails(page: str, tmp_path: Path) -> None:
    """
    Nothing is left out in silence.
    """
    with pytest.raises(PageError):
        run_page(page, tmp_path)


def test_settings_that_do_not_exist_fail(tmp_path: Path) -> None:
    """
    A page can't name a setting that the server would refuse.
    """
    with pytest.raises(SettingsError):
        run_page(block("toml", "secret_reveal_days = 1"), tmp_path)


def test_blocks_share_a_shell_and_its_files(tmp_path: Path) -> None:
    """
    Variables, functions, the folder and saved files last from block to block, as for a reader.
    """
    run_page(
        block("bash", "mkdir shop\ncd shop\nexport NAME=tea\ngreet() { echo hello $NAME; }")
        + block("python", "import os\n\nprint(os.environ['NAME'])", "file: name.py")
        + block("bash", "greet; python name.py; pwd")
        + block("text", "hello tea\ntea\n~/desk/shop"),
        tmp_path,
    )


def test_ports_and_folders_turn_back_in_what_is_printed(tmp_path: Path) -> None:
    """
    A page names the usual ports and the system's folders, whatever they are on the test's machine.
    """
    run_page(
        block("bash", "echo http://127.0.0.1:3001 /etc/watchword/master.key")
        + block("text", "http://127.0.0.1:3001 /etc/watchword/master.key"),
        tmp_path,
    )


def test_what_a_page_starts_ends_with_it(tmp_path: Path) -> None:
    """
    No process of a page outlives it.
    """
    page = block(
        "bash",
        "python3 -m http.server --bind 127.0.0.1 3003 & echo $! > pid; wait",
        "run: background until http://127.0.0.1:3003/",
    )
    run_page(page, tmp_path)
    [pid] = tmp_path.glob("home/desk/pid")
    status = Path(f"/proc/{pid.read_text().strip()}/status")
    assert not status.exists() or "(zombie)" in status.read_text()


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        pytest.param("a … c", "a b c", id="some text"),
        pytest.param("a\n…\nd", "a\nb\nc\nd", id="some lines"),
        pytest.param("…\nd", "d", id="no line"),
        pytest.param("a  b", "a b   ", id="blanks"),
        pytest.param("0bl8kowthm900k4k4y1u1 x", "plnr893wuw3l3f9gl2psd x", id="ids"),
        pytest.param("2026-11-24 11:42:18Z", "2027-01-01 00:00:00Z", id="moments"),
    ],
)
def test_what_varies_may_vary(expected: str, printed: str) -> None:
    """
    Output is compared but for what is different on every run.
    """
    outputs.check_text(expected, printed)


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        pytest.param("a … c", "a b d", id="another end"),
        pytest.param("a\n…\nd", "a\nb", id="no end"),
        pytest.param("a … c", "a\nc", id="a line is not a word"),
        pytest.param("management-api", "plnr893wuw3l3f9gl2psd", id="an id where none was said"),
    ],
)
def test_what_does_not_vary_is_compared(expected: str, printed: str) -> None:
    """
    The sign for what varies does not swallow the rest.
    """
    with pytest.raises(AssertionError):
        outputs.check_text(expected, printed)


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        pytest.param('{"a": 1, "…": "…"}', '{"a": 1, "b": 2}', id="more members"),
        pytest.param('{"a": "ey…"}', '{"a": "eyJ"}', id="some text"),
        pytest.param('[{"a": 1}]', '[{"a":1}]', id="blanks"),
    ],
)
def test_json_is_compared_by_what_it_says(expected: str, printed: str) -> None:
    """
    Order and blanks don't count.
    """
    outputs.check_json(expected, printed)


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        pytest.param('{"a": 1}', '{"a": 1, "b": 2}', id="a member more"),
        pytest.param('{"a": 1, "b": 2}', '{"a": 1}', id="a member less"),
        pytest.param('{"a": 1}', '{"a": "1"}', id="another type"),
        pytest.param('{"a": 1}', '{"a": true}', id="a boolean is no number"),
        pytest.param("[1, 2]", "[1]", id="a shorter list"),
        pytest.param('{"a": "ey…"}', '{"a": "abc"}', id="another beginning"),
    ],
)
def test_json_that_differs_is_told(expected: str, printed: str) -> None:
    """
    Members, types and values all count.
    """
    with pytest.raises(AssertionError):
        outputs.check_json(expected, printed)


def test_comment_above_a_block_belongs_to_that_block_alone() -> None:
    """
    Text between a comment and a block cuts the tie.
    """
    page = block("bash", "make test", "run: no") + block("bash", "true")
    assert [found.is_run for found in read_blocks(page)] == [False, True]
    assert read_blocks("<!-- run: no -->\n\nBut then:\n\n" + block("bash", "true"))[0].is_run


def test_lines_that_may_stay_unrun_are_few() -> None:
    """
    What installs, or is run by other tests, passes its check.
    """
    for line in ("pip install watchword fastapi uvicorn", "make test ARGS=-x", "npm install jose", "cd watchword", ""):
        unrun.check_line(line)
