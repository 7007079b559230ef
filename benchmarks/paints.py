"""
Owns when pages are first painted: asks Chromium, which shows them undisturbed and is asked afterwards.

A tool that watches a page while it loads has its part in what it measures: of 100 ms in Playwright, 30 are its own.
So the browser is told where to go and asked a moment later, over a pipe, by the few calls of its protocol that takes.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

from benchmarks.watchword_under_test import SetupError

_PAINT = """new Promise((tell) => new PerformanceObserver((list) => tell(list.getEntries()[0].startTime))
  .observe({ type: "paint", buffered: true }))"""
_OPEN_AFTER_S, _SHOWN_AFTER_S = 1.0, 0.5
_CLOSED_WITHIN_S = 30
_RELOADS = 4
_CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Paints:
    """
    When a page was first painted, in milliseconds from when it was asked for: medians.

    Attributes:
        pages: From the second page on, as one goes about.
        first: The first page, in an open window of a browser that has no file of ours and no process for our origin.
        word: A page of one word in the place of the first: what the browser itself takes on this machine.
    """

    pages: float
    first: float
    word: float


def first_paints(origin: str, path: str, word: str, cookies: Mapping[str, str], times: int) -> Paints | None:
    """
    Show pages in new windows, and say when they were painted; None on a machine without Chromium.

    Args:
        origin: Of the server, by the number of its address.
        path: Of the page.
        word: Path of a page of one word.
        cookies: What the operator's session needs.
        times: How many windows are opened for each page.

    Raises:
        SetupError: Chromium does not do what it is told.
    """
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        return None
    carried = [{"name": name, "value": value, "url": origin} for name, value in cookies.items()]
    # The same server by another name: another site, for which the browser has another process.
    elsewhere = origin.replace("127.0.0.1", "localhost") + word
    pages, firsts, words = list[float](), list[float](), list[float]()
    with _Browser(executable) as browser:
        for _ in range(times):
            with browser.window(elsewhere, ()) as window:
                words.append(browser.painted(window, origin + word))
            with browser.window(elsewhere, carried) as window:
                firsts.append(browser.painted(window, origin + path))
                pages += [browser.painted(window, origin + path) for _ in range(_RELOADS)]
    return Paints(pages=statistics.median(pages), first=statistics.median(firsts), word=statistics.median(words))


class _Browser:
    """
    A Chromium without a screen, and a pipe to it: messages of its DevTools protocol, each with a NUL behind it.
    """

    def __init__(self, executable: str) -> None:
        self._numbers = itertools.count(1)
        self._unread = b""
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        its_in, self._out = os.pipe()
        self._in, its_out = os.pipe()
        # Chromium reads from its descriptor 3 and writes to 4: a shell puts them there, whatever they are here.
        self._process = subprocess.Popen(
            [
                "/bin/sh", "-c", f'exec "$@" 3<&{its_in} 4>&{its_out}', "sh", executable, "--headless",
                # It shows pages of this machine alone, and where it runs as root it would not start otherwise.
                "--no-sandbox", "--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={self._profile.name}",
            ],
            pass_fds=(its_in, its_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(its_in)
        os.close(its_out)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(SetupError, OSError):
            self._call("Browser.close")
        self._process.wait(_CLOSED_WITHIN_S)
        os.close(self._in)
        os.close(self._out)
        self._profile.cleanup()

    @contextmanager
    def window(self, address: str, cookies: Sequence[Mapping[str, str]]) -> Iterator[str]:
        """
        Open a window of its own profile, and wait until it is shown.
        """
        profile = {"browserContextId": self._call("Target.createBrowserContext")["browserContextId"]}
        self._call("Storage.setCookies", cookies=list(cookies), **profile)
        window: str = self._call("Target.createTarget", url=address, **profile)["targetId"]
        time.sleep(_OPEN_AFTER_S)
        yield window
        self._call("Target.disposeBrowserContext", **profile)

    def painted(self, window: str, address: str) -> float:
        """
        Go to a page, and say when it was first painted, in milliseconds from when it was asked for.
        """
        self._in_window(window, "Page.navigate", url=address, transitionType="link")
        time.sleep(_SHOWN_AFTER_S)
        told = self._in_window(window, "Runtime.evaluate", expression=_PAINT, awaitPromise=True, returnByValue=True)
        return float(told["result"]["value"])

    def _in_window(self, window: str, method: str, **parameters: object) -> dict[str, Any]:
        session = self._call("Target.attachToTarget", targetId=window, flatten=True)["sessionId"]
        answer = self._call(method, session, **parameters)
        self._call("Target.detachFromTarget", sessionId=session)
        return answer

    def _call(self, method: str, session: str = "", **parameters: object) -> dict[str, Any]:
        number = next(self._numbers)
        asked = {"id": number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        os.write(self._out, json.dumps(asked).encode() + b"\0")
        answer = next(message for message in self._messages() if message.get("id") == number)
        if "error" in answer:
            raise SetupError(f"Chromium refuses {method}: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            while b"\0" not in self._unread:
                chunk = os.read(self._in, _CHUNK)
                if not chunk:
                    raise SetupError("Chromium went away")
                self._unread += chunk
            message, _, self._unread = self._unread.partition(b"\0")
            yield json.loads(message)
