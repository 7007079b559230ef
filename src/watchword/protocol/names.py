"""
Protocol words, each in one place and spelt as its RFC spells it.
"""

from enum import StrEnum


class GrantType(StrEnum):
    """
    Ways to obtain a token that a token request may name (RFC 6749 §4, RFC 8628 §3.4, RFC 8693 §2.1).
    """

    CLIENT_CREDENTIALS = "client_credentials"
    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


class ClientAuthMethod(StrEnum):
    """
    How a client proves who it is (RFC 7591 §2).
    """

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"


class Algorithm(StrEnum):
    """
    Signature algorithms that access tokens are signed with (RFC 7518 §3.1).
    """

    ES256 = "ES256"
    ES384 = "ES384"
    RS256 = "RS256"


ACCESS_TOKEN_TYPE = "at+jwt"  # the `typ` header of RFC 9068 §2.1
BEARER = "Bearer"
JWT_BEARER_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
