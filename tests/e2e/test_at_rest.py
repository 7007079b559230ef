"""
What is stolen is useless without the master key: every byte of a home and its database is read, none can be used.

Both are read while the server runs, SQLite's files with their write-ahead logs, and after the server has stopped.
"""

import base64
import secrets
import shutil
import stat
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from psycopg import sql

from tests.e2e.signed_shop import create_signed_shop
from tests.e2e.spellings import leaks
from tests.support.databases import IS_SQLITE
from tests.support.home import settings_of
from tests.support.server import MANAGEMENT_RESOURCE, RunningServer, start_server
from tests.support.shop import BASIC, create, create_application
from tests.support.stored import rows_of
from watchword.server.bootstrap import open_context
from watchword.server.storage.sealing import Purpose
from watchword.server.web.request_log import NoRequestLines

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MASTER_KEY = "master.key"
Found = Mapping[str, str | bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stolen:
    """
    A home at one moment, and what its database held then: files by name, and on PostgreSQL tables.
    """

    home: Path
    contents: Mapping[str, bytes]


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Stolen], Found]:
    """
    Give a home at two moments after it was used, and every secret by name that was used with it.
    """
    folder = tmp_path_factory.mktemp("at-rest")
    running = folder / "home"
    with start_server(running) as server:
        clear = use(server)
        # A copy of this moment is what a crash would leave.
        moments = [steal(shutil.copytree(running, folder / "copied while running"))]
    moments.append(steal(running))
    return moments, {**clear, **keys_of(shutil.copytree(running, folder / "opened with its key"))}


def steal(home: Path) -> Stolen:
    """
    Read every file of a home but its master key, and every row of a database that lies elsewhere.
    """
    files = {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.name != MASTER_KEY
    }
    return Stolen(home=home, contents=files if IS_SQLITE else {**files, **tables_of(home)})


def tables_of(home: Path) -> dict[str, bytes]:
    """
    Read all of a PostgreSQL database, table by table: what a backup holds.
    """
    url = settings_of(home).database_url
    assert url is not None
    with closing(psycopg.connect(url.get_secret_value())) as connection:
        names = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        read = {}
        for schema, name in names:
            statement = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(sql.Identifier(schema, name))
            with connection.cursor().copy(statement) as rows:
                read[f"{schema}.{name}"] = b"".join(bytes(part) for part in rows)
    return read


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
    with closing(open_context(settings_of(home), NoRequestLines())) as ctx:
        found["sealing key"] = ctx.keys.sealing
        found["audit key"] = ctx.keys.audit
        query = "SELECT tenant_id, id, algorithm, sealed_private_key FROM signing_keys"
        for tenant_id, kid, algorithm, sealed in rows_of(home, query):
            der = ctx.keys.unseal(sealed, purpose=Purpose.SIGNING_KEY, tenant_id=tenant_id, row_id=kid)
            found |= {f"{algorithm} key, {form}": data for form, data in forms_of(der).items()}
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


@pytest.mark.parametrize("moment", [0, 1], ids=["while running", "after a stop"])
def test_home_holds_nothing_that_can_be_used(used: tuple[list[Stolen], Found], moment: int) -> None:
    """
    No application secret, private key, token, password or key of the sealing, in any usual spelling.
    """
    moments, clear = used
    contents = moments[moment].contents
    database = {"watchword.db", "tokens.db"} if IS_SQLITE else {"public.signing_keys", "public.application_secrets"}
    assert {"watchword.toml", *database} <= set(contents)
    told = {name: leaks(data, clear) for name, data in contents.items()}
    assert {name: found for name, found in told.items() if found} == {}


def test_secrets_that_are_looked_for_are_the_real_ones(used: tuple[list[Stolen], Found]) -> None:
    """
    There are keys of each algorithm, tokens and secrets; and where a secret is, it is found.
    """
    moments, clear = used
    for name in ("ES256 key, PKCS 8", "ES384 key, d", "RS256 key, p", "token 0, ES384", "password", "second secret"):
        assert len(clear[name]) >= 32
    assert leaks((moments[0].home / MASTER_KEY).read_bytes(), clear)
    # What was not secret can be read: it is what was used, and not encrypted as a whole.
    everything = b"".join(moments[1].contents.values())
    assert b"somebody" in everything
    assert b"Default secret" in everything
    assert b"ExchangeTokenBy.ClientCredentials" in everything


def test_home_is_for_its_owner_alone(used: tuple[list[Stolen], Found]) -> None:
    """
    Folders are 0700 and files 0600, write-ahead logs included.
    """
    moments, _ = used
    for home in (moment.home for moment in moments):
        loose = {
            str(path.relative_to(home)): oct(stat.S_IMODE(path.stat().st_mode))
            for path in [home, *home.rglob("*")]
            if stat.S_IMODE(path.stat().st_mode) & 0o077
        }
        assert loose == {}
