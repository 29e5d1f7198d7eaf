"""Posting. A set is written whole or not at all, in the transaction of the fact that it books."""

from datetime import datetime

from lotse.domains.ledger.contracts import AccountUnknown, Entry, EntrySet
from lotse.domains.ledger.queries import accounts
from lotse.domains.ledger.rules import entries
from lotse.kernel.db import Transaction
from lotse.kernel.rows import Rows, Writer

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
