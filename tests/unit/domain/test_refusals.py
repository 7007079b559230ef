"""
Refusals that are counted: bounded in kinds, exact in number.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from watchword.server.domain.refusals import EVERYWHERE, MOST_KINDS, Counted, Kind, Tally, refusals_counted

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def kind(source: str = "192.0.2.1", application_id: str | None = "app") -> Kind:
    """
    Make a kind.
    """
    return Kind(
        tenant_id="default",
        key="ExchangeTokenBy.ClientCredentials",
        error="invalid_client",
        status=401,
        application_id=application_id,
        source=source,
    )


def test_those_of_a_kind_are_added_up_since_the_first() -> None:
    """
    Whatever the order in which they come.
    """
    tally = Tally()
    for number, minutes in ((2, 1), (3, 0), (4, 2)):
        tally.add(Counted(kind=kind(), number=number, since=NOW + timedelta(minutes=minutes)))
    assert tally.take() == [Counted(kind=kind(), number=9, since=NOW)]
    assert tally.take() == []


@given(sources=st.lists(st.integers(0, 200), max_size=500))
def test_no_refusal_is_lost_and_kinds_are_bounded(sources: list[int]) -> None:
    """
    Where there are too many kinds, those that find no place are counted together.
    """
    tally = Tally()
    for source in sources:
        tally.add(Counted(kind=kind(f"source{source}", f"app{source}"), number=1, since=NOW))
    counts = tally.take()
    assert sum(counted.number for counted in counts) == len(sources)
    assert len(counts) == min(len(set(sources)), MOST_KINDS + 1)
    assert all(counted.kind.source != EVERYWHERE or counted.kind.application_id is None for counted in counts)


def test_record_says_how_many_of_what_from_where() -> None:
    """
    In the form of any other record of a refusal.
    """
    event = refusals_counted(Counted(kind=kind(), number=4940, since=NOW))
    assert (event.key, event.application_id) == ("ExchangeTokenBy.ClientCredentials", "app")
    assert event.payload == {
        "result": "Error",
        "error": {
            "message": "invalid_client",
            "error": "invalid_client",
            "error_description": "4940 refusals of this kind not recorded one by one",
            "statusCode": 401,
        },
        "ip": "192.0.2.1",
        "applicationId": "app",
        "params": {},
        "tokenTypes": [],
        "notRecorded": 4940,
        "since": 1795521600000,
    }


def test_record_of_refusals_from_everywhere_names_nobody() -> None:
    """
    What is not known is left out.
    """
    event = refusals_counted(Counted(kind=kind(EVERYWHERE, None), number=1, since=NOW))
    assert event.application_id is None
    assert not {"ip", "applicationId"} & set(event.payload)  # type: ignore[arg-type]
