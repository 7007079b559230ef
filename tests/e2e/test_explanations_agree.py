"""
An explanation and the token endpoint never disagree, whatever is asked for and whatever signs it.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.explanations import explain
from tests.support.shop import assign, create_application, create_resource, create_role
from watchword.protocol.jose import read_token

if TYPE_CHECKING:
    import httpx

    from tests.support.server import RunningServer

NAMES = ("read:products", "write:products", "delete:products")
UNKNOWN = "nobody:knows"


def claims_of(token: str) -> dict[str, Any]:
    """
    Read the claims of a token.
    """
    claims = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return read


def outcome_of(answer: httpx.Response) -> tuple[object, ...]:
    """
    Say what the token endpoint answered.
    """
    body = answer.json()
    if answer.status_code != 200:
        return answer.status_code, body["error"], body["error_description"]
    token = read_token(body["access_token"])
    return body.get("scope", ""), body["expires_in"], token.algorithm, claims_of(body["access_token"])["aud"]


def expected_of(explanation: dict[str, Any]) -> tuple[object, ...]:
    """
    Say what an explanation foretells.
    """
    granted, refused = explanation["granted"], explanation["refused"]
    assert (granted is None) != (refused is None)
    if refused is not None:
        return refused["status"], refused["error"], refused["description"]
    return granted["scope"], granted["expiresIn"], granted["algorithm"], granted["audience"]


@pytest.fixture(scope="module")
def worlds(server: RunningServer) -> list[dict[str, Any]]:
    """
    Two APIs, one of which signs with another algorithm and lives shorter.
    """
    made = []
    for more in ({}, {"accessTokenTtl": 60, "signingAlgorithm": "ES384"}):
        _, indicator, scopes = create_resource(server, *NAMES, **more)
        made.append({"indicator": indicator, "scopes": scopes})
    return made


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_explanation_and_endpoint_never_disagree(
    server: RunningServer, worlds: list[dict[str, Any]], data: st.DataObject
) -> None:
    """
    Whatever the application is, holds and asks for: the explanation says beforehand what the endpoint answers.
    """
    given_by = data.draw(st.lists(st.sets(st.sampled_from(range(2 * len(NAMES)))), max_size=3), label="scopes of roles")
    kind = data.draw(st.sampled_from(["MachineToMachine"] * 4 + ["Traditional"]), label="type")
    known = [one["indicator"] for one in worlds]
    resource = data.draw(st.sampled_from([None, "https://nowhere.example", "no uri", *known]), label="resource")
    asked = data.draw(st.lists(st.sampled_from([*NAMES, UNKNOWN, "READ:products"]), max_size=6), label="scope")
    organization = data.draw(st.sampled_from([None] * 5 + ["somewhere"]), label="organization")
    has_secret = data.draw(st.sampled_from([True] * 5 + [False]), label="has a secret")
    application = create_application(server, kind)
    if not has_secret:
        server.management.delete(f"/applications/{application.id}/secrets/Default secret").raise_for_status()
    every = [scope_id for one in worlds for scope_id in one["scopes"].values()]
    for scopes in given_by if kind == "MachineToMachine" else ():
        assign(server, application.id, create_role(server, *(every[number] for number in scopes)))
    form = {
        name: value
        for name, value in (("resource", resource), ("scope", " ".join(asked)), ("organizationId", organization))
        if value
    }
    found = explain(server, application.id, **form)
    wire = {"organization_id" if name == "organizationId" else name: value for name, value in form.items()}
    assert outcome_of(server.token(application.id, application.secret, **wire)) == expected_of(found)
