"""
What the quick start is about, and where everything is in this run.
"""

from dataclasses import dataclass

from watchword.protocol.metadata import JWKS_PATH, TOKEN_PATH
from watchword.server.domain.names import DEFAULT_TENANT, management_indicator

HOST = "127.0.0.1"
SHOPPING = "https://shopping.api"
READ, WRITE = "read:products", "write:products"
MANAGEMENT = management_indicator(DEFAULT_TENANT)


def local_url(port: int) -> str:
    """
    Return the base URL of what listens on a port of this machine.
    """
    return f"http://{HOST}:{port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """
    Base URLs of the authorization server and of the products API, and what follows from them.
    """

    endpoint: str
    api: str

    @property
    def issuer(self) -> str:
        """
        The `iss` of every token.
        """
        return f"{self.endpoint}/oidc"

    @property
    def token_endpoint(self) -> str:
        """
        Where tokens are asked for.
        """
        return self.endpoint + TOKEN_PATH

    @property
    def jwks_uri(self) -> str:
        """
        Where the keys are that check tokens.
        """
        return self.endpoint + JWKS_PATH

    @property
    def management_api(self) -> str:
        """
        Base URL of the Management API.
        """
        return f"{self.endpoint}/api"

    @property
    def console(self) -> str:
        """
        Where people run the server.
        """
        return f"{self.endpoint}/console"

    @property
    def products(self) -> str:
        """
        The protected API's one collection.
        """
        return f"{self.api}/products"
