"""Reads of the ledger. Sums over history are for reports and checks, never for the order path."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from lotse.domains.ledger.contracts import Account, AccountBalance, AccountSum, Entry
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


# Ten years of months.
_MOST_PERIODS = 120


async def balances(
    conn: Connection, *, first_period: date, last_period: date, legal_entity_ids: Sequence[UUID] | None = None
) -> list[AccountSum]:
    """Both sides of every account over the months from the first to the last; of some legal entities, or of all."""
    return await conn.many(
        READS.balances,
        AccountSum,
        first_period=first_period,
        last_period=last_period,
        legal_entity_ids=None if legal_entity_ids is None else list(legal_entity_ids),
    )


async def periods(conn: Connection, *, at: datetime) -> list[date]:
    """The months in which anything is booked, and the present one; the newest first."""
    return await conn.values(READS.periods, at=at, limit=_MOST_PERIODS)
