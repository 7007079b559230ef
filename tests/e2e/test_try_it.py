"""
The guide in the console of a real server, up to the token; and its snippets, run as they are shown.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from html import unescape
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.browser import PASSWORD, TOKEN
from tests.support.home import settings_of
from tests.support.long import IS_LONG
from tests.support.server import MANAGEMENT_RESOURCE, start_server
from watchword.server.bootstrap import open_context
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.names import DEFAULT_TENANT, OperatorRole
from watchword.server.operations import operators
from watchword.server.operations.operation import Acting
from watchword.server.web.console.snippets import LANGUAGES, Caller, Language, fill_in
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.server import RunningServer

pytestmark = pytest.mark.e2e
# The program of each language, what its file must be called, and whether a run takes seconds.
PROGRAMS = {
    "curl": (["bash"], "t.sh"),
    "node": (["node"], "t.mjs"),
    "python": ([sys.executable], "t.py"),
    "python-client": ([sys.executable], "t.py"),
    "go": (["go", "run"], "t.go"),
    "java": (["java"], "Snippet.java"),
    "dotnet": (["dotnet", "run"], "t.cs"),
}
# Go compiles its own library first, which takes a minute where that was never done.
IN_LONG_FORM = pytest.mark.skipif(not IS_LONG, reason="only in the long form")
MARKS = {"go": [pytest.mark.slow, IN_LONG_FORM], "java": [pytest.mark.slow], "dotnet": [pytest.mark.slow]}


class Person:
    """
    Somebody at the console of a real server.
    """

    def __init__(self, server: RunningServer) -> None:
        self.http = httpx.Client(base_url=server.endpoint, timeout=60, trust_env=False)
        self.endpoint = server.endpoint
        self.shown = self.http.get("/console/join")

    def open(self, path: str) -> httpx.Response:
        """
        Show a page.
        """
        self.shown = self.http.get(path)
        return self.shown

    def send(self, path: str, **fields: str) -> httpx.Response:
        """
        Send a form of the page that is shown, and go where it leads.
        """
        token = TOKEN.search(self.shown.text)
        assert token is not None
        data = {"form_token": token[1], **fields}
        self.shown = self.http.post(path, data=data, headers={"origin": self.endpoint}, follow_redirects=True)
        return self.shown


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """
    A server with two workers, of which any may answer, in an environment that names a proxy where nobody listens.
    """
    home = tmp_path_factory.mktemp("try") / "home"
    with pytest.MonkeyPatch.context() as environment:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            environment.setenv(name, "http://127.0.0.1:9")
        running = start_server(home, arguments=["--workers", "2"])
    with running:
        yield running


@pytest.fixture(scope="module")
def ada(workers: RunningServer) -> Iterator[Person]:
    """
    Its owner.
    """
    with closing(open_context(settings_of(workers.home), NoRequestLines())) as ctx:
        local = Acting(ctx=ctx, tenant_id=DEFAULT_TENANT, actor=Actor(kind=ActorKind.LOCAL))
        invitation = operators.invite(local, OperatorRole.OWNER)
    person = Person(workers)
    person.send("/console/join", invitation=invitation, name="Ada", password=PASSWORD, again=PASSWORD)
    assert person.shown.url.path == "/console/start"
    yield person
    person.http.close()


def chosen(page: httpx.Response) -> dict[str, str]:
    """
    Return what the forms of a page carry along.
    """
    return dict(re.findall(r'type="hidden" name="(resource|role|application)" value="([\w-]+)"', page.text))


def test_token_is_fetched_where_the_guide_ends(workers: RunningServer, ada: Person) -> None:
    """
    By the page that has just created the application: its form holds the secret. Nothing else does afterwards.
    """
    ada.open("/console/start")
    fields = {"name": "Shop", "indicator": "https://shopping.api", "permissions": "read:products write:products"}
    ada.send("/console/start/resource", **fields)
    scope = re.search(r'name="scope" value="(\w+)"', ada.shown.text)
    assert scope is not None
    ada.send("/console/start/role", name="Reader", scope=scope[1], **chosen(ada.shown))
    made = ada.send("/console/start/application", name="Sync", **chosen(ada.shown))
    secret = re.search(r'name="secret" type="password" value="(ww_\w{49})"', made.text)
    assert secret is not None
    tried = ada.send("/console/start/try", secret=secret[1], scope="read:products write:products", **chosen(made))
    assert tried.status_code == 200
    assert "There it is" in tried.text
    assert "Not granted: <code>write:products</code>" in tried.text
    text = unescape(tried.text)
    assert '"aud": "https://shopping.api"' in text
    assert '"alg": "ES256"' in text
    assert "Authorization: Basic …" in text
    assert 'id="step-4">Token <span class="mark good">done' in tried.text
    assert 'id="step-5">Call <span class="mark">next' in tried.text  # which only the API will know of
    token = re.search(r'<code id="access-token">([\w.-]+)</code> <button [^>]*data-copy="access-token"', tried.text)
    assert token is not None
    assert f'"access_token": "{token[1]}"' in text
    refused = ada.send("/console/start/try", secret="wrong", scope="read:products", **chosen(made))
    assert "Refused</strong> with 401" in refused.text
    assert "invalid_client" in refused.text
    assert "none of the application's secrets" in refused.text
    assert re.search(r'name="scope" value="\w+" checked', refused.text) is not None
    spellings = (secret[1], secret[1].removeprefix("ww_"))
    for page in (tried.text, refused.text, workers.output):
        assert not [spelling for spelling in spellings if spelling in page]


def test_management_api_is_called_with_the_token(workers: RunningServer, ada: Person) -> None:
    """
    The call is sent, too, where the token is for it.
    """
    ada.open("/console/start?resource=management-api")
    fields = {**chosen(ada.shown), "application": workers.application_id}
    tried = ada.send("/console/start/try", secret=workers.application_secret, scope="all", **fields)
    assert "<strong>200</strong> from the Management API" in tried.text
    assert 'id="step-5">Call <span class="mark good">done' in tried.text
    assert "GET /api/applications?page_size=1 HTTP/1.1" in tried.text


def test_many_at_once_hold_nobody_up(workers: RunningServer, ada: Person) -> None:
    """
    Those for whom there is no place are told so; none waits for a thread that waits for it.
    """
    ada.open("/console/start?resource=management-api")
    token = TOKEN.search(ada.shown.text)
    assert token is not None
    data = {
        **chosen(ada.shown), "form_token": token[1], "application": workers.application_id,
        "secret": workers.application_secret, "scope": "all",
    }  # fmt: skip

    def send(_number: int) -> int:
        with httpx.Client(base_url=workers.endpoint, cookies=ada.http.cookies, timeout=60, trust_env=False) as http:
            return http.post("/console/start/try", data=data, headers={"origin": workers.endpoint}).status_code

    with ThreadPoolExecutor(50) as pool:
        statuses = set(pool.map(send, range(50)))
    assert 200 in statuses
    assert statuses <= {200, 503}
    assert httpx.get(f"{workers.endpoint}/health/ready", trust_env=False).status_code == 200


def test_requests_go_nowhere_else(workers: RunningServer, ada: Person) -> None:
    """
    Whatever a form names: host, address and headers are not theirs to say.
    """
    ada.open("/console/start?resource=management-api")
    fields = {**chosen(ada.shown), "application": workers.application_id, "scope": "all\r\nHost: evil.example"}
    for name in ("host", "endpoint", "url", "own_url", "token_endpoint"):
        fields[name] = "http://127.0.0.1:9/"
    tried = ada.send("/console/start/try", secret=workers.application_secret, **fields)
    assert "There it is" in tried.text
    assert f"Host: {workers.endpoint.removeprefix('http://')}" in tried.text


@pytest.mark.parametrize(
    "language",
    [pytest.param(one, id=one.id, marks=MARKS.get(one.id, [])) for one in LANGUAGES],
)
def test_snippet_gets_a_token_and_calls_with_it(workers: RunningServer, language: Language, tmp_path: Path) -> None:
    """
    As it is shown, with the secret in the environment and nowhere else.
    """
    caller = Caller(
        endpoint=workers.endpoint,
        application=workers.application_id,
        resource=MANAGEMENT_RESOURCE,
        scope="all",
        api=f"{workers.endpoint}/api/applications?page_size=1",
    )
    secret = {"APP_SECRET": workers.application_secret}
    printed = run(language, fill_in(language, language.token, caller), tmp_path, secret)
    token = printed.strip() if language.id == "python-client" else json.loads(printed)["access_token"]
    called = run(language, fill_in(language, language.call, caller), tmp_path, {**secret, "ACCESS_TOKEN": token})
    assert '"type":"MachineToMachine"' in called
    assert language.id == "curl" or called.startswith("200 ")


def run(language: Language, snippet: str, folder: Path, given: dict[str, str]) -> str:
    """
    Run a snippet, where its language is there.
    """
    command, name = PROGRAMS[language.id]
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]}")
    (folder / name).write_text(snippet, encoding="utf-8")
    environment = {**os.environ, **given, "no_proxy": "127.0.0.1"}
    done = subprocess.run(
        [*command, name], cwd=folder, env=environment, capture_output=True, timeout=200, check=False, text=True
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout
