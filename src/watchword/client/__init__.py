"""
For callers of APIs: get an access token, keep it, renew it in time.

Owns the token request, the token cache and adapters for HTTP clients. Leaves to others: checking tokens
(`watchword.protect`), and what the token is used for.

    from watchword.client import TokenAuth, TokenSource

    source = TokenSource(
        endpoint="https://id.example.com",
        client_id=os.environ["CLIENT_ID"],
        client_secret=os.environ["CLIENT_SECRET"],
        resource="https://shopping.api",
        scope="read:products",
    )
    with httpx.Client(base_url="https://api.example.com", auth=TokenAuth(source)) as api:
        products = api.get("/products").json()
"""

from watchword.client.errors import (
    ClientError,
    InsecureEndpoint,
    ServerUnavailable,
    TokenRequestRefused,
    UnexpectedAnswer,
)
from watchword.client.exchange import Token
from watchword.client.token_auth import TokenAuth
from watchword.client.token_source import TokenSource

__all__ = [
    "ClientError",
    "InsecureEndpoint",
    "ServerUnavailable",
    "Token",
    "TokenAuth",
    "TokenRequestRefused",
    "TokenSource",
    "UnexpectedAnswer",
]
