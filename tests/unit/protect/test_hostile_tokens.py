"""
Tokens that were made to get past a verifier, after CVE-2026-11800 and its kin.

Algorithm confusion, foreign keys, keys that tokens bring along, odd shapes.
"""

import hmac
import json
import time
from collections.abc import Callable, Mapping

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.unit.protect.issuer import AUDIENCE, ISSUER, SECONDS, FakeIssuer
from tests.unit.protocol.keys import private_key
from watchword.protect import AccessDenied, Algorithm, InvalidToken, Verifier
from watchword.protocol.jose import Signer, base64url, public_jwk

Sign = Callable[[bytes], bytes]
ALGORITHMS = [
    "none",
    "None",
    "",
    "HS256",
    "HS384",
    "HS512",
    "ES256",
    "ES384",
    "ES512",
    "ES256K",
    "RS256",
    "RS384",
]
ALGORITHMS += ["PS256", "PS384", "EdDSA", "Ed25519", "es256", "A128KW", "dir"]
ATTACKER = 7


def _hmac(secret: bytes, digest: str) -> Sign:
    return lambda data: hmac.digest(secret, data, digest)


def _own(algorithm: Algorithm, number: int) -> Sign:
    signer = Signer("", algorithm, private_key(algorithm, number), b"")
    return signer._signature


def _rsa_with(pad: padding.AsymmetricPadding, digest: hashes.HashAlgorithm) -> Sign:
    key = private_key(Algorithm.RS256)
    assert isinstance(key, rsa.RSAPrivateKey)
    return lambda data: key.sign(data, pad, digest)


def _signatures() -> Mapping[str, Sign]:
    made: dict[str, Sign] = {"empty": lambda _: b"\0", "zeros": lambda _: b"\0" * 64}
    for algorithm in Algorithm:
        made[f"good {algorithm}"] = _own(algorithm, 0)
        made[f"attacker's {algorithm}"] = _own(algorithm, ATTACKER)
        public = private_key(algorithm).public_key()
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        pem, der = (public.public_bytes(form, spki) for form in
                    (serialization.Encoding.PEM, serialization.Encoding.DER))  # fmt: skip
        members = public_jwk(private_key(algorithm), algorithm)
        secrets = {"PEM": pem, "PEM stripped": pem.strip(), "DER": der, "JWK": json.dumps(members).encode(),
                   "x or n": members.get("x", members.get("n", "")).encode()}  # fmt: skip
        for spelling, secret in secrets.items():
            made[f"HMAC over the {spelling} of {algorithm}"] = _hmac(secret, "sha256")
    made["HMAC over nothing"] = _hmac(b"", "sha256")
    made["PSS"] = _rsa_with(padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    made["PKCS 1 with SHA-384"] = _rsa_with(padding.PKCS1v15(), hashes.SHA384())
    made["PKCS 1 with SHA-1"] = _rsa_with(padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - hostile on purpose
    return made


def _token(issuer: FakeIssuer, header: Mapping[str, object], sign: Sign) -> str:
    claims = json.dumps(issuer.claims()).encode()
    signing_input = base64url(json.dumps(header).encode()) + b"." + base64url(claims)
    return (signing_input + b"." + base64url(sign(signing_input))).decode()


@pytest.fixture(scope="module")
def asked() -> tuple[FakeIssuer, Verifier]:
    """
    Return an issuer and a verifier that already knows its keys.
    """
    issuer = FakeIssuer()
    verifier = issuer.verifier()
    verifier.verify(issuer.token())
    return issuer, verifier


@pytest.mark.parametrize("alg", ALGORITHMS)
@pytest.mark.parametrize(("how", "sign"), _signatures().items(), ids=_signatures())
def test_only_the_right_key_with_its_algorithm_passes(
    asked: tuple[FakeIssuer, Verifier], alg: str, how: str, sign: Sign
) -> None:
    """
    Of every algorithm, every key id and every way to sign, only what the issuer itself does passes.
    """
    issuer, verifier = asked
    attackers = public_jwk(private_key(Algorithm.ES256, ATTACKER), Algorithm.ES256)["kid"]
    for kid in [*(issuer.kid(algorithm) for algorithm in Algorithm), attackers, "", "../../dev/null", "0"]:
        compact = _token(issuer, {"alg": alg, "typ": "at+jwt", "kid": kid}, sign)
        if how == f"good {alg}" and kid == issuer.kid(Algorithm(alg)):
            assert verifier.verify(compact).client_id == "app"
        else:
            with pytest.raises(InvalidToken):
                verifier.verify(compact)
    assert len(issuer.requests) == 1


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(lambda jwk: {"jwk": jwk}, id="jwk"),
        pytest.param(lambda jwk: {"jwk": jwk, "kid": jwk["kid"]}, id="jwk with its own kid"),
        pytest.param(lambda _: {"jku": "https://attacker.example/jwks"}, id="jku"),
        pytest.param(lambda _: {"x5u": "https://attacker.example/chain"}, id="x5u"),
        pytest.param(lambda _: {"x5c": ["MIIB"]}, id="x5c"),
        pytest.param(lambda _: {"iss": "https://attacker.example/oidc"}, id="iss in the header"),
    ],
)
def test_keys_that_a_token_brings_along_are_ignored(
    issuer: FakeIssuer, verifier: Verifier, extra: Callable[[dict[str, str]], dict[str, object]]
) -> None:
    """
    A token that brings the attacker's key along is refused, and nobody else is asked for keys.
    """
    key = private_key(Algorithm.ES256, ATTACKER)
    header = extra(public_jwk(key, Algorithm.ES256))
    with pytest.raises(InvalidToken) as caught:
        verifier.verify(issuer.token(key=key, header=header))
    assert caught.value.reason in {"signature", "unknown_key"}
    assert {str(request.url) for request in issuer.requests} == {f"{ISSUER}/jwks"}


@pytest.mark.parametrize(
    ("changed", "header", "reason"),
    [
        pytest.param({"iss": "https://other.example/oidc"}, {}, "claim", id="our key, their issuer"),
        pytest.param({"iss": [ISSUER]}, {}, "claim", id="issuer as a list"),
        pytest.param({"aud": "https://other.api"}, {}, "claim", id="another API"),
        pytest.param({"aud": ...}, {}, "claim", id="no audience"),
        pytest.param({"aud": f"{AUDIENCE} https://other.api"}, {}, "claim", id="audiences in one text"),
        pytest.param({"exp": SECONDS}, {}, "expired", id="expired at this very second"),
        pytest.param({"exp": ...}, {}, "claim", id="never expires"),
        pytest.param({"exp": str(SECONDS + 60)}, {}, "claim", id="expiry as a text"),
        pytest.param({"nbf": SECONDS + 1}, {}, "claim", id="not valid yet"),
        pytest.param({"iat": SECONDS + 11}, {}, "claim", id="issued in the future"),
        pytest.param({"client_id": ...}, {}, "claim", id="no client"),
        pytest.param({}, {"crit": ["exp"]}, "malformed", id="crit"),
        pytest.param({}, {"b64": False, "crit": ["b64"]}, "malformed", id="unencoded payload"),
        pytest.param({}, {"b64": False}, "signature", id="unencoded payload that is not critical"),
        pytest.param({}, {"typ": ...}, "claim", id="no type"),
        pytest.param({}, {"typ": "JWT"}, "claim", id="any JWT"),
        pytest.param({}, {"typ": "logout+jwt"}, "claim", id="another kind of JWT"),
        pytest.param({}, {"kid": ...}, "malformed", id="no kid"),
        pytest.param({}, {"kid": ["a"]}, "malformed", id="kid is a list"),
        pytest.param({"pad": "x" * 20_000}, {}, "malformed", id="huge"),
    ],
)
def test_token_of_a_good_key_is_still_checked(
    issuer: FakeIssuer,
    verifier: Verifier,
    changed: dict[str, object],
    header: dict[str, object],
    reason: str,
) -> None:
    """
    A good signature does not make up for a wrong header or claim.
    """
    with pytest.raises(InvalidToken) as caught:
        verifier.verify(issuer.token(header=header, claims=changed))
    assert caught.value.reason == reason


def test_tokens_of_another_issuer_are_refused(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    Whatever combination of key, key id and `iss` another issuer tries, it stays another issuer.
    """
    other = FakeIssuer("https://other.example/oidc", first_key=ATTACKER)
    for kid in (other.kid(), issuer.kid()):
        for iss in (other.issuer, issuer.issuer):
            with pytest.raises(InvalidToken):
                verifier.verify(other.token(header={"kid": kid}, iss=iss))


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param('{{"aud":"https://other.api",{rest}}}', id="aud twice, theirs first"),
        pytest.param('{{{rest},"aud":"https://other.api"}}', id="aud twice, theirs last"),
        pytest.param('{{"scope":"all",{rest}}}', id="scope twice"),
    ],
)
def test_repeated_claims_are_refused(issuer: FakeIssuer, verifier: Verifier, payload: str) -> None:
    """
    A claim that stands twice is refused whichever one is right (RFC 7519 §4).
    """
    rest = json.dumps(issuer.claims())[1:-1]
    signer = Signer.of(issuer.keys[Algorithm.ES256], Algorithm.ES256, issuer.kid())
    with pytest.raises(InvalidToken) as caught:
        verifier.verify(signer.sign(payload.format(rest=rest).encode()))
    assert caught.value.reason == "malformed"


def test_every_flipped_character_is_noticed(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    No single character of a token can be changed, dropped or doubled.
    """
    compact = issuer.token()
    for place, character in enumerate(compact):
        other = "A" if character != "A" else "B"
        for hostile in (other, "", character * 2):
            with pytest.raises(InvalidToken):
                verifier.verify(compact[:place] + hostile + compact[place + 1 :])


@pytest.mark.parametrize(
    "compact",
    [
        pytest.param("", id="empty"),
        pytest.param("." * 5_000_000, id="five million dots"),
        pytest.param("A" * 5_000_000, id="five million letters"),
        pytest.param("é.é.é", id="outside ASCII"),
        pytest.param("\0.\0.\0", id="NUL"),
        pytest.param("\ud800.a.b", id="lone surrogate"),
    ],
)
def test_huge_and_odd_texts_are_refused_at_once(verifier: Verifier, issuer: FakeIssuer, compact: str) -> None:
    """
    What is far from a token costs next to nothing, and no fetch.
    """
    began = time.perf_counter()
    with pytest.raises(AccessDenied):
        verifier.verify(compact)
    assert time.perf_counter() - began < 1
    assert issuer.requests == []
