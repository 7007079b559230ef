"""
Key set documents: what is read, what is left out, and for how long it is good.
"""

import json
from datetime import timedelta

import pytest

from tests.unit.protect.issuer import NOW, FakeIssuer
from watchword.outbound import Answer
from watchword.protect.jwks import age_of, read_key_set


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, 300, id="no header: five minutes"),
        pytest.param({"cache-control": "max-age=60"}, 60, id="max-age"),
        pytest.param({"cache-control": "public, max-age=60, must-revalidate"}, 60, id="among others"),
        pytest.param({"cache-control": "MAX-AGE=60"}, 60, id="upper case"),
        pytest.param({"cache-control": 'max-age="60"'}, 60, id="quoted"),
        pytest.param({"cache-control": "max-age=60", "age": "20"}, 40, id="less its age"),
        pytest.param({"cache-control": "max-age=60", "age": "x"}, 60, id="an odd age counts for nothing"),
        pytest.param({"cache-control": "max-age=60", "age": "900"}, 10, id="older than it may be"),
        pytest.param({"cache-control": "max-age=0"}, 10, id="at least ten seconds"),
        pytest.param({"cache-control": "max-age=999999999"}, 3600, id="at most an hour"),
        pytest.param({"cache-control": "max-age=99999999999999999999"}, 300, id="no number that fits"),
        pytest.param({"cache-control": "max-age=-5"}, 300, id="negative"),
        pytest.param({"cache-control": "s-maxage=5"}, 300, id="for shared caches"),
        pytest.param({"cache-control": "x-max-age=5"}, 300, id="another directive"),
        pytest.param({"cache-control": "no-store"}, 10, id="no-store"),
        pytest.param({"cache-control": "no-cache, max-age=0, must-revalidate"}, 10, id="as the reference says"),
        pytest.param({"cache-control": "no-cache, max-age=900"}, 10, id="no-cache wins"),
    ],
)
def test_answers_are_kept_for(headers: dict[str, str], seconds: int) -> None:
    """
    A key set is good for its `max-age`, within bounds that keep removed keys out and the issuer in peace.
    """
    assert age_of(headers) == timedelta(seconds=seconds)


def _answer(document: object, status: int = 200) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Answer(status=status, headers={}, body=body)


def test_unusable_members_are_left_out() -> None:
    """
    What is no signature key of a known algorithm does not keep the others from being used (RFC 7517 §5).
    """
    good = FakeIssuer().published
    odd: list[object] = [
        None,
        5,
        "x",
        [],
        {},
        {"kty": "oct", "k": "AA", "kid": "x", "alg": "HS256"},
        {"kty": "EC", "kid": "y"},
    ]
    keys = read_key_set(_answer({"keys": [*odd, *good], "more": 1}), NOW).keys
    assert len(keys) == 3


def test_first_of_two_equal_ids_counts() -> None:
    """
    A second key under the same id and algorithm changes nothing.
    """
    first, second = FakeIssuer().published[0], FakeIssuer(first_key=1).published[0]
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    keys = read_key_set(_answer({"keys": [first, {**second, "kid": first["kid"]}]}), NOW).keys
    (key,) = keys.values()
    assert key.key.as_dict()["x"] == first["x"]


def test_empty_set_is_a_set() -> None:
    """
    An issuer that has withdrawn all its keys is believed.
    """
    assert read_key_set(_answer({"keys": []}), NOW).keys == {}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(_answer({"keys": []}, 404), "HTTP status 404", id="not found"),
        pytest.param(_answer({"keys": []}, 301), "HTTP status 301", id="moved"),
        pytest.param(_answer({"keys": []}, 206), "HTTP status 206", id="partial"),
        pytest.param(_answer(b""), "the answer is no JSON", id="empty"),
        pytest.param(_answer(b"<html>"), "the answer is no JSON", id="a page"),
        pytest.param(_answer(b"[" * 100_000), "the answer is no JSON", id="deep"),
        pytest.param(_answer(b"\xff\xfe\xfd"), "the answer is no JSON", id="no text"),
        pytest.param(_answer([]), "the answer is no JWK set", id="a list"),
        pytest.param(_answer({}), "the answer is no JWK set", id="no keys"),
        pytest.param(_answer({"keys": {}}), "the answer is no JWK set", id="keys are an object"),
    ],
)
def test_other_answers_are_no_key_set(answer: Answer, reason: str) -> None:
    """
    What is no key set is refused as a whole, so that the last good one stays.
    """
    with pytest.raises(ValueError, match=f"^{reason}$"):
        read_key_set(answer, NOW)
