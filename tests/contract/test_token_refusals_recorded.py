"""
The token endpoint's recorded refusals, one named row each, with the deliberate differences applied.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.support.server import MANAGEMENT_RESOURCE
from tests.support.shop import BASIC
from tests.support.wire import assert_oauth_headers, assert_oidc_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _pytest.mark.structures import ParameterSet

    from tests.support.shop import Shop

GRANT = "grant_type=client_credentials"
HERE = f"{GRANT}&resource=<resource>"
FAILED = "client authentication failed"
NOT_ALLOWED = "requested grant type is not allowed for this client"
ONE_MECHANISM = "client authentication must only be provided using one mechanism"
NO_MECHANISM = "no client authentication mechanism provided"
NOT_ENCODED = "client_id and client_secret in the authorization header are not properly encoded"
BAD_HEADER = "invalid authorization header value format"
MISSING_GRANT = "missing required parameter 'grant_type'"
ONLY_FORMS = "only application/x-www-form-urlencoded content-type bodies are supported on POST /token"
NOT_ASSOCIATED = "app has not associated with the organization"
NEITHER = "both `resource` and `organization_id` are not provided"
UNKNOWN = "resource indicator is missing, or unknown"
NOT_ABSOLUTE = "resource indicator must be an absolute URI"
FRAGMENT = "resource indicator must not contain a fragment component"
ONE_RESOURCE = "only a single resource indicator value is supported for this grant type"
TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"
EXCHANGE = f"grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type={TOKEN_TYPE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """
    A request that gets an error; `challenge` where `WWW-Authenticate` comes with it.
    """

    form: str | bytes
    description: str
    error: str
    status: int
    authorization: str | None
    challenge: bool
    headers: Mapping[str, str] = field(default_factory=dict)


def refused(
    id_: str,
    form: str | bytes,
    description: str,
    *,
    error: str = "invalid_request",
    status: int = 400,
    authorization: str | None = BASIC,
    content_type: str | None = None,
) -> ParameterSet:
    """
    Return a row named after its recording; a failed authentication in the header brings a challenge.
    """
    row = Refused(
        form=form,
        description=description,
        error=error,
        status=status,
        authorization=authorization,
        challenge=status == 401 and authorization is not None,
        headers={} if content_type is None else {"content-type": content_type},
    )
    return pytest.param(row, id=id_)


def failed(id_: str, form: str, authorization: str | None) -> ParameterSet:
    """
    Return a row of a failed client authentication.
    """
    return refused(id_, form, FAILED, error="invalid_client", status=401, authorization=authorization)


def bad_header(id_: str, authorization: str, description: str = BAD_HEADER) -> ParameterSet:
    """
    Return a row of an `Authorization` header that can't be read.
    """
    return refused(id_, HERE, description, authorization=authorization)


def bad_target(id_: str, form: str, description: str) -> ParameterSet:
    """
    Return a row of a resource that can't be had.
    """
    return refused(id_, form, description, error="invalid_target")


def not_associated(id_: str, form: str) -> ParameterSet:
    """
    Return a row of a request for an organization.
    """
    return refused(id_, form, NOT_ASSOCIATED, error="access_denied", status=403)


AUTHENTICATION = [
    refused("basic header and credentials in body", f"{HERE}&client_id=<id>&client_secret=<secret>", ONE_MECHANISM),
    refused("basic header and secret in body", f"{HERE}&client_secret=<secret>", ONE_MECHANISM),
    refused(
        "two mechanisms, whatever the scheme",
        f"{HERE}&client_secret=<secret>",
        ONE_MECHANISM,
        authorization="Bearer abc",
    ),
    refused("basic header and other client_id", f"{HERE}&client_id=other", "client_id mismatch"),
    failed("wrong secret", HERE, "Basic <id:wrong>"),
    failed("wrong secret in body", f"{HERE}&client_id=<id>&client_secret=wrong", None),
    failed("unknown client", HERE, "Basic <nobody:x>"),
    failed("unknown client in body", f"{HERE}&client_id=nobody&client_secret=x", None),
    failed("unknown client without secret", f"{HERE}&client_id=nobody", None),
    failed("id and secret swapped", HERE, "Basic <secret:id>"),
    failed("client_id that is a URL", HERE, "Basic <https%3A%2F%2Fx.example%2Fclient:x>"),
    failed("client_id only", f"{HERE}&client_id=<id>", None),
    refused("no authentication", HERE, NO_MECHANISM, authorization=None),
    refused("secret without client_id", f"{HERE}&client_secret=<secret>", NO_MECHANISM, authorization=None),
    bad_header("malformed Basic", "Basic !!!"),
    bad_header("Basic without colon", "Basic YWJj"),
    bad_header("Bearer scheme", "Bearer abc"),
    bad_header("Basic with two spaces", "Basic  <id:secret>"),
    bad_header("Basic with a third part", "Basic <id:secret> x"),
    bad_header("Basic alone", "Basic"),
    bad_header("empty secret", "Basic <id:>", "client_secret must be provided in the Authorization header"),
    bad_header("empty id", "Basic <:x>", NO_MECHANISM),
    bad_header("bad percent sequence in Basic", "Basic <id:%zz>", NOT_ENCODED),
    bad_header("control character in Basic", "Basic <id:a%00b>", NOT_ENCODED),
    bad_header("letter beyond ASCII in Basic", "Basic <id:caf%C3%A9>", NOT_ENCODED),
]

GRANT_TYPES = [
    refused("missing grant_type", "resource=<resource>", MISSING_GRANT),
    refused("empty grant_type", "grant_type=&resource=<resource>", MISSING_GRANT),
    refused("empty body", b"", MISSING_GRANT),
    refused(
        "unsupported grant_type",
        "grant_type=password&resource=<resource>",
        "unsupported grant_type requested",
        error="unsupported_grant_type",
    ),
    refused(
        "grant not allowed for the app",
        "grant_type=authorization_code&code=x&resource=<resource>",
        NOT_ALLOWED,
    ),
    refused("exchange by M2M (not enabled)", f"{EXCHANGE}&resource=<resource>&subject_token=sub_x", NOT_ALLOWED),
    refused("duplicate grant_type", f"{GRANT}&{HERE}", "'grant_type' parameter must not be provided twice"),
    refused("duplicate scope", f"{HERE}&scope=a&scope=b", "'scope' parameter must not be provided twice"),
    refused(
        "duplicate scope, equal values",
        f"{HERE}&scope=a&scope=a",
        "'scope' parameter must not be provided twice",
    ),
    refused(
        "duplicate organization_id",
        f"{HERE}&organization_id=a&organization_id=b",
        "'organization_id' parameter must not be provided twice",
    ),
    refused(
        "duplicate client_id and client_secret",
        f"{HERE}&client_id=<id>&client_id=<id>&client_secret=<secret>&client_secret=<secret>",
        "'client_id' and 'client_secret' parameters must not be provided twice",
        authorization=None,
    ),
    refused("no content type", HERE, ONLY_FORMS, content_type="text/plain"),
]

TARGETS = [
    bad_target("missing resource and organization", GRANT, NEITHER),
    bad_target("empty resource", f"{GRANT}&resource=", NEITHER),
    bad_target("audience parameter instead of resource", f"{GRANT}&audience=<resource>", NEITHER),
    bad_target("unknown resource", f"{GRANT}&resource=https://nowhere.example", UNKNOWN),
    bad_target("relative resource", f"{GRANT}&resource=shopping", NOT_ABSOLUTE),
    bad_target("resource with fragment", f"{HERE}#frag", FRAGMENT),
    bad_target("resource with an empty fragment", f"{HERE}#", FRAGMENT),
    bad_target("resource with trailing slash", f"{HERE}/", UNKNOWN),
    bad_target("two resources in one value", f"{HERE},https://other.example", UNKNOWN),
    bad_target("two resources", f"{HERE}&resource={MANAGEMENT_RESOURCE}", ONE_RESOURCE),
    bad_target("two resources, the bad one first", f"{GRANT}&resource=shopping&resource=<resource>", NOT_ABSOLUTE),
    bad_target("two resources, one unknown", f"{HERE}&resource=https://nowhere.example", UNKNOWN),
    bad_target("organization token as resource URN", f"{GRANT}&resource=urn:logto:organization:uf41yokrqk8b", UNKNOWN),
    bad_target("reserved URN of organizations", f"{GRANT}&resource=urn:logto:resource:organizations", UNKNOWN),
    not_associated("organization not associated", f"{GRANT}&organization_id=0709qm2odteg"),
    not_associated("unknown organization", f"{GRANT}&organization_id=nope"),
    not_associated("organization + resource", f"{HERE}&organization_id=uf41yokrqk8b&scope=read:products"),
    not_associated("organization + unknown resource", f"{GRANT}&organization_id=o&resource=https://nowhere.example"),
    not_associated(
        "organization + Management API", f"{GRANT}&organization_id=o&resource={MANAGEMENT_RESOURCE}&scope=all"
    ),
]


@pytest.mark.parametrize("row", [*AUTHENTICATION, *GRANT_TYPES, *TARGETS])
def test_recorded_request_is_refused(shop: Shop, row: Refused) -> None:
    """
    A recorded request that was refused is refused with the same status, body and headers.
    """
    answer = shop.ask(row.form, authorization=row.authorization, headers=row.headers)
    assert_oidc_error(answer, row.status, row.error, row.description)
    assert_oauth_headers(answer)
    challenge = f'Basic realm="{shop.server.issuer}", error="{row.error}", error_description="{row.description}"'
    assert answer.headers.get("www-authenticate") == (challenge if row.challenge else None)


@pytest.mark.parametrize(
    ("form", "authorization"),
    [
        pytest.param(HERE, "Basic <WHO:wrong>", id="in the header"),
        pytest.param(f"{HERE}&client_id=WHO&client_secret=wrong", None, id="in the body"),
        pytest.param(f"{HERE}&client_id=WHO", None, id="without a secret"),
    ],
)
def test_unknown_application_and_wrong_secret_answer_alike(shop: Shop, form: str, authorization: str | None) -> None:
    """
    Nobody learns which ids exist: both answers are equal, header by header and byte by byte.
    """
    varies = {"date", "x-request-id", "logto-core-request-id"}
    told = []
    for who in (shop.application.id, "nobody"):
        header = None if authorization is None else authorization.replace("WHO", who)
        answer = shop.ask(form.replace("WHO", who), authorization=header)
        kept = [pair for pair in answer.headers.multi_items() if pair[0] not in varies]
        told.append((answer.status_code, kept, answer.content))
    assert told[0] == told[1]
