"""
For owners of APIs: check the access tokens that callers bring.

Owns the verifier, the issuer's published keys (fetched, cached, renewed) and adapters for web frameworks.
Leaves to others: getting tokens (`watchword.client`), issuing them (`watchword.server`), and what a request
may do beyond its scopes.

    from watchword.protect import AccessDenied, Verifier

    verifier = Verifier(issuer="https://id.example.com/oidc", audience="https://shopping.api")
    try:
        token = verifier.verify_header([request.headers["Authorization"]], scopes="read:products")
    except AccessDenied as refusal:
        return refusal.status, refusal.headers, refusal.body

`watchword.protect.fastapi` and `watchword.protect.starlette` do the same for those frameworks.
"""

from watchword.protect.errors import (
    AccessDenied,
    CredentialsMalformed,
    CredentialsMissing,
    InsufficientScope,
    InvalidToken,
    KeysUnavailable,
)
from watchword.protect.verifier import Verifier
from watchword.protocol.access_token import AccessToken
from watchword.protocol.names import Algorithm

__all__ = [
    "AccessDenied",
    "AccessToken",
    "Algorithm",
    "CredentialsMalformed",
    "CredentialsMissing",
    "InsufficientScope",
    "InvalidToken",
    "KeysUnavailable",
    "Verifier",
]
