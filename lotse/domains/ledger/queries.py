"""Reads of the ledger. Sums over history are for reports and checks, never for the order path."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from lotse.domains.ledger.contracts import Account, AccountBalance, Entry
from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

READS = statements("lotse.domains.ledger", "reads")


async def accounts(conn: Connection) -> list[Account]:
    """The chart of accounts."""
    return await conn.many(READS.accounts, Account)


async def entries_of(conn: Connection, *, set_ids: Sequence[UUID]) -> list[Entry]:
    """The postings of some facts, e.g. of an order and its amendments."""
    return await conn.many(READS.entries_of, Entry, set_ids=set_ids)


async def trial_balance(
    conn: Connection, *, legal_entity_id: UUID, first_period: date, last_period: date
) -> list[AccountBalance]:
    """Every account's sum over the months from the first to the last, both included; they sum to zero per currency."""
    return await conn.many(
        READS.trial_balance,
        AccountBalance,
        legal_entity_id=legal_entity_id,
        first_period=first_period,
        last_period=last_period,
    )
