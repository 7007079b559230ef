"""
The server as others see it: it answers at its endpoint, is ready, says who it is, and has the right time.
"""

from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx

from watchword.cli.clock import utc_now
from watchword.cli.doctor.finding import Finding, fine, wrong
from watchword.protocol.metadata import OPENID_CONFIGURATION_PATH
from watchword.server.settings import Settings

_SECONDS = 10.0
_CLOCKS_APART = timedelta(seconds=30)


def check_server(settings: Settings) -> Iterator[Finding]:
    """
    Check the server that the endpoint leads to.
    """
    endpoint = settings.public_endpoint
    with httpx.Client(timeout=_SECONDS, follow_redirects=False) as client:
        try:
            ready = client.get(f"{endpoint}/health/ready")
            metadata = client.get(f"{endpoint}{OPENID_CONFIGURATION_PATH}")
        except httpx.HTTPError as error:
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            yield wrong(
                "endpoint",
                f"nobody answers at {endpoint} ({reason}): run `watchword serve --home {settings.home}`, "
                "and see that the endpoint leads there",
            )
            return
    yield _check_ready(endpoint, ready)
    yield _check_issuer(settings, metadata)
    yield _check_clock(ready)


def _check_ready(endpoint: str, ready: httpx.Response) -> Finding:
    if ready.status_code == httpx.codes.OK:
        return fine("endpoint", f"{endpoint} answers and is ready")
    return wrong("endpoint", f"{endpoint} answers {ready.status_code}, not ready: the server's log says why")


def _check_issuer(settings: Settings, metadata: httpx.Response) -> Finding:
    try:
        members = metadata.json()
    except ValueError:
        members = None
    found = members.get("issuer") if isinstance(members, dict) else None
    if found == settings.issuer:
        return fine("issuer", f"{found}, as configured")
    return wrong(
        "issuer",
        f"the server at {settings.public_endpoint} says {found or 'nothing'}, configured is {settings.issuer}: "
        f"restart it, or mend `endpoint` in {settings.file}",
    )


def _check_clock(ready: httpx.Response) -> Finding:
    try:
        theirs = parsedate_to_datetime(ready.headers.get("date", ""))
    except ValueError:
        return wrong("server's clock", "its answers have no date: see that no proxy takes it away")
    apart = abs(utc_now() - theirs)
    if apart > _CLOCKS_APART:
        return wrong("server's clock", f"it is {apart.total_seconds():.0f} s from this one: set both right")
    return fine("server's clock", "agrees with this one")
