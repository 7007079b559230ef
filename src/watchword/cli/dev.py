"""
`watchword dev`: what helps to develop, and to try out how much a server carries. Never for production.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from watchword.cli.build import new_group
from watchword.cli.options import AsJson, Assent, Home

dev = new_group("For development and load tests. Never for a production home.")

_BATCH = 10_000


@dev.callback()
def _keep_group() -> None:
    pass


@dev.command()
def seed(
    *,
    home: Home = None,
    applications: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many applications to add.")] = 1_000,
    roles: Annotated[int, typer.Option(min=1, max=10_000, help="How many roles they share.")] = 100,
    resources: Annotated[int, typer.Option(min=1, max=1_000, help="How many API resources.")] = 10,
    secrets: Annotated[
        Path | None,
        typer.Option(help="New file for lines of id:secret, which only you can read. Without it nobody has them."),
    ] = None,
    assent: Assent = False,
    as_json: AsJson = False,
) -> None:
    """
    Fill a home with applications, roles and API resources; servers may run meanwhile. FOR DEVELOPMENT ONLY.
    """
    from contextlib import closing

    from rich.console import Console
    from rich.progress import track

    from watchword.cli.failures import Failure
    from watchword.cli.output import agrees, emit_json, say
    from watchword.server.bootstrap import open_context
    from watchword.server.domain.actors import Actor, ActorKind
    from watchword.server.domain.names import DEFAULT_TENANT
    from watchword.server.operations import seeding
    from watchword.server.operations.operation import Acting
    from watchword.server.settings import resolve
    from watchword.server.web.request_log import NoRequestLines

    settings = resolve({"home": home}).settings
    say(f"FOR DEVELOPMENT ONLY: {applications:,} applications for {settings.home}; nothing takes them away again.")
    if not (assent or agrees("Go on?")):
        raise Failure("nothing was changed: answer y, or give --yes")
    with closing(open_context(settings, NoRequestLines())) as ctx, _private(secrets) as lines:
        acting = Acting(ctx=ctx, tenant_id=DEFAULT_TENANT, actor=Actor(kind=ActorKind.LOCAL))
        landscape = seeding.prepare(acting, resources, roles)
        begun_at = ctx.clock()
        starts = range(0, applications, _BATCH)
        for start in track(starts, "Seeding", console=Console(stderr=True)):
            numbers = range(start, min(start + _BATCH, applications))
            added = seeding.add_applications(acting, landscape, numbers, begun_at)
            lines.writelines(f"{one.application.id}:{one.secret.value}\n" for one in added)
        seeding.finish(acting)
    if as_json:
        emit_json({"applications": applications, "resources": landscape.indicators, "scopes": list(seeding.SCOPES)})
    say(f"Added {applications:,} applications, {roles + 1} roles and {resources} API resources.")


@contextmanager
def _private(path: Path | None) -> Iterator[IO[str]]:
    """
    Open a new file that only its owner can read; without a path, nowhere.
    """
    from watchword.cli.failures import Failure

    if path is None:
        with Path(os.devnull).open("w") as nowhere:
            yield nowhere
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Failure(f"secrets can't be written to {path}: {error.strerror}: name a new file") from None
    with os.fdopen(descriptor, "w") as file:
        yield file
