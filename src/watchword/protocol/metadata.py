"""
Authorization server metadata: what discovery says, and nothing that is not there.

Implements: RFC 8414 §2, OpenID Connect Discovery 1.0 §3.
"""

from collections.abc import Iterable

from watchword.protocol.names import Algorithm, ClientAuthMethod, GrantType

TOKEN_PATH = "/oidc/token"
JWKS_PATH = "/oidc/jwks"
OPENID_CONFIGURATION_PATH = "/oidc/.well-known/openid-configuration"
# RFC 8414 §3 puts the issuer's path behind the well-known prefix; the second is where Logto serves the same.
METADATA_PATHS = (
    "/.well-known/oauth-authorization-server/oidc",
    "/oidc/.well-known/oauth-authorization-server",
)


def authorization_server_metadata(
    endpoint: str, *, grants: Iterable[GrantType], algorithms: Iterable[Algorithm]
) -> dict[str, object]:
    """
    Describe an authorization server.

    Args:
        endpoint: Its public base URL, without a trailing slash.
        grants: The grant types that it issues tokens for.
        algorithms: Those that its published keys sign with.
    """
    return {
        "grant_types_supported": [grant.value for grant in grants],
        "issuer": f"{endpoint}/oidc",
        "jwks_uri": endpoint + JWKS_PATH,
        # RFC 8414 §2 requires the member; no response type exists here, since nobody signs in.
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": [ClientAuthMethod.BASIC.value, ClientAuthMethod.POST.value],
        "token_endpoint": endpoint + TOKEN_PATH,
        "id_token_signing_alg_values_supported": [algorithm.value for algorithm in algorithms],
        "request_uri_parameter_supported": False,
    }
