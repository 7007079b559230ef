"""
The quick start's code, in JavaScript and as curl commands: token, Management API, an API of one's own.

The snippets stand in `quick_start.md`; they run as they stand, with real values for the words in capitals.
"""

import base64
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.clients.scripts import products_api, run_module
from tests.support.server import MANAGEMENT_RESOURCE, RunningServer
from tests.support.shop import Application, Shop

pytestmark = pytest.mark.e2e

PAGE = Path(__file__).with_name("quick_start.md")
STATUS = "\n--- status ---\n"
LANGUAGES = ["js", "bash"]


def snippets(language: str) -> list[str]:
    """
    Return the page's code blocks in a language: asking for a token, calling an API.
    """
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run(language: str, snippet: str, values: Mapping[str, str]) -> tuple[int, Any]:
    """
    Run a snippet with these values in place of the words in capitals; return status and JSON body.
    """
    for word, value in values.items():
        snippet = snippet.replace(word, value)
    if language == "bash":
        command = f"{snippet.rstrip()} --silent --show-error --write-out '{STATUS}%{{http_code}}'"
        done = subprocess.run(["sh"], input=command, capture_output=True, text=True, timeout=30, check=True)
        body, _, status = done.stdout.partition(STATUS)
        return int(status), json.loads(body)
    [function] = re.findall(r"const (\w+) = async", snippet)
    tell = f"const answer = await {function}();\n"
    tell += "console.log(JSON.stringify({ status: answer.status, body: await answer.json() }));\n"
    told = run_module(snippet + tell)
    return told["status"], told["body"]


def ask(language: str, server: RunningServer, application: Application, resource: str, scope: str) -> dict[str, Any]:
    """
    Run the snippet that asks for a token.
    """
    pair = f"{application.id}:{application.secret}"
    status, body = run(
        language,
        snippets(language)[0],
        {
            "BASE64_OF_ID_AND_SECRET": base64.b64encode(pair.encode()).decode(),
            "ENDPOINT": server.endpoint,
            "APPLICATION_ID": application.id,
            "APPLICATION_SECRET": application.secret,
            "RESOURCE": resource,
            "SCOPE": scope,
        },
    )
    assert status == 200, body
    members: dict[str, Any] = body
    return members


def call(language: str, api: str, path: str, token: str) -> tuple[int, Any]:
    """
    Run the snippet that calls an API.
    """
    return run(
        language, snippets(language)[1], {"ACCESS_TOKEN": token, "APIPATH": api + path, "API": api, "PATH": path}
    )


@pytest.fixture(scope="module")
def products(shop: Shop) -> Iterator[str]:
    """
    Run a products API that is protected the usual way, and give its base URL.
    """
    with products_api(issuer=shop.server.issuer, audience=shop.indicator) as url:
        yield url


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_has_both_snippets(language: str) -> None:
    """
    Nothing is missed by a changed fence.
    """
    assert len(snippets(language)) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_service_calls_the_management_api(server: RunningServer, language: str) -> None:
    """
    First use case: an application with the pre-configured role lists applications.
    """
    application = Application(id=server.application_id, secret=server.application_secret)
    members = ask(language, server, application, MANAGEMENT_RESOURCE, "all")
    assert (members["expires_in"], members["token_type"], members["scope"]) == (3600, "Bearer", "all")
    status, listed = call(language, server.endpoint, "/api/applications", members["access_token"])
    assert status == 200
    assert server.application_id in [found["id"] for found in listed]


@pytest.mark.parametrize("language", LANGUAGES)
def test_service_calls_an_api_of_its_own(shop: Shop, products: str, language: str) -> None:
    """
    Second use case: the API checks the token offline, and knows the caller by its application id.
    """
    members = ask(language, shop.server, shop.application, shop.indicator, "read:products write:products")
    assert members["scope"] == "read:products write:products"
    status, answer = call(language, products, "/products", members["access_token"])
    assert status == 200
    assert answer["caller"]["sub"] == answer["caller"]["clientId"] == shop.application.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_token_without_the_permission_is_refused_by_the_api(shop: Shop, products: str, language: str) -> None:
    """
    What no role gives is not in the token, and so the API says 403.
    """
    members = ask(language, shop.server, shop.application, shop.indicator, "delete:products")
    assert "scope" not in members
    assert call(language, products, "/products", members["access_token"])[0] == 403
