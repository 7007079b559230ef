"""
Running a page: what is done with each kind of block, in the order of the page.

    bash            run, in one shell a page
    console         its lines after `$ ` are run; what they print is compared with the lines between
    python, js      run by python, or as a module by node; with a file name: saved, and used by a later block
    text            what the block before it printed
    json            the same; without a block before it, it has to be JSON
    toml            saved under its file name; without one, it has to be settings that the server takes
    ini, nginx      saved under their file names, and used by a later block
    http            a request or an answer: looked at, not sent
    mermaid         a picture
"""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import httpx

from tests.docs import outputs, unrun
from tests.docs.pages import Block, PageError, read_blocks
from tests.docs.shell import Shell
from tests.docs.stage import Stage
from watchword.server.settings import FILE_NAME, resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READY_SECONDS, SETTLE_SECONDS = 30.0, 15.0
_HTTP = re.compile(r"[A-Z]+ /\S* HTTP/1\.1|HTTP/1\.1 \d{3} .+")
_PROGRAMS = {"python": "python -", "js": "node --input-type=module -"}
_SAVED = {"python", "js", "toml", "ini", "nginx", "json"}


def run_page(text: str, folder: Path) -> None:
    """
    Run a page from its first block to its last, in an empty folder.

    Raises:
        AssertionError: Something does not happen as the page says.
        PageError: The page is written in a way that can't be run.
    """
    blocks = read_blocks(text)
    stage = Stage(folder)
    if any(block.language == "nginx" for block in blocks):
        stage.set_up_nginx()
    with Shell(stage.work, stage.notes, stage.environment) as shell:
        reader = _Reader(stage, shell)
        for block in blocks:
            try:
                reader.follow(block)
            except (AssertionError, PageError) as error:
                error.add_note(f"in the block at line {block.line}")
                raise
        reader.check_files_were_used()


class _Reader:
    """
    Somebody who does what a page says.
    """

    def __init__(self, stage: Stage, shell: Shell) -> None:
        self._stage = stage
        self._shell = shell
        self._printed: Callable[[], str] | None = None  # by the block before
        self._stays_up = False  # the block before: it may print more
        self._unused: dict[str, int] = {}

    def follow(self, block: Block) -> None:
        """
        Do what a block says.

        Raises:
            AssertionError: It does not work.
            PageError: It is of no known kind.
        """
        if not block.is_run:
            self._check_lines(block)
        elif block.file is not None:
            self._save(block, block.file)
        elif block.until is not None:
            self._start(block, block.until)
        else:
            self._follow_kind(block)

    def check_files_were_used(self) -> None:
        """
        Check that no file was saved for nothing.

        Raises:
            PageError: One was.
        """
        for name, line in self._unused.items():
            raise PageError(f"line {line}: {name} is saved and never used")

    def _follow_kind(self, block: Block) -> None:
        match block.language:
            case "bash":
                self._run(block.text)
            case "console":
                self._follow_console(block.text)
            case "python" | "js":
                self._run(f"{_PROGRAMS[block.language]} <<'END_OF_BLOCK'\n{block.text}END_OF_BLOCK\n")
            case "text" | "json":
                self._compare(block)
            case "toml":
                self._check_settings(block.text)
            case "http":
                assert _HTTP.match(block.text), "neither a request nor an answer"
            case "mermaid":
                pass
            case _:
                raise PageError(f"nobody knows what to do with {block.language}")

    def _run(self, text: str) -> None:
        adapted = self._stage.adapt(text)
        printed = self._stage.restore(self._shell.run(adapted))
        self._printed, self._stays_up = lambda: printed, False
        self._note_use(text)

    def _start(self, block: Block, until: str) -> None:
        if block.language != "bash":
            raise PageError("only bash can stay up")
        output = self._shell.start(self._stage.adapt(block.text))
        self._note_use(block.text)
        address = self._stage.adapt(until)

        def printed() -> str:
            return self._stage.restore(output.read_text(encoding="utf-8"))

        def is_ready() -> bool:
            return until.strip('"') in printed() if until.startswith('"') else _answers(address)

        assert _wait_for(is_ready, READY_SECONDS), f"{until} did not come\n{printed()}"
        self._printed = printed
        self._stays_up = True

    def _follow_console(self, text: str) -> None:
        commands = re.split(r"^\$ ", text, flags=re.MULTILINE)
        if commands[0]:
            raise PageError("a console block begins with `$ ` and a command")
        for command in commands[1:]:
            lines = command.splitlines(keepends=True)
            length = next((number for number, line in enumerate(lines, 1) if not line.endswith("\\\n")), len(lines))
            self._run("".join(lines[:length]))
            assert self._printed is not None
            outputs.check_text("".join(lines[length:]), self._printed())

    def _compare(self, block: Block) -> None:
        if block.language == "json":
            json.loads(block.text)
        if block.is_picture or (block.language == "json" and self._printed is None):
            return
        if self._printed is None:
            raise PageError("text that nothing has printed: a picture?")
        check = outputs.check_json if block.language == "json" else outputs.check_text
        compare, printed = partial(check, block.text), self._printed
        if self._stays_up:
            _wait_for(lambda: _passes(lambda: compare(printed())), SETTLE_SECONDS)
        compare(printed())

    def _save(self, block: Block, name: str) -> None:
        if block.language not in _SAVED:
            raise PageError(f"nobody saves {block.language}")
        path = self._shell.folder / self._stage.adapt(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._stage.adapt(block.text), encoding="utf-8")
        self._note_use(block.text)
        if block.language == "toml" and path.name == FILE_NAME:
            self._check_settings(block.text)
        else:
            self._unused[name] = block.line
        self._printed = None

    def _note_use(self, text: str) -> None:
        for name in list(self._unused):
            stem = name.rpartition("/")[2].partition(".")[0]
            if re.search(rf"\b{re.escape(stem)}\b", text):
                del self._unused[name]

    def _check_settings(self, text: str) -> None:
        folder = self._stage.notes / "settings"
        folder.mkdir(exist_ok=True)
        (folder / FILE_NAME).write_text(text, encoding="utf-8")
        resolve({"home": folder}, {})

    def _check_lines(self, block: Block) -> None:
        if block.language != "bash":
            raise PageError("only bash can be left alone")
        for line in block.text.splitlines():
            unrun.check_line(line)
        self._printed = None


def _wait_for(is_so: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        httpx.get(url, timeout=5, trust_env=False)
        return True
    return False


def _passes(check: Callable[[], None]) -> bool:
    with suppress(AssertionError):
        check()
        return True
    return False
