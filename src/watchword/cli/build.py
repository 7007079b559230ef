"""
From rows to Typer commands.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from watchword.cli.options import AllowHttp, AsJson, Assent, ClientId, ClientSecret, Endpoint
from watchword.cli.rows import Parameter, Row

_OF_CONNECTION = ("home", "endpoint", "client_id", "client_secret", "allow_http_endpoint")
_OF_OUTPUT = ("as_json", "limit", "assent")


def new_group(text: str) -> typer.Typer:
    """
    Make a group of commands.
    """
    return typer.Typer(
        help=text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def add_rows(app: typer.Typer, rows: Iterable[Row], groups: Mapping[str, str]) -> None:
    """
    Add the commands of a table to an application, in their groups.
    """
    made: dict[str, typer.Typer] = {"": app}
    for words, text in groups.items():
        above, _, name = words.rpartition(" ")
        made[words] = new_group(text)
        made[above].add_typer(made[words], name=name)
    for row in rows:
        group, _, name = row.words.rpartition(" ")
        made[group].command(name, help=row.help)(command_of(row))


def command_of(row: Row) -> Callable[..., None]:
    """
    Make the function that Typer calls for a row.
    """

    def run(**values: Any) -> None:  # noqa: ANN401 - what Typer has read
        from watchword.cli.perform import Asked, run_row
        from watchword.cli.target import Connection

        connection = Connection(**{name: values.pop(name) for name in _OF_CONNECTION})
        asked = {name: values.pop(name) for name in _OF_OUTPUT if name in values}
        run_row(row, Asked(values=values, **asked), connection)

    parameters = [*map(_of, row.parameters), *_about_output(row), *connection_parameters()]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads
    return run


def connection_parameters() -> list[inspect.Parameter]:
    """
    Return the options that say which server is meant.
    """
    home = Annotated[
        Path | None,
        typer.Option(
            help="Work on this home, in process, as its owner. Default: where no server is named, WATCHWORD_HOME or "
            "the platform's data folder."
        ),
    ]
    return [
        _keyword("home", None, home),
        _keyword("endpoint", None, Endpoint),
        _keyword("client_id", None, ClientId),
        _keyword("client_secret", None, ClientSecret),
        _keyword("allow_http_endpoint", False, AllowHttp),  # noqa: FBT003 - the option's default
    ]


def _of(parameter: Parameter) -> inspect.Parameter:
    kind = list[parameter.kind] if parameter.repeats else parameter.kind  # type: ignore[name-defined]  # made at run time
    if parameter.positional:
        argument = typer.Argument(..., metavar=parameter.name.upper().replace("_", "-"), help=parameter.help)
        return _keyword(parameter.name, argument, kind)
    names = parameter.option if parameter.off is None else f"{parameter.option}/{parameter.off}"
    option = typer.Option(parameter.default, names, help=parameter.help, min=parameter.least)
    return _keyword(parameter.name, option, kind if parameter.default is not None else kind | None)


def _about_output(row: Row) -> list[inspect.Parameter]:
    options = [_keyword("as_json", False, AsJson)]  # noqa: FBT003 - the option's default
    if row.pages:
        usual = "all" if row.limit is None else str(row.limit)
        text = f"Most records to show. Default: {usual}."
        options.append(_keyword("limit", typer.Option(None, "--limit", min=1, help=text), int | None))
    if row.asks:
        options.append(_keyword("assent", False, Assent))  # noqa: FBT003 - the option's default
    return options


def _keyword(name: str, default: object, annotation: Any) -> inspect.Parameter:  # noqa: ANN401 - a type
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
