"""Reads of declarations."""

from collections.abc import Sequence
from uuid import UUID

from lotse.domains.returns.contracts import StoredWithdrawals, Withdrawal, WithdrawalUnknown
from lotse.kernel.auth.principal import Whose
from lotse.kernel.auth.things import Thing
from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

READS = statements("lotse.domains.returns", "reads")


async def withdrawal(conn: Connection, *, withdrawal_id: UUID) -> Withdrawal | None:
    """One declaration, or None."""
    return await conn.maybe(READS.withdrawal, Withdrawal, id=withdrawal_id)


async def newest_withdrawal(conn: Connection, *, shop_id: UUID | None) -> Withdrawal | None:
    """The newest declaration that still names somebody: for previews of its acknowledgement."""
    return await conn.maybe(READS.newest, Withdrawal, shop_id=shop_id)


async def withdrawals_of(conn: Connection, *, order_ids: Sequence[UUID]) -> dict[UUID, list[Withdrawal]]:
    """What was declared of orders, by order, the oldest first."""
    found: dict[UUID, list[Withdrawal]] = {}
    for one in await conn.many(READS.of_orders, Withdrawal, order_ids=list(order_ids)):
        if one.order_id is not None:
            found.setdefault(one.order_id, []).append(one)
    return found


async def whose(conn: Connection, withdrawal_id: UUID) -> Whose | None:
    """Where a declaration belongs: the shop that got it."""
    return await conn.maybe(READS.whose, Whose, id=withdrawal_id)


WITHDRAWAL = Thing(
    "withdrawal",
    "withdrawal_id",
    whose,
    unknown=lambda id: WithdrawalUnknown(withdrawal=str(id)),
    read="orders.read",
)


async def export_party(conn: Connection, *, party_id: UUID) -> StoredWithdrawals | None:
    """What declarations keep about a person, for their export; None if nothing is."""
    found = await conn.many(READS.of_party, Withdrawal, party_id=party_id)
    return StoredWithdrawals(found) if found else None
