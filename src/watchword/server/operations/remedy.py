"""
What a remedy is: a proposal that mends a refusal, or lets a scope be granted.
"""

import json
from collections.abc import Mapping

import msgspec

from watchword.server.domain.explanation import Question


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """
    Something that helps: a request of the Management API, another question, or words alone.

    Attributes:
        text: What it does, for people.
        scope: The scope that it is about; None where it is about the whole request.
        method: Of the request that does it; None where the asker has to ask differently.
        path: With its `/api`.
        body: What goes with it.
        ask: The question that would better be asked; None where nothing tells which.
    """

    text: str
    scope: str | None = None
    method: str | None = None
    path: str | None = None
    body: Mapping[str, object] | None = None
    ask: Question | None = None

    @property
    def mark(self) -> str:
        """
        What tells it from all others: what is done, and to what, by ids. Names don't count, since some hold the time.
        """
        ids = {name: value for name, value in (self.body or {}).items() if name.endswith("Ids")}
        return json.dumps([self.method, self.path, self.scope, ids], ensure_ascii=False)

    @property
    def makes_secret(self) -> bool:
        """
        Whether what it makes is, or has, a secret.
        """
        return self.path is not None and (self.path == "/api/applications" or self.path.endswith("/secrets"))
