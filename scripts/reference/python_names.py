"""
The names that Python programs import, from the docstrings of the code.
"""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from types import ModuleType

import watchword.client
import watchword.protect
import watchword.protect.fastapi
import watchword.protect.starlette
import watchword.protocol
from scripts.reference.markdown import code, table

_SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Implements):(?: (.*))?\Z")
_ITEM = re.compile(r"([A-Za-z_][\w, ]*): (.*)\Z")
_LINE = re.compile(r"\s*\n\s*")
Sections = Mapping[str, str]


def client() -> str:
    """
    Describe what `watchword.client` exports.
    """
    return _exported(watchword.client, watchword.client.__all__)


def protect() -> str:
    """
    Describe what `watchword.protect` exports.
    """
    return _exported(watchword.protect, watchword.protect.__all__)


def adapters() -> str:
    """
    Describe the adapters for web frameworks.
    """
    modules = (watchword.protect.fastapi, watchword.protect.starlette)
    return "\n".join(_exported(module, public_names(module)) for module in modules)


def protocol() -> str:
    """
    List the public names of each module of `watchword.protocol`.
    """
    found = [
        importlib.import_module(f"watchword.protocol.{module.name}")
        for module in pkgutil.iter_modules(watchword.protocol.__path__)
    ]
    return "\n".join(_module(module) for module in found)


def public_names(module: ModuleType) -> list[str]:
    """
    Return the classes and functions that a module defines for others, in the order of its text.
    """
    defined = [
        (name, value)
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
        if inspect.isclass(value) or inspect.isfunction(value)
    ]
    return [name for name, value in sorted(defined, key=lambda pair: inspect.getsourcelines(pair[1])[1])]


def _module(module: ModuleType) -> str:
    rows = [[code(name), summary(getattr(module, name))] for name in public_names(module)]
    listed = f"\n{table(['name', ''], rows)}" if rows else ""
    return f"### {module.__name__}\n\n{summary(module)}\n{listed}"


def _exported(module: ModuleType, names: Sequence[str]) -> str:
    return "\n".join(_entry(module.__name__, name, getattr(module, name)) for name in names)


def summary(thing: object) -> str:
    """
    Return what a docstring says first.
    """
    return _LINE.sub(" ", (inspect.getdoc(thing) or "").partition("\n\n")[0])


def _entry(package: str, name: str, thing: object) -> str:
    parts = [f"### {name}", f"`{package}.{name}`{_kind(thing)}", *_documentation(thing)]
    if inspect.isclass(thing):
        parts += [_method(attribute, value) for attribute, value in _own_members(thing)]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _kind(thing: object) -> str:
    if not inspect.isclass(thing):
        return f", a function: `{_signature(thing)}`"
    bases = [_named(base) for base in thing.__bases__ if base is not object]
    return f", a kind of {' and '.join(bases)}" if bases else ""


def _named(thing: type) -> str:
    package = thing.__module__.partition(".")[0]
    return code(thing.__name__ if package in {"builtins", "enum", "watchword"} else f"{package}.{thing.__name__}")


def _own_members(cls: type) -> Iterator[tuple[str, object]]:
    for name, value in vars(cls).items():
        if not name.startswith("_") or name == "__call__":
            is_function = inspect.isfunction(value) or isinstance(value, property | classmethod)
            if is_function and inspect.getdoc(value):
                yield name, value


def _method(name: str, value: object) -> str:
    is_property = isinstance(value, property)
    shown = name if is_property or not callable(value) else f"{name}{_signature(value)}"
    described = "\n\n".join(part.strip() for part in _documentation(value) if part.strip())
    return f"**`{shown}`** {described}"


def _signature(thing: object) -> str:
    """
    Return parameters and their defaults, without types: what they are is told in words.
    """
    if not callable(thing):
        return ""
    found = inspect.signature(thing)
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in found.parameters.items()
        if name != "self"
    ]
    return str(found.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


def _documentation(thing: object) -> Iterator[str]:
    prose, sections = _read(inspect.getdoc(thing) or "")
    yield prose
    documented = _items(sections.get("Args", ""))
    constructor = vars(thing).get("__init__") if inspect.isclass(thing) else None
    if documented:
        yield table(["argument", "default", ""], _arguments(documented, constructor or thing))
    attributes = _attributes(thing, _items(sections.get("Attributes", "")))
    if attributes:
        yield table(["attribute", ""], [[code(name), text] for name, text in attributes.items()])
    if inspect.isclass(thing) and issubclass(thing, Enum):
        yield f"Members: {', '.join(code(member.value) for member in thing)}."
    for title in ("Returns", "Raises", "Implements"):
        if title in sections:
            yield f"{title}: {_told(title, sections[title])}"


def _arguments(documented: Sections, function: object) -> Iterator[list[str]]:
    parameters = inspect.signature(function).parameters if callable(function) else {}
    for name, text in documented.items():
        parameter = parameters.get(name)
        has_default = parameter is not None and parameter.default is not inspect.Parameter.empty
        yield [code(name), _default(parameter) if has_default and parameter else "", text]


def _attributes(thing: object, documented: Sections) -> Sections:
    """
    Return the attributes of a class; a dataclass tells all of them, whether there is more to say of one or not.
    """
    if not inspect.isclass(thing) or not dataclasses.is_dataclass(thing):
        return documented
    names = [field.name for field in dataclasses.fields(thing) if not field.name.startswith("_")]
    return {name: documented.get(name, "") for name in names}


def _default(parameter: inspect.Parameter) -> str:
    value = parameter.default
    if inspect.isclass(value):
        return _named(value)
    if isinstance(value, tuple):  # an enumeration's member is shown by its word, as it may be given
        return code(tuple(map(str, value)))
    return code(getattr(value, "__name__", None) or repr(value).removeprefix("datetime."))


def _told(title: str, text: str) -> str:
    if title != "Raises":
        return _LINE.sub(" ", text)
    told = [f"{', '.join(map(code, names.split(', ')))}: {why.rstrip('.')}" for names, why in _items(text).items()]
    return "; ".join(told) + "."


def _read(doc: str) -> tuple[str, Sections]:
    """
    Split a docstring into its prose and its sections, each as its lines.
    """
    prose: list[str] = []
    sections: dict[str, list[str]] = {}
    current = prose
    for line in doc.splitlines():
        title = _SECTION.match(line)
        if title is not None:
            current = sections.setdefault(title[1], [])
            if title[2]:
                current.append(title[2])
        else:
            current.append(line)
    return "\n".join(prose), {title: "\n".join(lines).strip() for title, lines in sections.items()}


def _items(text: str) -> Sections:
    """
    Read `name: text` items, whose text may go on on the lines below.
    """
    items: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        item = _ITEM.match(line.strip()) if len(line) - len(line.lstrip()) <= 4 else None
        if item is not None:
            name = item[1]
            items[name] = item[2]
        elif name:
            items[name] += f" {line.strip()}"
    return {name: text.strip() for name, text in items.items()}
