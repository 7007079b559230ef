"""
The table of metrics, and its text as a Prometheus client reads it.
"""

from __future__ import annotations

import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from watchword.protocol import errors
from watchword.protocol.errors import InsufficientScope, InvalidToken, OAuthError
from watchword.protocol.names import Algorithm
from watchword.server.domain.authority import Dropped
from watchword.server.storage.loader import Kind
from watchword.server.telemetry.exposition import metrics_text
from watchword.server.telemetry.meters import KINDS, OUTCOMES, ROUTES, Meters
from watchword.server.web.api.routes import TABLE


def samples(meters: Meters) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """
    Read the page as a scraper does.
    """
    text = metrics_text(meters).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def key(name: str, /, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """
    Name a sample.
    """
    return name, frozenset(labels.items())


def test_counters_are_there_before_they_count() -> None:
    """
    A series that appears with its first event hides that event from `increase`.
    """
    read = samples(Meters())
    assert read[key("watchword_token_requests_total", grant="client_credentials", outcome="invalid_client")] == 0
    assert read[key("watchword_requests_total", route="users", status="500")] == 0


def test_what_is_counted_is_told() -> None:
    """
    Counters, gauges and instants.
    """
    meters = Meters(jobs=["sweep"])
    meters.signed(Algorithm.ES256, [Dropped.UNKNOWN, Dropped.UNKNOWN, Dropped.NOT_GIVEN], 0.000_03)
    meters.job_success["sweep"].set(1_800_000_000.5)
    meters.committed([None, None, ValueError("lost")], 0.003)
    read = samples(meters)
    assert read[key("watchword_scopes_dropped_total", reason="unknown")] == 2
    assert read[key("watchword_scopes_dropped_total", reason="not_given")] == 1
    assert read[key("watchword_job_last_success_timestamp_seconds", name="sweep")] == 1_800_000_000.5
    assert read[key("watchword_token_log_failures_total")] == 1
    assert read[key("watchword_token_log_commit_records_sum")] == 3
    assert read[key("watchword_workers")] == 1


def test_histogram_counts_upwards() -> None:
    """
    Buckets are cumulative, and a value on a bound is below it.
    """
    meters = Meters()
    for seconds in (0.0005, 0.002, 0.0021, 60.0):
        meters.token_seconds.observe(seconds)
    read = samples(meters)
    bucket = "watchword_token_request_seconds_bucket"
    assert [read[key(bucket, le=bound)] for bound in ("0.0005", "0.002", "+Inf")] == [1, 2, 4]
    assert read[key("watchword_token_request_seconds_count")] == 4
    assert read[key("watchword_token_request_seconds_sum")] == pytest.approx(60.0046)


def test_age_is_told_once_there_is_one() -> None:
    """
    A server that never looked shows no age; one that did shows seconds.
    """
    meters = Meters()
    assert key("watchword_directory_age_seconds") not in samples(meters)
    began = time.monotonic()
    meters.looked(hits=3, recalled=1)
    assert 0 <= samples(meters)[key("watchword_directory_age_seconds")] <= time.monotonic() - began


def test_load_that_fails_is_not_in_flight_for_ever() -> None:
    """
    All that it was to load count, and end.
    """
    meters = Meters()
    with pytest.raises(OSError, match="gone"), meters.load("role", 2):
        raise OSError("gone")
    read = samples(meters)
    assert read[key("watchword_directory_loads_in_flight")] == 0
    assert read[key("watchword_directory_loads_total", kind="role")] == 2


def test_callers_choose_no_label() -> None:
    """
    An unknown value counts as other, so that a million of them are one series.
    """
    meters = Meters()
    before = len(samples(meters))
    for number in range(1000):
        meters.token_requests[f"grant-{number}", f"outcome-{number}"].add()
        meters.requests[f"route-{number}", str(1000 + number)].add()
    read = samples(meters)
    assert len(read) == before
    assert read[key("watchword_token_requests_total", grant="other", outcome="other")] == 1000
    assert read[key("watchword_requests_total", route="other", status="other")] == 1000


def test_every_error_of_the_token_endpoint_is_an_outcome() -> None:
    """
    A new error class gets a series of its own, and is not lost in other.
    """
    elsewhere = {InvalidToken, InsufficientScope}
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, OAuthError)]
    codes = {one.error for one in classes if one not in {OAuthError, *elsewhere}}
    assert "invalid_client" in codes
    assert codes <= set(OUTCOMES)


def test_every_family_of_the_management_api_is_a_route() -> None:
    """
    A new family gets a series of its own. Documents and status count as other.
    """
    families = {route.path.split("/")[1] for route in TABLE.routes if not route.is_public}
    assert "applications" in families
    assert families <= set(ROUTES)


def test_every_kind_of_entry_is_counted() -> None:
    """
    The directory's loads by kind.
    """
    assert set(Kind) <= set(KINDS)
