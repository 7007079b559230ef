"""
What a request carries, judged: bodies, flags, pages. Faults come in the words of the reference's validator (zod 3).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError

from watchword.server.domain.problems import Problem
from watchword.server.domain.values import units

M = TypeVar("M", bound="Body")
W = TypeVar("W", bound=StrEnum)
Issue = dict[str, object]
MOST_ITEMS = 10_000  # of a list of ids: a query has a parameter for each
MOST_ISSUES = 1000


class Body(BaseModel):
    """
    A request body: camelCase on the wire, strict, unknown members dropped.
    """

    model_config = ConfigDict(strict=True, extra="ignore", alias_generator=to_camel, frozen=True)

    def given(self) -> dict[str, object]:
        """
        Return the members that the request carried, by field name.
        """
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


@dataclass(frozen=True)
class Check(AfterValidator):
    """
    A check of a member, and what the OpenAPI document says of it.
    """

    told: Mapping[str, object] = field(hash=False)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), **self.told}


def issue(**members: object) -> PydanticCustomError:
    """
    Make a fault in the validator's own words; its path is added later.
    """
    return PydanticCustomError("zod", "zod", {"issue": members})


def validate(model: type[M], value: object, *, part: str = "body") -> M:
    """
    Read a body.

    Raises:
        Problem: `guard.invalid_input` (400) with all faults, unless they are more than `MOST_ISSUES`.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        if error.error_count() > MOST_ISSUES:
            # A body of 1 MB may hold half a million faults: to tell each would take the loop ten seconds and 100 MB.
            message = f"More than {MOST_ISSUES} values are invalid"
            raise invalid_input([{"code": "custom", "path": [], "message": message}], part) from None
        raise invalid_input([_issue(model, fault) for fault in error.errors(include_url=False)], part) from None


def invalid_input(issues: Sequence[Issue], part: str) -> Problem:
    """
    Refuse a part of a request: `body`, `query` or `params`.
    """
    return Problem(
        "guard.invalid_input",
        status=400,
        message=f"The request {part} is invalid.",
        data={"issues": list(issues), "name": "ZodError"},
        details="\n".join(map(_details, issues)),
    )


def text(*, least: int = 1, most: int | None = None) -> Check:
    """
    Return the check that a text has so many UTF-16 units.
    """

    def check(value: str) -> str:
        length = units(value)
        if length < least:
            raise issue(**_too("small", least, "string", f"String must contain at least {least} character(s)"))
        if most is not None and length > most:
            raise issue(**_too("big", most, "string", f"String must contain at most {most} character(s)"))
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise issue(code="custom", message="Invalid input")
        return value

    bounds = {**({"minLength": least} if least else {}), **({} if most is None else {"maxLength": most})}
    return Check(check, bounds)


def passing(test: Callable[[str], bool], *, pattern: str) -> Check:
    """
    Return the check that a text passes a test.

    Args:
        test: Linear in the length of what it is given.
        pattern: The same, or about the same, as a regular expression that people and tools read.
    """

    def check(value: str) -> str:
        if not test(value):
            raise issue(validation="regex", code="invalid_string", message="Invalid")
        return value

    return Check(check, {"pattern": pattern})


def items(*, least: int = 0, most: int = MOST_ITEMS) -> Check:
    """
    Return the check that a list has so many elements.
    """

    def check(value: list[object]) -> list[object]:
        if len(value) < least:
            raise issue(**_too("small", least, "array", f"Array must contain at least {least} element(s)"))
        if len(value) > most:
            raise issue(**_too("big", most, "array", f"Array must contain at most {most} element(s)"))
        return value

    return Check(check, {"minItems": least, "maxItems": most} if least else {"maxItems": most})


def word(vocabulary: type[W]) -> BeforeValidator:
    """
    Return the check that a value is a word of a vocabulary.
    """
    options = [item.value for item in vocabulary]
    expected = " | ".join(f"'{option}'" for option in options)

    def check(value: object) -> W:
        if not isinstance(value, str):
            raise issue(
                expected=expected,
                received=kind(value),
                code="invalid_type",
                message=f"Expected {expected}, received {kind(value)}",
            )
        if value not in options:
            raise issue(
                received=value,
                code="invalid_enum_value",
                options=options,
                message=f"Invalid enum value. Expected {expected}, received '{value}'",
            )
        return vocabulary(value)

    return BeforeValidator(check)


NonEmpty = Annotated[str, text()]
Text = Annotated[str, text(least=0)]
Text128 = Annotated[str, text(most=128)]
Text256 = Annotated[str, text(most=256)]


class RoleIds(Body):
    """
    Roles, by id.
    """

    role_ids: Annotated[list[NonEmpty], items()]


def kind(value: object) -> str:
    """
    Name a JSON value's type as the validator does.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list() | tuple():
            return "array"
        case _:
            return "object"


def _too(how: str, bound: int, of: str, message: str) -> Issue:
    limit = {"small": "minimum", "big": "maximum"}[how]
    return {
        "code": f"too_{how}",
        limit: bound,
        "type": of,
        "inclusive": True,
        "exact": False,
        "message": message,
    }


def _issue(model: type[Body], fault: Mapping[str, Any]) -> Issue:
    path = [part for part in fault["loc"] if not (isinstance(part, str) and part.startswith("function-"))]
    context = fault.get("ctx", {})
    if "issue" in context:
        return _with_path(context["issue"], path)
    expected = _expected_at(model, path)
    if fault["type"] == "missing":
        if expected.startswith("'"):
            return {"expected": expected, "received": "undefined", "code": "invalid_type", "path": path,
                    "message": "Required"}  # fmt: skip
        return {"code": "invalid_type", "expected": expected, "received": "undefined", "path": path,
                "message": "Required"}  # fmt: skip
    if fault["type"] in _BOUNDS:
        how, message, member = _BOUNDS[fault["type"]]
        bound = context[member]
        return _with_path(_too(how, bound, "number", message.format(bound)), path)
    received = kind(fault["input"])
    if received == expected:  # a number that is no whole one
        return {"code": "custom", "message": "Invalid input", "path": path}
    return {"code": "invalid_type", "expected": expected, "received": received, "path": path,
            "message": f"Expected {expected}, received {received}"}  # fmt: skip


_BOUNDS = {
    "greater_than_equal": ("small", "Number must be greater than or equal to {}", "ge"),
    "less_than_equal": ("big", "Number must be less than or equal to {}", "le"),
    "greater_than": ("small", "Number must be greater than {}", "gt"),
}


def _with_path(members: Issue, path: Sequence[object]) -> Issue:
    # Zod puts the path last for issues of a check, but before the message for a wrong type or an unknown word.
    if members["code"] in {"invalid_enum_value", "invalid_type"}:
        rest = {name: value for name, value in members.items() if name != "message"}
        return {**rest, "path": list(path), "message": members["message"]}
    return {**members, "path": list(path)}


def _expected_at(model: type[BaseModel], path: Sequence[object]) -> str:
    annotation: Any = model
    for part in path:
        annotation = _strip(annotation)
        if isinstance(part, int):
            annotation = get_args(annotation)[0] if get_args(annotation) else object
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
            annotation = fields[part].annotation if part in fields else object
        else:
            annotation = object
    return _name_of(_strip(annotation))


def _strip(annotation: Any) -> Any:  # noqa: ANN401 - types of types
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in {Union, UnionType}:
            annotation = next(option for option in get_args(annotation) if option is not NoneType)
        else:
            return annotation


_NAMES: Sequence[tuple[type, str]] = ((bool, "boolean"), (str, "string"), (int, "number"), (float, "number"))


def _name_of(annotation: Any) -> str:  # noqa: ANN401 - types of types
    if get_origin(annotation) in {list, tuple, Sequence}:
        return "array"
    if isinstance(annotation, type):
        if issubclass(annotation, StrEnum):
            return " | ".join(f"'{item.value}'" for item in annotation)
        for python_type, name in _NAMES:
            if issubclass(annotation, python_type):
                return name
    return "object"


def _details(members: Issue) -> str:
    path = members["path"]
    where = ".".join(map(str, path)) if isinstance(path, list) else ""
    what = members["message"]
    if members["code"] == "invalid_type":
        what = f"Expected {members['expected']} but received {members['received']}."
    return f'Error in key path "{where}": ({members["code"]}) {what}'
