"""
Starlette adapter: one function that a route or a middleware awaits.

    async def products(request: Request) -> JSONResponse:
        token = await authenticate(request, verifier, "read:products")
        return JSONResponse({"caller": token.client_id})
"""

import json

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from watchword.protect.errors import AccessDenied
from watchword.protect.verifier import Verifier
from watchword.protocol.access_token import AccessToken


async def authenticate(request: HTTPConnection, verifier: Verifier, *scopes: str) -> AccessToken:
    """
    Check the access token that a request carries.

    Args:
        scopes: All the scopes that the request needs.

    Raises:
        HTTPException: 400, 401, 403 or 503, with RFC 6750's header and a JSON body. In a FastAPI app
            use `watchword.protect.fastapi`, whose refusals have FastAPI's own shape.
    """
    try:
        return await verifier.averify_header(request.headers.getlist("authorization"), scopes=scopes)
    except AccessDenied as refusal:
        raise HTTPException(
            refusal.status,
            # Starlette sends `detail` as it stands, and keeps the content type that it finds.
            detail=json.dumps(refusal.body),
            headers={**refusal.headers, "Content-Type": "application/json"},
        ) from refusal
