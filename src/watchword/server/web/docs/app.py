"""
Answers requests below `/docs`: open to all, the same for everybody, and written once.
"""

import asyncio
from functools import cache
from importlib.resources import files

from starlette.concurrency import run_in_threadpool

from watchword.server.web.answers import CSS_TYPE, HTML_TYPE, PLAIN_PAGE_POLICY, Answer, text_answer, with_etag
from watchword.server.web.docs.pages import STYLESHEET, Pages, write_pages
from watchword.server.web.errors import PAGES
from watchword.server.web.requests import Incoming

PREFIX = "/docs/"
_READS = frozenset({"GET", "HEAD"})
# Kept, and asked for anew each time: after an upgrade nobody reads what was true before.
_KEPT = (b"cache-control", b"no-cache")


class Docs:
    """
    The pages, from the first request for one on.
    """

    def __init__(self) -> None:
        self._written: Pages | None = None
        self._writing = asyncio.Lock()

    async def answer(self, request: Incoming) -> Answer:
        """
        Answer one request.
        """
        if request.method not in _READS:
            return text_answer("Method Not Allowed", status=405, headers=((b"allow", b"HEAD, GET"),))
        if request.path == STYLESHEET:
            answer = Answer(200, _style(), (CSS_TYPE, _KEPT))
        elif request.path == PAGES:
            answer = _page((await self._pages()).index)
        elif request.path.startswith(PAGES + "/"):
            pages = await self._pages()
            page = pages.errors.get(request.path.removeprefix(PAGES + "/"))
            if page is None:
                return Answer(404, pages.missing, (HTML_TYPE, PLAIN_PAGE_POLICY, _KEPT))
            answer = _page(page)
        else:
            return text_answer("Not Found", status=404)
        return with_etag(answer, request.headers.first(b"if-none-match"))

    async def _pages(self) -> Pages:
        # It takes a tenth of a second with all that has to be loaded: not on the event loop, and not at start.
        async with self._writing:
            if self._written is None:
                self._written = await run_in_threadpool(write_pages)
            return self._written


def _page(body: bytes) -> Answer:
    return Answer(200, body, (HTML_TYPE, PLAIN_PAGE_POLICY, _KEPT))


@cache
def _style() -> bytes:
    return (files(__package__ or "") / "docs.css").read_bytes()
