"""
Values that are typed into forms.
"""

import hashlib
import json
from collections.abc import Callable, Mapping

import msgspec

from watchword.protocol.names import Algorithm
from watchword.server.domain.problems import Problem, about, bad_value
from watchword.server.domain.records import Json
from watchword.server.web.console.visitor import WAS, Visitor
from watchword.server.web.free_json import TooDeep, read_json

SAVED, NOT_CHANGED = "Saved.", "There was nothing to save: no field was changed."
_MOST_DIGITS = 18


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """
    Fields of a form that changes what is there. The form says how each was, so that only what was typed is changed.

    Attributes:
        kept: What they hold by themselves now, by name.
        typed: What somebody has typed into those that were shown otherwise.
        moved: Those among them that hold something else now than was shown.
    """

    kept: Mapping[str, str]
    typed: Mapping[str, str]
    moved: Mapping[str, str]

    @property
    def shown(self) -> Mapping[str, str]:
        """
        What the fields hold on the page: what was typed, else what is there.
        """
        return {**self.kept, **self.typed}

    @property
    def marks(self) -> Mapping[str, str]:
        """
        What the form says of how each field was, by the names of its hidden fields.
        """
        return {WAS + name: mark(text) for name, text in self.kept.items()}

    def changes(self, readers: Mapping[str, Callable[[str], object]]) -> Mapping[str, object]:
        """
        Return what is to be changed, by the names of the fields.

        Args:
            readers: How the fields are read that are more than texts.

        Raises:
            Problem: It has changed elsewhere meanwhile (`console.changed_meanwhile`, 409), or can't be read (422).
        """
        if self.moved:
            raise Problem(
                "console.changed_meanwhile",
                status=409,
                message="Nothing was saved: what you changed was changed elsewhere, too, since you opened this page. "
                "To put yours in its place, save once more.",
            )
        return {name: _read(name, readers.get(name, str), text) for name, text in self.typed.items()}


def settings(visitor: Visitor, kept: Mapping[str, str]) -> Settings:
    """
    Compare what was sent with what was shown, and with what is there now.

    Args:
        kept: What the fields hold by themselves now, by name.
    """
    typed, moved = {}, {}
    for name, text in kept.items():
        was, wanted = visitor.field(WAS + name), visitor.field(name).strip()
        if was and mark(wanted) not in {was, mark(text)}:
            typed[name] = wanted
            if was != mark(text):
                moved[name] = text
    return Settings(kept=kept, typed=typed, moved=moved)


def json_object(text: str) -> Json:
    """
    Read a JSON object; an empty field is an empty one.

    Raises:
        Problem: It is none, or nested too deep (422).
    """
    try:
        value = read_json(text or "{}")
    except TooDeep as refused:
        raise bad_value(f"{refused}.") from None
    except ValueError:  # a text that can't be written in UTF-8, too
        value = None
    if not isinstance(value, dict):
        raise bad_value("Custom data must be a JSON object.")
    return value


def whole_number(what: str, text: str) -> int:
    """
    Read a whole number.

    Args:
        what: What people call it.

    Raises:
        Problem: It is none (422).
    """
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise bad_value(f"The {what} must be a whole number.")
    return int(text)


def algorithm(text: str) -> Algorithm:
    """
    Read the name of an algorithm.

    Raises:
        Problem: There is no such one (422).
    """
    try:
        return Algorithm(text)
    except ValueError:
        raise bad_value("There is no such algorithm.") from None


def chosen_password(visitor: Visitor) -> str:
    """
    Return a new password, which was typed twice.

    Raises:
        Problem: `operator.passwords_differ` (422).
    """
    password = visitor.field("password")
    if password != visitor.field("again"):
        raise Problem("operator.passwords_differ", status=422, message="The two passwords differ.", about="again")
    return password


def is_typed(typed: str, name: str, identifier: str) -> bool:
    """
    Tell whether a name was typed as a page shows it, however many blanks are between its words; or the id in its place.
    """
    words = typed.split()
    return words == [identifier] or (bool(words) and words == name.split())


def _read(name: str, reader: Callable[[str], object], text: str) -> object:
    with about(name):
        return reader(text)


def json_text(value: Json) -> str:
    """
    Write a JSON object to be read, and changed, by people.
    """
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""


def mark(text: str) -> str:
    """
    Return what a form says of how a field was.
    """
    # Browsers write the ends of lines in their own way, and have none in a field of one line.
    return hashlib.sha256(text.replace("\r", "").replace("\n", "").strip().encode()).hexdigest()
