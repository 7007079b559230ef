"""
The verifier: whether an access token may pass at this API, decided offline with the issuer's published keys.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import httpx

from watchword.protect.clock import utc_now
from watchword.protect.errors import CredentialsMissing, refusal_of
from watchword.protect.fetching import arun, run
from watchword.protect.key_cache import Flow, KeyCache
from watchword.protocol.access_token import AccessToken, check_claims, check_type
from watchword.protocol.bearer import bearer_token
from watchword.protocol.endpoints import check_endpoint
from watchword.protocol.errors import InvalidToken, OAuthError
from watchword.protocol.jose import UnverifiedToken, read_token, verify_signature
from watchword.protocol.names import Algorithm
from watchword.protocol.scopes import parse_scope

ALL_ALGORITHMS = (Algorithm.ES256, Algorithm.ES384, Algorithm.RS256)
_MOST_LEEWAY = timedelta(minutes=5)


class Verifier:
    """
    Checks access tokens for one API. Make one per API and keep it: it remembers the issuer's keys.

    Safe for use from several threads and event loops at once. Fetches the keys when first needed, then again
    when they are too old or a token names a key that is not among them; between those moments a check touches
    no network.

    Args:
        issuer: Issuer identifier, exactly as tokens carry it in `iss`, e.g. `https://id.example.com/oidc`.
        audience: Identifier of this API, as registered at the issuer, e.g. `https://shopping.api`.
        algorithms: Signature algorithms that are accepted.
        leeway: How far the clocks of issuer and API may be apart; at most 5 minutes.
        jwks_uri: Where the keys are, when not at `<issuer>/jwks`.
        realm: Shown in `WWW-Authenticate`; the audience where it is not given.
        organization_aware: Accept tokens that act inside one organization. Only set it when the API compares
            `AccessToken.organization_id` with the organization that each request is about.
        allow_http_endpoint: Fetch keys over plain `http:` from other machines: whoever is on the way can then
            forge tokens.
        allow_any_token_type: Accept tokens whose header `typ` is not `at+jwt`: other kinds of JWT of the
            issuer then pass too.
        http: Opens a client for a fetch of keys made by `verify`; for proxies and private certificate
            authorities.
        async_http: The same for `averify`.
        clock: Returns the current time, an aware UTC datetime.

    Raises:
        ValueError: An argument can't be right.

    Implements: RFC 9068 §4, RFC 8725 §3, RFC 6750 §2.1 and §3.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        algorithms: Collection[Algorithm | str] = ALL_ALGORITHMS,
        leeway: timedelta = timedelta(0),
        jwks_uri: str | None = None,
        realm: str | None = None,
        organization_aware: bool = False,
        allow_http_endpoint: bool = False,
        allow_any_token_type: bool = False,
        http: Callable[[], httpx.Client] = httpx.Client,
        async_http: Callable[[], httpx.AsyncClient] = httpx.AsyncClient,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        check_endpoint(jwks_uri or issuer, allow_http=allow_http_endpoint)
        if not audience:
            raise ValueError("audience must not be empty")
        if not timedelta(0) <= leeway <= _MOST_LEEWAY:
            raise ValueError("leeway must be between 0 and 5 minutes")
        self.issuer = issuer
        self.audience = audience
        self.realm = realm or audience
        self.algorithms = frozenset(Algorithm(name) for name in algorithms)
        if not self.algorithms or isinstance(algorithms, str):
            raise ValueError("algorithms must be a collection of at least one algorithm")
        self._leeway = leeway
        self._organization_aware = organization_aware
        self._any_type = allow_any_token_type
        self._http, self._async_http = http, async_http
        self._clock = clock
        self._keys = KeyCache(jwks_uri or f"{issuer.rstrip('/')}/jwks", clock=clock)

    def __repr__(self) -> str:
        return f"Verifier(issuer={self.issuer!r}, audience={self.audience!r})"

    def verify(self, token: str, *, scopes: str | Iterable[str] = ()) -> AccessToken:
        """
        Check an access token and return what it says.

        Args:
            token: In compact serialisation, without `Bearer`.
            scopes: All the scopes that the request needs; each text may be a space-separated list of them.

        Raises:
            InvalidToken: It must not pass here.
            InsufficientScope: It is good and lacks one of the scopes.
            KeysUnavailable: The issuer's keys can't be had; the caller may try again.
        """
        return run(self._verify(token, scopes), self._http)

    async def averify(self, token: str, *, scopes: str | Iterable[str] = ()) -> AccessToken:
        """
        Check an access token as `verify` does, without blocking the event loop.

        Raises:
            InvalidToken, InsufficientScope, KeysUnavailable: As for `verify`.
        """
        return await arun(self._verify(token, scopes), self._async_http)

    def verify_header(self, authorization: Sequence[str], *, scopes: str | Iterable[str] = ()) -> AccessToken:
        """
        Check the token in a request's Authorization header.

        Args:
            authorization: The values of all Authorization headers of the request, usually one.
            scopes: As for `verify`.

        Raises:
            CredentialsMissing: There is none of scheme Bearer.
            CredentialsMalformed: There are several, or it holds what no token can look like.
            InvalidToken, InsufficientScope, KeysUnavailable: As for `verify`.
        """
        return self.verify(self._bearer(authorization), scopes=scopes)

    async def averify_header(self, authorization: Sequence[str], *, scopes: str | Iterable[str] = ()) -> AccessToken:
        """
        Check the token in a request's Authorization header without blocking the event loop.

        Raises:
            AccessDenied: As for `verify_header`.
        """
        return await self.averify(self._bearer(authorization), scopes=scopes)

    def _bearer(self, authorization: Sequence[str]) -> str:
        try:
            token = bearer_token(authorization)
        except OAuthError as error:
            raise refusal_of(error, realm=self.realm) from None
        if token is None:
            raise CredentialsMissing(realm=self.realm)
        return token

    def _verify(self, compact: str, scopes: str | Iterable[str]) -> Flow[AccessToken]:
        required = frozenset(parse_scope(scopes))
        try:
            unverified = self._read(compact)
            key = yield from self._keys.find(unverified.kid, unverified.algorithm)
            token = self._check(verify_signature(unverified, key))
            token.require_scopes(required)
        except OAuthError as error:
            raise refusal_of(error, realm=self.realm) from None
        return token

    def _read(self, compact: str) -> UnverifiedToken:
        unverified = read_token(compact)
        if unverified.algorithm not in self.algorithms:
            raise InvalidToken("the access token is signed with another algorithm", reason="malformed")
        if not self._any_type:
            check_type(unverified.typ)
        return unverified

    def _check(self, claims: Mapping[str, object]) -> AccessToken:
        token = check_claims(claims, issuer=self.issuer, audience=self.audience, now=self._clock(), leeway=self._leeway)
        if token.organization_id is not None and not self._organization_aware:
            raise InvalidToken("this API takes no tokens of an organization", reason="claim", claim="organization_id")
        if "cnf" in claims:  # RFC 7800 §3: whoever presents it has to prove a key, which nothing here asks for
            raise InvalidToken("this API takes no tokens that are bound to a key", reason="claim", claim="cnf")
        return token
