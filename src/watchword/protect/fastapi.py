"""
FastAPI adapter: a dependency for each set of scopes.

    protect = Protect(Verifier(issuer="https://id.example.com/oidc", audience="https://shopping.api"))

    @app.get("/products")
    async def products(token: Annotated[AccessToken, Depends(protect("read:products"))]) -> list[Product]:
        ...

    @app.post("/products", dependencies=[Depends(protect("write:products"))])
    async def add_product(product: Product) -> None:
        ...
"""

from fastapi import HTTPException
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from watchword.protect.errors import AccessDenied
from watchword.protect.verifier import Verifier
from watchword.protocol.access_token import AccessToken
from watchword.protocol.scopes import parse_scope


class Protect:
    """
    Makes the dependencies of one API.

    Args:
        verifier: What decides.
        scheme_name: The name that the OpenAPI document gives to how callers authenticate.
    """

    def __init__(self, verifier: Verifier, *, scheme_name: str = "AccessToken") -> None:
        self.verifier = verifier
        self.scheme_name = scheme_name
        self._guards: dict[frozenset[str], Guard] = {}

    def __call__(self, *scopes: str) -> "Guard":
        """
        Return the dependency that demands an access token with all of these scopes, if any.

        The same scopes give the same object, so FastAPI runs it once per request.
        """
        required = frozenset(parse_scope(scopes))
        return self._guards.setdefault(required, Guard(self, required))


class Guard(SecurityBase):
    """
    A dependency whose value is the verified `AccessToken`. Made by `Protect`.
    """

    def __init__(self, protect: Protect, scopes: frozenset[str]) -> None:
        self.model = HTTPBearer(bearerFormat="JWT", description=f"Access token for {protect.verifier.audience}")
        self.scheme_name = protect.scheme_name
        self.scopes = scopes
        self._verifier = protect.verifier

    async def __call__(self, connection: HTTPConnection) -> AccessToken:
        """
        Check the access token that a request carries.

        Raises:
            HTTPException: 400, 401, 403 or 503, with RFC 6750's header and `{"detail": {"error": …,
                "error_description": …}}`.
        """
        try:
            return await self._verifier.averify_header(connection.headers.getlist("authorization"), scopes=self.scopes)
        except AccessDenied as refusal:
            raise HTTPException(refusal.status, detail=refusal.body, headers=refusal.headers) from refusal
