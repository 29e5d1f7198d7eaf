"""`lotse check` is clean on a sound database and names what a hand has broken."""

import pytest

from lotse.kernel import check, relay
from lotse.kernel.db import Database, Transaction
from lotse.kernel.sql import Statement, statements

KERNEL = {statement.name: statement for statement in statements("lotse.kernel", "reads")}


async def three_events(tx: Transaction) -> None:
    await relay.move_all(tx)
    await tx.raw.execute(
        "insert into kernel.outbox (type, version, key, payload, occurred_at, recorded_at)"
        " select 'kernel_test.Made', 1, 'k', '{}', now(), now() from generate_series(1, 3)"
    )
    await relay.move_all(tx)


BROKEN = {
    "event_positions": "delete from kernel.event_log where position = (select position - 1 from kernel.event_head)",
    "event_head": "update kernel.event_head set position = position + 1",
    "consumers": "insert into kernel.consumers (name, position) select 'test', position + 1 from kernel.event_head",
    "parked_events": """
        with c as (insert into kernel.consumers (name, position) values ('test', 5) returning name)
        insert into kernel.parked_events select name, 7, uuidv7(), 'k', 'error', 1, now() from c
    """,
    "outbox_age": """
        insert into kernel.outbox (type, version, key, payload, occurred_at, recorded_at)
        values ('kernel_test.Made', 1, 'k', '{}', now(), '2001-01-01')
    """,
    "waiting_lines": """
        insert into kernel.waiting_openings (room, began_at, gathering, last_number) values ('test', now(), false, 1)
    """,
}


@pytest.mark.parametrize("name", KERNEL)
async def test_a_sound_database_has_no_difference(tx: Transaction, name: str):
    await three_events(tx)
    assert await check.differences(tx, "kernel", KERNEL[name]) == []


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_broken_is_named(tx: Transaction, name: str):
    await three_events(tx)
    await tx.raw.execute(BROKEN[name])
    statement = KERNEL[f"check_{name}"]
    # The test's server may be seconds old, and waiting counts from its start.
    statement = Statement("test", statement.name, statement.sql.replace("pg_postmaster_start_time()", "'2001-01-01'"))
    differences = await check.differences(tx, "kernel", statement)
    assert len(differences) == 1
    assert differences[0].check == name
    assert str(differences[0]).startswith(f"kernel: {name}: ")


def test_every_kernel_check_is_shown_to_find_something():
    assert {f"check_{name}" for name in BROKEN} == KERNEL.keys()


async def test_an_endless_list_is_cut_off(tx: Transaction):
    endless = Statement("test", "check_all", "select n::text, null, 'x' from generate_series(1, 5000) n")
    differences = await check.differences(tx, "test", endless)
    assert len(differences) == check.MAX_DIFFERENCES + 1
    assert differences[0] == check.Difference("test", "all", "1", "nothing", "x")
    assert differences[-1].found == "more than 1000"


async def test_all_checks_of_all_domains_can_run(db: Database):
    await check.run(db)
    assert {domain for domain, _ in check.checks()} >= {"kernel"}
