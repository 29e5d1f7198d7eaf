"""The pool as processes use it: what is left of a connection when it goes back."""

import asyncio

import pytest

from lotse.kernel.db import Connection, Database, opened

STATE = """
select xact_start is not null, (select count(*) from pg_locks where pg_locks.pid = $1)
from pg_stat_activity where pid = $1
"""


async def open_and_locks(watch: Connection, pid: int) -> tuple[bool, int]:
    """Whether a backend has a transaction, and how many locks."""
    found = await watch.raw.fetchrow(STATE, pid)
    assert found is not None
    return found[0], found[1]


@pytest.mark.parametrize("way", ["reading", "snapshot", "transaction"])
async def test_a_cancelled_read_leaves_nothing_open(db: Database, dsn: str, way: str):
    """Between a statement's preparation and its execution the server has a transaction that no time-out ends."""
    async with opened(dsn, role="test", connections=1) as pool, db.reading() as watch:
        pid = 0
        with pytest.raises(asyncio.CancelledError):
            async with getattr(pool, way)() as conn:
                pid = conn.raw.get_server_pid()
                await conn.raw.prepare("select count(*) from kernel.consumers")
                is_open, locks = await open_and_locks(watch, pid)
                assert is_open and locks, "else this shows nothing"
                raise asyncio.CancelledError
        assert await open_and_locks(watch, pid) == (False, 0)
