"""
Exact comparison of answers: members, their order, their types, and the headers that clients read.

Owns: patterns for what varies (ids, times, secrets), the `/oidc` and `/api` error shapes, reading a token
apart, `Link` headers. Ids and times vary, everything else is compared as it was recorded.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
FORM = "application/x-www-form-urlencoded"
OAUTH_HEADERS: Mapping[str, str] = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "WWW-Authenticate",
    "cache-control": "no-store",
    "content-type": JSON,
}
ERROR_EXTRAS = ("request_id", "doc_url")

OIDC_MESSAGES: Mapping[str, str] = {
    "invalid_request": "Request is invalid.",
    "invalid_target": "Invalid resource indicator.",
    "access_denied": "Access denied.",
    "unsupported_grant_type": "Unsupported `grant_type` requested.",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """
    Stands in an expected answer for a value that varies.
    """

    name: str
    fits: Callable[[Any], bool]

    def __repr__(self) -> str:
        """
        Return the name, for a readable failure.
        """
        return f"<{self.name}>"


def matching(name: str, expression: str) -> Pattern:
    """
    Return a pattern for a whole string.
    """
    compiled = re.compile(expression)
    return Pattern(name, lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None)


ID = matching("id of 21 characters", "[0-9a-z]{21}")
USER_ID = matching("id of 12 characters", "[0-9a-z]{12}")
SECRET = matching("application secret", "ww_[0-9A-Za-z]{49}")
JTI = matching("jti of 43 characters", "[A-Za-z0-9_-]{43}")
TEXT_VALUE = matching("some text", r"(?s).+")
MILLISECONDS = Pattern(
    "milliseconds since 1970",
    lambda value: type(value) is int and 1_700_000_000_000 < value < 4_000_000_000_000,
)


def assert_same(actual: object, expected: object, at: str = "$") -> None:
    """
    Compare two JSON values exactly: types, members and the order of members.

    Args:
        actual: What the server answered.
        expected: What it must be; may hold `Pattern`s.
        at: Where in the answer this is, for the failure.
    """
    if isinstance(expected, Pattern):
        assert expected.fits(actual), f"{at}: {actual!r} is no {expected!r}"
    elif isinstance(expected, dict):
        assert isinstance(actual, dict), f"{at}: {actual!r} is no object"
        assert list(actual) == list(expected), f"{at}: members {list(actual)}, expected {list(expected)}"
        for name, value in expected.items():
            assert_same(actual[name], value, f"{at}.{name}")
    elif isinstance(expected, list):
        assert isinstance(actual, list), f"{at}: {actual!r} is no array"
        assert len(actual) == len(expected), f"{at}: {len(actual)} elements, expected {len(expected)}: {actual!r}"
        for index, value in enumerate(expected):
            assert_same(actual[index], value, f"{at}[{index}]")
    else:
        assert type(actual) is type(expected), f"{at}: {actual!r}, expected {expected!r}"
        assert actual == expected, f"{at}: {actual!r}, expected {expected!r}"


def assert_answer(response: httpx.Response, status: int, expected: object) -> None:
    """
    Compare a Management API answer: status, content type, and the body exactly.

    `expected` is JSON; a string stands for a text answer, None for an empty body.
    An error may carry `request_id` and `doc_url` after the recorded members; a secret `maskedValue`.
    """
    assert response.status_code == status, f"{response.status_code} {response.text[:600]}, expected {status}"
    if expected is None:
        assert response.content == b""
        return
    if isinstance(expected, str):
        assert response.headers["content-type"] == TEXT
        assert response.text == expected
        return
    assert response.headers["content-type"] == JSON
    body = response.json()
    if status >= 400:
        assert_error_extras_come_last(body)
        body = {name: value for name, value in body.items() if name not in ERROR_EXTRAS}
    assert_same(without(body, "maskedValue"), expected)


def assert_code(response: httpx.Response, status: int, code: str) -> None:
    """
    Check status and code of a Management API error whose text is free.
    """
    assert response.status_code == status, f"{response.status_code} {response.text[:600]}, expected {status}"
    assert response.headers["content-type"] == JSON
    body = response.json()
    assert body["code"] == code, f"{body}, expected {code}"
    assert body["message"]
    assert_error_extras_come_last(body)


def assert_error_extras_come_last(body: dict[str, object]) -> None:
    """
    Check that what we add to an error stands after the members that were recorded.
    """
    extras = [name for name in body if name in ERROR_EXTRAS]
    assert list(body)[len(body) - len(extras) :] == extras, f"members {list(body)}"


def without(body: Any, name: str) -> Any:  # noqa: ANN401 - any JSON value
    """
    Return a JSON value without the member `name`, at the top or in the elements of a list.
    """
    if isinstance(body, list):
        return [without(element, name) for element in body]
    if isinstance(body, dict):
        return {key: value for key, value in body.items() if key != name}
    return body


def oidc_error(error: str, description: str) -> dict[str, object]:
    """
    Return the body of an error at `/oidc`, in its order.
    """
    return {
        "code": f"oidc.{error}",
        "message": OIDC_MESSAGES.get(error, f"An OIDC error occurred: oidc.{error}."),
        "error": error,
        "error_description": description,
    }


def assert_oidc_error(response: httpx.Response, status: int, error: str, description: str) -> None:
    """
    Compare an error of `/oidc`: status, content type, and the body exactly.
    """
    assert response.status_code == status, f"{response.status_code} {response.text[:600]}, expected {status}"
    assert response.headers["content-type"] == JSON
    assert_same(response.json(), oidc_error(error, description))


def assert_oauth_headers(response: httpx.Response) -> None:
    """
    Check the headers that every routed `/oidc` answer carries when the request has no `Origin`.
    """
    for name, value in OAUTH_HEADERS.items():
        assert response.headers.get(name) == value, f"{name}: {response.headers.get(name)!r}, expected {value!r}"


def assert_plain_headers(response: httpx.Response) -> None:
    """
    Check that an answer raised before routing is JSON without CORS headers.
    """
    assert response.headers["content-type"] == JSON
    assert "access-control-allow-origin" not in response.headers
    assert "access-control-expose-headers" not in response.headers
    assert "allow" not in response.headers


def read_token(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Return header and claims of a JWT, in the order in which they were written; nothing is verified.
    """
    header, claims, _ = token.split(".")
    return json.loads(decode_base64url(header)), json.loads(decode_base64url(claims))


def decode_base64url(text: str) -> bytes:
    """
    Decode base64url without padding.
    """
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode_form(text: str) -> str:
    """
    Encode a form that is written down readably, as `name=some value&name=other`.
    """
    pairs = (pair.partition("=") for pair in text.split("&"))
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, _, value in pairs)


def links(response: httpx.Response) -> list[tuple[str, str]]:
    """
    Return relation and URL of every `Link`, in order, whether on one header line or on several.
    """
    return [
        (relation, url)
        for line in response.headers.get_list("link")
        for url, relation in re.findall(r'<([^>]*)>; rel="([^"]*)"', line)
    ]


def expected_links(endpoint: str, path: str, total: int) -> list[tuple[str, str]]:
    """
    Return the links that a paginated answer to `path` (below `/api`, with its query) must carry.
    """
    url = urlsplit(path)
    query = dict(parse_qsl(url.query))
    page, size = int(query.get("page", "1")), int(query.get("page_size", "20"))
    last = max(1, -(-total // size))

    def to(number: int) -> str:
        return f"{endpoint}/api{url.path}?{urlencode(query | {'page': str(number)})}"

    found = [("first", to(1))]
    if page > 1:
        found.append(("prev", to(page - 1)))
    found.append(("last", to(last)))
    if page < last:
        found.append(("next", to(page + 1)))
    return found


def assert_page(response: httpx.Response, endpoint: str, path: str, total: int) -> None:
    """
    Check `Total-Number` and the `Link` headers of a paginated answer.
    """
    assert response.headers.get("total-number") == str(total)
    assert links(response) == expected_links(endpoint, path, total)
