"""
A browser without JavaScript, and operators who use it.
"""

import re
from html import unescape

import httpx

from watchword.server.domain.names import OperatorRole
from watchword.server.operations import operators
from watchword.server.operations.operation import Acting
from watchword.server.web.app import Application

ORIGIN = "http://127.0.0.1:3001"
PASSWORD = "correct horse battery"
TOKEN = re.compile(r'name="form_token" value="([0-9a-f]+)"')
# What says at the top why a form was refused and leads to its field; and the fields that say so of themselves.
_LEADS = re.compile(r'<p class="problem" role="alert"><a href="#([^"]+)">(.*?)</a></p>', re.DOTALL)
_REFUSED = re.compile(
    r'<(?:input|select|textarea) id="([^"]+)" aria-invalid="true" aria-describedby="([^" ]+)[^>]* autofocus'
)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')
# What a page must not hold: scripts and styles of its own, and anything from elsewhere.
FOREIGN = re.compile(r"<script(?![^>]* src=)|style=|\bon\w+=|(?:src|href)=\"https?://(?!127\.0\.0\.1:3001)")
PAYLOAD = "<script>alert(1)</script>\"'{{ 71993 * 71993 }}"


class Browser:
    """
    A browser without JavaScript: keeps cookies, and sends the forms of the page that it shows.
    """

    def __init__(self, app: Application, address: str = "127.0.0.1") -> None:
        transport = httpx.ASGITransport(app, client=(address, 50_000))
        self.client = httpx.AsyncClient(transport=transport, base_url=ORIGIN)
        self.shown = httpx.Response(200)

    async def open(self, path: str) -> httpx.Response:
        """
        Show a page.
        """
        self.shown = await self.client.get(path)
        refused_field(self.shown.text)
        return self.shown

    async def send(self, path: str, origin: str | None = ORIGIN, **fields: str) -> httpx.Response:
        """
        Send a form of the page that is shown, with its hidden fields; or another form with its token.
        """
        found = TOKEN.search(self.shown.text)
        token = {"form_token": found[1]} if found else {}
        headers = {} if origin is None else {"origin": origin}
        answer = await self.client.post(path, data={**token, **self._hidden(path), **fields}, headers=headers)
        if answer.status_code != 303:
            self.shown = answer
            refused_field(answer.text)
        return answer

    def _hidden(self, path: str) -> dict[str, str]:
        form = re.search(rf'<form[^>]*action="{re.escape(path)}"[^>]*>(.*?)</form>', self.shown.text, re.DOTALL)
        return {name: unescape(value) for name, value in _HIDDEN.findall(form[1])} if form else {}

    async def join(self, invitation: str, name: str, password: str = PASSWORD) -> httpx.Response:
        """
        Become an operator.
        """
        await self.open("/console/join")
        fields = {"invitation": invitation, "name": name, "password": password, "again": password}
        return await self.send("/console/join", **fields)

    async def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """
        Sign in.
        """
        await self.open("/console/sign-in")
        return await self.send("/console/sign-in", name=name, password=password)


def refused_field(page: str) -> str:
    """
    Return the id of the field that was refused, to which a page leads; nothing where it leads to none.

    Raises:
        AssertionError: What leads to a field does not fit what the fields say of themselves.
    """
    leads, fields = _LEADS.findall(page), _REFUSED.findall(page)
    assert page.count("aria-invalid") == len(fields)
    assert [field for field, _ in leads] == [field for field, _ in fields]
    for (field, text), (_, described_by) in zip(leads, fields, strict=True):
        assert page.count(f'id="{field}"') == page.count(f'<label for="{field}">') == 1
        assert f'id="{described_by}">{text}</p>' in page
    return leads[0][0] if leads else ""


async def invited(app: Application, local: Acting, role: OperatorRole) -> Browser:
    """
    Join as another operator.
    """
    browser = Browser(app)
    assert (await browser.join(operators.invite(local, role), role.value)).status_code == 303
    return browser
