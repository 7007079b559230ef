"""
A home for each test, opened in this process, and commands that work on it.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.home import ENDPOINT
from watchword.cli.api import Api
from watchword.cli.families.table import ROWS
from watchword.cli.perform import Asked, carry_out
from watchword.server.web.app import create_app

if TYPE_CHECKING:
    from watchword.server.context import Context

__all__ = ["command"]
_ROWS = {row.words: row for row in ROWS}


@dataclass(frozen=True, slots=True)
class Command:
    """
    Carries out rows on a home, as its owner.
    """

    ctx: Context
    capsys: pytest.CaptureFixture[str]

    def run(self, words: str, *, as_json: bool = False, limit: int | None = None, **values: object) -> tuple[str, str]:
        """
        Carry out a row; return what went to standard output and to standard error.
        """
        self.capsys.readouterr()
        row = _ROWS[words]
        given = {parameter.name: values.pop(parameter.name, parameter.default) for parameter in row.parameters}
        assert not values, f"{words} has no {values}"
        asyncio.run(self._carry_out(words, Asked(values=given, as_json=as_json, limit=limit, assent=True)))
        return self.capsys.readouterr()

    def json(self, words: str, **values: object) -> Any:  # noqa: ANN401 - any JSON value
        """
        Carry out a row and return the JSON that it printed.
        """
        return json.loads(self.run(words, as_json=True, **values)[0])  # type: ignore[arg-type]  # rows' own values

    async def _carry_out(self, words: str, asked: Asked) -> None:
        app = create_app(self.ctx, lambda: None, local=True)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ENDPOINT) as client:
            await carry_out(_ROWS[words], asked, Api(client))


@pytest.fixture
def command(ctx: Context, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Any) -> Command:  # noqa: ANN401 - a path
    """
    Return what carries out rows; files that they write go into a folder of the test's.
    """
    monkeypatch.chdir(home.parent)
    return Command(ctx, capsys)
