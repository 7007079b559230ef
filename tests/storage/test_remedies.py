"""
What would help, on both databases: of what was asked wrongly, and which other question is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.shopping import INDICATOR
from watchword.server.domain.explanation import Question
from watchword.server.domain.names import (
    MANAGEMENT_RESOURCE_ID,
    MANAGEMENT_SCOPE_ID,
    ApplicationType,
    RoleType,
    management_indicator,
)
from watchword.server.operations import application_roles, applications, explaining, resources, roles, scopes
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.asking import askable
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.shopping import Shopping
    from watchword.server.operations.remedy import Remedy

OTHER = "https://other.api"
MANAGEMENT = management_indicator("default")
NO_URI = "Ask for an absolute URI without a fragment, such as `https://shop.example`."
NAME_ONE = "Name an API resource with `resource`, or make one the default."
REACHED = (f"Ask for `{INDICATOR}`: its roles give `read:products`, `write:products` there.", INDICATOR)
OWN_API = (f"Ask for `{MANAGEMENT}`, this server's Management API.", MANAGEMENT)
MEANT = (f"Ask for `{INDICATOR}`, letter by letter: that is the indicator.", INDICATOR)
NOT_A_SCOPE = "Ask without it: no scope can be called so."


def proposed(shopping: Shopping, resource: str | None = INDICATOR, scope: str = "", **more: str) -> Sequence[Remedy]:
    """
    Ask as the shopping application; return what would help.
    """
    question = Question(application_id=shopping.application_id, resource=resource, scopes=tuple(scope.split()), **more)
    return explaining.explain(shopping.acting, question).remedies


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(None, [(NAME_ONE, None), REACHED], id="none"),
        pytest.param(f"{INDICATOR}/", [MEANT], id="a slash too many"),
        pytest.param(INDICATOR.upper(), [MEANT], id="in capitals"),
        pytest.param("Online Shopping", [MEANT], id="its name"),
        pytest.param("shopping.api", [MEANT], id="without its scheme"),
        pytest.param(f"{INDICATOR}#top", [MEANT], id="with a fragment"),
        pytest.param(f" {INDICATOR}", [MEANT], id="with a blank"),
        pytest.param(
            "other.api",
            [(f"Ask for `{OTHER}`: every indicator is an absolute URI.", OTHER), REACHED],
            id="no URI, nothing alike",
        ),
        pytest.param(
            f"{OTHER}#top",
            [(f"Ask for `{OTHER}`: no indicator has a fragment, which `#` begins.", OTHER), REACHED],
            id="a fragment, nothing alike",
        ),
        pytest.param("no uri at all", [(NO_URI, None), REACHED], id="nothing like a URI"),
        pytest.param("https://", [(NO_URI, None), REACHED], id="a scheme alone"),
        pytest.param("://", [(NO_URI, None), REACHED], id="nothing but its signs"),
        pytest.param("x" * 2_500, [(NO_URI, None), REACHED], id="too long for one"),
        pytest.param(
            OTHER, [(f"Register `{OTHER}` as an API resource.", None), REACHED], id="unknown"
        ),
        pytest.param("https://foo.logto.app/api", [OWN_API], id="another tenant's Management API"),
        pytest.param("https://[tenant-id].logto.app/api", [OWN_API], id="a placeholder's Management API"),
        pytest.param("https://FOO.logto.app/api/", [OWN_API], id="another tenant's, misspelt"),
        pytest.param("foo.logto.app/api", [OWN_API], id="another tenant's, without a scheme"),
        pytest.param(
            f"{MANAGEMENT}/", [(MEANT[0].replace(INDICATOR, MANAGEMENT), MANAGEMENT)], id="its own, with a slash"
        ),
    ],
)  # fmt: skip
def test_resource_that_should_be_asked_for(
    shopping: Shopping, asked: str | None, expected: list[tuple[str, str | None]]
) -> None:
    """
    Each in words, and as a question that keeps all else.
    """
    found = proposed(shopping, asked, "read:products", organization_id=None)  # type: ignore[arg-type]
    assert [(one.text, one.ask and one.ask.resource) for one in found] == expected
    assert {one.ask.scopes for one in found if one.ask} <= {("read:products",)}


@pytest.mark.parametrize(
    ("resource", "asked", "text", "expected"),
    [
        pytest.param(
            INDICATOR, "", "Ask for all that its roles give there: name them in `scope`.",
            "read:products write:products", id="none",
        ),
        pytest.param(
            INDICATOR, "write:products READ:products", "Ask for `read:products`: upper and lower case matter.",
            "write:products read:products", id="in capitals",
        ),
        pytest.param(
            INDICATOR, "read:products READ:products", "Ask for `read:products`: upper and lower case matter.",
            "read:products", id="in capitals, and right",
        ),
        pytest.param(MANAGEMENT, "all fly", "has no other permission.", "all", id="another one of the Management API"),
        pytest.param(MANAGEMENT, "fly", "has no other permission.", "all", id="a wrong one of the Management API"),
        pytest.param(MANAGEMENT, "ALL", "upper and lower case matter.", "all", id="all in capitals"),
        pytest.param(INDICATOR, 'read:products "bad', NOT_A_SCOPE, "read:products", id="a double quote"),
        pytest.param(INDICATOR, "read:products b\ad", NOT_A_SCOPE, "read:products", id="a backslash"),
        pytest.param(INDICATOR, "read:products größe", NOT_A_SCOPE, "read:products", id="no ASCII"),
        pytest.param(INDICATOR, "read:products a\x7fb", NOT_A_SCOPE, "read:products", id="a control character"),
        pytest.param(INDICATOR, f"read:products {'s' * 257}", NOT_A_SCOPE, "read:products", id="too long"),
        pytest.param(INDICATOR, '"', NOT_A_SCOPE, "", id="nothing is left"),
    ],
)  # fmt: skip
def test_scope_that_should_be_asked_for(
    shopping: Shopping, resource: str, asked: str, text: str, expected: str
) -> None:
    """
    Each in words, and as a question; and nothing is proposed that makes what can't be asked for.
    """
    managing = NewRole(
        name="manager", description="x", type=RoleType.MACHINE_TO_MACHINE, scope_ids=[MANAGEMENT_SCOPE_ID]
    )
    application_roles.assign(shopping.acting, shopping.application_id, [roles.create(shopping.acting, managing).id])
    [remedy] = proposed(shopping, resource, asked)
    assert text in remedy.text
    assert (remedy.method, remedy.ask and " ".join(remedy.ask.scopes)) == (None, expected)


def test_scope_that_an_api_has_though_no_request_can_name_it_by_the_rules(shopping: Shopping) -> None:
    """
    The Management API takes such names, as the reference does: what is there is granted, and pointed out.
    """
    scopes.create(shopping.acting, shopping.resource_id, "größe", None)
    [remedy] = proposed(shopping, scope="größe")
    assert remedy.text == "Let the role “shopper” give it, to all who hold that role."
    [remedy] = proposed(shopping, scope="größE")
    assert remedy.text == "Ask for `größe`: upper and lower case matter."


def test_other_api_is_asked_for_all_that_this_one_does_not_know(shopping: Shopping) -> None:
    """
    Who took the wrong API took it for all of its scopes.
    """
    other = resources.create(shopping.acting, NewResource(name="Ship", indicator="https://ship.api"))
    for name in ("ship:send", "ship:track"):
        scopes.create(shopping.acting, other.id, name, None)
    found = [one for one in proposed(shopping, scope="read:products ship:send ship:track") if one.ask]
    assert [one.scope for one in found] == ["ship:send", "ship:track"]
    assert {(one.ask.resource, one.ask.scopes) for one in found if one.ask} == {
        ("https://ship.api", ("ship:send", "ship:track"))
    }


def test_first_few_apis_are_offered_of_many(shopping: Shopping) -> None:
    """
    Ten thousand of them would be no help.
    """
    for number in range(5):
        api = resources.create(shopping.acting, NewResource(name="x", indicator=f"https://{number}.example"))
        given = [scopes.create(shopping.acting, api.id, f"s{one}", None).id for one in range(5)]
        new = NewRole(name=f"r{number}", description="x", type=RoleType.MACHINE_TO_MACHINE, scope_ids=given)
        application_roles.assign(shopping.acting, shopping.application_id, [roles.create(shopping.acting, new).id])
    texts = [one.text for one in proposed(shopping, None)]
    assert texts[1:] == [
        f"Ask for `https://{number}.example`: its roles give `s0`, `s1`, `s2` and 2 more there." for number in range(3)
    ]


def test_as_many_scopes_are_asked_for_as_one_question_holds() -> None:
    """
    The address of a page holds it.
    """
    assert askable(["a", "b"]) == ("a", "b")
    assert len(askable([f"s{number}" for number in range(101)])) == 100
    assert len(askable([f"{number:0>256}" for number in range(101)])) == 15


def test_remedy_of_a_scope_of_the_management_api_makes_nothing(shopping: Shopping) -> None:
    """
    Nothing can be added to it.
    """
    assert [one.method for one in proposed(shopping, MANAGEMENT, "fly")] == [None]
    assert resources.read(shopping.acting, MANAGEMENT_RESOURCE_ID).indicator == MANAGEMENT


def test_application_without_roles_is_offered_what_there_is(shopping: Shopping) -> None:
    """
    Words, and no API of which it could get nothing.
    """
    new = NewApplication(name="idle", type=ApplicationType.MACHINE_TO_MACHINE)
    idle = applications.create(shopping.acting, new)[0].id
    for resource in (None, "no uri"):
        found = explaining.explain(shopping.acting, Question(application_id=idle, resource=resource)).remedies
        assert [one.ask for one in found] == [None]
