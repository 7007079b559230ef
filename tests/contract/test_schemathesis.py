"""
Schemathesis against a real server: what the OpenAPI document says is what the Management API does.

Two checks of Schemathesis are left out: `positive_data_acceptance`, since no schema says that a name must be free or
that two filters exclude each other, and `unsupported_method`, of which `test_management_common.py` asks more.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ensure_resource_availability,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    use_after_free,
)

from tests.support.server import start_server
from watchword.server.web.api.openapi import document
from watchword.server.web.api.routes import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case, CheckContext, Response

    from tests.support.server import RunningServer

pytestmark = pytest.mark.slow


def no_server_error(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """
    Check that no 5xx comes but the one of the contract: 501 for a protected application.
    """
    if response.status_code == 501 and response.json()["code"] == "application.protected_app_not_configured":
        return None
    return not_a_server_error(ctx, response, case)


def wrong_data_is_refused(ctx: CheckContext, response: Response, case: Case[Any]) -> bool | None:
    """
    Check that data against the schema is refused. An empty query parameter counts as not given.
    """
    if "" in (case.query or {}).values():
        return None
    return negative_data_rejection(ctx, response, case)


CHECKS = [
    no_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    wrong_data_is_refused,
    ignored_auth,
    use_after_free,
    ensure_resource_availability,
]
# With the key goes the token that all requests carry: these have tests of their own.
DROPPING_KEYS = {"/signing-keys/{id}", "/configs/oidc/{keyType}/{keyId}"}
ROUTES = [route for route in TABLE.routes if route.path not in DROPPING_KEYS]
schema = schemathesis.openapi.from_dict(
    document(ROUTES, endpoint="http://127.0.0.1", resource="https://default.logto.app/api")
)


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """
    Serve a home that nobody else uses: the requests create, change and delete whatever they like.

    Ends by checking that they have not taken away their own rights, after which nothing would be tested.
    """
    with start_server(tmp_path_factory.mktemp("described") / "home") as running:
        yield running
        assert running.management.get("/applications").status_code == 200
        assert "Traceback (most recent call last)" not in running.output


@schema.parametrize()
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_are_as_described(case: Case[Any], own_server: RunningServer) -> None:
    """
    Whatever is asked, status, content type, headers and body are among those that the document names.
    """
    case.call_and_validate(base_url=own_server.endpoint, headers=credentials(own_server), checks=CHECKS)


def test_answers_of_stories_are_as_described(own_server: RunningServer) -> None:
    """
    What one answer names, the next request uses: ids are real, things exist, change and are gone.

    The server remembers earlier stories, which Hypothesis calls flaky, or stumbles over, when it tells one again. That
    ends the telling and is no failure: those are kept apart.
    """
    answers: list[Response] = []
    failures: list[FailureGroup] = []

    class Story(schema.as_state_machine()):  # type: ignore[misc]  # made at run time
        def before_call(self, case: Case[Any]) -> None:
            """
            Spare the application that asks.
            """
            for name, value in case.path_parameters.items():
                if value == own_server.application_id and case.method != "GET":
                    case.path_parameters[name] = "spared"

        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:
            """
            Say where the server is, and who asks.
            """
            return {"base_url": own_server.endpoint, "headers": credentials(own_server)}

        def validate_response(self, response: Response, case: Case[Any], **_: object) -> None:
            """
            Compare an answer with the document.
            """
            answers.append(response)
            try:
                case.validate_response(response, checks=CHECKS)
            except FailureGroup as failure:
                failures.append(failure)
                raise

    bounds = settings(
        max_examples=10,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    with suppress(Flaky, AssertionError, FailureGroup):
        run_state_machine_as_test(Story, settings=bounds)
    for failure in failures:
        raise failure
    assert answers


def credentials(server: RunningServer) -> dict[str, str]:
    """
    Return the header of a token that may do everything.
    """
    return {"authorization": server.management.headers["authorization"]}
