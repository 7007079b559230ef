"""
The server as others see it: it answers at its endpoint, is ready, says who it is, and has the right time.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from watchword.cli.clock import utc_now
from watchword.cli.doctor.finding import Finding, fine, wrong
from watchword.outbound import Answer, Request, Unreachable, send
from watchword.protocol.metadata import OPENID_CONFIGURATION_PATH
from watchword.server.settings import Settings

_SECONDS = 10.0
_LARGEST_ANSWER = 64 * 1024
_CLOCKS_APART = timedelta(seconds=30)


def check_server(settings: Settings) -> Iterator[Finding]:
    """
    Check the server that the endpoint leads to.
    """
    endpoint = settings.public_endpoint
    answers = []
    for path in ("/health/ready", OPENID_CONFIGURATION_PATH):
        answer = _ask(f"{endpoint}{path}")
        if isinstance(answer, Unreachable):
            yield wrong(
                "endpoint",
                f"nobody answers at {endpoint} ({answer}): run `watchword serve --home {settings.home}`, "
                "and see that the endpoint leads there",
            )
            return
        answers.append(answer)
    ready, metadata = answers
    yield _check_ready(endpoint, ready)
    yield _check_issuer(settings, metadata)
    yield _check_clock(ready)


def _ask(url: str) -> Answer | Unreachable:
    request = Request(
        method="GET",
        url=url,
        headers={},
        timeout_seconds=_SECONDS,
        longest_seconds=_SECONDS,
        largest_answer=_LARGEST_ANSWER,
    )
    return send(request, httpx.Client)


def _check_ready(endpoint: str, ready: Answer) -> Finding:
    if ready.status == HTTPStatus.OK:
        return fine("endpoint", f"{endpoint} answers and is ready")
    return wrong("endpoint", f"{endpoint} answers {ready.status}, not ready: the server's log says why")


def _check_issuer(settings: Settings, metadata: Answer) -> Finding:
    try:
        members = json.loads(metadata.body)
    except (ValueError, RecursionError):
        members = None
    found = members.get("issuer") if isinstance(members, dict) else None
    if found == settings.issuer:
        return fine("issuer", f"{found}, as configured")
    return wrong(
        "issuer",
        f"the server at {settings.public_endpoint} says {found or 'nothing'}, configured is {settings.issuer}: "
        f"restart it, or mend `endpoint` in {settings.file}",
    )


def _check_clock(ready: Answer) -> Finding:
    try:
        theirs = parsedate_to_datetime(ready.headers.get("date", ""))
    except ValueError:
        return wrong("server's clock", "its answers have no date: see that no proxy takes it away")
    apart = abs(utc_now() - theirs)
    if apart > _CLOCKS_APART:
        return wrong("server's clock", f"it is {apart.total_seconds():.0f} s from this one: set both right")
    return fine("server's clock", "agrees with this one")
