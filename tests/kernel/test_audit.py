"""The log of changes: who, from where, when, old, new, why; it only grows; bulk changes are one entry with its rows."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from lotse.kernel import audit, clock, privacy
from lotse.kernel.audit import Origin
from lotse.kernel.auth.principal import ALL, Principal, holding
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.pages import query
from lotse.kernel.pages.table import Scope
from lotse.testing import Fresh
from lotse.web.signin.log import AUDIT_TABLE, AuditRow

HERE = Origin("page", "POST /office/prices/{variant_id}", "192.0.2.7", "session-1", "request-1")


async def test_a_change_says_who_from_where_old_new_and_why(tx: Transaction, fresh: Fresh) -> None:
    subject, at = f"pricing.price:{fresh.id()}", clock.now()
    token = audit.origin.set(HERE)
    await audit.record(tx, actor="staff:1", subject=subject, old={"price": 1}, new={"price": 2}, at=at, reason="sale")
    audit.origin.reset(token)
    [told] = await audit.history(tx, subject=subject)
    assert (told.actor, told.old, told.new, told.reason) == ("staff:1", {"price": 1}, {"price": 2}, "sale")
    assert (told.origin_kind, told.origin, told.address) == ("page", HERE.name, "192.0.2.7")
    assert (told.session, told.request, told.recorded_at, told.kind) == ("session-1", "request-1", at, "pricing.price")
    assert await audit.entry(tx, id=told.id) == told


@pytest.mark.parametrize(
    "statement",
    [
        "update kernel.audit set actor = 'somebody else' where subject = $1",
        "update kernel.audit set new = null where subject = $1",
        "delete from kernel.audit where subject = $1",
        "truncate kernel.audit",
        # Without triggers, as replication applies changes.
        "delete from kernel.audit where subject = $1 /* replica */",
        # Blanking takes what was said, never who said it.
        "update kernel.audit set old = null, new = null, reason = null, actor = 'x' where subject = $1 /* blanking */",
        "delete from kernel.audit where subject = $1 /* blanking */",
    ],
)
async def test_nobody_changes_or_removes_an_entry(tx: Transaction, fresh: Fresh, statement: str) -> None:
    subject = f"test.thing:{fresh.id()}"
    await audit.record(tx, actor="staff:1", subject=subject, old=None, new={"a": 1}, at=clock.now())
    if "replica" in statement:
        await tx.raw.execute("set local session_replication_role = replica")
    if "blanking" in statement:
        await tx.raw.execute("set local lotse.blanking = 'on'")
    with pytest.raises(asyncpg.RestrictViolationError, match="only grows"):
        async with tx.raw.transaction():
            await tx.raw.execute(statement, *([subject] if "$1" in statement else []))
    assert len(await audit.history(tx, subject=subject)) == 1


async def test_what_an_entry_said_about_a_person_can_be_forgotten(tx: Transaction, fresh: Fresh) -> None:
    subject = f"test.person:{fresh.id()}"
    await audit.record(tx, actor="staff:1", subject=subject, old=None, new={"name": "Ada"}, at=clock.now(), reason="r")
    assert await tx.value(privacy.SQL.blank_changes, subjects=[subject]) == 1
    assert await tx.value(privacy.SQL.blank_changes, subjects=[subject]) == 0
    [told] = await audit.history(tx, subject=subject)
    assert (told.actor, told.old, told.new, told.reason) == ("staff:1", None, None, None)


KIM = Principal("staff", "00000000-0000-7000-8000-000000000001", "Kim", holding(ALL))
SCOPE = Scope(UUID(int=1), "EUR", "de", "Europe/Berlin", clock.now(), KIM, "audit.read")


async def _all(conn: Connection, size: int = 50, **filters: str) -> list[AuditRow]:
    found: list[AuditRow] = []
    given = list(filters.items())
    while True:
        page, wrong = await query.page(conn, AUDIT_TABLE, SCOPE, query.asked(AUDIT_TABLE, given), size=size)
        assert not wrong
        found += page.items
        if page.after is None:
            return found
        given = [*filters.items(), ("after", page.after)]


@pytest.mark.parametrize(("number", "entries"), [(audit.BULK_FROM - 1, audit.BULK_FROM - 1), (audit.BULK_FROM, 1)])
async def test_many_changes_are_one_entry_with_its_rows(
    tx: Transaction, fresh: Fresh, number: int, entries: int
) -> None:
    actor, at = f"staff:{fresh.id()}", clock.now()
    changes = [(f"test.row:{fresh.id()}", {"n": n} if n else None, {"n": n + 1}) for n in range(number)]
    await audit.record_all(tx, actor=actor, changes=changes, at=at, reason="season")
    shown = await _all(tx, actor=actor)
    assert len(shown) == entries
    if entries == 1:
        [head] = shown
        assert head.is_bulk and head.subject == "test.row:*" and head.new == {"changes": number}
        rows = await audit.rows_of(tx, bulk_id=head.id, limit=7)
        assert rows.next is not None and len(rows.items) == 7
        rest = await audit.rows_of(tx, bulk_id=head.id, cursor=rows.next)
        assert [(row.subject, row.old, row.new) for row in rows.items + rest.items] == changes
        assert {row.reason for row in rest.items} == {"season"}
    # The thing's own history does not care how many were changed with it.
    [told] = await audit.history(tx, subject=changes[-1][0])
    assert told.new == {"n": number}


async def test_a_bulk_change_of_several_transactions_is_one_entry(db: Database, fresh: Fresh) -> None:
    actor, at = f"staff:{fresh.id()}", clock.now()
    async with db.transaction() as tx:
        id = await audit.head(tx, subject="test.row:*", actor=actor, new={"changes": 60}, at=at)
    for _ in range(3):
        with audit.in_bulk(id):
            async with db.transaction() as tx:
                changes = [(f"test.row:{fresh.id()}", None, {}) for _ in range(20)]
                await audit.record_all(tx, actor=actor, changes=changes, at=at)
    async with db.transaction() as tx:
        await audit.record(tx, actor=actor, subject=f"test.row:{fresh.id()}", old=None, new={}, at=at)
    async with db.reading() as conn:
        assert [change.is_bulk for change in await _all(conn, actor=actor)] == [False, True]
        assert len((await audit.rows_of(conn, bulk_id=id, limit=200)).items) == 60


async def test_the_log_is_read_by_who_what_and_when(tx: Transaction, fresh: Fresh) -> None:
    at = clock.now()
    ada, till = f"staff:{fresh.id()}", f"token:{fresh.id()}"
    price, stock = f"test_price_{fresh.id().hex}", f"test_stock_{fresh.id().hex}"
    thing = f"{price}:{fresh.id()}"
    for ago, actor, subject, kind in [
        (3, ada, thing, "page"),
        (2, till, thing, "api"),
        (1, ada, f"{stock}:1", "page"),
        (0, ada, f"{price}:2", "job"),
    ]:
        token = audit.origin.set(Origin(kind, "x"))  # type: ignore[arg-type]
        await audit.record(tx, actor=actor, subject=subject, old=None, new={}, at=at - timedelta(hours=ago))
        audit.origin.reset(token)

    async def hours(**filters: str) -> list[float]:
        return [(at - change.recorded_at) / timedelta(hours=1) for change in await _all(tx, 1, **filters)]

    assert await hours(actor=ada) == [0, 1, 3]
    assert await hours(kind=price) == [0, 2, 3]
    assert await hours(subject=thing) == [2, 3]
    assert await hours(subject=thing, actor=ada) == [3]
    assert await hours(actor=ada, kind=price) == [0, 3]
    assert await hours(actor=ada, origin_kind="page") == [1, 3]
    # In one order over subjects and people; what else there is of these hours stands between them.
    everything = [change.subject for change in await _all(tx, 200)]
    assert everything.index(f"{price}:2") < everything.index(f"{stock}:1") < everything.index(thing)
    assert {price, stock} <= set(await audit.kinds(tx)) and {ada, till} <= set(await audit.actors(tx))


async def _plan(tx: Transaction, text: str, arguments: Sequence[object]) -> str:
    # The table is as small as the tests left it, where a scan or a sort is as good; what remains then has no index.
    for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
        await tx.raw.execute(f"set local enable_{way} = off")
    return "\n".join(row[0] for row in await tx.raw.fetch("explain " + text, *arguments))


@pytest.mark.parametrize(
    ("name", "parameters", "index"),
    [
        ("history", {"subject": "a:1", "before": UUID(int=2**128 - 1), "limit": 50}, "audit_subject"),
        ("log_of_bulk", {"bulk_id": UUID(int=1), "after": UUID(int=0), "limit": 50}, "audit_bulk"),
    ],
)
async def test_reading_uses_its_index(tx: Transaction, name: str, parameters: dict[str, object], index: str) -> None:
    statement = getattr(audit.SQL, name)
    plan = await _plan(tx, statement.sql, [parameters[parameter] for parameter in statement.params])
    assert index in plan and "Sort" not in plan, plan


@pytest.mark.parametrize(
    ("filters", "index"),
    [({}, "audit_newest"), ({"actor": "staff:1"}, "audit_actor"), ({"kind": "a"}, "audit_kind")],
)
async def test_the_table_uses_its_indexes(tx: Transaction, filters: dict[str, str], index: str) -> None:
    found, _ = query.reading(AUDIT_TABLE, SCOPE, query.asked(AUDIT_TABLE, list(filters.items())))
    plan = await _plan(tx, *found.statement("t.*", "order by t.recorded_at desc, t.id desc limit 50"))
    assert index in plan and "Sort" not in plan, plan


async def test_a_thing_changed_among_many_leads_to_the_entry_of_all(tx: Transaction, fresh: Fresh) -> None:
    actor, at = f"staff:{fresh.id()}", clock.now()
    changes = [(f"test.row:{fresh.id()}", None, {"n": n}) for n in range(audit.BULK_FROM)]
    await audit.record_all(tx, actor=actor, changes=changes, at=at)
    [head] = await _all(tx, subject=changes[3][0])
    assert head.is_bulk and not head.thing_id


async def test_moved_goods_are_in_the_log_whoever_writes_the_paper(tx: Transaction, fresh: Fresh) -> None:
    at = clock.now()
    for kind in ("receipt", "adjustment", "transfer"):
        await tx.raw.execute(
            "insert into inventory.documents (id, kind, reference, note, actor, occurred_at, recorded_at)"
            " values ($1, $2, 'list 7', 'broken', $3, $4, $4)",
            id := fresh.id(),
            kind,
            f"staff:{id}",
            at,
        )
        told = await audit.history(tx, subject=f"inventory.document:{id}")
        assert [(one.actor, one.reason, one.new, one.recorded_at) for one in told] == [
            (f"staff:{id}", "broken", {"kind": kind, "reference": "list 7"}, at)
        ]
