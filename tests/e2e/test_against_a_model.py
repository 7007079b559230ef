"""
Random changes, by the API, the command line and raw SQL, and token requests to two processes, against a plain model.
"""

from __future__ import annotations

import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.support.databases import on_database
from tests.support.home import DATABASES, settings_of
from tests.support.long import IS_LONG
from tests.support.server import RunningServer, clean_environment, start_beside, start_server, watchword_command
from tests.support.shop import Application, create_application, create_resource, create_role
from watchword.server.storage.databases import database_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SCOPES = ("a", "b", "c")
WAYS = st.sampled_from(["api", "api", "api", "sql", "sql", "cli"])


class Tokens(RuleBasedStateMachine):
    """
    Two applications, two roles, three scopes; the model is two dictionaries of sets.
    """

    servers: ClassVar[tuple[RunningServer, RunningServer]]

    @initialize()
    def make(self) -> None:
        """
        Make fresh things on the server, so that each run begins alike.
        """
        one, _ = self.servers
        _, self.indicator, self.scope_ids = create_resource(one, *SCOPES)
        self.roles = [create_role(one), create_role(one)]
        self.applications = [create_application(one), create_application(one)]
        self.scopes_of: dict[str, set[str]] = {role: set() for role in self.roles}
        self.roles_of: dict[str, set[str]] = {application.id: set() for application in self.applications}
        self.secret_is_good = {application.id: True for application in self.applications}

    @rule(which=st.integers(0, 1), scope=st.sampled_from(SCOPES), how=WAYS)
    def flip_scope(self, which: int, scope: str, how: str) -> None:
        """
        Give a scope to a role, or take it away.
        """
        role, scope_id = self.roles[which], self.scope_ids[scope]
        add = scope not in self.scopes_of[role]
        if how == "api":
            path = f"/roles/{role}/scopes"
            self._api("POST", path, {"scopeIds": [scope_id]}) if add else self._api("DELETE", f"{path}/{scope_id}")
        elif how == "cli":
            self._cli("roles", "scopes", "add" if add else "remove", role, scope_id)
        elif add:
            self._sql("INSERT INTO role_scopes VALUES ('default', :role, :scope, 0)", role=role, scope=scope_id)
        else:
            self._sql("DELETE FROM role_scopes WHERE role_id = :role AND scope_id = :scope", role=role, scope=scope_id)
        self.scopes_of[role] ^= {scope}

    @rule(which=st.integers(0, 1), whom=st.integers(0, 1), how=WAYS)
    def flip_role(self, which: int, whom: int, how: str) -> None:
        """
        Give a role to an application, or take it away.
        """
        role, application = self.roles[which], self.applications[whom].id
        add = role not in self.roles_of[application]
        if how == "api":
            path = f"/applications/{application}/roles"
            self._api("POST", path, {"roleIds": [role]}) if add else self._api("DELETE", f"{path}/{role}")
        elif how == "cli":
            self._cli("apps", "roles", "add" if add else "remove", application, role)
        elif add:
            self._sql("INSERT INTO application_roles VALUES ('default', :whom, :role, 0)", whom=application, role=role)
        else:
            self._sql(
                "DELETE FROM application_roles WHERE application_id = :whom AND role_id = :role",
                whom=application,
                role=role,
            )
        self.roles_of[application] ^= {role}

    @rule(whom=st.integers(0, 1))
    def flip_secret(self, whom: int) -> None:
        """
        Let a secret expire, or be good again.
        """
        application = self.applications[whom].id
        good = not self.secret_is_good[application]
        expires_at = None if good else 1
        self._sql(
            "UPDATE application_secrets SET expires_at = :at WHERE application_id = :whom",
            at=expires_at,
            whom=application,
        )
        self.secret_is_good[application] = good

    @rule(whom=st.integers(0, 1), asked=st.lists(st.sampled_from([*SCOPES, "nope"]), max_size=4), at=st.integers(0, 1))
    def ask(self, whom: int, asked: list[str], at: int) -> None:
        """
        Ask either process for a token: it says what the model says.
        """
        application = self.applications[whom]
        answer = self._token(at, application, " ".join(asked))
        if not self.secret_is_good[application.id]:
            assert (answer[0], answer[1]) == (400, "client secret has expired")
            return
        given = set().union(*(self.scopes_of[role] for role in self.roles_of[application.id]))
        wanted = [scope for scope in dict.fromkeys(asked) if scope in given]
        assert answer == (200, " ".join(wanted))

    def _token(self, at: int, application: Application, scope: str) -> tuple[int, str]:
        answer = self.servers[at].token(application.id, application.secret, resource=self.indicator, scope=scope)
        body = answer.json()
        return answer.status_code, body.get("scope", "") if answer.status_code == 200 else body["error_description"]

    def _api(self, method: str, path: str, body: object = None) -> None:
        answer = self.servers[0].management.request(method, path, json=body)
        assert answer.is_success, answer.text

    def _sql(self, statement: str, **values: object) -> None:
        with closing(database_of(settings_of(self.servers[0].home))) as database, database.write() as connection:
            connection.execute(sa.text(statement), values)

    def _cli(self, *arguments: str) -> None:
        command = watchword_command(*arguments, "--home", str(self.servers[0].home))
        done = subprocess.run(
            command, env=clean_environment({}), capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(params=DATABASES)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[RunningServer, RunningServer]]:
    """
    Start two processes on one database.
    """
    home = tmp_path / "home"
    with on_database(request, home), start_server(home) as one, start_beside(one) as other:
        yield one, other


def test_tokens_say_what_the_model_says(pair: tuple[RunningServer, RunningServer]) -> None:
    """
    Whoever changes what, by whichever way, the next token of either process shows it.
    """
    Tokens.servers = pair
    run_state_machine_as_test(
        Tokens,
        settings=settings(
            max_examples=40 if IS_LONG else 3,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
