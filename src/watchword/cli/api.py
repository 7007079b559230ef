"""
The Management API as commands use it: over the network, or in process for whoever owns a home.

Everything happens inside one event loop, since the parts of a server that runs in process live on it.
"""

import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from watchword import __version__
from watchword.cli.failures import MISUSED, Failure
from watchword.cli.refusals import failure_of_answer, strange, unreachable
from watchword.cli.target import Connection, Remote, choose_target
from watchword.cli.tokens import open_source, translated

_AGENT = f"watchword-cli/{__version__}"
_LARGEST_PAGE = 100
_SECONDS = 60.0
Query = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Listing:
    """
    Records of a list, and how many there are in all.
    """

    records: list[dict[str, Any]]
    total: int


class Api:
    """
    Sends requests below `/api`.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str, query: Query | None = None) -> Any:  # noqa: ANN401 - any JSON value
        """
        Read something.

        Raises:
            Failure: It can't be read.
        """
        return _json(await self._send("GET", path, query, None))

    async def find(self, path: str) -> dict[str, Any] | None:
        """
        Read something that may not be there.

        Raises:
            Failure: For another reason than that it does not exist.
        """
        response = await self._request("GET", path, None, None)
        if response.status_code == httpx.codes.NOT_FOUND and _is_json(response):
            return None
        return dict(_json(_checked(response)))

    async def send(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON value
        """
        Change something; returns the answer's JSON, or None where it has none.

        Raises:
            Failure: It is refused.
        """
        response = await self._send(method, path, None, body)
        return _json(response) if _is_json(response) else None

    async def list(self, path: str, query: Query, limit: int | None = None) -> Listing:
        """
        Read a list, a page at a time.

        Args:
            limit: Most records to read; None for all.

        Raises:
            Failure: It can't be read.
        """
        # What is added meanwhile moves records to the next page: each counts once.
        records: dict[str, dict[str, Any]] = {}
        size = _LARGEST_PAGE if limit is None else min(limit, _LARGEST_PAGE)
        number, total = 1, None
        while total is None or (size * (number - 1) < total and (limit is None or len(records) < limit)):
            pages = {"page": str(number), "page_size": str(size)}
            response = await self._send("GET", path, {**query, **pages}, None)
            page, total = _page(response)
            for record in page:
                records.setdefault(str(record.get("id", len(records))), record)
            if not page:
                break
            number += 1
        return Listing(list(records.values())[:limit], total)

    async def _send(self, method: str, path: str, query: Query | None, body: object) -> httpx.Response:
        return _checked(await self._request(method, path, query, body))

    async def _request(self, method: str, path: str, query: Query | None, body: object) -> httpx.Response:
        with translated():
            try:
                return await self._client.request(method, f"/api{path}", params=query, json=body)
            except httpx.TransportError as error:
                raise unreachable(str(self._client.base_url).rstrip("/"), error) from None


@asynccontextmanager
async def open_api(connection: Connection) -> AsyncIterator[Api]:
    """
    Open the Management API that the command line means.

    Raises:
        Failure: It is not clear which one, or it can't be reached.
        MasterKeyError, NotInitialised, SchemaError, StorageUnavailable: The home can't be opened.
    """
    from watchword.server.settings import check_names

    check_names(os.environ)
    target = choose_target(connection, os.environ)
    opened = _open_remote(target) if isinstance(target, Remote) else _open_local(target.home)
    async with opened as client:
        yield Api(client)


@asynccontextmanager
async def _open_remote(remote: Remote) -> AsyncIterator[httpx.AsyncClient]:
    from watchword.client import TokenAuth
    from watchword.server.domain.names import DEFAULT_TENANT, MANAGEMENT_SCOPE, management_indicator

    source = open_source(remote, resource=management_indicator(DEFAULT_TENANT), scope=MANAGEMENT_SCOPE)
    async with _client(base_url=remote.endpoint, auth=TokenAuth(source)) as client:
        yield client


@asynccontextmanager
async def _open_local(home: object) -> AsyncIterator[httpx.AsyncClient]:
    from watchword.server.bootstrap import open_context
    from watchword.server.logging import set_up_logging
    from watchword.server.settings import resolve
    from watchword.server.web.app import create_app
    from watchword.server.web.request_log import NoRequestLines

    settings = resolve({"home": home}).settings
    set_up_logging(settings)
    logging.getLogger().setLevel(logging.WARNING)  # a command that goes well has nothing to log
    ctx = open_context(settings, NoRequestLines())
    try:
        app = create_app(ctx, lambda: None, local=True)
        transport = httpx.ASGITransport(app=app)
        async with _client(base_url=settings.public_endpoint, transport=transport) as client:
            yield client
    finally:
        ctx.close()


def segment(value: str, what: str) -> str:
    """
    Write a value as one segment of a path.

    Raises:
        Failure: It is empty.
    """
    if not value:
        raise Failure(f"the {what} must not be empty: give its id or name", code=MISUSED)
    # A segment of dots would lead elsewhere in the path: to delete the secret `..` is not to delete its application.
    return quote(value, safe="") if value.strip(".") else "%2E" * len(value)


def _client(**options: Any) -> httpx.AsyncClient:  # noqa: ANN401 - httpx's own
    return httpx.AsyncClient(headers={"User-Agent": _AGENT}, timeout=_SECONDS, follow_redirects=False, **options)


def _checked(response: httpx.Response) -> httpx.Response:
    if not response.is_success:
        raise failure_of_answer(response)
    return response


def _is_json(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).startswith("application/json")


def _json(response: httpx.Response) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return response.json()
    except ValueError:
        raise strange(response) from None


def _page(response: httpx.Response) -> tuple[list[dict[str, Any]], int]:
    records, total = _json(response), response.headers.get("total-number", "0")
    if (
        not isinstance(records, list)
        or not all(isinstance(record, dict) for record in records)
        or not total.isdecimal()
    ):
        raise strange(response)
    return records, int(total)
