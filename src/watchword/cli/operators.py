"""
`watchword operators`: the people who run the server by its console. Works on the home itself, as its owner.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchword.cli.build import new_group
from watchword.cli.options import AsJson, Home
from watchword.server.domain.names import OperatorRole

if TYPE_CHECKING:
    from watchword.server.operations.operation import Acting
    from watchword.server.settings import Settings

operators = new_group("Operators: people who run the server by its console.")


@operators.command()
def invite(
    *,
    home: Home = None,
    role: Annotated[OperatorRole, typer.Option(help="What they will be.")] = OperatorRole.OWNER,
    first: Annotated[bool, typer.Option("--first", help="Only where there is no operator yet.")] = False,
    as_json: AsJson = False,
) -> None:
    """
    Make a link by which one person becomes an operator, within fifteen minutes.
    """
    from watchword.cli.output import emit_json, hand_over, say
    from watchword.server.domain.operators import LINK_LASTS
    from watchword.server.settings import resolve

    settings = resolve({"home": home}).settings
    if first and role is not OperatorRole.OWNER:
        raise typer.BadParameter("the first operator is an owner")
    link = first_invitation(settings) if first else invitation(settings, role)
    if as_json:
        emit_json({"link": link, "role": role.value, "seconds": int(LINK_LASTS.total_seconds())})
        return
    if link is None:
        say("There is an operator already; nothing was made.")
        return
    hand_over({"link": link}, Path("watchword-invitation.json"), "the invitation", otherwise="give --json")
    say(f"Good for {int(LINK_LASTS.total_seconds() // 60)} minutes, once: whoever opens it becomes {role.value}.")


@operators.command("list")
def list_operators(*, home: Home = None, as_json: AsJson = False) -> None:
    """
    List the operators, oldest first.
    """
    from watchword.cli.output import emit_json, say, show_table
    from watchword.server.operations import operators as operations
    from watchword.server.settings import resolve

    with _acting(resolve({"home": home}).settings) as acting:
        found = operations.listing(acting)
    if as_json:
        emit_json([{"id": one.id, "name": one.name, "role": one.role.value} for one in found])
        return
    if not found:
        say("There is none yet: `watchword operators invite` makes a link for the first.")
        return
    show_table(["ID", "NAME", "ROLE"], [[one.id, one.name, one.role.value] for one in found])


def invitation(settings: "Settings", role: OperatorRole) -> str:
    """
    Make an invitation; return its link.
    """
    from watchword.server.operations import operators as operations

    with _acting(settings) as acting:
        return _link(settings, operations.invite(acting, role))


def first_invitation(settings: "Settings") -> str | None:
    """
    Make an invitation for the first operator; return its link. None where there is an operator already.
    """
    from watchword.server.operations import operators as operations

    with _acting(settings) as acting:
        token = operations.invite_first(acting)
    return None if token is None else _link(settings, token)


def _link(settings: "Settings", token: str) -> str:
    return f"{settings.public_endpoint}/console/join#{token}"


@contextmanager
def _acting(settings: "Settings") -> "Iterator[Acting]":
    from watchword.server.bootstrap import open_context
    from watchword.server.domain.actors import Actor, ActorKind
    from watchword.server.domain.names import DEFAULT_TENANT
    from watchword.server.operations.operation import Acting
    from watchword.server.web.request_log import NoRequestLines

    with closing(open_context(settings, NoRequestLines())) as ctx:
        yield Acting(ctx=ctx, tenant_id=DEFAULT_TENANT, actor=Actor(kind=ActorKind.LOCAL))
