"""
The discovery document says what is there, built from the endpoint alone.
"""

from watchword.protocol.metadata import JWKS_PATH, TOKEN_PATH, authorization_server_metadata
from watchword.protocol.names import Algorithm, GrantType


def test_document_is_true_of_an_m2m_server() -> None:
    """
    Every member, in the contract's order, and none that only sign-in would use (RFC 8414 §2).
    """
    document = authorization_server_metadata(
        "https://id.example.com",
        grants=[GrantType.CLIENT_CREDENTIALS],
        algorithms=[Algorithm.ES256, Algorithm.RS256],
    )
    assert list(document.items()) == [
        ("grant_types_supported", ["client_credentials"]),
        ("issuer", "https://id.example.com/oidc"),
        ("jwks_uri", "https://id.example.com" + JWKS_PATH),
        ("response_types_supported", []),
        ("subject_types_supported", ["public"]),
        ("token_endpoint_auth_methods_supported", ["client_secret_basic", "client_secret_post"]),
        ("token_endpoint", "https://id.example.com" + TOKEN_PATH),
        ("id_token_signing_alg_values_supported", ["ES256", "RS256"]),
        ("request_uri_parameter_supported", False),
    ]
