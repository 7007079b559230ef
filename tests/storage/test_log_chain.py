"""
The chain of seals: whatever is changed behind the server's back is found, and what is not sealed yet is said to be so.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.home import ON_SQLITE, settings_of
from tests.support.long import IS_LONG
from tests.support.sealed import add_changes, add_some_tokens, seal
from tests.support.stored import execute_on_tokens, stored
from watchword.server.bootstrap import open_context, open_logs
from watchword.server.domain.log_chain import MarkKind, head_of, sign_mark
from watchword.server.jobs import JOBS, retention, sealing, token_log_mark
from watchword.server.jobs.runner import run_if_due
from watchword.server.operations.audit import newest_heads, verify
from watchword.server.storage.audit import counts, places, seals
from watchword.server.storage.audit.chains import CHAINS, TOKENS
from watchword.server.storage.audit.lines import read_batch
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.support.home import Made
    from watchword.server.context import Context
    from watchword.server.operations.audit import Finding

FILES = {"audit_events": "watchword.db", "token_events": "tokens.db"}
DROPPED, KEPT = 5, 30  # records of tokens
NO_HEADS: frozenset[str] = frozenset()


def findings(ctx: Context, heads: frozenset[str] = NO_HEADS) -> Sequence[Finding]:
    """
    Verify an open home.
    """
    return verify(ctx.database, ctx.keys, heads)


def faults(ctx: Context) -> list[str]:
    """
    Return what a verification finds wrong.
    """
    return [fault for finding in findings(ctx) for fault in finding.faults]


def heads(ctx: Context) -> frozenset[str]:
    """
    Export the newest heads.
    """
    return frozenset(tip.position.head for _, tip in newest_heads(ctx.database, ctx.keys))


def proven(ctx: Context, exported: frozenset[str]) -> frozenset[str]:
    """
    Return which exported heads a verification finds in the chains.
    """
    return frozenset(head for finding in findings(ctx, exported) for head in finding.proven)


@pytest.fixture(scope="module")
def sealed_home(made_on: Callable[[str], Made], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A home whose logs are sealed, of which retention has dropped a part.
    """
    home = shutil.copytree(made_on("sqlite").home, tmp_path_factory.mktemp("sealed") / "home")
    context = open_context(settings_of(home, token_log_retention_days=1), NoRequestLines())
    with closing(context):
        add_some_tokens(context, DROPPED, age=timedelta(days=3))
        for _ in range(3):
            seal(context)
            add_changes(context, 3)
            add_some_tokens(context, KEPT // 3)
        seal(context)
        assert not retention.run_once(context, context.clock())
        found = {finding.chain: finding for finding in findings(context)}
    assert all(not finding.faults and not finding.unsealed for finding in found.values())
    assert (found["token_events"].records, found["token_events"].seals) == (KEPT, 3)
    assert found["token_events"].checkpoint is not None
    return home


def test_what_is_not_sealed_is_said_to_be_so(ctx: Context) -> None:
    """
    Records are counted, and their change can't be found yet.
    """
    add_some_tokens(ctx, 7)
    (changes, tokens) = findings(ctx)
    assert (tokens.seals, tokens.records, tokens.unsealed, tokens.faults) == (0, 0, 7, [])
    seal(ctx)
    (changes, tokens) = findings(ctx)
    assert (tokens.seals, tokens.records, tokens.unsealed, tokens.faults) == (1, 7, 0, [])
    assert (changes.records, changes.unsealed) == (changes.position.last, 0)


def test_seals_hold_so_many_records_and_follow_each_other(ctx: Context) -> None:
    """
    A backlog is sealed in batches, so that no transaction is long.
    """
    add_some_tokens(ctx, 2 * sealing.MOST_RECORDS + 1)
    seal(ctx)
    with ctx.database.read() as connection:
        found = seals.seals_after(connection, TOKENS, 0, 10)
    assert [each.count for each in found] == [sealing.MOST_RECORDS, sealing.MOST_RECORDS, 1]
    assert faults(ctx) == []


# What somebody who can write the files does to them.
TEXT_CHANGES = st.sampled_from(["x", "", None, "default", "app1", '{"result":"Error"}', b"x"])
NUMBER_CHANGES = st.sampled_from([-1, 0, 1, 7, 2**62, "x", "1x", None])


@dataclass(frozen=True, slots=True)
class Tampering:
    """
    A change to a table by raw SQL.
    """

    chain: str
    table: str
    what: str


TAMPERINGS = [
    Tampering(chain, table, what)
    for chain in FILES
    for table, whats in {
        "records": ("change", "delete", "cut", "insert", "swap", "retype"),
        "log_seals": ("change", "delete", "cut", "insert", "swap"),
        "log_marks": ("change", "delete"),
        "log_counts": ("change", "delete", "insert"),
    }.items()
    for what in whats
]


@pytest.mark.slow
@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda each: f"{each.chain}-{each.table}-{each.what}")
@settings(max_examples=50 if IS_LONG else 6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_to_what_is_sealed_is_found(
    sealed_home: Path, tmp_path: Path, tampering: Tampering, data: st.DataObject
) -> None:
    """
    One row changed, removed, added or moved, or the end cut off: of records, seals, marks or counts.
    """
    home = tmp_path / "home"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(sealed_home, home)
    with closing(sqlite3.connect(home / FILES[tampering.chain])) as connection:
        before = list(connection.iterdump())
        tamper(connection, tampering, data)
        connection.commit()
        assume(list(connection.iterdump()) != before)
    with open_logs(settings_of(home)) as (database, keys):
        found = {finding.chain: finding.faults for finding in verify(database, keys, NO_HEADS)}
    assert found.pop(tampering.chain)
    assert list(found.values()) == [[]]


def tamper(connection: sqlite3.Connection, tampering: Tampering, data: st.DataObject) -> None:
    """
    Change a table.
    """
    table = tampering.chain if tampering.table == "records" else tampering.table
    columns = [(row[1], row[2], row[3]) for row in connection.execute(f"PRAGMA table_info({table})")]
    rowids = [row[0] for row in connection.execute(f"SELECT rowid FROM {table} ORDER BY rowid")]
    assert rowids
    row = data.draw(st.sampled_from(rowids))
    match tampering.what:
        case "change":
            name, kind, not_null = data.draw(st.sampled_from(columns))
            value = data.draw(TEXT_CHANGES if kind in {"VARCHAR", "JSON"} else NUMBER_CHANGES)
            assume(not (value is None and not_null))
            if table in {"log_seals", "log_marks"}:
                assume(not isinstance(value, bytes))
            assume(not (name == "number" and table == tampering.chain and value not in {-1, 0, 1}))
            change(connection, f"UPDATE {table} SET {name} = ? WHERE rowid = ?", value, row)
        case "retype":
            name = data.draw(st.sampled_from(["tenant_id", "key", "application_id", "payload"]))
            change(connection, f"UPDATE {table} SET {name} = CAST({name} AS BLOB) WHERE rowid = ?", row)
        case "delete":
            change(connection, f"DELETE FROM {table} WHERE rowid = ?", row)
        case "cut":
            change(connection, f"DELETE FROM {table} WHERE rowid >= ?", row)
        case "swap":
            other = data.draw(st.sampled_from(rowids))
            for source, target in ((row, -99), (other, row), (-99, other)):
                change(connection, f"UPDATE {table} SET rowid = ? WHERE rowid = ?", target, source)
                if tampering.table == "log_seals":
                    change(connection, f"UPDATE {table} SET number = ? WHERE number = ?", target, source)
        case "insert":
            insert(connection, table, [name for name, *_ in columns], row, data)


def insert(connection: sqlite3.Connection, table: str, names: list[str], row: int, data: st.DataObject) -> None:
    """
    Add a copy of a row, where its key is free.
    """
    values = dict(
        zip(names, connection.execute(f"SELECT * FROM {table} WHERE rowid = ?", (row,)).fetchone(), strict=True)
    )
    if table == "log_counts":
        values["hour"] += data.draw(st.sampled_from([-1, 1, 1000]))
    else:
        last = connection.execute(f"SELECT max(number) FROM {table}").fetchone()[0]
        beyond = [last + 1] if table == "log_seals" else []
        values["number"] = data.draw(st.sampled_from([-5, 0, *beyond]))
        if "id" in values:
            values["id"] = "copied"
    marks = ", ".join("?" * len(values))
    change(connection, f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", *values.values())


def change(connection: sqlite3.Connection, statement: str, *values: object) -> None:
    """
    Run a statement; one that the database itself refuses is no case.
    """
    try:
        connection.execute(statement, values)
    except sqlite3.IntegrityError:
        assume(False)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE token_events SET application_id = 'innocent' WHERE number = 3", id="record changed"),
        pytest.param("UPDATE token_events SET application_id = NULL WHERE number = 3", id="value taken away"),
        pytest.param("UPDATE token_events SET payload = payload || ' ' WHERE number = 3", id="blank added"),
        pytest.param("DELETE FROM token_events WHERE number = 3", id="record removed"),
        pytest.param("DELETE FROM token_events WHERE number > 7", id="records cut off"),
        pytest.param("UPDATE token_events SET number = 0 WHERE number = 1", id="record moved"),
        pytest.param(
            "INSERT INTO token_events (number, tenant_id, key, payload, created_at) "
            "SELECT -1, tenant_id, key, payload, created_at FROM token_events WHERE number = 3",
            id="record added",
        ),
        pytest.param("DELETE FROM log_seals WHERE number = 2", id="newest seal removed"),
        pytest.param("DELETE FROM log_seals WHERE number = 1", id="oldest seal removed"),
        pytest.param("UPDATE log_seals SET sealed_at = sealed_at + 1 WHERE number = 1", id="seal changed"),
        pytest.param("DELETE FROM log_marks", id="tip removed"),
        pytest.param("UPDATE log_marks SET made_at = made_at + 1", id="tip changed"),
        pytest.param("UPDATE log_marks SET kind = 'checkpoint'", id="tip taken for a checkpoint"),
        pytest.param("UPDATE log_counts SET count = count + 1", id="counts changed"),
    ],
)
def test_change_is_found_on_both_databases(ctx: Context, statement: str) -> None:
    """
    Whatever the database, one change by raw SQL is enough.
    """
    for _ in range(2):
        add_some_tokens(ctx, 5)
        seal(ctx)
    assert faults(ctx) == []
    execute_on_tokens(ctx.database, statement)
    assert faults(ctx)


def test_wiping_the_seals_is_found_by_an_exported_head(ctx: Context) -> None:
    """
    Without seals there is nothing to compare with; a head that was exported is no longer part of the log.
    """
    add_some_tokens(ctx, 5)
    seal(ctx)
    exported = heads(ctx)
    for table in ("log_seals", "log_marks", "log_counts"):
        execute_on_tokens(ctx.database, f"DELETE FROM {table}")
    assert faults(ctx) == []
    assert len(proven(ctx, exported)) == 1
    seal(ctx)
    assert faults(ctx) == []
    assert len(proven(ctx, exported)) == 1


def test_exported_head_convicts_a_holder_of_the_audit_key(ctx: Context) -> None:
    """
    Who has the key can change a record and seal everything anew: only a head that was exported before tells.
    """
    add_some_tokens(ctx, 5)
    seal(ctx)
    early = heads(ctx)
    add_some_tokens(ctx, 5)
    seal(ctx)
    late = heads(ctx)
    assert proven(ctx, early | late) == early | late
    execute_on_tokens(ctx.database, "UPDATE token_events SET application_id = 'innocent' WHERE number = 8")
    forge(ctx)
    assert faults(ctx) == []
    assert early <= proven(ctx, early | late)
    assert len(proven(ctx, late)) == 1


def forge(ctx: Context) -> None:
    """
    Compute the newest seal of the token log anew, with the key, after its records were changed.
    """
    with ctx.database.read() as connection:
        first, second = seals.seals_after(connection, TOKENS, 0, 2)
        batch = read_batch(connection, TOKENS, after=first.last, up_to=second.last, most=100)
        assert batch is not None
        head = head_of(ctx.keys.audit, TOKENS.name, first.position, second, [batch.text])
    forged = replace(second, head=head)
    tip = sign_mark(ctx.keys.audit, TOKENS.name, MarkKind.TIP, forged.position, second.sealed_at)
    with ctx.upkeep(of_tokens=True) as upkeep:
        upkeep.execute(TOKENS.seals.delete().where(TOKENS.seals.c.number == second.number))
        upkeep.execute(TOKENS.counts.delete())
        seals.add_seal(upkeep, TOKENS, second.position, forged, tip)
        counts.add(upkeep, TOKENS, 1, second.last)
        places.drop(upkeep, TOKENS, second.last)
        places.add(upkeep, TOKENS, second.last)


@ON_SQLITE
def test_older_copy_is_found_by_an_exported_head(ctx: Context, tmp_path: Path) -> None:
    """
    An earlier state of the whole home is true in itself: that something came after it, only an exported head knows.
    """
    add_some_tokens(ctx, 5)
    seal(ctx)
    ctx.database.close()
    copied = shutil.copytree(ctx.settings.home, tmp_path / "copied")
    add_some_tokens(ctx, 5)
    seal(ctx)
    exported = heads(ctx)
    with open_logs(settings_of(copied)) as (database, keys):
        found = verify(database, keys, exported)
    assert [finding.faults for finding in found] == [[], []]
    assert len({head for finding in found for head in finding.proven}) == 1


def test_token_log_that_ends_before_what_was_noted_is_found(ctx: Context) -> None:
    """
    The main database knows how far it had come: an empty log is not proved in the place of one that held records.
    """
    add_some_tokens(ctx, 5)
    token_log_mark.run_once(ctx, ctx.clock())
    assert faults(ctx) == []
    execute_on_tokens(ctx.database, "DELETE FROM token_events WHERE number > 3")
    (fault,) = faults(ctx)
    assert fault.startswith("the log ends at number 3, and had come to 5")


def test_what_retention_left_is_proved_by_heads_from_after_it(ctx: Context, home: Path) -> None:
    """
    The chain goes on from the checkpoint; a head of what was dropped is no longer part of the log.
    """
    add_some_tokens(ctx, 5, age=timedelta(days=3))
    seal(ctx)
    dropped = heads(ctx)
    add_some_tokens(ctx, 5, age=timedelta(days=2))
    seal(ctx)
    at_checkpoint = heads(ctx)
    add_some_tokens(ctx, 5)
    seal(ctx)
    kept = heads(ctx)
    ctx.close()
    context = open_context(settings_of(home, token_log_retention_days=1), NoRequestLines())
    with closing(context):
        retention.run_once(context, context.clock())
        (_, tokens) = findings(context, dropped | at_checkpoint | kept)
    assert (tokens.faults, tokens.records, tokens.seals) == ([], 5, 1)
    assert tokens.checkpoint is not None
    assert tokens.checkpoint.position.last == 10
    of_changes = dropped & kept  # nothing happened there
    assert set(tokens.proven) == (at_checkpoint | kept) - of_changes


def test_log_that_retention_has_emptied_is_no_earlier_copy(
    ctx: Context, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    How far it had come, its end says; a server that starts on one that really is behind says so.
    """
    add_some_tokens(ctx, 5, age=timedelta(days=3))
    seal(ctx)
    token_log_mark.run_once(ctx, ctx.clock())
    ctx.close()
    context = open_context(settings_of(home, token_log_retention_days=1), NoRequestLines())
    with closing(context):
        assert not retention.run_once(context, context.clock())
        assert [found.records for found in findings(context)][1] == 0
    open_context(settings_of(home), NoRequestLines()).close()
    assert caplog.messages == []
    with stored(home) as database:
        execute_on_tokens(database, "DELETE FROM log_marks")
    open_context(settings_of(home), NoRequestLines()).close()
    assert ["older than it has been" in message for message in caplog.messages] == [True]


def test_retention_keeps_what_is_not_sealed_and_what_is_young(ctx: Context, home: Path) -> None:
    """
    Only whole seals go, and only where all under them is too old.
    """
    add_some_tokens(ctx, 2, age=timedelta(days=3))
    add_some_tokens(ctx, 2)
    seal(ctx)
    add_some_tokens(ctx, 2, age=timedelta(days=3))
    ctx.close()
    context = open_context(settings_of(home, token_log_retention_days=1), NoRequestLines())
    with closing(context):
        retention.run_once(context, context.clock())
        (_, tokens) = findings(context)
    assert (tokens.faults, tokens.records, tokens.unsealed, tokens.checkpoint) == ([], 4, 2, None)


@pytest.mark.parametrize("is_sealed_ahead", [False, True], ids=["a record", "a record and its seal"])
def test_what_a_clock_ahead_has_written_does_not_stop_retention(
    ctx: Context, home: Path, *, is_sealed_ahead: bool
) -> None:
    """
    A record is as old as its seal and those that came later allow: it was written before.
    """
    ahead = timedelta(days=900)
    add_some_tokens(ctx, 2, age=-ahead)
    sealing.run_once(ctx, ctx.clock() + (ahead if is_sealed_ahead else timedelta(0)))
    add_some_tokens(ctx, 2)
    seal(ctx)
    ctx.close()
    context = open_context(settings_of(home, token_log_retention_days=2), NoRequestLines())
    with closing(context):
        retention.run_once(context, context.clock() + timedelta(days=1))
        assert findings(context)[1].records == 4
        retention.run_once(context, context.clock() + timedelta(days=3))
        (_, tokens) = findings(context)
    assert (tokens.faults, tokens.records) == ([], 0)


def test_sealing_that_is_cut_off_goes_on(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A seal, its counts and the tip are there together or not at all.
    """
    add_some_tokens(ctx, 5)
    with monkeypatch.context() as patch:
        patch.setattr(counts, "add", _fail)
        with pytest.raises(ZeroDivisionError):
            seal(ctx)
    (_, tokens) = findings(ctx)
    assert (tokens.seals, tokens.unsealed, tokens.faults) == (0, 5, [])
    seal(ctx)
    (_, tokens) = findings(ctx)
    assert (tokens.seals, tokens.records, tokens.faults) == (1, 5, [])


def test_retention_that_is_cut_off_goes_on(ctx: Context, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Records, seals, counts and the checkpoint move together or not at all.
    """
    add_some_tokens(ctx, 5, age=timedelta(days=3))
    seal(ctx)
    ctx.close()
    context = open_context(settings_of(home, token_log_retention_days=1), NoRequestLines())
    with closing(context):
        with monkeypatch.context() as patch:
            patch.setattr(counts, "subtract", _fail)
            with pytest.raises(ZeroDivisionError):
                retention.run_once(context, context.clock())
        assert faults(context) == []
        retention.run_once(context, context.clock())
        (_, tokens) = findings(context)
        assert (tokens.faults, tokens.records) == ([], 0)


def _fail(*_: object) -> None:
    raise ZeroDivisionError


def test_nothing_is_sealed_on_a_forged_tip(ctx: Context) -> None:
    """
    A chain whose end was moved does not grow: what was done stays to be seen.
    """
    add_some_tokens(ctx, 5)
    seal(ctx)
    execute_on_tokens(ctx.database, "UPDATE log_marks SET last = 2")
    add_some_tokens(ctx, 5)
    with pytest.raises(sealing.BrokenChain, match="watchword audit verify"):
        sealing.run_once(ctx, ctx.clock())
    (_, tokens) = findings(ctx)
    assert tokens.faults
    assert tokens.unsealed == 5


def test_fault_in_one_chain_stops_no_other(ctx: Context) -> None:
    """
    While the log of changes waits for somebody to look at it, the tokens' is sealed, and the fault is told each time.
    """
    seal(ctx)
    with ctx.database.write() as connection:
        connection.exec_driver_sql("UPDATE log_marks SET last = 0")
    add_some_tokens(ctx, 5)
    with pytest.raises(sealing.BrokenChain):
        sealing.run_once(ctx, ctx.clock())
    (_, tokens) = findings(ctx)
    assert (tokens.faults, tokens.records, tokens.unsealed) == ([], 5, 0)


def test_two_processes_seal_one_chain(ctx: Context, home: Path) -> None:
    """
    Whoever comes second finds that the chain has moved on, and leaves it.
    """
    other = open_context(settings_of(home), NoRequestLines())
    add_some_tokens(ctx, 5 * sealing.MOST_RECORDS)
    with closing(other):
        sealers = [threading.Thread(target=seal, args=(each,)) for each in (ctx, other)]
        for sealer in sealers:
            sealer.start()
        for sealer in sealers:
            sealer.join()
    seal(ctx)
    (_, tokens) = findings(ctx)
    assert (tokens.faults, tokens.seals, tokens.records) == ([], 5, 5 * sealing.MOST_RECORDS)


def test_a_turn_is_one_process_alone(ctx: Context, home: Path) -> None:
    """
    The lease keeps another process from doing the same work at the same time.
    """
    (job,) = [job for job in JOBS if job.name == "log-sealing"]
    now = ctx.clock()
    other = open_context(settings_of(home), NoRequestLines())
    with closing(other):
        assert run_if_due(ctx, job, now)
        assert not run_if_due(other, job, now)
        assert run_if_due(other, job, now + job.every)


@pytest.mark.parametrize("at_seal", [1, 3, 4], ids=["under its feet", "behind it", "behind it, at the end"])
def test_verification_goes_on_while_retention_drops(
    ctx: Context, home: Path, monkeypatch: pytest.MonkeyPatch, at_seal: int
) -> None:
    """
    What is dropped meanwhile is no fault.
    """
    for days in (3, 3, 3, 0, 0):
        add_some_tokens(ctx, 2, age=timedelta(days=days))
        seal(ctx)
    ctx.close()
    context = open_context(settings_of(home, token_log_retention_days=1), NoRequestLines())
    with closing(context):
        monkeypatch.setattr("watchword.server.operations.audit._SEALS_AT_ONCE", 1)

        def dropping(*arguments: object) -> object:
            if arguments[1] is TOKENS and arguments[2] == at_seal:
                retention.run_once(context, context.clock())
            return seals.seals_after(*arguments)  # type: ignore[arg-type]  # what was given

        reading = SimpleNamespace(find_mark=seals.find_mark, seals_after=dropping)
        monkeypatch.setattr("watchword.server.operations.audit.seals", reading)
        (_, tokens) = findings(context)
    assert tokens.faults == []
    assert tokens.checkpoint is not None


def test_chains_are_the_logs() -> None:
    """
    Every column of a log is sealed: one that is added and left out could be changed unseen.
    """
    for chain in CHAINS:
        assert set(chain.columns) == set(chain.records.c.keys())
