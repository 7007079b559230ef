"""
Which texts are shown as they came, and which are hidden or cut.
"""

import pytest

from watchword.server.domain.events import cut
from watchword.server.domain.redaction import HIDDEN, hide_secrets, shown_id, shown_path

SECRET = "ww_" + "aB3" * 16 + "x"
TOKEN = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJqdGkiOiJfLSJ9.c2lnbmF0dXJl-_"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(SECRET, HIDDEN, id="secret"),
        pytest.param(TOKEN, HIDDEN, id="token"),
        pytest.param(f"origin https://{SECRET}.example not allowed", f"origin https://{HIDDEN}.example not allowed",
                     id="inside a text"),
        pytest.param(f"{SECRET} {TOKEN} {SECRET}", f"{HIDDEN} {HIDDEN} {HIDDEN}", id="several"),
        pytest.param(SECRET[:30] + "…", HIDDEN + "…", id="cut secret"),
        pytest.param(TOKEN[:60] + "…", HIDDEN + "…", id="cut token"),
        pytest.param(f'"Bearer {TOKEN}"', f'"Bearer {HIDDEN}"', id="quoted"),
        pytest.param("read:products write:products", "read:products write:products", id="scopes"),
        pytest.param("https://shop.example/www_pages/ww_short", "https://shop.example/www_pages/ww_short", id="a URL"),
        pytest.param("", "", id="nothing"),
    ],
)  # fmt: skip
def test_secrets_are_hidden_and_nothing_else(text: str, shown: str) -> None:
    """
    What has the form of a secret or a token is replaced, even in part; other text stays.
    """
    assert hide_secrets(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("nope", "nope", id="short"),
        pytest.param("u" * 32, "u" * 32, id="as long as an id may be"),
        pytest.param("u" * 33, "uuuuuu…", id="longer"),
        pytest.param(SECRET, "ww_aB3…", id="secret"),
    ],
)
def test_id_that_is_too_long_is_cut(text: str, shown: str) -> None:
    """
    Six characters tell what was pasted, and no more.
    """
    assert shown_id(text) == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        pytest.param("/oidc/token", "/oidc/token", id="short"),
        pytest.param("/api/applications/tev6xg3j7vmplpz44pyyq/secrets/ci",
                     "/api/applications/tev6xg3j7vmplpz44pyyq/secrets/ci", id="long, of short parts"),
        pytest.param("/.well-known/oauth-authorization-server/oidc",
                     "/.well-known/oauth-authorization-server/oidc", id="metadata"),
        pytest.param(f"/api/users/{SECRET}/roles", "/api/users/ww_aB3…/roles", id="secret"),
        pytest.param("/" + "ab%2F" * 10, "/ab%2Fa…", id="encoded slashes are no ends"),
    ],
)  # fmt: skip
def test_path_shows_each_segment_as_an_id(path: str, shown: str) -> None:
    """
    Paths of ours stay whole.
    """
    assert shown_path(path) == shown


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SECRET, id="secret"),
        pytest.param(f"read:products {TOKEN}", id="token"),
        pytest.param(f"\N{SNOWMAN} {SECRET}", id="not ASCII"),
        pytest.param("x" * 100 + SECRET, id="cut within the secret"),
        pytest.param(SECRET + "x" * 1000, id="cut after the secret"),
    ],
)
def test_text_of_a_record_is_redacted(text: str) -> None:
    """
    What goes into the audit log is cut and hidden at once.
    """
    kept = cut(text, 128)
    assert HIDDEN in kept
    assert SECRET[3:19] not in kept
    assert TOKEN[:19] not in kept
