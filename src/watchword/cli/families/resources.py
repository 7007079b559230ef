"""
`watchword resources`: API resources and their scopes, which are the permissions that they offer.
"""

from watchword.cli.families.things import RESOURCE, SCOPE_OF_RESOURCE
from watchword.cli.rows import Record, Row, operand, option, search, subject, wish
from watchword.protocol.names import Algorithm

_RESOURCE = subject("resource", "The API resource, by id, indicator or name.", RESOURCE)
_SCOPES = "/resources/{resource}/scopes"
_SETTINGS = (
    option("access_token_ttl", "How long its tokens live, in seconds.", "accessTokenTtl", kind=int, least=1),
    option("signing_algorithm", "What its tokens are signed with.", "signingAlgorithm", kind=Algorithm),
)
_SCOPE_COLUMNS = ("id", "name", "description", "createdAt")


def _named_scopes(resource: Record) -> Record:
    return {**resource, "scopes": " ".join(scope["name"] for scope in resource["scopes"])}


ROWS = (
    Row(
        words="resources list", help="List API resources with their scopes.", method="GET", path="/resources",
        parameters=(
            wish("scopes", "With the scopes of each.", "includeScopes", kind=bool, off="--no-scopes", default=True),
        ),
        pages=True, tidies=_named_scopes,
        columns=("id", "name", "indicator", "isDefault", "accessTokenTtl", "scopes"),
    ),
    Row(
        words="resources show", help="Show an API resource.", method="GET", path="/resources/{resource}",
        parameters=(_RESOURCE,),
    ),
    Row(
        words="resources create", help="Create an API resource.", method="POST", path="/resources",
        parameters=(
            operand("name", "What people call it."),
            operand("indicator", "The URI that tokens for it name as their audience; fixed for good."),
            *_SETTINGS,
        ),
    ),
    Row(
        words="resources update", help="Change an API resource.", method="PATCH", path="/resources/{resource}",
        parameters=(_RESOURCE, option("name", "What people call it."), *_SETTINGS), changes=True,
    ),
    Row(
        words="resources delete", help="Delete an API resource with its scopes.",
        method="DELETE", path="/resources/{resource}",
        parameters=(
            subject("resource", "The API resources, by id, indicator or name.", RESOURCE, repeats=True),
        ),
        asks="Delete API resource {resource} with its scopes?", done="Deleted API resource {resource}.",
    ),
    Row(
        words="resources set-default", help="Make it the one that token requests mean which name none.",
        method="PATCH", path="/resources/{resource}/is-default",
        parameters=(
            _RESOURCE,
            option("on", "Whether it is the default.", "isDefault", kind=bool, off="--off", default=True),
        ),
    ),
    Row(
        words="resources scopes list", help="List an API resource's scopes.", method="GET", path=_SCOPES,
        parameters=(_RESOURCE, search("id, name or description")), pages=True, columns=_SCOPE_COLUMNS,
    ),
    Row(
        words="resources scopes create", help="Add a scope to an API resource.", method="POST", path=_SCOPES,
        parameters=(_RESOURCE, operand("name", "Like read:products."), option("description", "What it allows.")),
    ),
    Row(
        words="resources scopes update", help="Change a scope.", method="PATCH", path=_SCOPES + "/{scope}",
        parameters=(
            _RESOURCE,
            subject("scope", "The scope, by id or name.", SCOPE_OF_RESOURCE),
            option("name", "Like read:products."),
            option("description", "What it allows; empty removes it."),
        ),
        changes=True,
    ),
    Row(
        words="resources scopes delete", help="Delete scopes: no role gives them any more.",
        method="DELETE", path=_SCOPES + "/{scope}",
        parameters=(
            _RESOURCE,
            subject("scope", "The scopes, by id or name.", SCOPE_OF_RESOURCE, repeats=True),
        ),
        asks="Delete scope {scope} of {resource}?", done="Deleted scope {scope} of {resource}.",
    ),
)  # fmt: skip
