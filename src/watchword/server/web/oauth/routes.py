"""
Everything below `/oidc` but the token request itself, and the RFC 8414 location of the metadata.
"""

from collections.abc import Awaitable, Callable, Mapping

from watchword.protocol.metadata import JWKS_PATH, METADATA_PATHS, OPENID_CONFIGURATION_PATH, TOKEN_PATH
from watchword.server.context import Context
from watchword.server.web.answers import Answer, Headers, json_answer, with_etag
from watchword.server.web.errors import help_link, oauth_answer, oauth_error_of, oauth_members
from watchword.server.web.oauth.cors import cors_headers, preflight
from watchword.server.web.oauth.discovery import jwks, metadata
from watchword.server.web.requests import Incoming

PREFIX = "/oidc"
Document = Callable[[Context, str], Awaitable[Answer]]
DOCUMENTS: Mapping[str, Document] = {
    JWKS_PATH: jwks,
    OPENID_CONFIGURATION_PATH: metadata,
    **dict.fromkeys(METADATA_PATHS, metadata),
}


async def answer_oauth(ctx: Context, incoming: Incoming) -> Answer:
    """
    Answer a request that is no token request.
    """
    method, path, headers = incoming.method, incoming.path, incoming.headers
    document = DOCUMENTS.get(path)
    if method == "OPTIONS" and (document is not None or path == TOKEN_PATH):
        return preflight(headers, "POST" if document is None else "GET")
    if document is None or method not in {"GET", "HEAD"}:
        return _unknown_route(method, incoming.shown_path, bare=incoming.is_bare)
    cors = cors_headers(headers.first(b"origin"))
    try:
        answer = await document(ctx, incoming.tenant_id)
    except Exception as error:
        refusal = oauth_error_of(error)
        if refusal is None:
            raise
        return oauth_answer(refusal, issuer=ctx.settings.issuer, cors=cors, bare=incoming.is_bare)
    return with_etag(_with(answer, cors), headers.first(b"if-none-match"))


def _with(answer: Answer, headers: Headers) -> Answer:
    return Answer(answer.status, answer.body, (*answer.headers, *headers))


def _unknown_route(method: str, path: str, *, bare: bool) -> Answer:
    shown = path.removeprefix(PREFIX)
    description = f"unrecognized route or not allowed method ({method} on {shown})"
    members = oauth_members("invalid_request", description, bare=bare)
    return json_answer(members, status=404, headers=(help_link("invalid_request"),))
