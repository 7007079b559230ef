"""
Keys for these tests, each made once: RSA keys take their time.
"""

from functools import cache

from watchword.protocol.jose import PrivateKey, Signer, VerificationKey, generate_private_key, public_jwk
from watchword.protocol.names import Algorithm


def private_key(algorithm: Algorithm, number: int = 0) -> PrivateKey:
    """
    Return one of the test keys for an algorithm.
    """
    return _made(algorithm, number)


@cache
def _made(algorithm: Algorithm, number: int) -> PrivateKey:
    return generate_private_key(algorithm)


def signer(algorithm: Algorithm, number: int = 0) -> Signer:
    """
    Return a signer whose `kid` is the key's thumbprint.
    """
    key = private_key(algorithm, number)
    return Signer.of(key, algorithm, public_jwk(key, algorithm)["kid"])


def verification_key(algorithm: Algorithm, number: int = 0) -> VerificationKey:
    """
    Return the public half of a test key, as read from its JWK.
    """
    return VerificationKey.of(public_jwk(private_key(algorithm, number), algorithm))
