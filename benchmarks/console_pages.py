"""
Owns an operator who looks at pages of the console: comes in, times lists, weighs pages, reloads.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event
from typing import Self
from urllib.parse import quote

import httpx

from benchmarks.watchword_under_test import Installation, SetupError, run_command

_PASSWORD = "correct horse battery"
_FORM_TOKEN = re.compile(r'name="form_token" value="(\w+)"')
_FILE = re.compile(r'(?:href|src)="(/console/[\w.]+\?v=\w+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloads:
    """
    What a loop of reloads has seen.
    """

    pages: int
    seconds: float


class Operator:
    """
    An operator of a running server, in a browser without JavaScript; a context manager.

    Raises:
        SetupError: The console does not let them in.
    """

    def __init__(self, installation: Installation) -> None:
        home = ["--home", str(installation.home)]
        printed = run_command(
            [installation.executable, "operators", "invite", *home, "--json"], installation.environment
        )
        invitation = json.loads(printed)["link"].partition("#")[2]
        self.http = httpx.Client(base_url=installation.origin, trust_env=False, timeout=60)
        name = f"Benchmark {secrets.token_hex(4)}"
        fields = {"invitation": invitation, "name": name, "password": _PASSWORD, "again": _PASSWORD}
        form = self.http.get("/console/join").text
        token = _FORM_TOKEN.search(form)
        if token is None:
            raise SetupError("/console/join shows no form")
        origin = {"origin": installation.origin}
        answer = self.http.post("/console/join", data={**fields, "form_token": token[1]}, headers=origin)
        if answer.status_code != 303:
            raise SetupError(f"/console/join answered {answer.status_code}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def lists(self) -> Mapping[str, str]:
        """
        Say which lists there are, by what they are called.
        """
        page = self.get("/console/applications")
        newest = re.search(r'<th scope="row"><a href="/console/applications/(\w+)">([^<]+)</a>', page)
        total = re.search(r"([\d,]+) applications", page)
        if newest is None or total is None:
            raise SetupError("/console/applications lists no application")
        middle = int(total[1].replace(",", "")) // 40
        return {
            "applications": "/console/applications",
            "applications, page 2": "/console/applications?page=2",
            "search by id": f"/console/applications?search={newest[1]}",
            "search by name": f"/console/applications?search={quote(newest[2])}",
            "one application": f"/console/applications/{newest[1]}",
            "explain": f"/console/explain?application={newest[1]}&resource=https://default.logto.app/api&scope=all",
            "beyond: one in ten": "/console/applications?search=export",
            "beyond: page in the middle": f"/console/applications?page={middle}",
        }

    def get(self, path: str) -> str:
        """
        Show a page.

        Raises:
            SetupError: It is none.
        """
        answer = self.http.get(path)
        if answer.status_code != 200:
            raise SetupError(f"{path} answered {answer.status_code}")
        return answer.text

    def time(self, path: str) -> float:
        """
        Return how many milliseconds a page takes.
        """
        began = time.perf_counter()
        self.get(path)
        return (time.perf_counter() - began) * 1000

    def weigh(self, path: str) -> int:
        """
        Return the bytes of a page and of all files that it loads, as they are sent.
        """
        page = self.get(path)
        files = sorted(set(_FILE.findall(page)))
        return len(page.encode()) + sum(self.http.get(file).num_bytes_downloaded for file in files)

    def reload(self, path: str, stop: Event) -> Reloads:
        """
        Load a page again and again until told to stop.
        """
        began, pages = time.perf_counter(), 0
        while not stop.is_set():
            self.get(path)
            pages += 1
        return Reloads(pages=pages, seconds=time.perf_counter() - began)
