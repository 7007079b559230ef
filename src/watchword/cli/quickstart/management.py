"""
The Management API in plain HTTP: what a script of the reader's own would send.
"""

from dataclasses import dataclass, field
from typing import Any

import httpx

from watchword.cli.failures import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementApi:
    """
    Calls the Management API with a token for it.
    """

    http: httpx.Client
    url: str
    token: str = field(repr=False)

    def call(self, method: str, path: str, body: object = None, **query: str) -> httpx.Response:
        """
        Send a request, whatever comes of it.
        """
        return self.http.request(
            method,
            self.url + path,
            params=query,
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON, at the edge
        """
        Read something.

        Raises:
            Failure: The answer is no success.
        """
        return self._demand(self.call("GET", path, **query)).json()

    def post(self, path: str, body: object) -> httpx.Response:
        """
        Create something.

        Raises:
            Failure: The answer is no success.
        """
        return self._demand(self.call("POST", path, body))

    def find(self, path: str, field: str, value: str, **filters: str) -> dict[str, Any] | None:
        """
        Return the first entry of a list whose field has exactly this value, or None.

        Raises:
            Failure: The answer is no success.
        """
        query = {f"search.{field}": value, f"mode.{field}": "exact", "isCaseSensitive": "true"}
        found: list[dict[str, Any]] = self.get(path, **query, **filters)
        return found[0] if found else None

    def _demand(self, response: httpx.Response) -> httpx.Response:
        if not response.is_success:
            request = response.request
            raise Failure(
                f"{request.method} {request.url.path} was answered with {response.status_code} {response.text}"
            )
        return response
