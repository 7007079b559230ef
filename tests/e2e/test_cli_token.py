"""
`watchword token` against a real server: fetch, look, verify.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import run, succeed

if TYPE_CHECKING:
    from tests.support.shop import Shop

pytestmark = pytest.mark.e2e
READ, WRITE = "read:products", "write:products"


def settings_of(shop: Shop) -> dict[str, str]:
    """
    Return the settings that make commands act as the shop's application.
    """
    return {
        "cli_endpoint": shop.server.endpoint,
        "cli_client_id": shop.application.id,
        "cli_client_secret": shop.application.secret,
    }


def test_token_is_all_that_goes_to_standard_output(shop: Shop) -> None:
    """
    `TOKEN=$(watchword token fetch …)` works, and what was asked and not granted is said beside it.
    """
    scopes = ("--scope", f"{READ} refund:products", "--scope", WRITE, "--scope", "fly")
    done = succeed("token", "fetch", "--resource", shop.indicator, *scopes, settings=settings_of(shop))
    assert done.err == "not granted: fly refund:products\n"
    assert done.out.count(".") == 2
    assert done.out.endswith("\n")
    issuer = ("--issuer", shop.server.issuer)
    verified = succeed(
        "token", "verify", "--resource", shop.indicator, *issuer, "--scope", READ, "--json", stdin=done.out
    )
    assert verified.json["verified"] is True
    assert verified.json["claims"]["scope"] == f"{READ} {WRITE}"
    decoded = succeed("token", "decode", "-", "--json", stdin=done.out).json
    assert decoded["verified"] is False
    assert decoded["claims"] == verified.json["claims"]
    assert decoded["header"]["typ"] == "at+jwt"


def test_token_as_json_says_what_was_granted(shop: Shop) -> None:
    """
    A program sees what it lacks without reading standard error.
    """
    settings = settings_of(shop)
    fetched = succeed(
        "token", "fetch", "--resource", shop.indicator, "--scope", f"{READ} fly", "--json", settings=settings
    ).json
    assert fetched["token_type"] == "Bearer"
    assert fetched["expires_in"] == 3600
    assert fetched["scope"] == READ
    assert fetched["not_granted"] == ["fly"]
    assert fetched["expires_at"].endswith("Z")


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        pytest.param({"resource": "https://other.api"}, 4, "for another API: its aud is", id="another API"),
        pytest.param({"scope": "refund:products"}, 4, "it lacks refund:products", id="missing scope"),
        pytest.param({"issuer": "http://127.0.0.1:1/oidc"}, 5, "can be reached", id="issuer that is not there"),
        pytest.param({"tamper": True}, 4, "signature", id="tampered"),
    ],
)
def test_bad_token_is_refused_with_the_reason(shop: Shop, change: dict[str, str], code: int, text: str) -> None:
    """
    The exit code says that it must not pass, the line says why.
    """
    fetched = succeed(
        "token", "fetch", "--resource", shop.indicator, "--scope", READ, settings=settings_of(shop)
    ).out.strip()
    header, claims, signature = fetched.split(".")
    token = f"{header}.{claims}.{signature[::-1]}" if change.get("tamper") else fetched
    done = run(
        *("token", "verify", token),
        *("--resource", change.get("resource", shop.indicator)),
        *("--issuer", change.get("issuer", shop.server.issuer)),
        *("--scope", change.get("scope", READ)),
    )
    assert (done.code, done.out) == (code, ""), done.err
    assert text in done.err
    assert token not in done.err


def test_refused_token_request_says_what_to_do(shop: Shop) -> None:
    """
    An API that nobody has registered, credentials that are wrong, and the issuer for the server.
    """
    unknown = run("token", "fetch", "--resource", "https://unknown.api", settings=settings_of(shop))
    assert (unknown.code, unknown.out) == (1, "")
    assert "`watchword resources list` shows" in unknown.err
    wrong = run("token", "fetch", settings=settings_of(shop) | {"cli_client_secret": "wrong-secret"})
    assert (wrong.code, wrong.out) == (4, "")
    assert "wrong-secret" not in wrong.err
    issuer = run("token", "fetch", settings=settings_of(shop) | {"cli_endpoint": shop.server.issuer})
    assert (issuer.code, issuer.out) == (1, "")
    assert "see that --endpoint names the server and nothing else, no /oidc behind it" in issuer.err
