"""Posting. A set is written whole or not at all, in the transaction of the fact that it books."""

from datetime import datetime, timedelta

from lotse.domains.ledger.contracts import AccountUnknown, Entry, EntrySet
from lotse.domains.ledger.queries import accounts
from lotse.domains.ledger.rules import entries
from lotse.kernel.db import Transaction
from lotse.kernel.rows import Rows, Writer
from lotse.kernel.sql import statements

WRITES = statements("lotse.domains.ledger", "writes")
# What is summed in one transaction: the entries of a busy day take a few seconds.
STEP = timedelta(days=1)

ENTRIES = Writer("lotse.domains.ledger", "entries", Entry)


def book(rows: Rows, fact: EntrySet, *, recorded_at: datetime) -> None:
    """Add a set to the rows of a transaction or of a desk's draft. Refusal: `Unbalanced`."""
    rows.extend(ENTRIES, entries(fact, recorded_at))


async def post(tx: Transaction, *, fact: EntrySet, at: datetime) -> list[Entry]:
    """Book a set that no other fact brings along, e.g. a fee or a manual posting.

    Refusals: `AccountUnknown`, `Unbalanced`.
    """
    known = {account.code for account in await accounts(tx)}
    for posting in fact.postings:
        if posting.account not in known:
            raise AccountUnknown(account=posting.account)
    rows = Rows()
    book(rows, fact, recorded_at=at)
    await rows.write(tx)
    return rows.of(ENTRIES)


async def sum_entries(tx: Transaction, *, before: datetime) -> bool:
    """Bring the sums of accounts a step further, a day at most; False if nothing was left to add."""
    since: datetime = await tx.value(WRITES.lock_summed)
    if since >= before:
        return False
    first: datetime | None = await tx.value(WRITES.next_recorded, since=since, before=before)
    upto = before if first is None else min(before, first + STEP)
    if first is not None:
        await tx.execute(WRITES.sum_entries, since=first, before=upto)
    await tx.execute(WRITES.move_summed, upto=upto)
    return upto < before
