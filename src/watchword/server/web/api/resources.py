"""
Rows for API resources and their scopes.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool

from watchword.protocol.names import Algorithm
from watchword.protocol.resource_indicators import is_registrable
from watchword.server.domain.names import DEFAULT_TOKEN_LIFETIME
from watchword.server.domain.search import is_true, parse_search
from watchword.server.domain.values import LONGEST_INDICATOR, LONGEST_LIFETIME
from watchword.server.operations import resources, scopes
from watchword.server.operations.resources import NewResource
from watchword.server.web.api.flags import only
from watchword.server.web.api.guard import Body, NonEmpty, Text, Text256, issue, text, word
from watchword.server.web.api.route import Call, Paged, Paging, Query, Route
from watchword.server.web.api.wire import all_as_json, as_json

SEARCHED = ("id", "name", "description")


def _check_indicator(value: str) -> str:
    if not is_registrable(value):
        raise issue(code="custom", message="The indicator must be an absolute URI without a fragment.")
    return value


Indicator = Annotated[Annotated[str, text(most=LONGEST_INDICATOR)], AfterValidator(_check_indicator)]
Lifetime = Annotated[int, Field(ge=1, le=LONGEST_LIFETIME)]


class CreateResource(Body):
    """
    What `POST /resources` takes; the lifetime is in seconds.
    """

    name: NonEmpty
    indicator: Indicator
    access_token_ttl: Lifetime = DEFAULT_TOKEN_LIFETIME
    signing_algorithm: Annotated[Algorithm, word(Algorithm)] | None = None


class UpdateResource(Body):
    """
    What `PATCH /resources/{id}` takes.
    """

    name: NonEmpty = ""
    access_token_ttl: Lifetime = DEFAULT_TOKEN_LIFETIME
    signing_algorithm: Annotated[Algorithm, word(Algorithm)] | None = None


class SetDefault(Body):
    """
    What `PATCH /resources/{id}/is-default` takes.
    """

    is_default: StrictBool


class CreateScope(Body):
    """
    What `POST /resources/{resourceId}/scopes` takes.
    """

    name: Text256
    description: Text | None = None


class UpdateScope(Body):
    """
    What `PATCH /resources/{resourceId}/scopes/{scopeId}` takes.
    """

    name: Text256 = ""
    description: Text | None = None


def _list(call: Call[None]) -> Paged:
    with_scopes = is_true(only(call.query, "includeScopes"))
    found, by_resource = resources.listing(call.acting, call.page, with_scopes=with_scopes)
    items = all_as_json(found.records)
    if by_resource is not None:
        items = [
            {**item, "scopes": all_as_json(by_resource[resource.id])}
            for item, resource in zip(items, found.records, strict=True)
        ]
    return Paged(items, found.total)


def _create(call: Call[CreateResource]) -> object:
    body = call.body
    new = NewResource(
        name=body.name,
        indicator=body.indicator,
        access_token_ttl=body.access_token_ttl,
        signing_algorithm=body.signing_algorithm,
    )
    return {**as_json(resources.create(call.acting, new)), "scopes": []}


def _read(call: Call[None]) -> object:
    return as_json(resources.read(call.acting, call.path["id"]))


def _update(call: Call[UpdateResource]) -> object:
    return as_json(resources.update(call.acting, call.path["id"], call.body.given()))


def _set_default(call: Call[SetDefault]) -> object:
    return as_json(resources.set_default(call.acting, call.path["id"], is_default=call.body.is_default))


def _delete(call: Call[None]) -> None:
    resources.delete(call.acting, call.path["id"])


def _list_scopes(call: Call[None]) -> Paged:
    search = parse_search(call.query, SEARCHED)
    found = scopes.listing(call.acting, call.path["resourceId"], search, call.page)
    return Paged(all_as_json(found.records), found.total)


def _create_scope(call: Call[CreateScope]) -> object:
    body = call.body
    return as_json(scopes.create(call.acting, call.path["resourceId"], body.name, body.description))


def _update_scope(call: Call[UpdateScope]) -> object:
    path = call.path
    return as_json(scopes.update(call.acting, path["resourceId"], path["scopeId"], call.body.given()))


def _delete_scope(call: Call[None]) -> None:
    scopes.delete(call.acting, call.path["resourceId"], call.path["scopeId"])


_ONE = "/resources/{id}"
_SCOPES = "/resources/{resourceId}/scopes"
ROUTES: Sequence[Route] = (
    Route(
        method="GET", path="/resources", summary="List API resources", handler=_list,
        paging=Paging.OPTIONAL, answer="[Resource]",
        query=(Query(name="includeScopes", description="Whether each resource comes with its scopes."),),
    ),
    Route(
        method="POST", path="/resources", summary="Create an API resource", handler=_create,
        status=201, body=CreateResource, answer="Resource",
    ),
    Route(method="GET", path=_ONE, summary="Read an API resource", handler=_read, answer="Resource"),
    Route(
        method="PATCH", path=_ONE, summary="Change an API resource", handler=_update,
        body=UpdateResource, answer="Resource",
    ),
    Route(method="DELETE", path=_ONE, summary="Delete an API resource", handler=_delete, status=204),
    Route(
        method="PATCH", path=_ONE + "/is-default", summary="Make an API resource the default, or not",
        handler=_set_default, body=SetDefault, answer="Resource",
    ),
    Route(
        method="GET", path=_SCOPES, summary="List a resource's scopes", handler=_list_scopes,
        paging=Paging.ALWAYS, search=SEARCHED, answer="[Scope]",
    ),
    Route(
        method="POST", path=_SCOPES, summary="Add a scope to a resource", handler=_create_scope,
        status=201, body=CreateScope, answer="Scope",
    ),
    Route(
        method="PATCH", path=_SCOPES + "/{scopeId}", summary="Change a scope", handler=_update_scope,
        body=UpdateScope, answer="Scope",
    ),
    Route(
        method="DELETE", path=_SCOPES + "/{scopeId}", summary="Delete a scope", handler=_delete_scope,
        status=204,
    ),
)  # fmt: skip
