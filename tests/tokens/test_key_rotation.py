"""
Signing keys in a database: made when they are needed, turned by several at once, and never absent.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from msgspec.structs import replace

from tests.support.clock import MovedClock, with_clock
from tests.support.home import settings_of
from tests.support.shopping import Shopping, ask_as_bot
from watchword.protocol.access_token import CLOCKS_APART
from watchword.protocol.jose import PrivateKey, public_jwk, read_token
from watchword.protocol.names import Algorithm
from watchword.server.bootstrap import open_context
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.names import DEFAULT_TENANT
from watchword.server.domain.problems import Problem
from watchword.server.domain.signing_keys import KeyState, KeyType, PublishedKey
from watchword.server.jobs import JOBS
from watchword.server.jobs import signing_keys as job
from watchword.server.operations import logs, oidc_keys, resources, signing_keys
from watchword.server.operations.operation import Acting
from watchword.server.operations.resources import NewResource
from watchword.server.storage.log_filter import LogFilter
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watchword.server.context import Context

LOCAL = Actor(kind=ActorKind.LOCAL)


@pytest.fixture
def acting(ctx: Context, clock: MovedClock) -> Acting:
    """
    Act as the machine's own command line, at the time that the clock says.
    """
    return Acting(ctx=with_clock(ctx, clock), tenant_id=DEFAULT_TENANT, actor=LOCAL)


@pytest.fixture
def second(home: Path, ctx: Context) -> Iterator[Context]:
    """
    Open the same home as another process would.
    """
    opened = open_context(ctx.settings, NoRequestLines())
    assert opened.settings.home == home
    yield opened
    opened.close()


def states(acting: Acting) -> list[tuple[Algorithm, KeyState]]:
    """
    Return algorithm and state of every key.
    """
    return [(key.algorithm, key.status) for key in signing_keys.listing(acting)]


def only(acting: Acting, state: KeyState, algorithm: Algorithm = Algorithm.ES256) -> PublishedKey:
    """
    Return the one key in a state.
    """
    (key,) = [key for key in signing_keys.listing(acting) if (key.algorithm, key.status) == (algorithm, state)]
    return key


def forever(acting: Acting) -> None:
    """
    Check that one key follows the other without a gap and without an overlap, and that one goes on signing.
    """
    spans = sorted(
        (key.signs_from, key.signs_until or datetime.max.replace(tzinfo=UTC))
        for key in signing_keys.listing(acting)
        if key.signs_from is not None and key.algorithm is Algorithm.ES256
    )
    assert [end for _, end in spans[:-1]] == [start for start, _ in spans[1:]]
    assert spans[-1][1] == datetime.max.replace(tzinfo=UTC)


def kid_of(response: Any) -> str:  # noqa: ANN401 - a token response
    """
    Return the id of the key that signed a token.
    """
    return read_token(response.access_token).kid


def test_new_home_has_a_key_and_a_standby(acting: Acting) -> None:
    """
    So that the first rotation needs to wait for nobody.
    """
    assert states(acting) == [(Algorithm.ES256, KeyState.CURRENT), (Algorithm.ES256, KeyState.STANDBY)]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM signing_keys", "DELETE FROM signing_keys WHERE signs_from > published_at"]
)
def test_start_makes_what_is_missing(home: Path, ctx: Context, statement: str) -> None:
    """
    A home of an earlier version has no standby and no cookie key; one whose keys were lost has none at all.
    """
    with ctx.database.write() as connection:
        connection.exec_driver_sql(statement)
        connection.exec_driver_sql("DELETE FROM cookie_keys")
    opened = open_context(settings_of(home), NoRequestLines())
    acting = Acting(ctx=opened, tenant_id=DEFAULT_TENANT, actor=LOCAL)
    assert states(acting) == [(Algorithm.ES256, KeyState.CURRENT), (Algorithm.ES256, KeyState.STANDBY)]
    assert len(oidc_keys.list_cookie(acting)) == 1
    opened.close()


def test_resource_brings_the_keys_that_it_needs(acting: Acting) -> None:
    """
    When it is made, and when it is changed: a key and a standby of its algorithm.
    """
    made = resources.create(
        acting, NewResource(name="R", indicator="https://r.example", signing_algorithm=Algorithm.ES384)
    )
    assert (Algorithm.ES384, KeyState.STANDBY) in states(acting)
    resources.update(acting, made.id, {"signing_algorithm": Algorithm.RS256})
    assert {(Algorithm.RS256, KeyState.CURRENT), (Algorithm.RS256, KeyState.STANDBY)} <= set(states(acting))


def test_key_outlives_the_longest_token(acting: Acting, clock: MovedClock) -> None:
    """
    Also where tokens lived longer while it signed than they do when it ends, and where the API is gone.
    """
    made = resources.create(acting, NewResource(name="R", indicator="https://r.example", access_token_ttl=86_400))
    resources.update(acting, made.id, {"access_token_ttl": 60})
    resources.delete(acting, made.id)
    signing_keys.rotate(acting, None, at_once=True)
    dropped_at = only(acting, KeyState.PREVIOUS).dropped_at
    assert dropped_at is not None
    assert dropped_at >= clock() + timedelta(seconds=86_400)


def test_longer_tokens_count_for_a_key_whose_end_is_fixed(acting: Acting, clock: MovedClock) -> None:
    """
    It signs such tokens until then.
    """
    oidc_keys.rotate_private(acting, KeyType.EC, timedelta(hours=1))
    resources.create(acting, NewResource(name="R", indicator="https://r.example", access_token_ttl=86_400))
    dropped_at = only(acting, KeyState.CURRENT).dropped_at
    assert dropped_at is not None
    assert dropped_at >= clock() + timedelta(hours=25)


def test_lifetime_that_raw_sql_made_longer_counts(acting: Acting, clock: MovedClock) -> None:
    """
    What the API resources say at the moment is looked up whenever keys change.
    """
    with acting.ctx.database.write() as connection:
        connection.exec_driver_sql("UPDATE resources SET access_token_ttl = 90000")
    signing_keys.rotate(acting, None, at_once=True)
    dropped_at = only(acting, KeyState.PREVIOUS).dropped_at
    assert dropped_at is not None
    assert dropped_at >= clock() + timedelta(seconds=90_000)


def test_resource_keeps_an_algorithm_alive_that_was_to_end(acting: Acting, clock: MovedClock) -> None:
    """
    The tenant goes over to RSA in an hour; an API that pins ES256 comes meanwhile and gets its tokens afterwards.
    """
    oidc_keys.rotate_private(acting, KeyType.RSA, timedelta(hours=1))
    assert only(acting, KeyState.CURRENT).signs_until == clock() + timedelta(hours=1)
    resources.create(acting, NewResource(name="R", indicator="https://r.example", signing_algorithm=Algorithm.ES256))
    assert only(acting, KeyState.CURRENT).signs_until is None
    clock.move(hours=2)
    assert {pair for pair in states(acting) if pair[1] is KeyState.CURRENT} == {
        (Algorithm.ES256, KeyState.CURRENT),
        (Algorithm.RS256, KeyState.CURRENT),
    }


def test_resource_needs_an_algorithm_before_the_tenant_has_it(acting: Acting, clock: MovedClock) -> None:
    """
    Its tokens are signed with a key of their own until the tenant's next one begins.
    """
    oidc_keys.rotate_private(acting, KeyType.RSA, timedelta(hours=1))
    resources.create(acting, NewResource(name="R", indicator="https://r.example", signing_algorithm=Algorithm.RS256))
    assert only(acting, KeyState.CURRENT, Algorithm.RS256).signs_until == clock() + timedelta(hours=1)
    assert only(acting, KeyState.NEXT, Algorithm.RS256).signs_from == clock() + timedelta(hours=1)


def test_revoked_key_of_the_next_algorithm_is_replaced_by_one_that_verifiers_know(
    acting: Acting, clock: MovedClock
) -> None:
    """
    Its standby begins at the instant that is fixed; none is made that nobody has heard of when it signs.
    """
    oidc_keys.rotate_private(acting, KeyType.RSA, timedelta(hours=1))
    at, known = clock() + timedelta(hours=1), only(acting, KeyState.STANDBY, Algorithm.RS256)
    clock.move(minutes=10)
    signing_keys.revoke(acting, only(acting, KeyState.NEXT, Algorithm.RS256).id)
    upcoming = only(acting, KeyState.NEXT, Algorithm.RS256)
    assert (upcoming.id, upcoming.signs_from) == (known.id, at)
    clock.move(minutes=55)
    signing_keys.maintain(acting, None)
    assert only(acting, KeyState.CURRENT, Algorithm.RS256).id == known.id


async def test_tenant_goes_over_to_another_algorithm_by_itself(
    ctx: Context, shopping: Shopping, clock: MovedClock
) -> None:
    """
    Tokens are of the old one up to the instant, and of the new one from it on; nothing has to run at it.
    """
    timed = with_clock(ctx, clock)
    oidc_keys.rotate_private(replace(shopping.acting, ctx=timed), KeyType.RSA, timedelta(hours=1))
    clock.move(seconds=3599)
    assert read_token((await ask_as_bot(timed, shopping)).access_token).algorithm is Algorithm.ES256
    clock.move(seconds=1)
    assert read_token((await ask_as_bot(timed, shopping)).access_token).algorithm is Algorithm.RS256


async def test_node_whose_clock_lags_signs_all_the_same(ctx: Context, shopping: Shopping, clock: MovedClock) -> None:
    """
    After a rotation elsewhere, and with a first key of an algorithm that was made a moment ago by another clock.
    """
    ahead, behind = replace(shopping.acting, ctx=with_clock(ctx, clock)), with_clock(ctx, MovedClock())
    clock.move(seconds=5)
    signing_keys.rotate(ahead, None, at_once=True)
    assert kid_of(await ask_as_bot(behind, shopping)) == only(ahead, KeyState.PREVIOUS).id
    resources.update(ahead, shopping.resource_id, {"signing_algorithm": Algorithm.ES384})
    assert kid_of(await ask_as_bot(behind, shopping)) == only(ahead, KeyState.CURRENT, Algorithm.ES384).id


async def test_revoking_the_key_that_a_request_signs_with(ctx: Context, shopping: Shopping) -> None:
    """
    The request that is under way ends well, and the very next one signs with the successor.
    """
    stolen = only(shopping.acting, KeyState.CURRENT).id
    appending, go_on = asyncio.Event(), asyncio.Event()
    append = ctx.token_log.append

    async def hold(*args: Any, **more: Any) -> object:  # noqa: ANN401 - handed on
        appending.set()
        await go_on.wait()
        return await append(*args, **more)

    held = Mock(wraps=ctx.token_log, append=hold)
    under_way = asyncio.ensure_future(ask_as_bot(replace(ctx, token_log=held), shopping))
    await asyncio.wait_for(appending.wait(), 10)
    await asyncio.to_thread(signing_keys.revoke, shopping.acting, stolen)
    assert kid_of(await ask_as_bot(ctx, shopping)) == only(shopping.acting, KeyState.CURRENT).id
    go_on.set()
    assert kid_of(await under_way) == stolen


def test_many_who_rotate_at_once_leave_one_chain(acting: Acting, second: Context) -> None:
    """
    Two processes, eight threads, and the job besides: one key after the other, no gap, no overlap, one standby.
    """
    other = replace(acting, ctx=second)

    def turn(number: int) -> None:
        whose = (acting, other)[number % 2]
        if number % 5 == 0:
            signing_keys.maintain(replace(whose, actor=Actor(kind=ActorKind.JOB, id=job.NAME)), timedelta(0))
        else:
            signing_keys.rotate(replace(whose, ctx=replace(whose.ctx, clock=now)), None, at_once=bool(number % 3))

    def now() -> datetime:
        return datetime.now(UTC)

    before = len(signing_keys.listing(acting))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(turn, range(40)))
    assert len(signing_keys.listing(acting)) > before + 10
    forever(acting)
    assert [state for _, state in states(acting)].count(KeyState.STANDBY) == 1


def test_two_that_rotate_when_ready_turn_once(acting: Acting, second: Context, clock: MovedClock) -> None:
    """
    The second finds a standby that is seconds old: its turn is fixed for later, and no further one is.
    """
    clock.move(days=1)
    both = (acting, replace(acting, ctx=with_clock(second, clock)))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda whose: signing_keys.rotate(whose, None, at_once=False), both))
    found = sorted(state for _, state in states(acting))
    assert found == [KeyState.CURRENT, KeyState.NEXT, KeyState.PREVIOUS, KeyState.STANDBY]
    forever(acting)


def aged(acting: Acting, **settings: object) -> Context:
    """
    Return a context whose settings say when keys turn.
    """
    return replace(acting.ctx, settings=settings_of(acting.ctx.settings.home, **settings))


def test_job_rotates_what_has_signed_for_long_enough(acting: Acting, clock: MovedClock) -> None:
    """
    Not a second earlier, as soon as verifiers know the standby, and once.
    """
    ctx = aged(acting, signing_key_rotation_days=30)
    began = only(acting, KeyState.CURRENT)
    assert began.signs_from is not None
    clock.now = began.signs_from + timedelta(days=30, seconds=-1)
    job.run_once(ctx, clock())
    assert only(acting, KeyState.CURRENT) == began
    clock.move(seconds=1)
    job.run_once(ctx, clock())
    assert only(acting, KeyState.PREVIOUS).id == began.id
    rotated = signing_keys.listing(acting)
    job.run_once(ctx, clock())
    assert signing_keys.listing(acting) == rotated


def test_job_waits_for_a_young_standby(acting: Acting, clock: MovedClock) -> None:
    """
    It fixes the instant, and a second run leaves it.
    """
    ctx = aged(acting, signing_key_rotation_days=1)
    clock.move(days=1, seconds=10)
    signing_keys.revoke(acting, only(acting, KeyState.STANDBY).id)
    for _ in range(2):
        job.run_once(ctx, clock())
        assert only(acting, KeyState.NEXT).signs_from == clock() + timedelta(seconds=310)
        assert only(acting, KeyState.CURRENT).signs_until == clock() + timedelta(seconds=310)


def test_job_that_has_nothing_to_do_writes_nothing(acting: Acting, clock: MovedClock) -> None:
    """
    By default keys don't turn by themselves, and the log is not filled.
    """
    clock.move(days=3000)
    before = logs.listing(acting, LogFilter(), None, count_up_to=None).total
    job.run_once(acting.ctx, clock())
    assert logs.listing(acting, LogFilter(), None, count_up_to=None).total == before
    assert job.NAME in {known.name for known in JOBS}


def test_job_clears_away_what_nobody_needs(acting: Acting, clock: MovedClock) -> None:
    """
    A key whose tokens have expired, private half and all; an algorithm that no API resource has any more.
    """
    made = resources.create(
        acting, NewResource(name="R", indicator="https://r.example", signing_algorithm=Algorithm.RS256)
    )
    signing_keys.rotate(acting, None, at_once=True)
    resources.delete(acting, made.id)
    job.run_once(acting.ctx, clock())
    assert (Algorithm.RS256, KeyState.PREVIOUS) in states(acting)
    clock.move(seconds=3660)
    assert states(acting) == [(Algorithm.ES256, KeyState.CURRENT), (Algorithm.ES256, KeyState.STANDBY)]
    clock.now += CLOCKS_APART
    job.run_once(acting.ctx, clock())
    with acting.ctx.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM signing_keys").scalar_one() == 2


def test_job_gives_the_keys_back_that_were_lost(acting: Acting, clock: MovedClock) -> None:
    """
    Rows that somebody deleted, without a restart.
    """
    with acting.ctx.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM signing_keys")
    job.run_once(acting.ctx, clock())
    assert states(acting) == [(Algorithm.ES256, KeyState.CURRENT), (Algorithm.ES256, KeyState.STANDBY)]


def test_job_acts_in_its_own_name(acting: Acting, clock: MovedClock) -> None:
    """
    The log tells who rotated.
    """
    clock.move(days=31)
    job.run_once(aged(acting, signing_key_rotation_days=30), clock())
    newest = logs.listing(acting, LogFilter(key="SigningKey.Rotated"), None, count_up_to=None).records[0]
    assert newest.payload["actor"] == {"type": "job", "id": "signing-keys"}


def test_key_that_is_not_there_is_told(acting: Acting) -> None:
    """
    By its id, which is cut where it may be a secret.
    """
    with pytest.raises(Problem) as caught:
        signing_keys.revoke(acting, "nope")
    assert (caught.value.code, caught.value.status) == ("oidc.key_not_found", 404)


def test_kid_is_no_option_of_a_command(acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An id that begins with a hyphen is thrown away with its key.
    """
    tries = iter(("-first", "-second"))

    def unlucky(key: PrivateKey, algorithm: Algorithm) -> dict[str, str]:
        jwk = public_jwk(key, algorithm)
        return {**jwk, "kid": next(tries, jwk["kid"])}

    monkeypatch.setattr("watchword.server.storage.signing_keys.public_jwk", unlucky)
    signing_keys.rotate(acting, None, at_once=True)
    assert not only(acting, KeyState.STANDBY).id.startswith("-")
    assert next(tries, None) is None
