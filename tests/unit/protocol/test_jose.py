"""
Signatures and keys: round trips, the RFCs' own vectors, and everything that must not pass.
"""

import base64
import json
from collections.abc import Mapping

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.protocol.keys import private_key, signer, verification_key
from watchword.protocol.errors import InvalidToken
from watchword.protocol.jose import (
    Signer,
    UnverifiedToken,
    VerificationKey,
    base64url,
    generate_private_key,
    load_private_key,
    public_jwk,
    read_token,
    serialize_private_key,
    verify_signature,
)
from watchword.protocol.names import Algorithm

quickly = settings(deadline=None, max_examples=100)
algorithms = pytest.mark.parametrize("algorithm", list(Algorithm))
# RFC 7517 Appendix A.1 and A.2, which is the key of RFC 7638 §3.1 too.
RFC_7638_N = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
    "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
    "kEgU8awapJzKnqDKgw"
)
RFC_7517_D = (
    "X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknchnrRweUkC7hT5fJLM0WbFAKNLWY2vv7B6NqXSzUvxT"
    "0_YSfqijwp3RTzlBaCxWp4doFk5N2o8Gy_nHNKroADIkJ46pRUohsXywbReAdYaMwFs9tv8d_cPVY3i07a3t8MN6TNwm0dSawm9v47UiCl3S"
    "k5ZiG7xojPLu4sbg1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk19Z4qwjwbsnn4j2WBii3RL-Us2lGVkY8fkFzme1z0HbIkfz0Y6mq"
    "nOYtqc0X4jfcKoAC8Q"
)
RFC_7515_A3_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
RFC_7515_A3_TOKEN = (
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
# A key of the reference server, as recorded.
RECORDED_KEY = {
    "kty": "EC",
    "use": "sig",
    "kid": "vHxgCUeOvZHANg-m8r853sosHJPhe3p9aXtCxHnakmw",
    "alg": "ES384",
    "crv": "P-384",
    "x": "4Vq8br93gpK3vPX1SWKuicjdWKSgmhr6ukOhyjJgyr6HGEZpAES9f23CFjMTxB6S",
    "y": "CbgF8ta48WI3L9PwIFru-2uMc68DjEOQNqHgf1ISPu6OvZGb9p9ujAOB9Gkb0ONC",
}


def number(text: str) -> int:
    """
    Read a base64url-encoded number.
    """
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def text_of(value: int, size: int | None = None) -> str:
    """
    Write a number as base64url, in a given number of bytes or as few as it needs.
    """
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big")).decode()


def segment(value: object) -> str:
    """
    Write a value as a segment of a token.
    """
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64url(raw).decode()


def sign_with_header(header: Mapping[str, object] | bytes, payload: bytes = b"{}") -> str:
    """
    Sign with the ES256 test key under any header.
    """
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    key = private_key(Algorithm.ES256)
    return Signer("", Algorithm.ES256, key, base64url(raw)).sign(payload)


@algorithms
def test_signature_round_trips(algorithm: Algorithm) -> None:
    """
    What was signed verifies with the published key and gives the claims back.
    """
    made = signer(algorithm)
    token = read_token(made.sign(b'{"sub":"a"}'))
    assert (token.kid, token.algorithm, token.typ) == (made.kid, algorithm, "at+jwt")
    assert verify_signature(token, verification_key(algorithm)) == {"sub": "a"}


@algorithms
def test_others_verify_our_signatures(algorithm: Algorithm) -> None:
    """
    PyJWT, which shares no code with us, accepts our tokens and our keys.
    """
    members = public_jwk(private_key(algorithm), algorithm)
    compact = signer(algorithm).sign(b'{"sub":"a"}')
    assert jwt.decode(compact, jwt.PyJWK(members), algorithms=[algorithm.value]) == {"sub": "a"}
    assert jwt.get_unverified_header(compact) == {"alg": algorithm, "typ": "at+jwt", "kid": members["kid"]}


@quickly
@given(st.dictionaries(st.text(), st.text() | st.integers() | st.booleans() | st.none()))
def test_any_claims_round_trip(claims: dict[str, object]) -> None:
    """
    Claims of every shape come back as they were signed.
    """
    compact = signer(Algorithm.ES256).sign(json.dumps(claims).encode())
    assert verify_signature(read_token(compact), verification_key(Algorithm.ES256)) == claims


@algorithms
def test_private_key_round_trips(algorithm: Algorithm) -> None:
    """
    A key that was written for sealing is the same key when it is read.
    """
    key = private_key(algorithm)
    loaded = load_private_key(serialize_private_key(key))
    assert public_jwk(loaded, algorithm) == public_jwk(key, algorithm)


def test_other_kinds_of_private_key_are_refused() -> None:
    """
    Only keys that sign our tokens are loaded.
    """
    with pytest.raises(ValueError, match="not an EC or RSA private key"):
        load_private_key(_der(ed25519.Ed25519PrivateKey.generate()))
    with pytest.raises(ValueError, match=r".+"):
        load_private_key(b"rubbish")


@algorithms
def test_published_key_holds_no_private_member(algorithm: Algorithm) -> None:
    """
    A published key has the contract's members in the contract's order, and none of the private ones (RFC 7517 §4).
    """
    members = public_jwk(private_key(algorithm), algorithm)
    rest = ["n", "e"] if algorithm is Algorithm.RS256 else ["crv", "x", "y"]
    assert list(members)[:4] == ["kty", "use", "kid", "alg"]
    assert sorted(list(members)[4:]) == sorted(rest)
    assert (members["use"], members["alg"]) == ("sig", algorithm.value)


def test_generated_keys_are_of_their_algorithm() -> None:
    """
    ES256 signs on P-256, ES384 on P-384, RS256 with 2048 bits (RFC 7518 §3.3, §3.4).
    """
    assert public_jwk(private_key(Algorithm.ES256), Algorithm.ES256)["crv"] == "P-256"
    assert public_jwk(private_key(Algorithm.ES384), Algorithm.ES384)["crv"] == "P-384"
    assert number(public_jwk(private_key(Algorithm.RS256), Algorithm.RS256)["n"]).bit_length() == 2048
    assert serialize_private_key(generate_private_key(Algorithm.ES256)) != serialize_private_key(
        private_key(Algorithm.ES256)
    )


def test_thumbprint_of_rfc_7638() -> None:
    """
    The key id is the thumbprint that RFC 7638 §3.1 computes for this very key.
    """
    n, e, d = number(RFC_7638_N), 65537, number(RFC_7517_D)
    p, q = rsa.rsa_recover_prime_factors(n, e, d)
    key = rsa.RSAPrivateNumbers(
        p,
        q,
        d,
        rsa.rsa_crt_dmp1(d, p),
        rsa.rsa_crt_dmq1(d, q),
        rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(e, n),
    ).private_key()
    members = public_jwk(key, Algorithm.RS256)
    assert members["kid"] == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert (members["n"], members["e"]) == (RFC_7638_N, "AQAB")


def test_signature_of_rfc_7515() -> None:
    """
    The ES256 example of RFC 7515 Appendix A.3 verifies, and not with one bit changed.
    """
    key = VerificationKey.of({**RFC_7515_A3_KEY, "kid": "a3", "alg": "ES256"})
    token = UnverifiedToken(compact=RFC_7515_A3_TOKEN, kid="a3", algorithm=Algorithm.ES256, typ=None)
    assert verify_signature(token, key) == {
        "iss": "joe",
        "exp": 1300819380,
        "http://example.com/is_root": True,
    }
    changed = RFC_7515_A3_TOKEN.replace(".DtEh", ".EtEh")
    with pytest.raises(InvalidToken) as caught:
        verify_signature(UnverifiedToken(compact=changed, kid="a3", algorithm=Algorithm.ES256, typ=None), key)
    assert caught.value.reason == "signature"


def test_short_coordinates_keep_their_zeros() -> None:
    """
    A coordinate is written in the curve's full length even where it begins with zeros (RFC 7518 §6.2.1.2).
    """
    key = ec.derive_private_key(43, ec.SECP256R1())  # a point with a coordinate below 2^248
    members = public_jwk(key, Algorithm.ES256)
    assert {len(members["x"]), len(members["y"])} == {43}
    assert min(number(members["x"]), number(members["y"])).bit_length() <= 248
    assert VerificationKey.of(members).kid == members["kid"]


def test_recorded_key_of_the_reference_is_read() -> None:
    """
    A key set written for the reference server works with our verifier.
    """
    key = VerificationKey.of(RECORDED_KEY)
    assert (key.kid, key.algorithm) == (RECORDED_KEY["kid"], Algorithm.ES384)


def _ec_members(**changed: object) -> dict[str, object]:
    return {**public_jwk(private_key(Algorithm.ES256), Algorithm.ES256), **changed}


def _rsa_members(**changed: object) -> dict[str, object]:
    return {**public_jwk(private_key(Algorithm.RS256), Algorithm.RS256), **changed}


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({}, id="empty"),
        pytest.param(_ec_members(kid=""), id="empty kid"),
        pytest.param(_ec_members(kid=7), id="kid is no text"),
        pytest.param(_ec_members(kid=None), id="no kid"),
        pytest.param(_ec_members(alg=None), id="no alg"),
        pytest.param(_ec_members(alg="ES512"), id="another alg"),
        pytest.param(_ec_members(alg="none"), id="alg none"),
        pytest.param(_ec_members(alg="HS256"), id="a symmetric alg"),
        pytest.param(_ec_members(use="enc"), id="another use"),
        pytest.param(_ec_members(alg="RS256"), id="alg of another key type"),
        pytest.param(_ec_members(alg="ES384"), id="alg of another curve"),
        pytest.param({"kty": "oct", "k": "AAAA", "kid": "x", "alg": "ES256"}, id="symmetric key"),
        pytest.param(_ec_members(kty=5), id="kty is no text"),
        pytest.param(_ec_members(crv="P-999"), id="unknown curve"),
        pytest.param(_ec_members(crv=5), id="curve is no text"),
        pytest.param(_ec_members(x=_ec_members()["y"]), id="point not on the curve"),
        pytest.param(_ec_members(x="é"), id="x is no base64url"),
        pytest.param(_ec_members(x=5), id="x is no text"),
        pytest.param(_ec_members(x=None), id="x is null"),
        pytest.param({name: value for name, value in _ec_members().items() if name != "y"}, id="no y"),
        pytest.param(_rsa_members(e="AQ"), id="exponent 1"),
        pytest.param(_rsa_members(e=5), id="exponent is no text"),
        pytest.param(_rsa_members(n="AQAB"), id="tiny modulus"),
        pytest.param(_rsa_members(n=text_of(2**1023 + 1)), id="1024 bits"),
        pytest.param(_rsa_members(n=text_of(2**1023 + 1, 256)), id="1024 bits and zeros"),
        pytest.param(_rsa_members(n=None), id="no modulus"),
        pytest.param(_rsa_members(n="A"), id="modulus is no base64url"),
        pytest.param(_rsa_members(n="*" * 342), id="modulus has other characters"),
    ],
)
def test_unusable_key_is_a_value_error(members: dict[str, object]) -> None:
    """
    A published key that can't check one of our algorithms is refused when it is read, not when it is used.
    """
    with pytest.raises(ValueError, match=r"^"):
        VerificationKey.of(members)


def test_private_members_of_a_published_key_are_ignored() -> None:
    """
    A key that somebody published with its private half is read as the public key that it also is.
    """
    d = text_of(private_key(Algorithm.ES256).private_numbers().private_value)  # type: ignore[union-attr]  # EC
    key = VerificationKey.of(_ec_members(d=d, key_ops=["verify"], x5c=["AA"]))
    assert not key.key.is_private


@quickly
@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"]),
        st.text(max_size=50)
        | st.sampled_from(["EC", "RSA", "oct", "ES256", "RS256", "P-256", "sig", "AQAB", RFC_7638_N])
        | st.none()
        | st.integers()
        | st.lists(st.text(max_size=3), max_size=2),
    )
)
def test_no_member_crashes_the_key_reader(members: dict[str, object]) -> None:
    """
    Whatever an issuer publishes, it is a key or a `ValueError`.
    """
    try:
        key = VerificationKey.of(members)
    except ValueError:
        return
    assert key.kid == members["kid"]


GOOD = {"alg": "ES256", "typ": "at+jwt", "kid": "k"}


@pytest.mark.parametrize(
    "compact",
    [
        pytest.param("", id="empty"),
        pytest.param("a", id="one part"),
        pytest.param("a.b", id="two parts"),
        pytest.param("..", id="three empty parts"),
        pytest.param("e30.e30.", id="no signature"),
        pytest.param("a.b.c.d.e", id="five parts, as of an encrypted token"),
        pytest.param(f"{segment(GOOD)}.e30.AAAA ", id="trailing blank"),
        pytest.param(f"{segment(GOOD)}.e30.AAAA\n", id="trailing newline"),
        pytest.param(f"{segment(GOOD)}=.e30.AAAA", id="padding"),
        pytest.param(f"{segment(GOOD)}.e30.AA+/", id="the other base64 alphabet"),
        pytest.param(f"{segment(GOOD)}.e30.é", id="outside ASCII"),
        pytest.param(f"{segment(GOOD)}.{'A' * 16_384}.AAAA", id="over 16 KiB"),
        pytest.param("." * 1_000_000, id="a million dots"),
        pytest.param(f"{segment(b'rubbish')}.e30.AAAA", id="header is no JSON"),
        pytest.param(f"{segment([])}.e30.AAAA", id="header is no object"),
        pytest.param(f"{segment(b'[' * 9_000)}.e30.AAAA", id="deep header"),
        pytest.param(f"{segment(bytes([0xFF]))}.e30.AAAA", id="header is no UTF-8"),
        pytest.param(f"{segment({**GOOD, 'alg': 'none'})}.e30.AAAA", id="alg none"),
        pytest.param(f"{segment({**GOOD, 'alg': 'None'})}.e30.AAAA", id="alg None"),
        pytest.param(f"{segment({**GOOD, 'alg': 'HS256'})}.e30.AAAA", id="alg HS256"),
        pytest.param(f"{segment({**GOOD, 'alg': 'PS256'})}.e30.AAAA", id="alg PS256"),
        pytest.param(f"{segment({**GOOD, 'alg': 'es256'})}.e30.AAAA", id="alg in lower case"),
        pytest.param(f"{segment({**GOOD, 'alg': ['ES256']})}.e30.AAAA", id="alg is a list"),
        pytest.param(f"{segment({**GOOD, 'alg': None})}.e30.AAAA", id="alg is null"),
        pytest.param(f"{segment({'typ': 'at+jwt', 'kid': 'k'})}.e30.AAAA", id="no alg"),
        pytest.param(f"{segment({'alg': 'ES256'})}.e30.AAAA", id="no kid"),
        pytest.param(f"{segment({**GOOD, 'kid': 5})}.e30.AAAA", id="kid is no text"),
        pytest.param(f"{segment({**GOOD, 'crit': ['exp']})}.e30.AAAA", id="crit"),
        pytest.param(f"{segment({**GOOD, 'crit': []})}.e30.AAAA", id="empty crit"),
        pytest.param(segment(b'{"alg":"none","alg":"ES256","kid":"k"}') + ".e30.AAAA", id="alg twice"),
    ],
)
def test_malformed_token_is_refused_before_any_key_is_sought(compact: str) -> None:
    """
    What is no compact JWS of an allowed algorithm is malformed, whatever its signature.
    """
    with pytest.raises(InvalidToken) as caught:
        read_token(compact)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("blanks", [0, 1, 2])
def test_header_has_one_spelling(blanks: int) -> None:
    """
    Bits behind the last byte of a header are zero: the same header in other characters is refused (RFC 4648 §3.5).
    """
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    header = segment(json.dumps(GOOD).encode() + b" " * blanks)
    assert read_token(f"{header}.e30.AAAA").kid == "k"
    if len(header) % 4:
        other = header[:-1] + alphabet[alphabet.index(header[-1]) + 1]
        with pytest.raises(InvalidToken) as caught:
            read_token(f"{other}.e30.AAAA")
        assert caught.value.detail == "not canonical base64url"


@quickly
@given(st.text(max_size=300) | st.lists(st.binary(max_size=60).map(segment)).map(".".join))
def test_no_token_crashes_the_reader(compact: str) -> None:
    """
    Whatever is presented, it is read or it is an `InvalidToken`.
    """
    try:
        token = read_token(compact)
    except InvalidToken:
        return
    assert token.algorithm in Algorithm


@pytest.mark.parametrize("typ", [pytest.param(5, id="number"), pytest.param(None, id="null")])
def test_odd_typ_is_no_typ(typ: object) -> None:
    """
    A `typ` that is no text counts as absent.
    """
    assert read_token(sign_with_header({**GOOD, "typ": typ})).typ is None


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"odd": {"a": 1}}, id="unknown parameter"),
        pytest.param({"jwk": RFC_7515_A3_KEY}, id="embedded key"),
        pytest.param({"jku": "https://attacker.example/jwks"}, id="key set elsewhere"),
        pytest.param({"x5u": "https://attacker.example/chain"}, id="certificate elsewhere"),
        pytest.param({"x5c": ["AAAA"]}, id="embedded certificate"),
    ],
)
def test_keys_in_the_header_change_nothing(extra: dict[str, object]) -> None:
    """
    A token is checked with the key that was given, whatever its header brings along (RFC 8725 §3.10, RFC 7515 §4).
    """
    token = read_token(sign_with_header({**GOOD, **extra}))
    assert verify_signature(token, verification_key(Algorithm.ES256)) == {}
    with pytest.raises(InvalidToken):
        verify_signature(token, verification_key(Algorithm.ES256, 1))


def test_key_in_the_header_does_not_check_its_own_token() -> None:
    """
    A token that brings its own key along is still checked with the published one only.
    """
    own = private_key(Algorithm.ES256, 2)
    header = {**GOOD, "jwk": public_jwk(own, Algorithm.ES256)}
    forged = Signer("", Algorithm.ES256, own, base64url(json.dumps(header).encode())).sign(b"{}")
    with pytest.raises(InvalidToken) as caught:
        verify_signature(read_token(forged), verification_key(Algorithm.ES256))
    assert caught.value.reason == "signature"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        pytest.param(b"[]", "malformed", id="no object"),
        pytest.param(b"rubbish", "malformed", id="no JSON"),
        pytest.param(b'{"sub":"a","sub":"b"}', "malformed", id="claim twice"),
        pytest.param(b'{"a":{"b":1,"b":2}}', "malformed", id="inner member twice"),
        pytest.param(b"\xff", "malformed", id="no UTF-8"),
        pytest.param(b"[" * 9_000, "malformed", id="deep JSON"),
    ],
)
def test_signed_rubbish_is_refused(payload: bytes, reason: str) -> None:
    """
    A good signature over what are no claims does not make them claims (RFC 7519 §4).
    """
    token = read_token(signer(Algorithm.ES256).sign(payload))
    with pytest.raises(InvalidToken) as caught:
        verify_signature(token, verification_key(Algorithm.ES256))
    assert caught.value.reason == reason


@pytest.mark.parametrize("signed_with", list(Algorithm))
@pytest.mark.parametrize("checked_with", list(Algorithm))
@pytest.mark.parametrize("other_key", [False, True])
def test_only_the_very_key_verifies(signed_with: Algorithm, checked_with: Algorithm, other_key: bool) -> None:
    """
    Of all keys of all algorithms, the one that signed is the only one that verifies.
    """
    token = read_token(signer(signed_with).sign(b"{}"))
    key = verification_key(checked_with, int(other_key))
    if signed_with is checked_with and not other_key:
        assert verify_signature(token, key) == {}
        return
    with pytest.raises(InvalidToken) as caught:
        verify_signature(token, key)
    assert caught.value.reason == "signature"
    assert (caught.value.detail == "algorithm of another key") is (signed_with is not checked_with)


@algorithms
def test_algorithm_in_the_header_is_bound_to_the_key(algorithm: Algorithm) -> None:
    """
    A header that claims the key's algorithm over another one's signature does not verify.
    """
    key = verification_key(algorithm)
    for other in set(Algorithm) - {algorithm}:
        header = base64url(json.dumps({**GOOD, "alg": algorithm.value}).encode())
        forged = Signer("", other, private_key(other), header).sign(b"{}")
        with pytest.raises(InvalidToken) as caught:
            verify_signature(read_token(forged), key)
        assert caught.value.reason == "signature"


@algorithms
def test_every_changed_character_is_noticed(algorithm: Algorithm) -> None:
    """
    No character of a token can be flipped: not in the header, not in the claims, not in the signature's last bits.
    """
    compact = signer(algorithm).sign(b'{"sub":"a"}')
    key = verification_key(algorithm)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    for place, character in enumerate(compact):
        tail = place == len(compact) - 1
        for other in alphabet if tail else (alphabet[(alphabet.index(character) + 1) % 64],):
            if other == character:
                continue
            with pytest.raises(InvalidToken):
                verify_signature(read_token(compact[:place] + other + compact[place + 1 :]), key)


@algorithms
def test_every_cut_or_longer_token_is_noticed(algorithm: Algorithm) -> None:
    """
    No token verifies cut short at either end, or made longer.
    """
    compact = signer(algorithm).sign(b"{}")
    key = verification_key(algorithm)
    for size in range(1, len(compact)):
        for cut in (compact[:-size], compact[size:]):
            with pytest.raises(InvalidToken):
                verify_signature(read_token(cut), key)
    for longer in (
        compact + "A",
        compact + "AA",
        compact + "AAAA",
        "A" + compact,
        compact + ".",
        compact + "==",
    ):
        with pytest.raises(InvalidToken):
            verify_signature(read_token(longer), key)


def test_der_signature_is_refused() -> None:
    """
    An ECDSA signature is R and S side by side; the DER form is none (RFC 7518 §3.4).
    """
    compact = signer(Algorithm.ES256).sign(b"{}")
    head, payload, signature = compact.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    parts = [b"\x02" + bytes([len(part) + 1]) + b"\0" + part for part in (raw[:32], raw[32:])]
    der = b"\x30" + bytes([len(b"".join(parts))]) + b"".join(parts)
    with pytest.raises(InvalidToken):
        verify_signature(read_token(f"{head}.{payload}.{base64url(der).decode()}"), verification_key(Algorithm.ES256))


@pytest.mark.parametrize("signature", [b"\0" * 64, b"\xff" * 64, b"\0" * 32 + b"\x01" * 32])
def test_degenerate_signature_is_refused(signature: bytes) -> None:
    """
    Zero and over-large R or S verify nothing (CVE-2022-21449).
    """
    head, payload, _ = signer(Algorithm.ES256).sign(b"{}").split(".")
    with pytest.raises(InvalidToken):
        verify_signature(
            read_token(f"{head}.{payload}.{base64url(signature).decode()}"), verification_key(Algorithm.ES256)
        )


def _der(key: ed25519.Ed25519PrivateKey) -> bytes:
    return serialize_private_key(key)  # type: ignore[arg-type]  # a key of a kind that we do not sign with
