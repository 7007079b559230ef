"""
The catalogue of errors: a file for each group in `errors/`, in the order in which people meet them.

Texts are prose in which code stands between backquotes, and nothing else is marked.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec

GROUPS = (
    "oauth", "protected", "access", "requests", "records", "applications", "resources", "roles", "keys", "users",
    "console",
)  # fmt: skip
_CODE = re.compile(r"`([^`]*)`")


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    One of several things that a code stands for.

    Attributes:
        says: What tells it apart; `…` stands for what depends on the request.
        do: What to do about it.
        status: Where it is not the first of the code's.
    """

    says: str
    happened: str
    do: str
    status: int | None = None


class Error(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    A code that programs key on.

    Attributes:
        status: HTTP statuses that come with it, the usual one first.
        do: What to do about it, one thing after the other.
        says: What an answer's `error_description` says, where that is always the same.
        told_by: What of an answer tells its cases apart, where it has any.
        see: Titles and places of pages below `docs/` of the repository.
    """

    code: str
    status: Sequence[int]
    happened: str
    do: Sequence[str]
    says: str = ""
    told_by: str = ""
    cases: Sequence[Case] = ()
    see: Mapping[str, str] = {}


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Errors of one kind.

    Attributes:
        about: What they have in common.
    """

    title: str
    about: str
    errors: Sequence[Error]


@cache
def groups() -> Sequence[Group]:
    """
    Read the catalogue.
    """
    folder = files(__package__ or "") / "errors"
    return [msgspec.toml.decode((folder / f"{name}.toml").read_bytes(), type=Group) for name in GROUPS]


@cache
def by_code() -> Mapping[str, Error]:
    """
    Return every error by its code.
    """
    return {error.code: error for group in groups() for error in group.errors}


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """
    Take a text apart into prose and code, in turns; say of each piece whether it is code.
    """
    for index, piece in enumerate(_CODE.split(" ".join(text.split()))):
        if piece:
            yield piece, bool(index % 2)
