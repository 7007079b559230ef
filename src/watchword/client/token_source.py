"""
The token source: one token for one API, fetched when first needed, kept, and renewed before it expires.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

import httpx

from watchword.client.clock import utc_now
from watchword.client.errors import ClientError, InsecureEndpoint, ServerUnavailable
from watchword.client.exchange import (
    BUSY,
    Token,
    client_credentials_request,
    read_token,
    retry_after_of,
)
from watchword.client.sending import Flight, Flow, Pause, Send, Wait, arun, run
from watchword.outbound import Answer
from watchword.protocol.credentials import ClientSecret
from watchword.protocol.endpoints import check_endpoint
from watchword.protocol.metadata import TOKEN_PATH
from watchword.protocol.scopes import parse_scope

ATTEMPTS = 3
DEFAULT_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 10.0
RENEWAL_MARGIN = timedelta(seconds=60)
RENEWAL_SHARE = 0.2
RENEWAL_RETRY = timedelta(seconds=5)
YOUNGEST_REPLACED = timedelta(seconds=10)


class TokenSource:
    """
    Gets access tokens for one API with the client's secret, and keeps each for as long as it is good.

    Safe for use from several threads and event loops at once; one request is under way at most, whoever needs
    it. A token is renewed 60 s before it expires, short-lived ones in the last fifth of their life; while the
    server can't be reached, the old one serves on until it expires. A busy server (429, 503) is asked up to
    three times, after the pause that it names, of at most 10 s each.

    Args:
        endpoint: Base URL of the authorization server, e.g. `https://id.example.com`.
        token_endpoint: Full URL of its token endpoint, in place of `endpoint`.
        client_id: The application's id.
        client_secret: Its secret; never shown in a `repr` or an error.
        resource: Identifier of the API that the token is for; None leaves it to the server's default.
        scope: Permissions to ask for; a string is read as a space-separated list.
        allow_http_endpoint: Send the secret over plain `http:` to another machine: whoever is on the way can
            read it.
        http: Opens a client for a request made by `token`; for proxies and private certificate authorities.
        async_http: The same for `atoken`.
        clock: Returns the current time, an aware UTC datetime.

    Raises:
        InsecureEndpoint: The endpoint is malformed or insecure.
        ValueError: Another argument can't be right.

    Implements: RFC 6749 §4.4, RFC 8707 §2.2.
    """

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        token_endpoint: str | None = None,
        client_id: str,
        client_secret: str | ClientSecret,
        resource: str | None = None,
        scope: str | Iterable[str] = (),
        allow_http_endpoint: bool = False,
        http: Callable[[], httpx.Client] = httpx.Client,
        async_http: Callable[[], httpx.AsyncClient] = httpx.AsyncClient,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        secret = ClientSecret(client_secret) if isinstance(client_secret, str) else client_secret
        if not client_id or not secret.value:
            raise ValueError("client_id and client_secret must not be empty")
        self.token_endpoint = _token_endpoint(endpoint, token_endpoint, allow_http=allow_http_endpoint)
        self.client_id = client_id
        self.resource = resource
        self.scope = parse_scope(scope)
        self._request = client_credentials_request(
            self.token_endpoint, client_id=client_id, secret=secret, resource=resource, scope=self.scope
        )
        self._http, self._async_http = http, async_http
        self._clock = clock
        self._lock = Lock()
        self._token: Token | None = None
        self._renew_at = datetime.min.replace(tzinfo=UTC)
        self._flight: Flight | None = None

    def __repr__(self) -> str:
        return (
            f"TokenSource(token_endpoint={self.token_endpoint!r}, client_id={self.client_id!r}, "
            f"resource={self.resource!r}, scope={self.scope!r})"
        )

    def token(self, *, refused: Token | None = None) -> Token:
        """
        Return a token that is good now.

        Args:
            refused: A token that the API has just answered with 401. It is replaced, unless it is younger
                than 10 s: then a new one would be refused too, and the same is returned.

        Raises:
            TokenRequestRefused: The server refuses.
            ServerUnavailable: It can't be reached or is busy.
            UnexpectedAnswer: It does not answer as a token endpoint does.
        """
        return run(self._find(refused), self._http)

    async def atoken(self, *, refused: Token | None = None) -> Token:
        """
        Return a token that is good now, as `token` does, without blocking the event loop.

        Raises:
            ClientError: As for `token`.
        """
        return await arun(self._find(refused), self._async_http)

    def invalidate(self) -> None:
        """
        Forget the token, and what a request that is under way brings: the next call asks for a new one.
        """
        with self._lock:
            self._token = self._flight = None

    def _find(self, refused: Token | None) -> Flow[Token]:
        brought: Token | ClientError | None = None
        while brought is None:  # None: whoever fetched was cut off, and the next in line takes over
            found = self._decide(refused, self._clock())
            if isinstance(found, Token):
                return found
            if found.begun:
                brought = yield from self._fetch(found.flight)
            elif (yield Wait(landed=found.flight)) is None:
                brought = found.flight.result()
            else:
                brought = ServerUnavailable("waited too long for a token that is being fetched")
        if isinstance(brought, ClientError):
            raise brought
        return brought

    def _decide(self, refused: Token | None, now: datetime) -> "Token | _Turn":
        with self._lock:
            token = self._good_token(now)
            age = timedelta() if token is None else now - token.received_at
            # Below zero, the clock was set back since: when the token expires can't be told by it any more.
            is_doubted = age < timedelta() or (token == refused and age >= YOUNGEST_REPLACED)
            if token and not is_doubted and (self._flight is not None or now < self._renew_at):
                return token
            if self._flight is not None:
                return _Turn(flight=self._flight, begun=False)
            self._flight = Future()
            return _Turn(flight=self._flight, begun=True)

    def _good_token(self, now: datetime) -> Token | None:
        return self._token if self._token and now < self._token.expires_at else None

    def _fetch(self, flight: Flight) -> Flow[Token | ClientError]:
        brought: Token | ClientError | None = None
        try:
            brought = yield from self._ask()
        except ServerUnavailable as error:
            brought = self._good_token(self._clock()) or error
        except ClientError as error:
            brought = error
        finally:  # also when whoever fetches is cancelled
            self._land(flight, brought, self._clock())
        return brought

    def _ask(self) -> Flow[Token]:
        attempts = 1 if self._good_token(self._clock()) else ATTEMPTS
        while True:
            attempts -= 1
            sent_at = self._clock()
            answer = yield Send(request=self._request)
            if not isinstance(answer, Answer):
                raise ServerUnavailable(f"can't reach the authorization server: {answer}")
            pause = retry_after_of(answer, self._clock())
            seconds = DEFAULT_PAUSE_SECONDS if pause is None else pause
            if answer.status not in BUSY or not attempts or seconds > LONGEST_PAUSE_SECONDS:
                return read_token(answer, requested=self._request.requested, sent_at=sent_at)
            yield Pause(seconds=seconds)

    def _land(self, flight: Flight, brought: Token | ClientError | None, now: datetime) -> None:
        with self._lock:
            if self._flight is flight:  # else the token was invalidated meanwhile, and this one with it
                self._flight = None
                if isinstance(brought, Token):
                    kept = brought is self._token
                    self._token = brought
                    self._renew_at = now + RENEWAL_RETRY if kept else _renewal_of(brought)
        flight.set_result(brought)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """
    A fetch that has to be made (`begun`: by whoever gets this) or waited for.
    """

    flight: Flight
    begun: bool


def _renewal_of(token: Token) -> datetime:
    lifetime = token.expires_at - token.received_at
    return token.expires_at - min(RENEWAL_MARGIN, lifetime * RENEWAL_SHARE)


def _token_endpoint(endpoint: str | None, token_endpoint: str | None, *, allow_http: bool) -> str:
    if endpoint is not None and token_endpoint is None:
        token_endpoint = endpoint.rstrip("/") + TOKEN_PATH
    elif endpoint is not None or token_endpoint is None:
        raise ValueError("give either endpoint or token_endpoint")
    try:
        check_endpoint(token_endpoint, allow_http=allow_http)
    except ValueError as error:
        raise InsecureEndpoint(str(error)) from None
    return token_endpoint
