"""
Every error that the source can answer with stands on its page, with what happened and what to do.
"""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import watchword.client
import watchword.protect
import watchword.server
from tests.architecture.pages import DOCS, prose_of, rows
from tests.architecture.raised import GAP, argument, calls, descriptions, problem_statuses, text_of
from watchword.client import ClientError
from watchword.protect import AccessDenied
from watchword.protocol import errors
from watchword.protocol.errors import OAuthError

PAGE = DOCS / "reference" / "errors.md"
FAMILIES = ("Who asks", "How it is asked", "What it is about", "Applications", "API resources and permissions", "Roles",
            "Signing keys", "Users", "At the console")  # fmt: skip
WORDS_OF_THE_SERVER = {
    "unrecognized route or not allowed method (… on …)": "invalid_request",
    "the request headers are too large": "invalid_request",
    "oops! something went wrong": "server_error",
}


def codes() -> dict[str, tuple[set[int], list[str]]]:
    """
    Return every code of the Management API that the page has: its statuses, and its row.
    """
    found = {}
    for family in FAMILIES:
        for row in rows(PAGE, family):
            found[row[0].strip("`")] = ({int(status) for status in row[1].split(", ")}, row)
    return found


def kinds_of(base: type[Exception], *, package: str = "watchword") -> list[type[Exception]]:
    """
    Return a class of errors and all that derive from it, in all modules of the server and the two user packages.
    """
    for room in (watchword.server, watchword.client, watchword.protect):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if ".migrations." not in module.name:
                importlib.import_module(module.name)
    found, left = [base], [base]
    while left:
        derived = [kind for kind in left.pop().__subclasses__() if kind.__module__.startswith(package)]
        found += derived
        left += derived
    return found


def test_every_code_is_documented() -> None:
    """
    What the Management API can answer with is on the page, and nothing else is.
    """
    assert set(codes()) == set(problem_statuses())


def test_statuses_are_those_of_the_source() -> None:
    """
    A status that the source gives a code stands beside it.
    """
    told = codes()
    wrong = {code: found for code, found in problem_statuses().items() if not found <= told[code][0]}
    assert wrong == {}


@pytest.mark.parametrize("code", sorted(problem_statuses()))
def test_code_says_what_happened(code: str) -> None:
    """
    Status, what happened and what to do: a row is whole. "As above" may stand for both.
    """
    _, row = codes()[code]
    assert len(row) == 4
    assert row[2]
    assert row[3] or row[2] == "As above."


def test_every_oauth_error_has_a_section() -> None:
    """
    Each registered code that a class stands for, below `/oidc` or at a protected API.
    """
    named = {kind.error for kind in kinds_of(OAuthError) if hasattr(kind, "error")}
    assert {"invalid_request", "invalid_client", "invalid_target"} <= named
    text = prose_of(PAGE)
    assert {error for error in named if f"`{error}`" not in text} == set()


@pytest.mark.parametrize(
    "base",
    [
        errors.InvalidRequest,
        errors.InvalidClient,
        errors.InvalidTarget,
        errors.UnsupportedGrantType,
        errors.AccessDenied,
        errors.TemporarilyUnavailable,
    ],
)
def test_every_description_is_documented(base: type[OAuthError]) -> None:
    """
    Each text that the token endpoint can refuse with has a row below its code, and each row is such a text.
    """
    raised = descriptions({kind.__name__ for kind in kinds_of(base)})
    raised |= {text for text, error in WORDS_OF_THE_SERVER.items() if error == base.error}
    told = {row[0]: row for row in rows(PAGE, f"`{base.error}`")}
    assert raised == set(told)
    assert all(len(row) == 3 and all(row) for row in told.values())


def test_what_the_server_says_without_a_class_is_documented() -> None:
    """
    The few texts that no class stands for are those listed here, and they are on the page.
    """
    written = {text_of(argument(call, "description", 1)) for call in calls("server/web", {"oauth_members"})}
    local = {"unrecognized route or not allowed method (… on …)", "the request headers are too large"}
    assert {text for text in written if text is not None} | local == set(WORDS_OF_THE_SERVER)
    assert all(any(row[0] == text for row in rows(PAGE)) for text in WORDS_OF_THE_SERVER)


@pytest.mark.parametrize(("base", "heading"), [(ClientError, "watchword.client"), (AccessDenied, "watchword.protect")])
def test_errors_of_the_user_packages_are_documented(base: type[Exception], heading: str) -> None:
    """
    Every class that a program may catch has a row.
    """
    told = {row[0].strip("`") for row in rows(PAGE, heading)}
    assert {kind.__name__ for kind in kinds_of(base)} - {base.__name__} <= told


def test_reasons_of_an_invalid_token_are_documented() -> None:
    """
    The words that programs key on are those of the source.
    """
    used = {
        text_of(argument(call, "reason")) for folder in ("protocol", "protect", "server")
        for call in calls(folder, {"InvalidToken"})
    }  # fmt: skip
    told = {row[0].strip("`") for row in rows(PAGE, "watchword.protect") if re.fullmatch(r"`[a-z_]+`", row[0])}
    assert {word for word in used if word is not None} == told


def test_gaps_stand_for_what_the_request_brings() -> None:
    """
    The page explains the sign that it writes for them.
    """
    assert f"`{GAP}` below stands for" in prose_of(PAGE)
