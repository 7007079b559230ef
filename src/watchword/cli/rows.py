"""
What a row of the table of commands is.

Each command that speaks to the Management API is one row: its words, its request, and what it shows.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from watchword.cli.values import containing, json_object

if TYPE_CHECKING:
    from watchword.cli.api import Api

Record = dict[str, Any]


class Place(Enum):
    """
    Where in a request a parameter goes.
    """

    PATH = "path"
    QUERY = "query"
    MEMBER = "a member of the body"
    BODY = "the whole body"
    NOWHERE = "it only narrows what others mean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """
    A kind of thing that people may name.

    Attributes:
        path: Its list; may hold placeholders of parameters that stand before.
        named_by: Members that name it, beside its id.
        searchable: Whether the list can be searched, so that it need not be read to its end.
        inside: The member of each record that holds the things, where they are inside others.
        lenient: Take a text that names nothing for the id of something that is gone.
        listed_by: The command that shows what there is.
    """

    noun: str
    path: str
    named_by: tuple[str, ...]
    listed_by: str
    searchable: bool = False
    inside: str | None = None
    lenient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """
    An argument or an option of a command.

    Attributes:
        name: In Python and in placeholders; the option is called so, with hyphens.
        member: On the wire.
        kind: Its type: str, int, bool or an enumeration.
        positional: Whether it is an argument; arguments are required.
        repeats: Whether several may be given.
        off: The option that says no, for a flag that has both.
        reads: Turns the text into the value that is sent.
    """

    name: str
    help: str
    place: Place
    member: str
    kind: Any = str
    positional: bool = False
    repeats: bool = False
    required: bool = False
    default: Any = None
    least: int | None = None
    off: str | None = None
    refers: Reference | None = None
    reads: Callable[[str], Any] | None = None

    @property
    def option(self) -> str:
        """
        The option's name.
        """
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    A command.

    Attributes:
        words: What is typed, without `watchword`.
        path: Below `/api`, with placeholders; a parameter in it that repeats makes a request for each of its values.
        fallback: Members that are sent where the command line does not say; a value in braces is that parameter's.
        changes: Whether at least one option must say what to change.
        pages: Whether the answer is a list in pages, and how many records are shown unless more are asked for.
        columns: Members that a table of the answer's records shows; none for one thing, shown whole.
        picks: The one member of the answer that is shown.
        is_data: Whether what is shown is a user's own JSON, for people too.
        done: What is said afterwards, where the answer has nothing to show.
        asks: What a person is asked first.
        finishes: Completes the answer.
        tidies: Prepares a record for a table.
        secret: The member of the answer that is a secret.
        tells: Says the answer in lines, for people.
    """

    words: str
    help: str
    method: str
    path: str
    parameters: Sequence[Parameter] = ()
    fallback: Mapping[str, Any] = field(default_factory=dict)
    changes: bool = False
    pages: bool = False
    limit: int | None = None
    columns: Sequence[str] = ()
    picks: str | None = None
    is_data: bool = False
    done: str = ""
    asks: str = ""
    finishes: "Callable[[Api, Any, Mapping[str, Any]], Awaitable[Any]] | None" = None
    tidies: Callable[[Record], Record] | None = None
    secret: str | None = None
    tells: Callable[[Record], Iterable[str]] | None = None


def subject(name: str, text: str, refers: Reference | None = None, *, repeats: bool = False) -> Parameter:
    """
    An argument that says what a command is about: part of the path.
    """
    return Parameter(
        name=name, help=text, place=Place.PATH, member=name, positional=True, refers=refers, repeats=repeats
    )


def operand(
    name: str, text: str, member: str | None = None, refers: Reference | None = None, *, repeats: bool = False
) -> Parameter:
    """
    An argument that goes into the body.
    """
    return Parameter(
        name=name,
        help=text,
        place=Place.MEMBER,
        member=member or name,
        positional=True,
        refers=refers,
        repeats=repeats,
    )


def data(member: str | None = None) -> Parameter:
    """
    The argument that is a JSON object: a member of the body, or the whole of it.
    """
    return Parameter(
        name="data",
        help="A JSON object; - reads it from standard input.",
        place=Place.BODY if member is None else Place.MEMBER,
        member=member or "",
        positional=True,
        reads=json_object,
    )


def option(name: str, text: str, member: str | None = None, **more: Any) -> Parameter:  # noqa: ANN401 - Parameter's
    """
    An option that goes into the body.
    """
    return Parameter(name=name, help=text, place=Place.MEMBER, member=member or name, **more)


def json_option(name: str, text: str, member: str) -> Parameter:
    """
    An option that goes into the body, written as a JSON object.
    """
    return option(name, text + " As JSON; - reads it from standard input.", member, reads=json_object)


def wish(name: str, text: str, member: str | None = None, **more: Any) -> Parameter:  # noqa: ANN401 - Parameter's
    """
    An option that goes into the query.
    """
    return Parameter(name=name, help=text, place=Place.QUERY, member=member or name, **more)


def search(where: str) -> Parameter:
    """
    The option that searches a list.
    """
    return wish("search", f"Only those that have this text in {where}.", reads=containing)
