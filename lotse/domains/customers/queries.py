"""Reads of customers. Names and mail addresses come from the parties, where they can be erased."""

from collections.abc import Sequence
from uuid import UUID

from lotse.domains.customers.contracts import Customer, CustomerAddress, CustomerRow, Exported, StoredCustomer
from lotse.domains.parties.queries import parties_by_email
from lotse.kernel.db import Connection
from lotse.kernel.paging import PAGE_SIZE, Page, after, paged
from lotse.kernel.sql import statements

READS = statements("lotse.domains.customers", "reads")

# Names that a search gathers before it sorts: whoever finds more than this types one more letter.
_MAX_FOUND = 1_000


async def customer(conn: Connection, *, customer_id: UUID) -> Customer | None:
    """A customer, or None."""
    return await conn.maybe(READS.customers, Customer, ids=[customer_id])


async def customers(conn: Connection, *, customer_ids: Sequence[UUID]) -> list[Customer]:
    """Those of the customers that exist, in the order asked."""
    return await conn.many(READS.customers, Customer, ids=list(customer_ids))


async def customers_by_number(conn: Connection, *, numbers: Sequence[str]) -> dict[str, StoredCustomer]:
    """Those of the numbers that exist."""
    found = await conn.many(READS.by_numbers, StoredCustomer, numbers=list(numbers))
    return {row.number: row for row in found}


async def customers_by_email(conn: Connection, *, email: str) -> list[StoredCustomer]:
    """The customers with this mail address, the oldest first."""
    party_ids = await parties_by_email(conn, email=email)
    return await conn.many(READS.by_parties, StoredCustomer, party_ids=party_ids)


async def addresses(conn: Connection, *, customer_id: UUID) -> list[CustomerAddress]:
    """The address in use of each kind."""
    return await conn.many(READS.addresses, CustomerAddress, ids=[customer_id])


async def customer_rows(
    conn: Connection, *, text: str = "", cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[CustomerRow]:
    """The back office's list, newest first; `text` is the beginning of a number or name, or a mail address.
    Refusal: `BadCursor`."""
    begin = after(cursor, tuple[UUID])
    found = await conn.many(
        READS.customer_rows,
        CustomerRow,
        text=text.strip().replace("\0", "\ufffd"),
        at_most=_MAX_FOUND,
        after=begin[0] if begin else None,
        limit=limit + 1,
    )
    return paged(found, limit, ["id"])


async def export_party(conn: Connection, *, party_id: UUID) -> Exported | None:
    """What is kept about a person as a customer, for their export; None if they are none."""
    stored = await conn.many(READS.by_parties, StoredCustomer, party_ids=[party_id])
    if not stored:
        return None
    ids = [row.id for row in stored]
    return Exported(
        await conn.many(READS.customers, Customer, ids=ids),
        await conn.many(READS.every_address, CustomerAddress, ids=ids),
    )
