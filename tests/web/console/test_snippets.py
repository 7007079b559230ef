"""
Snippets: whatever stands in an id, it stays a literal, in every language.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.long import IS_LONG
from watchword.server.web.console.snippets import (
    LANGUAGES,
    Caller,
    Language,
    double_quoted,
    fill_in,
    shell_quoted,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ODD = (
    "'",
    '"',
    "\\",
    '\\\\"',
    "\\u000a\\",
    "\n\r\t\b\f",
    "a\u2028b\u2029c\u0085d",
    "${x} $(id) `id` $x !! %s {0} {{ x }}",
    "*/ // # <!-- ]]> </script>",
    "\u202egnp\ufeff\u0007\u007f",
    "Bücher \N{SNOWMAN} \N{GRINNING FACE}",
    "",
)
ESCAPES = re.compile(r'"(?:[^"\\\x00-\x1f\x7f-\x9f\u2028\u2029]|\\["\\bfnrt]|\\u[0-9a-f]{4})*"\Z')
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
PRINT = {
    "node": ("t.mjs", "process.stdout.write(JSON.stringify([%s]));", ["node", "t.mjs"]),
    "go": (
        "t.go",
        """package main
import ("encoding/json"; "os")
func main() { json.NewEncoder(os.Stdout).Encode([]string{%s}) }
""",
        ["go", "run", "t.go"],
    ),
    "java": (
        "T.java",
        """import java.util.*;
public class T {
    public static void main(String[] arguments) {
        List<String> told = new ArrayList<>();
        for (String text : new String[] {%s}) {
            StringBuilder hex = new StringBuilder();
            for (char c : text.toCharArray()) hex.append(String.format("\\\\u%%04x", (int) c));
            told.add('"' + hex.toString() + '"');
        }
        System.out.print(told);
    }
}
""",
        ["java", "T.java"],
    ),
}


def run(command: Sequence[str], folder: Path) -> str:
    """
    Run a program, where its language is there.
    """
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]}")
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2_000:]
    return done.stdout.decode()


@given(TEXTS)
def test_literal_is_well_formed_and_says_the_text(text: str) -> None:
    """
    For all of JavaScript, Python, Go, Java and C#: only escapes that they share, nothing that ends a line.
    """
    literal = double_quoted(text)
    assert ESCAPES.match(literal) is not None
    assert ast.literal_eval(literal) == text
    assert json.loads(literal) == text


@pytest.mark.parametrize(
    "language",
    [
        "node",
        pytest.param("java", marks=pytest.mark.slow),
        pytest.param("go", marks=[pytest.mark.slow, pytest.mark.skipif(not IS_LONG, reason="only in the long form")]),
    ],
)
def test_compilers_read_literals_as_they_are_meant(language: str, tmp_path: Path) -> None:
    """
    Odd texts come out of a program as they went in.
    """
    name, program, command = PRINT[language]
    (tmp_path / name).write_text(program % ", ".join(map(double_quoted, ODD)), encoding="utf-8")
    assert json.loads(run(command, tmp_path)) == list(ODD)


def test_shell_reads_words_as_they_are_meant(tmp_path: Path) -> None:
    """
    Nothing is expanded or run.
    """
    words = " ".join(map(shell_quoted, ODD))
    assert run(["bash", "-c", f"printf '%s\\0' {words}"], tmp_path).split("\0")[:-1] == list(ODD)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.id)
@pytest.mark.parametrize("kind", ["token", "call"])
def test_nothing_of_an_id_is_code(language: Language, kind: str) -> None:
    """
    Each value stands in a snippet as one literal, and nowhere else.
    """
    odd = "\"'\\{{ 7 * 7 }}"
    caller = Caller(endpoint=f"e{odd}", application=f"a{odd}", resource=f"r{odd}", scope=f"s{odd}", api=f"i{odd}")
    text = fill_in(language, getattr(language, kind), caller)
    for prefix in ("", "resource=", "scope="):
        for value in (caller.endpoint + "/oidc/token", caller.application, caller.resource, caller.scope, caller.api):
            text = text.replace(language.quote(prefix + value), "")
    assert odd not in text
    assert "7 * 7" not in text
    assert "49" not in text


@pytest.mark.parametrize("kind", ["token", "call"])
def test_go_is_written_as_its_formatter_does(kind: str, tmp_path: Path) -> None:
    """
    It can be read, odd ids and all: without compiling it.
    """
    go = next(language for language in LANGUAGES if language.id == "go")
    odd = "".join(ODD)
    caller = Caller(endpoint=odd, application=odd, resource=odd, scope=odd, api=odd)
    (tmp_path / "t.go").write_text(fill_in(go, getattr(go, kind), caller) + "\n", encoding="utf-8")
    assert not run(["gofmt", "-d", "t.go"], tmp_path)
