"""
Secrets that are sent to the server, in the right places and in wrong ones, come out nowhere.

Not in what it writes to its output, not in the audit log, and not in the answer to who sent it: that answer goes
into other people's logs.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from tests.e2e.misplaced_secrets import Secrets, Sent, lost_requests, management_requests, token_requests
from tests.e2e.spellings import leaks
from tests.support.home import DATABASES
from tests.support.server import start_server
from tests.support.shop import create, create_shop
from tests.support.stored import stored
from watchword.server.web.api.routes import TABLE

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PASSWORD = "correct horse battery staple, forty-three characters"
DIGEST = "$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
FAILING = """
from watchword.server.logging import set_up_logging
from watchword.server.settings import resolve
import logging

set_up_logging(resolve({"log_format": FORMAT}, {}).settings)

def authenticate(client_secret, body):
    header = {"authorization": client_secret}
    raise ValueError("something is wrong")

try:
    authenticate("SECRET", b"client_secret=SECRET")
except ValueError as error:
    logging.getLogger("web").error("a request failed", exc_info=error)
logging.getLogger("uvicorn.error").error("it went wrong")
"""


@dataclass(slots=True)
class Heard:
    """
    Everything that came out of a server.

    Attributes:
        errors: Each refusal, with the request that got it.
        successes: The bodies of all other answers.
        entries: The answers of `GET /api/logs`.
        output: What the server wrote to stdout and stderr.
        served: Method and path of every request in its output, without ids.
    """

    secrets: Secrets
    management_token: str
    management_secret: str
    errors: list[tuple[Sent, httpx.Response]] = field(default_factory=list)
    successes: bytes = b""
    entries: bytes = b""
    output: bytes = b""

    def all_secrets(self) -> dict[str, str]:
        """
        Return all secrets by name.
        """
        return {
            "application secret": self.secrets.application.secret,
            "access token": self.secrets.token,
            **self.never_shown(),
        }

    def never_shown(self) -> dict[str, str]:
        """
        Return those that no answer whatever may hold; the others were also sent as names of things.
        """
        return {
            "secret of the first application": self.management_secret,
            "token of the caller": self.management_token,
            "master key": self.secrets.master_key,
            "password": self.secrets.password,
            "password digest": self.secrets.password_digest,
        }


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Heard:
    """
    Send secrets through every endpoint of a server of its own, stop it, and return all that was heard of it.
    """
    home = tmp_path_factory.mktemp("leaks") / "home"
    with start_server(home) as server:
        shop = create_shop(server)
        create(server, "/users", {"username": "somebody", "password": PASSWORD})
        create(server, "/users", {"username": "other", "passwordDigest": DIGEST, "passwordAlgorithm": "Bcrypt"})
        secrets = Secrets(
            application=shop.application,
            token=shop.request_token(scope="read:products").json()["access_token"],
            master_key=(home / "master.key").read_text(encoding="utf-8").strip().rpartition(":")[2],
            password=PASSWORD,
            password_digest=DIGEST,
        )
        bearer = server.management.headers["authorization"]
        found = Heard(
            secrets=secrets,
            management_token=bearer.removeprefix("Bearer "),
            management_secret=server.application_secret,
        )
        for sent in all_requests(shop.indicator, bearer, secrets):
            keep(found, sent, send(server.http, sent))
        for page in range(1, 50):
            entries = server.management.get("/logs", params={"page": page, "page_size": 100})
            found.entries += entries.content
            if 'rel="next"' not in entries.headers["link"]:
                break
        found.successes += server.management.get("/users").content
    found.output = server.output_path.read_bytes()
    return found


def all_requests(resource: str, bearer: str, secrets: Secrets) -> Iterator[Sent]:
    """
    Yield everything that is sent.
    """
    yield from token_requests(resource, secrets)
    yield from lost_requests(secrets)
    for route in TABLE.routes:
        yield from management_requests(route, bearer, secrets)


def send(http: httpx.Client, sent: Sent) -> httpx.Response:
    """
    Send a request.
    """
    return http.request(sent.method, sent.path, headers=dict(sent.headers), content=sent.body)


def keep(heard: Heard, sent: Sent, answer: httpx.Response) -> None:
    """
    Keep an answer; the token of a token response is what was asked for, and is left out.
    """
    if answer.is_success:
        heard.successes += re.sub(rb'"access_token":"[^"]+"', b"", answer.content) + b"\n"
    else:
        heard.errors.append((sent, answer))


def test_every_route_was_reached(heard: Heard) -> None:
    """
    The table of routes is what the requests are made from: none is left out, and none fails inside.
    """
    seen = {(sent.method, sent.path.partition("?")[0]) for sent, _ in heard.errors}
    for route in TABLE.routes:
        path = re.sub(r"{\w+}", "nope", route.path)
        assert route.is_public or (route.method, f"/api{path}") in seen
    assert {answer.status_code for _, answer in heard.errors} <= {400, 401, 403, 404, 405, 422}


def test_output_holds_no_secret(heard: Heard) -> None:
    """
    Request lines and everything else on stdout and stderr.
    """
    assert heard.output.count(b'"event":"request"') > len(heard.errors)
    assert leaks(heard.output, heard.all_secrets()) == []


def test_audit_log_holds_no_secret(heard: Heard) -> None:
    """
    `GET /api/logs`, whatever went wrong and whoever put what where.
    """
    assert b"ExchangeTokenBy.ClientCredentials" in heard.entries
    assert leaks(heard.entries, heard.all_secrets()) == []


def test_errors_hold_no_secret(heard: Heard) -> None:
    """
    Errors name parameters and not values; a secret in the place of an id is cut.
    """
    told = {
        f"{sent.method} {answer.status_code} {answer.text[:40]}…: {leak}"
        for sent, answer in heard.errors
        for leak in leaks(answer.content + str(answer.headers).encode(), heard.all_secrets())
    }
    assert sorted(told)[:20] == []


def test_answers_hold_no_password_and_no_key(heard: Heard) -> None:
    """
    What was created shows neither password nor digest; the caller's own token and the master key don't come back.
    """
    assert b'"somebody"' in heard.successes
    assert leaks(heard.successes, heard.never_shown()) == []


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_traceback_in_the_output_holds_no_values(log_format: str) -> None:
    """
    An exception that nobody expected is logged by what it is and where it happened: no local variables.
    """
    secret = "ww_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG000000"
    source = FAILING.replace("FORMAT", repr(log_format))
    # The text of the program itself may be quoted in the traceback, so that the secret is made at run time.
    source = source.replace('"SECRET"', f"bytes.fromhex('{secret.encode().hex()}').decode()")
    source = source.replace('b"client_secret=SECRET"', f"bytes.fromhex('{secret.encode().hex()}')")
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True)
    assert "ValueError" in done.stderr
    assert "something is wrong" in done.stderr
    assert "it went wrong" in done.stderr
    assert leaks(done.stderr.encode(), {"application secret": secret}) == []


@pytest.mark.parametrize("database", DATABASES)
def test_database_error_holds_no_values(home: Path) -> None:
    """
    What the database refuses is told without the row: its columns hold digests and names.
    """
    with stored(home) as database, database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (value TEXT UNIQUE)")
        insert = sa.text("INSERT INTO kept VALUES (:value)").bindparams(value=DIGEST)
        connection.execute(insert)
        with pytest.raises(IntegrityError) as refused:
            connection.execute(insert)
    assert "kept" in str(refused.value)
    assert leaks(str(refused.value).encode(), {"password digest": DIGEST}) == []
