"""
The httpx adapter: an `auth` that gives every request of a client the token it needs.
"""

from collections.abc import AsyncGenerator, Generator

import httpx

from watchword.client.exchange import Token
from watchword.client.token_source import TokenSource

_UNAUTHORIZED = 401


class TokenAuth(httpx.Auth):
    """
    Sets `Authorization: Bearer …`; when the API answers 401, fetches a new token and asks once more.

    Every request of a client that has this as `auth` carries the token: let that client speak to one API
    only. A request whose body is a stream can't be sent twice: its 401 is handed back, and the next request
    goes with a new token.

    Args:
        source: Where tokens come from.
    """

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """
        Authenticate a request of an `httpx.Client`.
        """
        token = self._source.token()
        response = yield _bear(request, token)
        if response.status_code == _UNAUTHORIZED:
            fresh = self._source.token(refused=token)
            if fresh != token and _can_be_sent_again(request):
                yield _bear(request, fresh)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """
        Authenticate a request of an `httpx.AsyncClient`.
        """
        token = await self._source.atoken()
        response = yield _bear(request, token)
        if response.status_code == _UNAUTHORIZED:
            fresh = await self._source.atoken(refused=token)
            if fresh != token and _can_be_sent_again(request):
                yield _bear(request, fresh)


def _bear(request: httpx.Request, token: Token) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token.access_token}"
    return request


def _can_be_sent_again(request: httpx.Request) -> bool:
    return isinstance(request.stream, httpx.ByteStream)
