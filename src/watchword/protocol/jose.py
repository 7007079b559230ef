"""
Strict JOSE: JSON Web Keys, their thumbprints, and compact signatures with pinned algorithms.

A signature is checked by joserfc; everything a hostile token can play with is refused before that: other
serialisations, repeated members, unknown `crit`, algorithms that are not the key's own. Keys inside a token
(`jwk`, `jku`, `x5c`) are never looked at.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jwk, jws
from joserfc.errors import JoseError

from watchword.protocol.errors import InvalidToken
from watchword.protocol.names import ACCESS_TOKEN_TYPE, Algorithm

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
type_of_key = {Algorithm.ES256: "EC", Algorithm.ES384: "EC", Algorithm.RS256: "RSA"}
_CURVES: Mapping[Algorithm, Callable[[], ec.EllipticCurve]] = {
    Algorithm.ES256: ec.SECP256R1,
    Algorithm.ES384: ec.SECP384R1,
}
_RSA_BITS = 2048
_LONGEST_TOKEN = 16_384
# Header parameters that nothing here understands are ignored, as RFC 7515 §4 demands.
_REGISTRIES = {
    algorithm: jws.JWSRegistry(algorithms=[algorithm.value], strict_check_header=False) for algorithm in Algorithm
}
_PUBLIC_MEMBERS = frozenset({"kty", "crv", "x", "y", "n", "e"})
_BASE64URL = re.compile(r"[A-Za-z0-9_\-]+\Z")


def generate_private_key(algorithm: Algorithm) -> PrivateKey:
    """
    Make a fresh private key for an algorithm: P-256, P-384, or 2048-bit RSA (RFC 7518 §3.1).
    """
    if algorithm is Algorithm.RS256:
        return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    return ec.generate_private_key(_CURVES[algorithm]())


def serialize_private_key(key: PrivateKey) -> bytes:
    """
    Write a private key as PKCS #8 DER, unencrypted: for sealing, never for a file.
    """
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_private_key(der: bytes) -> PrivateKey:
    """
    Read what `serialize_private_key` wrote.

    Raises:
        ValueError: It is no private key of a kind that signs tokens.
    """
    key = serialization.load_der_private_key(der, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError("not an EC or RSA private key")  # noqa: TRY004 - a bad value, whatever its type
    return key


def public_jwk(key: PrivateKey, algorithm: Algorithm) -> dict[str, str]:
    """
    Return the public half as a JWK with `use`, `alg` and `kid`, the RFC 7638 thumbprint.

    Implements: RFC 7517 §4, RFC 7638 §3.
    """
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    public = jwk.RSAKey.import_key(pem) if algorithm is Algorithm.RS256 else jwk.ECKey.import_key(pem)
    members = {name: str(value) for name, value in public.as_dict(private=False).items() if name != "kid"}
    kty = members.pop("kty")
    return {"kty": kty, "use": "sig", "kid": public.thumbprint(), "alg": algorithm.value, **members}


@dataclass(frozen=True, slots=True)
class Signer:
    """
    Signs access tokens with one key. The protected header is always exactly `alg`, `typ`, `kid`.

    Attributes:
        kid: Key id that the header names.
    """

    kid: str
    algorithm: Algorithm
    key: PrivateKey
    header_segment: bytes

    @classmethod
    def of(cls, key: PrivateKey, algorithm: Algorithm, kid: str) -> "Signer":
        """
        Make a signer; the header segment is computed once, here.
        """
        header = {"alg": algorithm.value, "typ": ACCESS_TOKEN_TYPE, "kid": kid}
        segment = base64url(json.dumps(header, separators=(",", ":")).encode())
        return cls(kid, algorithm, key, segment)

    def sign(self, payload: bytes) -> str:
        """
        Return the compact serialisation of a JWS over these bytes.

        Implements: RFC 7515 §5.1, RFC 7518 §3.3, §3.4.
        """
        signing_input = self.header_segment + b"." + base64url(payload)
        return (signing_input + b"." + base64url(self._signature(signing_input))).decode("ascii")

    def _signature(self, data: bytes) -> bytes:
        # By the algorithm: to ask what kind of key it is goes through an abstract class, for each token.
        key: Any = self.key
        if self.algorithm is Algorithm.RS256:
            signature: bytes = key.sign(data, padding.PKCS1v15(), hashes.SHA256())
            return signature
        wide = self.algorithm is Algorithm.ES384
        r, s = decode_dss_signature(key.sign(data, _ECDSA_SHA384 if wide else _ECDSA_SHA256))
        size = 48 if wide else 32
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_ECDSA_SHA256 = ec.ECDSA(hashes.SHA256())
_ECDSA_SHA384 = ec.ECDSA(hashes.SHA384())


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """
    A published key: it checks signatures of its own algorithm and of no other (RFC 8725 §3.1).
    """

    kid: str
    algorithm: Algorithm
    key: jwk.Key

    @classmethod
    def of(cls, members: Mapping[str, object]) -> "VerificationKey":
        """
        Read one member of a JWK set.

        Raises:
            ValueError: It has no `kid`, no or another `alg`, another `use`, or no fitting key.

        Implements: RFC 7517 §4, RFC 7518 §3.3 (RSA keys have at least 2048 bits).
        """
        kid, algorithm = members.get("kid"), Algorithm(str(members.get("alg")))
        if not isinstance(kid, str) or not kid or members.get("use", "sig") != "sig":
            raise ValueError("not a signature key with a kid")
        if members.get("kty") != type_of_key[algorithm]:
            raise ValueError("the key type does not fit the algorithm")
        public = {name: value for name, value in members.items() if name in _PUBLIC_MEMBERS}
        if algorithm is Algorithm.RS256 and _bits(members.get("n")) < _RSA_BITS:
            raise ValueError("the RSA key is too short")
        try:
            key = jwk.import_key(public)  # type: ignore[arg-type]  # joserfc's TypedDict of each key type
        except (JoseError, KeyError, TypeError) as error:
            raise ValueError("not a usable public key") from error
        if algorithm in _CURVES and members.get("crv") != {"ES256": "P-256", "ES384": "P-384"}[algorithm]:
            raise ValueError("the curve does not fit the algorithm")
        return cls(kid, algorithm, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedToken:
    """
    A compact JWS whose header has been read and whose signature has not been checked.
    """

    compact: str
    kid: str
    algorithm: Algorithm
    typ: str | None


def read_token(compact: str) -> UnverifiedToken:
    """
    Read the header of a compact JWS.

    Raises:
        InvalidToken: It is no compact JWS, or its header has no `kid`, another algorithm, a `crit`, or
            repeated members.

    Implements: RFC 7515 §5.2, RFC 8725 §3.1, §3.10.
    """
    segments = compact.split(".") if len(compact) <= _LONGEST_TOKEN else []
    if len(segments) != 3 or not all(map(_BASE64URL.match, segments)):  # noqa: PLR2004
        raise _malformed("no compact JWS")
    header = _strict_object(segments[0])
    if "crit" in header:
        raise _malformed("crit is not supported")
    kid, algorithm = header.get("kid"), header.get("alg")
    if not isinstance(kid, str) or not isinstance(algorithm, str) or algorithm not in set(Algorithm):
        raise _malformed("no kid, or no allowed alg")
    typ = header.get("typ")
    return UnverifiedToken(
        compact=compact, kid=kid, algorithm=Algorithm(algorithm), typ=typ if isinstance(typ, str) else None
    )


def verify_signature(token: UnverifiedToken, key: VerificationKey) -> dict[str, object]:
    """
    Check a signature and return the claims.

    Raises:
        InvalidToken: The algorithm is not the key's, the signature is wrong, or the payload is no JSON
            object.

    Implements: RFC 7515 §5.2, RFC 8725 §3.1.
    """
    if token.algorithm is not key.algorithm:
        raise _wrong_signature("algorithm of another key")
    try:
        jws.deserialize_compact(token.compact, key.key, registry=_REGISTRIES[key.algorithm])
    except (JoseError, ValueError) as error:
        raise _wrong_signature(type(error).__name__) from None
    return _strict_object(token.compact.split(".")[1])


def base64url(data: bytes) -> bytes:
    """
    Encode without padding (RFC 7515 §2).
    """
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_URL_SAFE)


def _strict_object(segment: str) -> dict[str, object]:
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
        if base64url(raw) != segment.encode():  # stray bits behind the last byte: the same token, spelt anew
            raise ValueError("not canonical base64url")  # noqa: TRY301 - one place turns these into a refusal
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_repeats)
        if not isinstance(value, dict):
            raise TypeError("not an object")  # noqa: TRY301
    except (ValueError, TypeError, RecursionError) as error:
        raise _malformed(str(error)) from None
    return value


def _bits(modulus: object) -> int:
    if not isinstance(modulus, str) or _BASE64URL.match(modulus) is None:
        raise ValueError("not a usable public key")
    return int.from_bytes(base64.urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4)), "big").bit_length()


def _malformed(detail: str) -> InvalidToken:
    return InvalidToken("the access token is malformed", reason="malformed", detail=detail)


def _wrong_signature(detail: str) -> InvalidToken:
    return InvalidToken("the signature of the access token is wrong", reason="signature", detail=detail)


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members
