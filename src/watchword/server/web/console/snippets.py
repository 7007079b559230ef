"""
Snippets: a token request, and a call with the token, in the reader's own language and with the reader's own ids.

Each is a file of `snippets/`. Whatever stands in one between `{{` and `}}` becomes a literal of the file's language, so
that no id, however odd, can become code.
"""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from watchword.protocol.metadata import TOKEN_PATH

if TYPE_CHECKING:
    from jinja2 import Template

Quote = Callable[[str], str]


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """
    A language that there are snippets in.

    Attributes:
        token: The file that asks for a token.
        call: The file that calls an API with it.
        quote: Writes a text as a literal.
    """

    id: str
    label: str
    token: str
    call: str
    quote: Quote


class Snippet(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is shown of a language.
    """

    id: str
    label: str
    token: str
    call: str


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """
    What snippets are filled in with.

    Attributes:
        endpoint: Of this server, as the reader reaches it.
        application: The App ID.
        resource: The API identifier.
        scope: The permissions to ask for, with blanks between.
        api: The address that is called with the token.
    """

    endpoint: str
    application: str
    resource: str
    scope: str
    api: str


def double_quoted(text: str) -> str:
    r"""
    Write a text as a literal that JavaScript, Python, Go, Java and C# read alike.

    What can't be seen is escaped, so that a literal is what it looks like. Java reads `\u000a` as a line's end, so
    blanks have their short forms, which JSON gives them.
    """
    return "".join(
        character if character.isprintable() or ord(character) > 0xFFFF else f"\\u{ord(character):04x}"  # noqa: PLR2004 - what four digits hold
        for character in json.dumps(text, ensure_ascii=False)
    )


def shell_quoted(text: str) -> str:
    """
    Write a text as one word of a shell.
    """
    quoted = shlex.quote(text)
    return quoted if quoted.startswith("'") else f"'{quoted}'"


LANGUAGES: Sequence[Language] = (
    Language(id="curl", label="curl", token="token.sh", call="call.sh", quote=shell_quoted),
    Language(id="node", label="Node", token="token.mjs", call="call.mjs", quote=double_quoted),
    Language(id="python", label="Python", token="token_httpx.py", call="call_httpx.py", quote=double_quoted),
    Language(
        id="python-client",
        label="Python, with our client",
        token="token_watchword.py",
        call="call_watchword.py",
        quote=double_quoted,
    ),
    Language(id="go", label="Go", token="token.go", call="call.go", quote=double_quoted),
    Language(id="java", label="Java", token="Token.java", call="Call.java", quote=double_quoted),
    Language(id="dotnet", label=".NET", token="Token.cs", call="Call.cs", quote=double_quoted),
)


def snippets_for(caller: Caller) -> Sequence[Snippet]:
    """
    Fill in the snippets of all languages.
    """
    return [
        Snippet(
            id=language.id,
            label=language.label,
            token=fill_in(language, language.token, caller),
            call=fill_in(language, language.call, caller),
        )
        for language in LANGUAGES
    ]


def fill_in(language: Language, name: str, caller: Caller) -> str:
    """
    Fill in one file.
    """
    values: Mapping[str, str] = {
        "token_endpoint": caller.endpoint + TOKEN_PATH,
        "application": caller.application,
        "resource": caller.resource,
        "scope": caller.scope,
        "api": caller.api,
    }
    return _template(name, language.quote).render(values)


@cache
def _template(name: str, quote: Quote) -> "Template":
    from jinja2 import Environment, StrictUndefined, select_autoescape  # noqa: PLC0415 - as the pages' own

    # It is no HTML: the page escapes it once more, as text.
    environment = Environment(
        autoescape=select_autoescape(default=False, default_for_string=False), finalize=quote, undefined=StrictUndefined
    )
    return environment.from_string(
        (files(__package__ or "") / "snippets" / f"{name}.jinja").read_text(encoding="utf-8")
    )
