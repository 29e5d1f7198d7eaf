"""Reads of pools."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from lotse.domains.pools.contracts import Balance, ExplainedMovement, Hold, LiveLine, Movement, SinceCount
from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

READS = statements("lotse.domains.pools", "reads")

# Movements that an explanation looks back over: some weeks of the fastest seller.
_LOOKED_AT = 10_000
_HOLDS_SHOWN = 100
# Later than any id: the first page of a history.
LATEST = UUID(int=2**128 - 1)


async def balance(conn: Connection, *, pool_id: int) -> Balance | None:
    """One pool as it stands."""
    return await conn.maybe(READS.balance, Balance, pool_id=pool_id)


async def balances(conn: Connection, *, pool_ids: Sequence[int]) -> dict[int, Balance]:
    """Many pools by id; unknown ids are left out."""
    return {row.pool_id: row for row in await conn.many(READS.balances, Balance, pool_ids=pool_ids)}


async def history(conn: Connection, *, pool_id: int, before: UUID = LATEST, limit: int = 50) -> list[ExplainedMovement]:
    """The movements of a pool, the newest first, each with the balance that it left. Go on with the last one's id."""
    return await conn.many(READS.history, ExplainedMovement, pool_id=pool_id, before=before, limit=limit)


async def movements_of(conn: Connection, *, pool_ids: Sequence[int], ref_kind: str, ref_id: UUID) -> list[Movement]:
    """What one cause (an order) moved in these pools."""
    return await conn.many(READS.movements_of, Movement, pool_ids=pool_ids, ref_kind=ref_kind, ref_id=ref_id)


async def moved(conn: Connection, *, pool_ids: Sequence[int]) -> set[int]:
    """Those of the pools in which anything ever moved; an empty one may have been sold out."""
    return set(await conn.values(READS.moved, pool_ids=list(pool_ids)))


async def since_count(conn: Connection, *, pool_id: int, counted: str) -> list[SinceCount]:
    """What moved a pool since the last movement of the reason `counted`, by reason."""
    return await conn.many(READS.since_count, SinceCount, pool_id=pool_id, counted=counted, at_most=_LOOKED_AT)


async def live_lines(conn: Connection, *, pool_ids: Sequence[int]) -> list[LiveLine]:
    """What is held of pools now, the first to expire first."""
    return await conn.many(READS.live_lines, LiveLine, pool_ids=list(pool_ids), limit=_HOLDS_SHOWN)


async def latest(conn: Connection, *, pool_ids: Sequence[int], limit: int = 50) -> list[Movement]:
    """The newest movements of several pools together."""
    return await conn.many(READS.latest, Movement, pool_ids=list(pool_ids), limit=limit)


async def hold(conn: Connection, *, hold_id: UUID) -> Hold | None:
    """One hold with its lines."""
    return await conn.maybe(READS.hold, Hold, hold_id=hold_id)


async def pools_with_expired(conn: Connection, *, at: datetime, limit: int = 500) -> list[int]:
    """Pools whose expired lines nobody has given back yet."""
    return await conn.values(READS.pools_with_expired, at=at, limit=limit)
