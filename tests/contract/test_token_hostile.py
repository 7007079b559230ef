"""
Token requests that must get a clear error and leave nothing behind.

Every test ends by checking that an honest request still gets its token.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.raw import raw_answer
from tests.support.shop import BASIC, assign, create_application
from tests.support.wire import FORM, JSON, assert_oidc_error, assert_same, oidc_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.shop import Shop

GRANT = "grant_type=client_credentials"
HERE = f"{GRANT}&resource=<resource>"
FAILED = "client authentication failed"
LIMIT = 57_344


@pytest.fixture(autouse=True)
def still_serving(shop: Shop) -> Iterator[None]:
    """
    Check after every test that the server gives honest callers their tokens.
    """
    yield
    shop.assert_still_serves()


def form_of(shop: Shop, rest: bytes) -> bytes:
    """
    Return an honest form followed by raw bytes.
    """
    return f"grant_type=client_credentials&resource={shop.indicator}".encode() + rest


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(b"&scope=read\x00products", id="raw NUL in a value"),
        pytest.param(b"&\x00scope=x", id="raw NUL in a name"),
        pytest.param(b"&foo=\x00", id="raw NUL in an unknown parameter"),
        pytest.param(b"&scope=read%00products", id="%00 in a value"),
        pytest.param(b"&scope=%ff%fe", id="percent-encoded bytes that are no UTF-8"),
        pytest.param(b"&scope=\xff\xfe", id="raw bytes that are no UTF-8"),
        pytest.param(b"&scope=%ed%a0%80", id="percent-encoded surrogate"),
        pytest.param(b"&scope=%c0%80", id="overlong NUL"),
        pytest.param(b"&resource=%00", id="%00 as a resource"),
        pytest.param(b"&client_id=%00", id="%00 as a client_id"),
        pytest.param(b"&scope=%zz", id="percent sign before no hex digits"),
        pytest.param(b"&scope=%2", id="percent sequence cut short"),
    ],
)
def test_bad_bytes_in_the_form_are_refused(shop: Shop, rest: bytes) -> None:
    """
    NUL, bytes that are no UTF-8, and broken percent-encoding are 400 `invalid_request`.
    """
    answer = shop.ask(form_of(shop, rest))
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == "invalid_request"
    assert list(answer.json()) == ["code", "message", "error", "error_description"]


def test_raw_nul_is_told_as_recorded(shop: Shop) -> None:
    """
    A raw NUL byte has its own description.
    """
    answer = shop.ask(form_of(shop, b"&scope=a\x00b"))
    assert_oidc_error(answer, 400, "invalid_request", "null bytes are not allowed in the request body")


@pytest.mark.parametrize(
    ("header", "description"),
    [
        pytest.param("Basic ====", "invalid authorization header value format", id="padding alone"),
        pytest.param("Basic a", "invalid authorization header value format", id="one character"),
        pytest.param("Basic <id:secret>*", "invalid authorization header value format", id="stray character"),
        pytest.param("Basic //79", "invalid authorization header value format", id="no UTF-8"),
        pytest.param("Basic gICAgDo=", "invalid authorization header value format", id="no UTF-8 with colon"),
        pytest.param("Digest <id:secret>", "invalid authorization header value format", id="Digest"),
        pytest.param("Basic,<id:secret>", "invalid authorization header value format", id="comma"),
        pytest.param("Basic\t<id:secret>", "invalid authorization header value format", id="tab"),
    ],
)
def test_bad_authorization_header_is_refused(shop: Shop, header: str, description: str) -> None:
    """
    What can't be read as Basic is 400, never 401 and never a failure inside.
    """
    answer = shop.ask(HERE, authorization=header)
    assert_oidc_error(answer, 400, "invalid_request", description)


def test_two_authorization_headers_are_refused(shop: Shop) -> None:
    """
    RFC 9110 §5.3: the header is no list; two of them are 400, even when both are right.
    """
    header = ("authorization", shop.authorization(BASIC))
    answer = shop.server.http.post(
        "/oidc/token",
        content=form_of(shop, b""),
        headers=[header, header, ("content-type", FORM)],
    )
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json1",
        "application/vnd.api+json",
        "application/xml",
        "application/octet-stream",
        "nonsense",
    ],
)
def test_wrong_content_type_is_refused(shop: Shop, content_type: str) -> None:
    """
    Any other type is told that only forms are read here.
    """
    answer = shop.ask(HERE, headers={"content-type": content_type})
    told = "only application/x-www-form-urlencoded content-type bodies are supported on POST /token"
    assert_oidc_error(answer, 400, "invalid_request", told)


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        pytest.param("application/x-www-form-urlencoded; charset=utf-8", "utf-8", id="utf-8"),
        pytest.param("Application/X-WWW-Form-Urlencoded; Charset=UTF-8", "utf-8", id="upper case"),
        pytest.param("application/x-www-form-urlencoded;charset=latin1", "latin-1", id="latin1"),
        pytest.param("application/x-www-form-urlencoded; charset=utf-16le", "utf-16-le", id="utf-16le"),
    ],
)
def test_charset_of_the_form_is_honoured(shop: Shop, content_type: str, encoding: str) -> None:
    """
    A form in a charset we know is read in it.
    """
    body = form_of(shop, b"").decode().encode(encoding)
    assert shop.ask(body, headers={"content-type": content_type}).status_code == 200


def test_unknown_charset_is_415(shop: Shop) -> None:
    """
    A charset nobody knows is 415 in the error shape.
    """
    answer = shop.ask(HERE, headers={"content-type": f"{FORM}; charset=klingon"})
    assert answer.status_code == 415
    assert list(answer.json()) == ["code", "message", "error", "error_description"]


@pytest.mark.parametrize(
    "size", [pytest.param(LIMIT + 1, id="one byte over 56 KiB"), pytest.param(1_000_000, id="1 MB")]
)
def test_large_body_is_413(shop: Shop, size: int) -> None:
    """
    A body over 56 KiB is 413 in the error shape, however it is sent.
    """
    start = form_of(shop, b"&foo=")
    body = start + b"x" * (size - len(start))
    sized = shop.ask(body)
    chunked = shop.server.http.post(
        "/oidc/token",
        content=iter([body[:1000], body[1000:]]),
        headers={"authorization": shop.authorization(BASIC), "content-type": FORM},
    )
    for answer in (sized, chunked):
        assert answer.status_code == 413
        assert list(answer.json()) == ["code", "message", "error", "error_description"]


def test_body_at_the_limit_is_read(shop: Shop) -> None:
    """
    A body of exactly 56 KiB is fine.
    """
    start = form_of(shop, b"&foo=")
    assert shop.ask(start + b"x" * (LIMIT - len(start))).status_code == 200


def test_ten_thousand_scopes_grant_no_more(shop: Shop) -> None:
    """
    10,000 scopes get the one that is granted or a clear error; none slips in.
    """
    wanted = [f"{number:x}" for number in range(9_999)] + ["read:products"]
    answer = shop.request_token(scope=" ".join(wanted))
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        assert answer.json()["scope"] == "read:products"
    else:
        assert answer.json()["error"] in {"invalid_request", "invalid_scope"}


def test_ten_thousand_parameters_are_survived(shop: Shop) -> None:
    """
    10,000 parameters are ignored or refused.
    """
    assert shop.ask(form_of(shop, b"&a=1" * 10_000)).status_code in {200, 400}


@pytest.mark.parametrize("name", ["x-padding", "authorization", "cookie", "user-agent", "content-type", "origin"])
def test_oversized_header_is_431(shop: Shop, name: str) -> None:
    """
    Headers over 16 KiB are 431.
    """
    body = form_of(shop, b"")
    long = f"{name}: {'x' * 20_000}"
    request = f"POST /oidc/token HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{long}\r\n\r\n"
    assert raw_answer(shop.server.endpoint, request.encode() + body).statuses == [431]


@pytest.mark.parametrize("path", ["/api/applications", "/oidc/jwks", "/console/applications", "/nowhere"])
def test_long_query_is_431(shop: Shop, path: str) -> None:
    """
    The query counts with the headers: lists name it in their links to other pages.
    """
    management, page = shop.server.management, f"{shop.server.endpoint}{path}?search="
    assert management.get(page + "x" * 17_000).status_code == 431
    assert management.get(page + "x" * 12_000).status_code != 431


def test_many_headers_are_431(shop: Shop) -> None:
    """
    Many small headers count together.
    """
    lines = "".join(f"x-{number}: {'y' * 20}\r\n" for number in range(1_000))
    request = f"GET /oidc/jwks HTTP/1.1\r\nHost: x\r\n{lines}\r\n"
    assert raw_answer(shop.server.endpoint, request.encode()).statuses == [431]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"x-http-method-override": "POST"}, id="X-HTTP-Method-Override"),
        pytest.param({"x-method-override": "POST"}, id="X-Method-Override"),
        pytest.param({"x-http-method": "POST"}, id="X-HTTP-Method"),
    ],
)
def test_method_can_not_be_overridden(shop: Shop, headers: dict[str, str]) -> None:
    """
    Only the request line says what the method is.
    """
    answer = shop.server.http.get(
        "/oidc/token?_method=POST", headers={**headers, "authorization": shop.authorization(BASIC)}
    )
    told = "unrecognized route or not allowed method (GET on /token)"
    assert_oidc_error(answer, 404, "invalid_request", told)


def test_query_of_the_url_is_ignored(shop: Shop) -> None:
    """
    Parameters in the URL neither help nor count as repeated.
    """
    path = f"/oidc/token?grant_type=client_credentials&resource={shop.indicator}"
    missing = shop.ask("foo=bar", path=path)
    assert_oidc_error(missing, 400, "invalid_request", "missing required parameter 'grant_type'")
    assert shop.ask(HERE, path=path).status_code == 200


def test_cut_or_longer_secret_is_refused(shop: Shop) -> None:
    """
    No prefix, suffix or neighbour of a secret is the secret.
    """
    secret = shop.application.secret
    wrong = [secret[:-1], secret[1:], secret + "A", f" {secret}", f"{secret} ", secret.lower(), secret * 2]
    for place in (3, 20, 45):
        other = "A" if secret[place] != "A" else "B"
        wrong.append(f"{secret[:place]}{other}{secret[place + 1 :]}")
    for guess in wrong:
        answer = shop.server.token(shop.application.id, guess, resource=shop.indicator)
        assert_oidc_error(answer, 401, "invalid_client", FAILED)


def test_deleted_application_is_as_good_as_unknown(shop: Shop) -> None:
    """
    After DELETE the very next token request fails like a wrong secret.
    """
    application = create_application(shop.server)
    assign(shop.server, application.id, shop.role_id)
    ask = {"resource": shop.indicator, "scope": "read:products"}
    assert shop.server.token(application.id, application.secret, **ask).status_code == 200
    assert shop.server.management.delete(f"/applications/{application.id}").status_code == 204
    answer = shop.server.token(application.id, application.secret, **ask)
    assert_oidc_error(answer, 401, "invalid_client", FAILED)


def test_bare_error_body_on_request(shop: Shop) -> None:
    """
    `?parse_error=false` leaves the two members of RFC 6749.
    """
    answer = shop.ask(GRANT, path="/oidc/token?parse_error=false")
    full = shop.ask(GRANT)
    told = full.json()
    assert answer.status_code == full.status_code == 400
    assert_same(answer.json(), {name: told[name] for name in ("error", "error_description")})
    unknown = shop.server.http.get("/oidc/nothing?parse_error=false")
    assert list(unknown.json()) == ["error", "error_description"]


@pytest.mark.parametrize(
    "language", ["fr", "de-CH, en;q=0.5", "*", "xx;q=abc,,;=", "zh-CN;q=99999999999999999999", "a" * 4000]
)
def test_language_never_changes_the_protocol(shop: Shop, language: str) -> None:
    """
    `Accept-Language`, sane or not, touches at most `message`.
    """
    answer = shop.ask(GRANT, headers={"accept-language": language})
    expected = oidc_error("invalid_target", "both `resource` and `organization_id` are not provided")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == JSON
    assert_same({**answer.json(), "message": expected["message"]}, expected)


def test_random_bytes_never_fail_inside(shop: Shop) -> None:
    """
    Whatever bytes come as a body, the answer is an error of the caller.
    """
    for _ in range(50):
        answer = shop.ask(os.urandom(200))
        assert 400 <= answer.status_code < 500
        assert json.loads(answer.content)["error"]
