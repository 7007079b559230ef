"""
`watchword explain` and its relatives: what people read.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from tests.support.command import credentials_of, succeed
from tests.support.shop import create_application

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Done
    from tests.support.shop import Shop

pytestmark = pytest.mark.e2e


def run(shop: Shop, folder: Path, *arguments: str) -> Done:
    """
    Run a command on the shop's server, over the network.
    """
    return succeed(*arguments, settings=credentials_of(shop.server), folder=folder)


def explain(shop: Shop, folder: Path, *arguments: str) -> list[str]:
    """
    Ask about the shop's application; return the lines.
    """
    return run(shop, folder, "explain", shop.application.id, *arguments).out.splitlines()


def test_narrowed_request(shop: Shop, tmp_path: Path) -> None:
    """
    What would be granted, scope by scope, what would help, and role by role.
    """
    first, scope, granted, dropped, remedy, request, roles, role = explain(
        shop, tmp_path, "--resource", shop.indicator, "--scope", "read:products delete:products"
    )
    assert first.endswith(f"would get a token for {shop.indicator}, for 3600 s, signed with ES256.")
    assert scope == "Its scope: read:products"
    assert granted.startswith("  + read:products: given by role")
    assert dropped == "  - delete:products: no role of the application gives it"
    assert remedy.startswith("      Let the role “role")
    assert request == (
        f'        POST /api/roles/{shop.role_id}/scopes {{"scopeIds": ["{shop.scope_ids["delete:products"]}"]}}'
    )
    assert roles.endswith(f"and what they give on {shop.indicator}:")
    assert role.endswith("(MachineToMachine): read:products write:products")


def test_request_without_scope(shop: Shop, tmp_path: Path) -> None:
    """
    It says what could be asked for.
    """
    lines = explain(shop, tmp_path, "--resource", shop.indicator)
    assert lines[1:3] == [
        "It would have no scope.",
        "No scope was asked for; it could have: read:products write:products",
    ]


def test_refused_request(shop: Shop, tmp_path: Path) -> None:
    """
    The very words that the endpoint would answer, and what was meant.
    """
    refused, remedy, command = explain(shop, tmp_path, "--resource", f"{shop.indicator}/")
    answer = shop.request_token(resource=f"{shop.indicator}/").json()
    assert refused.endswith(f"would be refused: 400 {answer['error']}: {answer['error_description']}")
    assert remedy == f"      Ask for `{shop.indicator}`, letter by letter: that is the indicator."
    assert command == f"        watchword explain {shop.application.id} --resource {shop.indicator}"


def test_other_question_is_a_command_that_can_be_given(shop: Shop, tmp_path: Path) -> None:
    """
    With what was asked beside what is changed, quoted as a shell reads it.
    """
    scope = "READ:products it's"
    asked = ("--resource", shop.indicator, "--scope", scope, "--organization", "some one")
    refused, granted = (explain(shop, tmp_path, *words) for words in (asked, asked[:4]))
    [command] = [shlex.split(line) for line in refused if "watchword explain" in line]
    assert command == ["watchword", "explain", shop.application.id, *asked[:4]]
    commands = [shlex.split(line) for line in granted if "watchword explain" in line]
    assert [command[-1] for command in commands] == ["read:products it's"]


def test_application_alone(shop: Shop, tmp_path: Path) -> None:
    """
    What its roles give, by API; programs get the same.
    """
    lines = explain(shop, tmp_path)
    reached = f"  {shop.indicator}: read:products write:products"
    assert lines[lines.index(reached) - 1].endswith("could get:")
    [reach] = run(shop, tmp_path, "explain", shop.application.id, "--json").json["reach"]
    assert (reach["indicator"], reach["scopes"]) == (shop.indicator, ["read:products", "write:products"])
    idle = create_application(shop.server)
    told = run(shop, tmp_path, "explain", idle.id).out.splitlines()
    assert told[-1] == "  Nothing: no role of it gives a permission of any API resource."


def test_help_leads_to_the_questions_the_other_way_round(tmp_path: Path) -> None:
    """
    Who looks for them looks here.
    """
    told = " ".join(succeed("explain", "--help", folder=tmp_path).out.split())
    assert "`watchword resources scopes holders`" in told
    assert "`watchword roles losses`" in told


def test_no_line_can_be_forged(shop: Shop, tmp_path: Path) -> None:
    """
    Whoever asks for tokens chooses scopes, and administrators read them.
    """
    lines = explain(shop, tmp_path, "--resource", shop.indicator, "--scope", "x\n\u00a0+\u00a0all:\u00a0given")
    assert [line for line in lines if "all:" in line] == [
        "  - x\\n\u00a0+\u00a0all:\u00a0given: the API has no such permission"
    ]


def test_recorded_request(shop: Shop, tmp_path: Path) -> None:
    """
    Then and now.
    """
    shop.request_token(scope="read:products")
    listed = ("logs", "list", "--app", shop.application.id, "--key", "ExchangeTokenBy.ClientCredentials", "--json")
    entry = run(shop, tmp_path, *listed).json[0]["id"]
    then, now, outcome, *_ = run(shop, tmp_path, "logs", "explain", entry).out.splitlines()
    assert then == "Then: Success, scope read:products."
    assert now == "Now, with a secret that works:"
    assert "would get a token for" in outcome


def test_holders_of_a_scope_and_losses_with_a_role(shop: Shop, tmp_path: Path) -> None:
    """
    A line for each application.
    """
    holders = run(shop, tmp_path, "resources", "scopes", "holders", shop.indicator, "read:products").out.splitlines()
    assert [line.split()[0] for line in holders] == ["ID", shop.application.id]
    losses = run(shop, tmp_path, "roles", "losses", shop.role_id, "--json").json
    assert [loss["scopes"] for loss in losses] == [{shop.indicator: ["read:products", "write:products"]}]
