"""
JSON bodies at the token endpoint: members become form fields, anything else becomes nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.shop import BASIC
from tests.support.wire import assert_oidc_error

if TYPE_CHECKING:
    from tests.support.shop import Shop

NO_MECHANISM = "no client authentication mechanism provided"
MISSING_GRANT = "missing required parameter 'grant_type'"
NO_TARGET = "both `resource` and `organization_id` are not provided"
GRANT = {"grant_type": "client_credentials"}
AS_JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("members", "scope"),
    [
        pytest.param({"scope": "read:products"}, "read:products", id="text"),
        pytest.param({"scope": ["read:products"]}, "read:products", id="array of one"),
        pytest.param({"scope": 5}, None, id="number"),
        pytest.param({"scope": True}, None, id="boolean"),
        pytest.param({"scope": None}, None, id="null is absent"),
        pytest.param({"scope": {"a": 1}}, None, id="nested object is absent"),
        pytest.param({"scope": []}, None, id="empty array is absent"),
        pytest.param({"foo": {"bar": [1, 2]}}, None, id="unknown member"),
        pytest.param({"resource": ["<resource>", "<resource>"]}, None, id="resource twice"),
    ],
)
def test_members_become_form_fields(shop: Shop, members: dict[str, object], scope: str | None) -> None:
    """
    Strings, numbers and booleans become text, an array of one its element, the rest nothing.
    """
    answer = ask(shop, GRANT | {"resource": "<resource>"} | members)
    assert answer == (200, scope)


@pytest.mark.parametrize(
    ("members", "error", "description"),
    [
        pytest.param(
            {"scope": ["a", "b"]},
            "invalid_request",
            "'scope' parameter must not be provided twice",
            id="array of two is a repeated parameter",
        ),
        pytest.param(
            {"grant_type": ["client_credentials", "client_credentials"]},
            "invalid_request",
            "'grant_type' parameter must not be provided twice",
            id="grant_type twice",
        ),
        pytest.param({"grant_type": None}, "invalid_request", MISSING_GRANT, id="grant_type null"),
        pytest.param({"grant_type": {"a": "b"}}, "invalid_request", MISSING_GRANT, id="grant_type an object"),
        pytest.param(
            {"grant_type": 5}, "unsupported_grant_type", "unsupported grant_type requested", id="grant_type 5"
        ),
        pytest.param({"resource": None}, "invalid_target", NO_TARGET, id="resource null"),
        pytest.param({"resource": {"a": "b"}}, "invalid_target", NO_TARGET, id="resource an object"),
        pytest.param({"resource": 5}, "invalid_target", "resource indicator must be an absolute URI", id="resource 5"),
    ],
)
def test_wrong_members_are_refused(shop: Shop, members: dict[str, object], error: str, description: str) -> None:
    """
    A member that gives no usable field is refused as the form would be.
    """
    body = json.dumps(GRANT | {"resource": shop.indicator} | members)
    answer = shop.ask(body.encode(), headers=AS_JSON)
    assert_oidc_error(answer, 400, error, description)


def test_credentials_in_a_json_body(shop: Shop) -> None:
    """
    Client id and secret may come as members too.
    """
    body = GRANT | {
        "resource": shop.indicator,
        "client_id": shop.application.id,
        "client_secret": shop.application.secret,
    }
    answer = shop.ask(json.dumps(body).encode(), authorization=None, headers=AS_JSON)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{bad", id="malformed"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"[1,2]", id="array"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"5", id="number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="empty object"),
        pytest.param(b'{"grant_type": "client_credentials"', id="cut short"),
        pytest.param(b'{"grant_type": NaN}', id="NaN"),
        pytest.param(b"[" * 10_000 + b"]" * 10_000, id="deep array"),
        pytest.param(b'{"a":' * 9_000 + b"1" + b"}" * 9_000, id="deep object"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
    ],
)
@pytest.mark.parametrize(
    ("authorization", "description"),
    [
        pytest.param(BASIC, MISSING_GRANT, id="with the header"),
        pytest.param(None, NO_MECHANISM, id="without credentials"),
    ],
)
def test_body_without_fields_is_told_what_is_missing(
    shop: Shop, body: bytes, authorization: str | None, description: str
) -> None:
    """
    Malformed JSON, or no object, carries no parameters at all.
    """
    answer = shop.ask(body, authorization=authorization, headers=AS_JSON)
    if answer.status_code == 400 and body.startswith(b"\xff"):
        assert answer.json()["error"] == "invalid_request"
        return
    assert_oidc_error(answer, 400, "invalid_request", description)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"grant_type": "client_credentials", "scope": "a\\u0000b"}', id="escaped NUL"),
        pytest.param(b'{"grant_type": "client_credentials", "scope": "\\ud800"}', id="lone surrogate"),
        pytest.param(b'{"grant_type": "client_credentials", "scope": "a\x00b"}', id="raw NUL"),
    ],
)
def test_hostile_text_in_json_is_refused(shop: Shop, body: bytes) -> None:
    """
    What no form may hold, no JSON may bring in.
    """
    answer = shop.ask(body, headers=AS_JSON)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    shop.assert_still_serves()


def ask(shop: Shop, members: dict[str, object]) -> tuple[int, str | None]:
    """
    Send JSON with the shop's credentials; return the status and the granted scope.
    """
    answer = shop.ask(shop.fill(json.dumps(members)).encode(), headers=AS_JSON)
    return answer.status_code, answer.json().get("scope")
