"""
How decisions are remembered: by what requests are decided by, few, small, and gone with any change.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.protocol.names import GrantType
from watchword.server.domain.decision import Decision
from watchword.server.domain.grants import Authorization
from watchword.server.domain.signing_keys import NEVER
from watchword.server.domain.view import Moment
from watchword.server.storage.changes import Changes, Mark
from watchword.server.tokens.decisions import MOST_BODY, MOST_SCOPES, Decisions, identity_of
from watchword.server.tokens.directory_view import DirectoryView
from watchword.server.tokens.looks import Look
from watchword.server.tokens.remembered import Remembered

FORM = "application/x-www-form-urlencoded"
NOW = datetime(2030, 1, 1, tzinfo=UTC)

PARTS = st.tuples(
    st.lists(st.text(max_size=3), min_size=1, max_size=2).map(tuple),
    st.none() | st.text(max_size=3),
    st.none() | st.text(max_size=3),
    st.binary(max_size=3) | st.sampled_from([b'"]', b"null]", b"a"]),
)


@given(PARTS, PARTS)
def test_identities_are_equal_where_requests_are(one: Any, other: Any) -> None:  # noqa: ANN401 - four parts each
    """
    Nothing can be moved from one part of a request to another and pass for the same.
    """
    assert (identity_of(*one) == identity_of(*other)) == (one == other)


@pytest.mark.parametrize(
    ("authorization", "body"),
    [
        pytest.param((), b"grant_type=client_credentials&client_id=a&client_secret=b", id="secret in the body"),
        pytest.param(("Basic YTpi",), b"x" * (MOST_BODY + 1), id="long"),
    ],
)
def test_some_requests_have_no_identity(authorization: tuple[str, ...], body: bytes) -> None:
    """
    A form that holds a secret must not outlive its request.
    """
    assert identity_of(authorization, FORM, None, body) is None


def decision(*, until: datetime = NEVER, lasts: bool = True, scopes: tuple[str, ...] = ()) -> Decision:
    """
    Make a decision of which nobody reads more than how long it is good for.
    """
    nothing: Any = None
    authorization = Authorization(
        grant_type=GrantType.CLIENT_CREDENTIALS,
        subject="x",
        client_id="x",
        target=nothing,
        scopes=scopes,
        dropped={},
        lifetime=60,
        algorithm=None,
        lasts=lasts,
    )
    return Decision(caller=nothing, authorization=authorization, key=nothing, granted=nothing, until=until)


def test_no_request_is_kept() -> None:
    """
    They carry secrets: a decision is known by a digest, which is another one in each process.
    """
    requests = [b"secret", b"other"]
    kept = [Decisions(3), Decisions(3)]
    for decisions in kept:
        for request in requests:
            decisions.keep(request, decision())
    digests = [set(decisions._known) for decisions in kept]
    assert not digests[0] & (digests[1] | set(requests))
    assert [len(one) for one in digests] == [2, 2]


def test_used_longest_ago_goes_first() -> None:
    """
    There is room for so many; one that is asked for again and again stays.
    """
    decisions = Decisions(3)
    decisions.keep(b"hot", decision())
    for number in range(10):
        decisions.keep(b"once %d" % number, decision())
        assert decisions.find(b"hot", NOW) is not None
    assert [number for number in range(10) if decisions.find(b"once %d" % number, NOW) is not None] == [8, 9]


def test_what_does_not_last_is_not_kept() -> None:
    """
    A grant has to say that equal requests get the same: by default they are decided one by one.
    """
    decisions = Decisions(3)
    decisions.keep(b"once", decision(lasts=False))
    assert decisions.find(b"once", NOW) is None


def test_what_is_large_is_not_kept() -> None:
    """
    Short scopes take many times the memory that they take in a body.
    """
    decisions = Decisions(3)
    decisions.keep(b"most", decision(scopes=("x",) * MOST_SCOPES))
    decisions.keep(b"more", decision(scopes=("x",) * (MOST_SCOPES + 1)))
    assert decisions.find(b"most", NOW) is not None
    assert decisions.find(b"more", NOW) is None


def test_decision_ends_at_its_instant() -> None:
    """
    It is gone then: a clock that is slower has nothing to find.
    """
    decisions = Decisions(3)
    decisions.keep(b"x", decision(until=NOW))
    assert decisions.find(b"x", NOW - timedelta(microseconds=1)) is not None
    assert decisions.find(b"x", NOW) is None
    assert decisions.find(b"x", NOW - timedelta(microseconds=1)) is None


def test_late_decision_is_not_kept_over_a_change() -> None:
    """
    Where looks overlap, a decision by an earlier one neither leaves anything behind nor finds what is newer.
    """
    remembered = Remembered(10)
    remembered.apply(Changes(Mark(5, "a"), None))
    early = _view(remembered, 5)
    remembered.apply(Changes(Mark(6, "b"), [("role", "x")]))
    late = _view(remembered, 6)
    early.keep(b"x", decision())
    assert late.recall(b"x", NOW) is None
    late.keep(b"x", decision())
    assert late.recall(b"x", NOW) is not None
    assert early.recall(b"x", NOW) is None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(Changes(Mark(6, "b"), [("role", "x")]), id="one change"),
        pytest.param(Changes(Mark(6, "b"), [("thing of a newer version", "x")]), id="an unknown one"),
        pytest.param(Changes(Mark(5, "a"), None), id="a look that joins nothing"),
        pytest.param(Changes(Mark(5, "a"), (), "another server"), id="another server"),
    ],
)
def test_any_change_ends_all_decisions(changes: Changes) -> None:
    """
    Also where the number of the newest change is the same as before, in another history.
    """
    remembered = Remembered(10)
    remembered.apply(Changes(Mark(5, "a"), None))
    _view(remembered, 5).keep(b"x", decision())
    remembered.apply(Changes(Mark(5, "a"), ()))
    assert _view(remembered, 5).recall(b"x", NOW) is not None
    remembered.apply(changes)
    assert _view(remembered, changes.mark.number).recall(b"x", NOW) is None


def _view(remembered: Remembered, number: int) -> DirectoryView:
    return DirectoryView("default", remembered, Look(number, Moment(0.0), remembered.history))
