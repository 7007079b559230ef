"""
Signing keys of two server processes on one database: turned and revoked by both at once, while both sign.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.long import IS_LONG
from tests.support.server import MANAGEMENT_RESOURCE, RunningServer, start_beside, start_server
from watchword.protocol.jose import VerificationKey, read_token, verify_signature

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e
ROUNDS = 200 if IS_LONG else 15
SIGNERS = 2  # threads at each process
KEPT = 40


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, RunningServer]]:
    """
    Start two processes on one home.
    """
    with start_server(tmp_path_factory.mktemp("pair") / "home") as one, start_beside(one) as other:
        yield one, other


def fetch(client: httpx.Client, server: RunningServer) -> str:
    """
    Fetch a token for the Management API.
    """
    form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE, "scope": "all"}
    answer = client.post("/oidc/token", data=form, auth=(server.application_id, server.application_secret))
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def keys_of(client: httpx.Client) -> dict[str, VerificationKey]:
    """
    Fetch the published keys, past every cache.
    """
    return {one["kid"]: VerificationKey.of(one) for one in client.get("/oidc/jwks").json()["keys"]}


def rotate(server: RunningServer, client: httpx.Client) -> list[dict[str, Any]]:
    """
    Rotate at once.
    """
    headers = {"authorization": f"Bearer {fetch(client, server)}"}
    answer = client.post("/api/signing-keys/rotate", json={"now": True}, headers=headers)
    assert answer.status_code in {200, 401}, answer.text  # 401: the key that signed the token was revoked meanwhile
    found: list[dict[str, Any]] = answer.json() if answer.is_success else []
    return found


def drop_oldest(server: RunningServer, client: httpx.Client, listed: list[dict[str, Any]]) -> None:
    """
    Drop keys that have signed long ago, of whose tokens nobody checks any more: no more than a hundred are published.
    """
    ended = sorted((key["signsUntil"], key["id"]) for key in listed if key["status"] == "Previous")
    for _, kid in ended[:-KEPT]:
        headers = {"authorization": f"Bearer {fetch(client, server)}"}
        assert client.delete(f"/api/signing-keys/{kid}", headers=headers).status_code in {204, 404}


def open_client(server: RunningServer) -> httpx.Client:
    """
    Open a client of one thread.
    """
    return httpx.Client(base_url=server.endpoint, timeout=20, trust_env=False)


def test_every_token_is_good_at_the_other_process(pair: tuple[RunningServer, RunningServer]) -> None:
    """
    Both rotate as fast as they can; a token that one has just signed is checked with the keys that the other publishes.
    """
    done = threading.Event()

    def sign(signer: RunningServer, checker: RunningServer) -> int:
        count = 0
        with open_client(signer) as at_signer, open_client(checker) as at_checker:
            while not done.is_set() or not count:
                token = read_token(fetch(at_signer, signer))
                assert verify_signature(token, keys_of(at_checker)[token.kid])["aud"] == MANAGEMENT_RESOURCE
                count += 1
        return count

    def turn(server: RunningServer) -> None:
        with open_client(server) as client:
            for _ in range(ROUNDS):
                drop_oldest(server, client, rotate(server, client))

    one, other = pair
    with ThreadPoolExecutor(2 * SIGNERS + 2) as pool:
        signing = [pool.submit(sign, *ways) for ways in ((one, other), (other, one)) for _ in range(SIGNERS)]
        try:
            for turning in [pool.submit(turn, server) for server in pair]:
                turning.result(timeout=300)
        finally:
            done.set()
        assert all(signer.result(timeout=60) for signer in signing)
    listed = one.management.get("/signing-keys").json()
    assert [key["status"] for key in listed].count("Current") == 1
    spans = sorted((key["signsFrom"], key["signsUntil"]) for key in listed if key["signsFrom"] is not None)
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]


def test_revoked_key_is_gone_at_the_other_process(pair: tuple[RunningServer, RunningServer]) -> None:
    """
    With the very next request: it publishes the key no more, takes none of its tokens, and signs with the successor.
    """
    one, other = pair
    with open_client(one) as at_one, open_client(other) as at_other:
        for _ in range(10):
            stolen = fetch(at_one, one)
            assert at_other.get("/api/roles", headers={"authorization": f"Bearer {stolen}"}).status_code == 200
            kid = read_token(stolen).kid
            answer = at_one.delete(f"/api/signing-keys/{kid}", headers={"authorization": f"Bearer {stolen}"})
            assert answer.status_code == 204, answer.text
            assert at_other.get("/api/roles", headers={"authorization": f"Bearer {stolen}"}).status_code == 401
            assert kid not in keys_of(at_other)
            assert read_token(fetch(at_other, other)).kid != kid


def test_revocations_never_leave_a_process_without_a_key(pair: tuple[RunningServer, RunningServer]) -> None:
    """
    The current key is revoked again and again while both sign: every request gets a token.
    """
    one, other = pair
    done = threading.Event()

    def sign(server: RunningServer) -> int:
        count = 0
        with open_client(server) as client:
            while not done.is_set() or not count:
                fetch(client, server)
                count += 1
        return count

    with ThreadPoolExecutor(2) as pool, open_client(one) as client:
        signing = [pool.submit(sign, server) for server in (one, other)]
        try:
            for _ in range(ROUNDS):
                token = fetch(client, one)
                path = f"/api/signing-keys/{read_token(token).kid}"
                assert client.delete(path, headers={"authorization": f"Bearer {token}"}).status_code == 204
        finally:
            done.set()
        assert all(signer.result(timeout=60) for signer in signing)
