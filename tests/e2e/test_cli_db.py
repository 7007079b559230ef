"""
`watchword db`: many at once, as one role for another, and from one database to the other.
"""

from __future__ import annotations

import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.command import run, succeed
from tests.support.databases import refusal_of
from tests.support.home import name_database
from tests.support.server import MANAGEMENT_RESOURCE, clean_environment, start_beside, start_server, watchword_command
from tests.support.shop import create_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.postgres_server import PostgresServer

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
AT_ONCE = 6


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    """
    Make an empty database.
    """
    with postgres.new_database() as made:
        yield made


def test_many_may_migrate_at_once(url: str, tmp_path: Path) -> None:
    """
    Nodes that start together on an empty database take turns; all succeed.
    """
    home = tmp_path / "home"
    name_database(home, url)
    started = [
        subprocess.Popen(
            watchword_command("db", "migrate", "--home", str(home)),
            env=clean_environment({}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(AT_ONCE)
    ]
    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in started]
    assert [code for _, code in ended] == [0] * AT_ONCE, ended
    status = succeed("db", "status", "--home", str(home), "--json").json
    assert all(not history["pending"] for history in status["histories"].values())
    assert status["missing_triggers"] == []
    assert len(set(status["histories"])) == 2


def test_many_may_start_at_once(url: str, tmp_path: Path) -> None:
    """
    So do servers, one of which has to bring the schema along.
    """
    home = tmp_path / "home"
    name_database(home, url)
    with ExitStack() as running:
        first = running.enter_context(start_server(home))
        others = [running.enter_context(start_beside(first)) for _ in range(2)]
        answers = [
            server.token(first.application_id, first.application_secret, resource=MANAGEMENT_RESOURCE).status_code
            for server in (first, *others)
        ]
    assert answers == [200] * 3


def test_status_of_a_home_without_a_database(tmp_path: Path) -> None:
    """
    It says what to do, and makes nothing.
    """
    done = run("db", "status", "--home", str(tmp_path / "home"))
    assert done.code == 1
    assert "holds no database yet" in done.err
    assert not (tmp_path / "home").exists()


def test_password_is_shown_nowhere(url: str, tmp_path: Path) -> None:
    """
    Neither where the database is named, nor where it can't be reached.
    """
    with_password = url.replace("postgres@", "postgres:hunter2@")
    away = with_password.rpartition("/")[0].rpartition(":")[0] + ":1/nowhere"
    for number, one in enumerate((with_password, away)):
        home = tmp_path / f"home{number}"
        name_database(home, one)
        for words in (["db", "migrate"], ["db", "status"], ["settings"], ["settings", "--json"], ["doctor"]):
            done = run(*words, "--home", str(home))
            assert "hunter2" not in done.out + done.err, words


def test_role_without_ddl_serves_what_another_has_migrated(url: str, postgres: PostgresServer, tmp_path: Path) -> None:
    """
    With the rights that the page lists, and no more: tokens, every kind of management, jobs.
    """
    database = url.rpartition("/")[2]
    postgres.execute("DROP ROLE IF EXISTS watchword_serve")
    postgres.execute("CREATE ROLE watchword_serve LOGIN")
    owner, serving = tmp_path / "owner", tmp_path / "serving"
    name_database(owner, url)
    name_database(serving, url.replace("postgres@", "watchword_serve@"))
    settings = {"auto_migrate": "false"}
    name_database(tmp_path / "early", url)
    refused = run("init", "--home", str(tmp_path / "early"), settings=settings)
    assert refused.code == 1
    assert "run `watchword db migrate`" in refused.err
    succeed("db", "migrate", "--home", str(owner))
    for statement in granted_by_page():
        postgres.execute(statement, database)
    try:
        with start_server(serving, settings=settings) as server:
            shop = create_shop(server)
            assert shop.ask("grant_type=client_credentials&resource=<resource>").status_code == 200
            api = server.management
            for path in ("applications", "resources", "roles", "users", "logs"):
                assert api.get(f"/{path}").status_code == 200, path
            assert api.delete(f"/applications/{shop.application.id}").status_code == 204
            assert api.delete(f"/resources/{shop.resource_id}").status_code == 204
            assert shop.ask("grant_type=client_credentials").json()["error"] == "invalid_client"
            assert "Traceback" not in server.output
        altered = refusal_of(url.replace("postgres@", "watchword_serve@"), "ALTER TABLE roles ADD COLUMN x int")
        assert "must be owner" in altered
    finally:
        postgres.execute("DROP OWNED BY watchword_serve", database)
        postgres.execute("DROP ROLE watchword_serve")


def test_installation_moves_to_postgresql_and_back(url: str, tmp_path: Path) -> None:
    """
    A secret, a role and the log go along; the command says counts and digests.
    """
    home = tmp_path / "home"
    home.mkdir()
    (home / "watchword.toml").touch()
    with start_server(home) as server:
        shop = create_shop(server)
        assert shop.ask("grant_type=client_credentials&resource=<resource>").status_code == 200
    settings = {"database_url": url}
    there = succeed("db", "copy", "--to", "postgresql", "--home", str(home), "--json", settings=settings)
    assert "counts and digests agree" in there.err
    copied = {one["table"]: one for one in there.json}
    assert copied["applications"]["rows"] >= 2
    with start_beside(server, settings=settings) as moved:
        answer = moved.token(shop.application.id, shop.application.secret, resource=shop.indicator)
        assert answer.status_code == 200
        assert int(moved.management.get("/logs").headers["total-number"]) > 2
    again = run("db", "copy", "--to", "postgresql", "--home", str(home), settings=settings)
    assert again.code == 1
    assert "is not empty" in again.err
    for file in [*home.glob("*.db*"), *home.glob("tokens.lock")]:
        file.unlink()
    succeed("db", "copy", "--to", "sqlite", "--home", str(home), settings=settings)
    with start_beside(server) as returned:
        assert returned.token(shop.application.id, shop.application.secret, resource=shop.indicator).status_code == 200


def granted_by_page() -> list[str]:
    """
    Read the statements that the page tells the owner to run for the serving role.
    """
    from tests.docs.pages import ROOT  # noqa: PLC0415

    page = (ROOT / "docs/how-to/run-on-postgresql.md").read_text(encoding="utf-8")
    block = page.partition("```text\n")[2].partition("```")[0]
    return [statement.strip() for statement in block.split(";") if statement.strip()]
