"""
A stolen home is useless without its master key: every byte of it is read, and nothing in it can be used.

The home is read while the server runs, with its write-ahead logs, and after the server has stopped.
"""

import base64
import secrets
import shutil
import sqlite3
import stat
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from tests.e2e.signed_shop import create_signed_shop
from tests.e2e.spellings import leaks
from tests.support.server import MANAGEMENT_RESOURCE, RunningServer, start_server
from tests.support.shop import BASIC, create, create_application
from watchword.server.bootstrap import open_context
from watchword.server.settings import resolve
from watchword.server.storage.sealing import Purpose
from watchword.server.web.request_log import NoRequestLines

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MASTER_KEY = "master.key"
Found = Mapping[str, str | bytes]


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Found]:
    """
    Give a home at two moments after it was used, and every secret by name that was used with it.
    """
    folder = tmp_path_factory.mktemp("at-rest")
    running = folder / "home"
    with start_server(running) as server:
        clear = use(server)
        # A copy of this moment is what a crash would leave.
        homes = [shutil.copytree(running, folder / "copied while running")]
    homes.append(running)
    return homes, {**clear, **keys_of(shutil.copytree(running, folder / "opened with its key"))}


def use(server: RunningServer) -> dict[str, str | bytes]:
    """
    Do all that puts secrets into a home; return them by name.
    """
    found: dict[str, str | bytes] = {"secret of the first application": server.application_secret}
    for algorithm in ("ES256", "ES384", "RS256"):
        shop = create_signed_shop(server, algorithm)
        found[f"application secret, {algorithm}"] = shop.application.secret
        for number in range(3):
            answer = shop.request_token(scope="read:products")
            found[f"token {number}, {algorithm}"] = answer.json()["access_token"]
        # What goes wrong is recorded too.
        shop.ask(f"grant_type=client_credentials&client_id={shop.application.secret}", authorization=None)
        shop.ask(f"grant_type=client_credentials&client_id=<id>&client_secret={server.application_secret}")
        shop.ask(f"grant_type=client_credentials&scope={shop.application.secret}&resource=<resource>")
        shop.ask(f"grant_type={shop.application.secret}", authorization=BASIC)
        server.management.get(f"/applications/{shop.application.secret}")
    token = server.token(server.application_id, server.application_secret, resource=MANAGEMENT_RESOURCE, scope="all")
    found["token for the Management API"] = token.json()["access_token"]
    deleted = create_application(server)
    found["secret of a deleted application"] = deleted.secret
    server.management.delete(f"/applications/{deleted.id}").raise_for_status()
    named = create(server, f"/applications/{server.application_id}/secrets", {"name": "second"})
    found["second secret"] = named["value"]
    found["password"] = f"a password of somebody {secrets.token_hex(16)}"
    create(server, "/users", {"username": "somebody", "password": found["password"]})
    return found


def keys_of(home: Path) -> Found:
    """
    Open a copy of the home with its master key and return every key in it, in the forms in which keys are kept.
    """
    found: dict[str, str | bytes] = {}
    for line in (home / MASTER_KEY).read_text(encoding="utf-8").split():
        key_id, _, key = line.partition(":")
        found[f"master key {key_id}"] = key
        found[f"master key {key_id}, bytes"] = base64.b64decode(key)
    ctx = open_context(resolve({"home": home}, {}).settings, NoRequestLines())
    try:
        found["sealing key"] = ctx.keys.sealing
        found["audit key"] = ctx.keys.audit
        with closing(sqlite3.connect(home / "watchword.db")) as database:
            rows = database.execute("SELECT tenant_id, id, algorithm, sealed_private_key FROM signing_keys").fetchall()
        for tenant_id, kid, algorithm, sealed in rows:
            der = ctx.keys.unseal(sealed, purpose=Purpose.SIGNING_KEY, tenant_id=tenant_id, row_id=kid)
            found |= {f"{algorithm} key, {form}": data for form, data in forms_of(der).items()}
    finally:
        ctx.token_log.close()
        ctx.directory.close()
        ctx.database.close()
    return found


def forms_of(der: bytes) -> dict[str, bytes]:
    """
    Return a private key in the forms that programs keep, and its private numbers.
    """
    key = load_der_private_key(der, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    forms = {
        "PKCS 8": key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        "traditional": key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
    }
    numbers = key.private_numbers()
    if isinstance(numbers, rsa.RSAPrivateNumbers):
        private = {"d": numbers.d, "p": numbers.p, "q": numbers.q}
    else:
        private = {"d": numbers.private_value}
    return forms | {name: number.to_bytes((number.bit_length() + 7) // 8) for name, number in private.items()}


def files_of(home: Path) -> dict[str, bytes]:
    """
    Read every file of a home but its master key.
    """
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.name != MASTER_KEY
    }


@pytest.mark.parametrize("moment", [0, 1], ids=["while running", "after a stop"])
def test_home_holds_nothing_that_can_be_used(used: tuple[list[Path], Found], moment: int) -> None:
    """
    No application secret, private key, token, password or key of the sealing, in any usual spelling.
    """
    homes, clear = used
    files = files_of(homes[moment])
    assert {"watchword.db", "tokens.db", "watchword.toml"} <= set(files)
    told = {name: leaks(data, clear) for name, data in files.items()}
    assert {name: found for name, found in told.items() if found} == {}


def test_secrets_that_are_looked_for_are_the_real_ones(used: tuple[list[Path], Found]) -> None:
    """
    There are keys of each algorithm, tokens and secrets; and where a secret is, it is found.
    """
    homes, clear = used
    for name in ("ES256 key, PKCS 8", "ES384 key, d", "RS256 key, p", "token 0, ES384", "password", "second secret"):
        assert len(clear[name]) >= 32
    assert leaks((homes[0] / MASTER_KEY).read_bytes(), clear)
    # What was not secret can be read: the files are the ones that were used, and not encrypted as a whole.
    everything = b"".join(files_of(homes[1]).values())
    assert b"somebody" in everything
    assert b"Default secret" in everything
    assert b"ExchangeTokenBy.ClientCredentials" in everything


def test_home_is_for_its_owner_alone(used: tuple[list[Path], Found]) -> None:
    """
    Folders are 0700 and files 0600, write-ahead logs included.
    """
    homes, _ = used
    for home in homes:
        loose = {
            str(path.relative_to(home)): oct(stat.S_IMODE(path.stat().st_mode))
            for path in [home, *home.rglob("*")]
            if stat.S_IMODE(path.stat().st_mode) & 0o077
        }
        assert loose == {}
