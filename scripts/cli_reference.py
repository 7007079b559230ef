"""
Write docs/reference/cli.md anew from the commands themselves.

    .venv/bin/python scripts/cli_reference.py            write the page
    .venv/bin/python scripts/cli_reference.py --check    only tell whether it is up to date

A test does the latter.
"""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from watchword.cli.app import app
from watchword.cli.failures import EXIT_CODES

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "cli.md"
CONNECTION = ("home", "endpoint", "client_id", "client_secret", "allow_http_endpoint")
INTRODUCTION = """\
# Command line

<!-- Written by scripts/cli_reference.py from the commands themselves: run it after a change. -->

`watchword` makes and runs servers, and manages what is in them. `--help` behind any command shows what it takes.
What is asked for goes to standard output, as a table or with `--json` as JSON; everything else goes to standard error.
Where a command takes an application, a role, an API resource, a scope or a user, its id will do, and so will its name
where no other has it (an API resource's indicator, a user's name, e-mail address or phone number).
What deletes asks first at a terminal, unless `--yes` is given; a script is not asked.

## Which server

Commands that manage what is in a server speak its Management API. In this order:

1. `--home DIR`: the home on this machine, in process and as its owner, whether a server runs or not.
2. `--endpoint`, `--client-id` and `--client-secret`: a server over the network, as an application that has the role
   `Logto Management API access`. Each may come from the environment instead: `WATCHWORD_CLI_ENDPOINT`,
   `WATCHWORD_CLI_CLIENT_ID`, `WATCHWORD_CLI_CLIENT_SECRET`, or, with `_FILE` behind the name, from the file that the
   variable names. An option counts before a variable.
3. Otherwise the home that `WATCHWORD_HOME` names, else the one in the platform's data folder.

`--client-secret -` reads the secret from standard input, so that it does not show among the machine's processes.
`--allow-http-endpoint` is needed to send secrets over plain `http:` to another machine.

## Secrets

A secret that a command makes is shown at a terminal and is part of what `--json` prints. Otherwise it goes into a
file that only its owner can read, and the path is printed. No other command shows one, but
`watchword apps secrets list --reveal` and `watchword master-key generate`, whose purpose that is.

"""
TOP = 2
OPTIONS_OF_CONNECTION = "and those that say [which server](#which-server)"


def main() -> int:
    """
    Write the page, or tell whether it is up to date.
    """
    text = page()
    if "--check" in sys.argv[1:]:
        up_to_date = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        print(f"{PAGE} is {'up to date' if up_to_date else 'out of date: run scripts/cli_reference.py'}")
        return 0 if up_to_date else 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    print(f"Wrote {PAGE}")
    return 0


def page() -> str:
    """
    Return the page.
    """
    rows = "\n".join(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())
    codes = f"## Exit codes\n\n| code | meaning |\n|---|---|\n{rows}\n\n"
    return INTRODUCTION + codes + "".join(_group("watchword", get_command(app), 2)).rstrip("\n") + "\n"


def _group(words: str, group: object, level: int) -> Iterator[str]:
    if isinstance(group, TyperCommand):
        yield from _command(words, group)
    elif isinstance(group, TyperGroup):
        yield f"{group.help}\n\n" if level > TOP else ""
        for name, command in group.commands.items():
            yield f"{'#' * min(level, 4)} {words} {name}\n\n"
            yield from _group(f"{words} {name}", command, level + 1)


def _command(words: str, command: TyperCommand) -> Iterator[str]:
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    options = [one for one in command.params if isinstance(one, TyperOption) and not one.hidden]
    usage = " ".join([words, *map(_placeholder, arguments), *(["[OPTIONS]"] if options else [])])
    yield f"`{usage}`\n\n{inspect.cleandoc(command.help or '')}\n\n"
    is_remote = {one.name for one in options}.issuperset(CONNECTION)
    listed = [one for one in options if not (is_remote and one.name in CONNECTION)]
    rows = [f"| `{_placeholder(one).strip('[]')}` | {_cell(one.help)} |" for one in arguments]
    rows += [f"| `{_names(one)}` | {_cell(one.help)}{_default(one)} |" for one in listed]
    if is_remote:
        rows.append(f"| | {OPTIONS_OF_CONNECTION} |")
    if rows:
        yield "| | |\n|---|---|\n" + "\n".join(rows) + "\n\n"


def _placeholder(argument: TyperArgument) -> str:
    name = (argument.metavar or argument.name.upper()) + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _names(option: TyperOption) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return names
    choices = option.type_descriptor.choices
    value = "\\|".join(str(choice.value) for choice in choices) if choices else option.opts[-1].strip("-").upper()
    return f"{names} {value}"


def _default(option: TyperOption) -> str:
    if option.required:
        return " Required."
    value = option.default
    if value is None or value is False or "Default:" in (option.help or ""):
        return ""
    return f" Default: `{option.opts[0] if option.is_flag else getattr(value, 'value', value)}`."


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
