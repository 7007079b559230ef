"""
Why an operation refuses: one class, whose `code` is what programs key on.

The web room turns a problem into the contract's shape and adds the human text where a code has a fixed one.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

from watchword.server.domain.redaction import shown_id


class Problem(Exception):
    """
    An operation can't be done as asked. Nothing of it has been done.

    Args:
        code: `<group>.<name>`, e.g. `entity.not_found`.
        status: HTTP status that goes with it.
        message: Public text.
        data: Public detail for programs.
        details: Public detail for people.
        about: The one member that it is about, as records or parameters name it; empty where it is about more, or none.
    """

    def __init__(
        self,
        code: str,
        *,
        status: int,
        message: str,
        data: Mapping[str, object] | None = None,
        details: str | None = None,
        about: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message
        self.data = data
        self.details = details
        self.about = about


class Malformed(Problem):
    """
    A body that can't be read at all. On the wire its message stands first, alone but for what we add.
    """

    def __init__(self, message: str) -> None:
        super().__init__("guard.invalid_input", status=400, message=message)


class DoneAlready(Problem):
    """
    What should be made has been made, by the same form.
    """

    def __init__(self) -> None:
        super().__init__("console.done_already", status=409, message="This was done already.")


def unknown(table: str, record_id: str, about: str = "") -> Problem:
    """
    No record with this id.
    """
    return Problem(
        "entity.not_exists_with_id",
        status=404,
        message=f"The {table} with ID `{shown_id(record_id)}` does not exist.",
        about=about,
    )


def not_found() -> Problem:
    """
    What should be removed or read is not there.
    """
    return Problem("entity.not_found", status=404, message="The resource does not exist.")


def not_exists(kind: str) -> Problem:
    """
    What should be changed is not there.
    """
    return Problem("entity.not_exists", status=404, message=f"The {kind} does not exist.")


def nothing_to_change() -> Problem:
    """
    A change with no member that can be changed.
    """
    return Problem("entity.invalid_input", status=422, message="Invalid input. Value list must not be empty.")


def violates_constraint() -> Problem:
    """
    The records don't go together, such as a machine role and a user.
    """
    return Problem("entity.db_constraint_violated", status=422, message="Database constraint violated.")


def too_long(column: str) -> Problem:
    """
    A value is longer than its column.
    """
    return Problem(
        "entity.value_too_long",
        status=422,
        message="Input value is too long.",
        data={"message": f"value too long for {column}"},
        about=column,
    )


def invalid_input(reason: str, *, data: Mapping[str, object] | None = None, status: int = 400) -> Problem:
    """
    A request that is well-formed and makes no sense.
    """
    return Problem("request.invalid_input", status=status, message=f"Input is invalid. {reason}", data=data)


def bad_value(message: str, about: str = "") -> Problem:
    """
    A value that can't be taken, in words for whoever typed it.
    """
    return Problem("request.invalid_input", status=422, message=message, about=about)


@contextmanager
def about(member: str) -> Iterator[None]:
    """
    Say that whatever is refused within is about a member: the caller's name for it counts.
    """
    try:
        yield
    except Problem as refused:
        refused.about = member
        raise


def refuse(problem: Problem) -> NoReturn:
    """
    Raise a problem where an expression is needed.
    """
    raise problem
