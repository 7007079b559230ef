"""
`POST /oidc/token`: the bytes of a token request in, the bytes of its answer out.

`app.py` comes here before any router: ten per cent more tokens than behind one.
"""

import logging
import time

import msgspec

from watchword.protocol.errors import OAuthError, TemporarilyUnavailable
from watchword.server.context import Context, RequestLine
from watchword.server.domain.backlog import HELD_SECONDS, Backlog
from watchword.server.domain.client_auth import Seen
from watchword.server.telemetry.instruments import OTHER
from watchword.server.telemetry.meters import GRANTS, Throttle
from watchword.server.telemetry.tracing import UNNOTED, NotedPhases
from watchword.server.tokens.issue import TokenRequest, issue_token
from watchword.server.web.answers import JSON_TYPE, NO_STORE, Answer, Headers
from watchword.server.web.errors import oauth_answer, oauth_error_of, oauth_fault
from watchword.server.web.oauth.cors import cors_headers
from watchword.server.web.oauth.holding import Holding
from watchword.server.web.requests import ClientGone, Incoming, read_body

MOST_BODY = 56 * 1024
_THROTTLED = 429
_NOT_A_BROWSER = cors_headers(None)
_TOKEN_HEADERS = (*NO_STORE, JSON_TYPE)
_PLAIN_TOKEN_HEADERS = (*_NOT_A_BROWSER, *_TOKEN_HEADERS)
_log = logging.getLogger(__name__)


class Place(msgspec.Struct):
    """
    The place of a request among those that are worked on, until it leaves.

    Attributes:
        since: By `time.perf_counter`.
    """

    backlog: Backlog
    number: int
    since: float
    is_left: bool = False

    def leave(self) -> None:
        """
        Leave with the answer.
        """
        if not self.is_left:
            self.is_left = True
            self.backlog.leave(self.number, time.perf_counter() - self.since)

    def give_up(self) -> None:
        """
        Leave before the answer: what is still to be done is in nobody's way.
        """
        self.is_left = True
        self.backlog.give_up()


class TokenEndpoint:
    """
    Answers token requests.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._holding = Holding()
        self._backlog = Backlog()
        busy = TemporarilyUnavailable("the server has more to do than it can do in time")
        self._busy, self._busy_bare = (
            oauth_answer(busy, issuer=ctx.settings.issuer, cors=_NOT_A_BROWSER, bare=bare).held(HELD_SECONDS)
            for bare in (False, True)
        )
        self._encode = msgspec.json.Encoder().encode

    def admit(self) -> Place | None:
        """
        Let in a request that is there, or None: it is to be sent away. Who is let in must be answered.
        """
        return None if self._backlog.turns_away() else self._enter()

    def send_away(self, incoming: Incoming, line: RequestLine) -> Answer:
        """
        Refuse a request. Nothing is read, made or recorded: that must cost little where there is too much to do.

        Args:
            line: Told how it ended.
        """
        self._ctx.meters.throttled[Throttle.OVERLOAD].add()
        answer = self._busy_bare if incoming.is_bare else self._busy
        line.error, line.detail = TemporarilyUnavailable.error, "overload"
        return answer

    async def answer(self, incoming: Incoming, line: RequestLine, place: Place | None = None) -> Answer | None:
        """
        Answer one request; None where the client hung up.

        Args:
            line: Told how it ended.
            place: Where it was let in. Another may be sent away yet, and gets a place when its body is there.
        """
        if place is None and self._backlog.turns_away():
            return self.send_away(incoming, line)
        answer = await self._answer(incoming, line, place)
        if answer is not None and answer.status == _THROTTLED:
            await self._holding.hold()
        return answer

    async def _answer(self, incoming: Incoming, line: RequestLine, place: Place | None) -> Answer | None:
        """
        Make the answer. What the request carried ends here: held answers are small.
        """
        seen = Seen()
        if self._ctx.tracer is not None:
            incoming.phases = NotedPhases()
        phases = incoming.phases or UNNOTED
        given = incoming.headers
        origin = given.first(b"origin")
        cors = _NOT_A_BROWSER if origin is None else cors_headers(origin)
        try:
            body = await read_body(incoming, limit=MOST_BODY)
            phases.ended("receive")
            request = TokenRequest(
                tenant_id=incoming.tenant_id,
                authorization=given.all(b"authorization"),
                content_type=given.first(b"content-type"),
                body=body,
                browser_origin=origin,
                came_from=incoming.origin,
                # One that came whole came when its line says; another may have been long in coming.
                came_at=self._ctx.clock() if incoming.body is None else line.time,
                phases=phases,
            )
            if place is None:
                if self._backlog.turns_away():  # others have come while its body did
                    return self.send_away(incoming, line)
                place = self._enter()
            response = await issue_token(request, self._ctx, seen, on_refusal=place.give_up)
            headers = _PLAIN_TOKEN_HEADERS if origin is None else (*cors, *_TOKEN_HEADERS)
            answer = Answer(200, self._encode(response), headers)
        except ClientGone:
            return None
        except Exception as error:  # noqa: BLE001 - the one catch-all of this endpoint: nothing leaves as a bare 500
            answer = self._refuse(error, incoming, cors, line)
        finally:
            if place is not None:
                place.leave()
        incoming.grant = _grant_of(seen)
        if seen.application is not None:
            line.client_id = seen.application.id
        return answer

    def _enter(self) -> Place:
        return Place(self._backlog, self._backlog.enter(), time.perf_counter())

    def _refuse(self, error: Exception, incoming: Incoming, cors: Headers, line: RequestLine) -> Answer:
        refusal: OAuthError | None = oauth_error_of(error)
        if refusal is None:
            _log.error(
                "a token request failed",
                extra={"request_id": incoming.request_id, "trace_id": incoming.trace_id},
                exc_info=error,
            )
            line.error = "server_error"
            return oauth_fault(bare=incoming.is_bare)
        line.error, line.detail = refusal.error, refusal.detail
        return oauth_answer(refusal, issuer=self._ctx.settings.issuer, cors=cors, bare=incoming.is_bare)


def _grant_of(seen: Seen) -> str:
    named = seen.form.parameters.get("grant_type")
    return named[0] if named is not None and named[0] in GRANTS else OTHER
