"""
The pages of errors: one for each code, the same for everybody, and nothing on them that runs or comes from elsewhere.
"""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from tests.support.home import MANAGEMENT_RESOURCE
from watchword.server.web.app import create_app
from watchword.server.web.docs import pages as pages_module
from watchword.server.web.docs.app import Docs
from watchword.server.web.docs.catalogue import by_code, groups
from watchword.server.web.docs.pages import REPOSITORY, _prose, write_pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

    from tests.support.home import Made
    from watchword.server.context import Context

POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ALL = ["/docs/errors", *(f"/docs/errors/{code}" for code in by_code())]
TRICKS = [
    "/docs/errors/nothing.of_the_kind",
    "/docs/errors/",
    "/docs/errors/Invalid_Client",
    "/docs/errors/invalid_client/",
    "/docs/errors/invalid_client.html",
    "/docs/errors/../docs.css",
    "/docs/errors/..",
    "/docs/errors/%2e%2e/%2e%2e/errors/oauth.toml",
    "/docs/errors/..%2f..%2fcatalogue.py",
    "/docs/errors/oauth.toml",
    "/docs/errors/invalid_client%00",
    "/docs/errors/%00",
    "/docs/errors/invalid%5fclient%2f",
    "/docs/errors//invalid_client",
    "/docs/errors/" + "a" * 8_000,
    "/docs/errors/<script>alert(1)</script>",
    "/docs/errors/{{7*7}}",
    "/docs/",
    "/docs/nothing",
    "/docs/templates/index.html",
    "/docs",
]


class Parts(HTMLParser):
    """
    What stands on a page: its elements, where its links lead, and what it loads.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """
        Note an element.
        """
        values = dict(attrs)
        self.tags.append(tag)
        self.attributes |= set(values)
        if tag == "a":
            self.links.append(values["href"] or "")
        elif "href" in values or "src" in values:
            self.loaded.append(values.get("href") or values.get("src") or "")


@pytest.fixture
async def literal(ctx: Context) -> AsyncIterator[httpx.AsyncClient]:
    """
    Send the path of the header `x-path`, as it stands: nothing of it is resolved on the way.
    """
    app = create_app(ctx, lambda: None)

    async def sent(scope: Scope, receive: Receive, send: Send) -> None:
        raw = dict(scope["headers"])[b"x-path"]
        await app({**scope, "raw_path": raw, "path": unquote(raw.decode("ascii"))}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(sent), base_url="http://somewhere.test") as client:
        yield client


async def test_every_code_has_a_page(anyone: httpx.AsyncClient) -> None:
    """
    Open to all, under a strict policy, and with nothing on it that runs or comes from elsewhere.
    """
    for path in ALL:
        answer = await anyone.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        parts = Parts(answer.text)
        assert parts.loaded == ["/docs/docs.css"], path
        assert not {"script", "style", "img", "iframe", "form"} & set(parts.tags), path
        assert not {name for name in parts.attributes if name == "style" or name.startswith("on")}, path
        assert parts.tags.count("h1") == parts.tags.count("main") == parts.tags.count("title") == 1, path
        assert path == "/docs/errors" or f"<title>{path.rpartition('/')[2]} · Watchword</title>" in answer.text


async def test_links_of_all_pages_lead_somewhere(anyone: httpx.AsyncClient) -> None:
    """
    To pages of this server, which answer, or to the documentation.
    """
    found: set[str] = set()
    for path in ALL:
        found |= set(Parts((await anyone.get(path)).text).links)
    own = {link for link in found if not link.startswith(REPOSITORY)} - {"#content"}
    assert {f"/docs/errors/{code}" for code in by_code()} <= own
    for link in own:
        assert link.startswith("/"), link
        assert not urlsplit(link).netloc, link
        # A room of the console sends strangers to sign-in.
        assert (await anyone.get(link)).status_code in {200, 303}, link


async def test_index_lists_all_codes(anyone: httpx.AsyncClient) -> None:
    """
    Grouped, each with what it means.
    """
    links = Parts((await anyone.get("/docs/errors")).text).links
    assert {link.rpartition("/")[2] for link in links if link.startswith("/docs/errors/")} == set(by_code())


async def test_what_is_no_code_is_404(literal: httpx.AsyncClient) -> None:
    """
    Whatever a path says, no file is read by its name, and nothing of it stands in the answer.
    """
    usual = await literal.get("/", headers={"x-path": "/docs/errors/other"})
    assert "There is no such error" in usual.text
    assert 'href="/docs/errors/invalid_client"' in usual.text
    for path in TRICKS:
        answer = await literal.get("/", headers={"x-path": path})
        assert answer.status_code == 404, path
        if path.startswith("/docs/errors/"):
            assert answer.text == usual.text, path
            assert answer.headers["content-security-policy"] == POLICY
        else:
            assert answer.text == "Not Found", path


async def test_head_tells_what_get_does(anyone: httpx.AsyncClient) -> None:
    """
    The same headers, without a body.
    """
    names = ("content-type", "content-length", "content-security-policy", "cache-control", "etag")
    for path in (*ALL[:2], "/docs/docs.css", "/docs/errors/nothing"):
        got, head = await anyone.get(path), await anyone.head(path)
        assert [head.headers.get(name) for name in names] == [got.headers.get(name) for name in names]
        assert (head.status_code, head.content) == (got.status_code, b"")


async def test_page_is_kept_and_asked_for_anew(anyone: httpx.AsyncClient) -> None:
    """
    Whoever has it gets 304, until it says something else.
    """
    for path in ("/docs/errors", "/docs/errors/invalid_client", "/docs/docs.css"):
        first = await anyone.get(path)
        assert first.headers["cache-control"] == "no-cache"
        again = await anyone.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await anyone.get(path, headers={"if-none-match": '"another"'})).status_code == 200


async def test_other_methods_are_refused(anyone: httpx.AsyncClient) -> None:
    """
    Nothing can be done here but to read.
    """
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        answer = await anyone.request(method, "/docs/errors/invalid_client")
        assert (answer.status_code, answer.headers["allow"]) == (405, "HEAD, GET")


async def test_oauth_error_has_its_page_under_both_names(anyone: httpx.AsyncClient) -> None:
    """
    `code` of an answer leads there as `error` does. But one code means something else below `/api`.
    """
    for error in groups()[0].errors:
        page, other = (
            await anyone.get(f"/docs/errors/{error.code}"),
            await anyone.get(f"/docs/errors/oidc.{error.code}"),
        )
        assert other.status_code == 200
        assert (page.text == other.text) is (error.code != "invalid_request")
    ambiguous = (await anyone.get("/docs/errors/oidc.invalid_request")).text
    assert 'href="/docs/errors/invalid_request"' in ambiguous


def test_texts_are_escaped() -> None:
    """
    What a text of the catalogue has of HTML is shown, in prose and in code.
    """
    assert _prose("a <b> & `<i>\"'` c") == "a &lt;b&gt; &amp; <code>&lt;i&gt;&#34;&#39;</code> c"
    assert _prose("see `invalid_client`") == 'see <a href="/docs/errors/invalid_client"><code>invalid_client</code></a>'
    assert "<a" not in _prose("`/consolation` `/console/applications/{id}` `//elsewhere.example`")


async def test_refusals_lead_to_their_pages(anyone: httpx.AsyncClient, made: Made) -> None:
    """
    The `Link` header of a refusal names a page that is there; a success has none of the kind.
    """
    credentials = (made.application_id, made.application_secret)
    form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE}
    refused = {
        "invalid_client": await anyone.post("/oidc/token", data=form, auth=(made.application_id, "wrong")),
        "invalid_target": await anyone.post("/oidc/token", data={**form, "resource": "urn:no"}, auth=credentials),
        "invalid_request": await anyone.get("/oidc/nothing"),
        "auth.authorization_header_missing": await anyone.get("/api/applications"),
        "request.headers_too_large": await anyone.get("/api/applications", headers={"x": "a" * 17_000}),
    }
    for code, answer in refused.items():
        assert answer.status_code >= 400
        link = re.fullmatch(r'<(/docs/errors/[a-z._]+)>; rel="help"', answer.headers["link"])
        assert link is not None
        assert link[1] == f"/docs/errors/{code}"
        assert (await anyone.get(link[1])).status_code == 200
    granted = await anyone.post("/oidc/token", data=form, auth=credentials)
    assert granted.status_code == 200
    assert "link" not in granted.headers


async def test_pages_are_written_once(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    However many ask at the same moment, and not before somebody asks.
    """
    written: list[None] = []

    def counted() -> pages_module.Pages:
        written.append(None)
        return write_pages()

    monkeypatch.setattr(f"{Docs.__module__}.write_pages", counted)
    transport = httpx.ASGITransport(create_app(ctx, lambda: None))
    async with httpx.AsyncClient(transport=transport, base_url="http://somewhere.test") as client:
        await client.get("/docs/docs.css")
        assert written == []
        answers = await asyncio.gather(*(client.get(path) for path in ALL[:20]))
    assert {answer.status_code for answer in answers} == {200}
    assert len(written) == 1
