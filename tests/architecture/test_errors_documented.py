"""
Every error that the source can answer with stands in the catalogue, with what happened and what to do.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import tomllib

import pytest

import watchword.client
import watchword.protect
import watchword.server
from tests.architecture.pages import DOCS, ROOT, anchors_of, prose_of, rows
from tests.architecture.raised import GAP, SOURCE, argument, calls, descriptions, nodes, problem_statuses, text_of
from watchword.client import ClientError
from watchword.protect import AccessDenied
from watchword.protocol import errors
from watchword.protocol.errors import OAuthError
from watchword.server.web.api.authentication import _JOSE_ERRORS
from watchword.server.web.docs.catalogue import GROUPS, Error, by_code, groups
from watchword.server.web.docs.pages import REPOSITORY

PAGE = DOCS / "reference" / "errors.md"
# Texts that no class of OAuth errors stands for.
WORDS_OF_THE_SERVER = {
    "unrecognized route or not allowed method (… on …)": "invalid_request",
    "the request headers are too large": "invalid_request",
    "oops! something went wrong": "server_error",
    "The server can't answer now. Please try again.": "temporarily_unavailable",
    "access tokens can't be checked at the moment": "temporarily_unavailable",
}
STATUS_OF_WORDS = {"the request headers are too large": 431, "unrecognized route or not allowed method (… on …)": 404}
OAUTH: list[type[OAuthError]] = [
    errors.InvalidRequest,
    errors.InvalidClient,
    errors.InvalidTarget,
    errors.UnsupportedGrantType,
    errors.AccessDenied,
    errors.TemporarilyUnavailable,
    errors.InvalidToken,
]


def oauth_codes() -> set[str]:
    """
    Return every code that a class of OAuth errors stands for, and the one that stands for our own faults.
    """
    return {kind.error for kind in kinds_of(OAuthError) if hasattr(kind, "error")} | {"server_error"}


def covers(told: str, text: str) -> bool:
    """
    Tell whether a text is one of those that a told one, with its gaps, stands for.
    """
    return re.fullmatch(".+".join(map(re.escape, told.split(GAP))), text) is not None


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


def test_every_code_has_an_entry() -> None:
    """
    What the server and protected APIs can answer with is in the catalogue, and nothing else is.
    """
    assert {"entity.not_found", "operator.last_owner", "console.stale_form"} <= set(problem_statuses())
    assert {"invalid_request", "invalid_client", "invalid_target", "insufficient_scope"} <= oauth_codes()
    assert set(by_code()) == set(problem_statuses()) | oauth_codes()


def test_every_code_has_one_entry() -> None:
    """
    No code stands in two groups, and no file of the catalogue is left out.
    """
    named = [error.code for group in groups() for error in group.errors]
    assert len(named) == len(set(named))
    files = {path.stem for path in (SOURCE / "server/web/docs/errors").iterdir()}
    assert files == set(GROUPS)


@pytest.mark.parametrize("error", by_code().values(), ids=lambda error: error.code)
def test_entry_is_whole(error: Error) -> None:
    """
    Status, what happened and what to do are told in sentences, of the code and of each of its cases.
    """
    assert error.status
    texts = [error.happened, *error.do, *(text for case in error.cases for text in (case.happened, case.do))]
    assert error.do
    assert all(re.search(r"[.:]\Z", text.strip()) for text in texts), texts
    assert all(text.count("`") % 2 == 0 for text in texts), texts
    assert bool(error.cases) == bool(error.told_by)
    assert {case.status for case in error.cases} - {None} <= set(error.status)


def test_statuses_are_those_of_the_source() -> None:
    """
    A status that the source gives a code stands in its entry, and no other does.
    """
    told = {code: set(error.status) for code, error in by_code().items()}
    given = {code: found for code, found in problem_statuses().items() if found}
    assert {code: found for code, found in given.items() if not found <= told[code]} == {}
    exact = given.keys() - {"request.invalid_input", "temporarily_unavailable"}  # whose other statuses are not literal
    assert {code: found for code, found in given.items() if code in exact and found != told[code]} == {}
    kinds: list[type[OAuthError]] = [*OAUTH, errors.InsufficientScope]
    assert {kind.error for kind in kinds if kind.status not in told[kind.error]} == set()
    by_call = {status_of(call) for call in calls(".", {"InvalidRequest"})} - {None}
    assert told["invalid_request"] == {400} | by_call | set(STATUS_OF_WORDS.values())


def status_of(call: ast.Call) -> object:
    """
    Return the status that a call names; None where it names none.
    """
    status = argument(call, "status")
    return status.value if isinstance(status, ast.Constant) else None


@pytest.mark.parametrize("base", OAUTH)
def test_every_description_is_a_case(base: type[OAuthError]) -> None:
    """
    Each text that a code of OAuth comes with is told of in its entry, and nothing else is.
    """
    # What our own check of a token says never leaves the server: `auth.unauthorized` stands for it.
    folders = ("protocol", "protect") if base is errors.InvalidToken else ("protocol", "server")
    raised = descriptions({kind.__name__ for kind in kinds_of(base)}, folders)
    raised |= {text for text, error in WORDS_OF_THE_SERVER.items() if error == base.error}
    entry = by_code()[base.error]
    told = [case.says for case in entry.cases] or [entry.says]
    assert raised
    assert [text for text in raised if not any(covers(says, text) for says in told)] == []
    assert [says for says in told if not any(covers(says, text) for text in raised)] == []


def test_what_the_server_says_without_a_class_is_told() -> None:
    """
    The few texts that no class stands for are those listed here, in the source and with their statuses.
    """
    written = {text_of(argument(call, "description", 1)) for call in calls("server/web", {"oauth_members"})} - {None}
    assert written <= set(WORDS_OF_THE_SERVER)
    said = {text_of(node) for node in nodes(".") if isinstance(node, ast.Constant | ast.JoinedStr)}
    assert set(WORDS_OF_THE_SERVER) <= said
    for text, status in STATUS_OF_WORDS.items():
        assert [case.status for case in by_code()["invalid_request"].cases if case.says == text] == [status]


def test_every_reason_of_a_refused_token_is_a_case() -> None:
    """
    What the Management API says of a bad token, in `data`, is told of.
    """
    told = {case.says for case in by_code()["auth.unauthorized"].cases}
    assert {code for code, _ in _JOSE_ERRORS.values()} <= told
    reasons = {text_of(argument(call, "reason", 0)) for call in calls("server", {"unauthorized"})}
    assert reasons - {"token"} <= told  # whose `data.code` says more


def test_cases_of_a_senseless_request_are_texts_of_the_source() -> None:
    """
    What the page quotes is what is said.
    """
    said = {f"Input is invalid. {text_of(argument(call, 'reason', 0))}" for call in calls("server", {"invalid_input"})}
    said |= {
        text_of(argument(call, "message")) or ""
        for call in calls("server", {"Problem"})
        if text_of(argument(call, "code", 0)) == "request.invalid_input"
    }
    assert {case.says for case in by_code()["request.invalid_input"].cases} <= said


def test_links_lead_to_pages_of_the_repository() -> None:
    """
    What an entry points at is there, with its heading.
    """
    for error in by_code().values():
        for place in error.see.values():
            path, _, fragment = place.partition("#")
            assert (DOCS / path).is_file(), place
            assert not fragment or fragment in anchors_of(DOCS / path), place


def test_pages_of_the_server_lead_to_the_documentation_that_the_package_names() -> None:
    """
    The address of the repository is known in one more place, and it is the same.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Documentation"].replace("/tree/", "/blob/") + "/" == REPOSITORY


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
