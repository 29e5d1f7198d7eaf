"""Reads of customers. Names and mail addresses come from the parties, where they can be erased."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from msgspec import Struct

from lotse.domains.customers.contracts import (
    Consent,
    ConsentRequest,
    Customer,
    CustomerAddress,
    EmailChange,
    Exported,
    FoundCustomer,
    Named,
    StoredCustomer,
    Wish,
)
from lotse.domains.parties.queries import parties_by_email
from lotse.kernel.auth.principal import Whose
from lotse.kernel.auth.things import Thing
from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

READS = statements("lotse.domains.customers", "reads")

# Names that a search gathers before it sorts: whoever finds more than this types one more letter.
_MAX_FOUND = 1_000
_MAX_LETTERS = 200
# Nobody chooses from a longer list; who needs more of them sends files.
_MOST_ADDRESSES = 50


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


async def address_book(conn: Connection, *, customer_id: UUID) -> list[CustomerAddress]:
    """Every address of a customer: those that parcels go to first, the newest first. Past the limit the oldest lack."""
    return await conn.many(READS.address_book, CustomerAddress, customer_id=customer_id, limit=_MOST_ADDRESSES)


async def address(conn: Connection, *, customer_id: UUID, address_id: UUID) -> CustomerAddress | None:
    """One of a customer's own addresses, or None."""
    return await conn.maybe(READS.address, CustomerAddress, id=address_id, customer_id=customer_id)


async def named(conn: Connection, *, party_ids: Sequence[UUID]) -> dict[UUID, Named]:
    """How parties are called and reached, by id; who was erased is absent."""
    return {row.party_id: row for row in await conn.many(READS.named, Named, party_ids=list(party_ids))}


def begins(text: str) -> dict[str, Any]:
    """What was typed to find customers, as parameters of a search."""
    return {"begins": text.strip()[:_MAX_LETTERS].replace("\0", "\ufffd"), "at_most": _MAX_FOUND}


async def found(
    conn: Connection, *, text: str, shop_ids: Sequence[UUID] | None, limit: int
) -> list[tuple[FoundCustomer, Named | None]]:
    """Customers by number, name or mail address, the newest first, with their names."""
    shops = None if shop_ids is None else list(shop_ids)
    rows = await conn.many(READS.found, FoundCustomer, **begins(text), shops=shops, limit=limit)
    names = await named(conn, party_ids=[row.party_id for row in rows])
    return [(row, names.get(row.party_id)) for row in rows]


async def whose(conn: Connection, customer_id: UUID) -> Whose | None:
    """Where a customer came from; None if there is none. Every store serves them."""
    return await conn.maybe(READS.whose, Whose, customer_id=customer_id)


CUSTOMER = Thing("customer", "customer_id", whose, read="customers.read", free=("location",))


class Login(Struct, frozen=True):
    """What a customer signs in with; `password` is a hash."""

    customer_id: UUID
    email: str
    password: str


class Reset(Struct, frozen=True):
    """A link that may set a password, until it expires."""

    id: UUID
    customer_id: UUID
    email: str
    expires_at: datetime


def token_hash(token: str) -> bytes:
    """How a session is found: the token has 256 random bits, so a plain hash is enough."""
    return sha256(token.encode()).digest()


async def signed_in(conn: Connection, *, token: str | None, at: datetime) -> UUID | None:
    """The customer of a session's token; None for nobody's."""
    if not token:
        return None
    return await conn.value(READS.session, token_hash=token_hash(token), at=at)


async def login(conn: Connection, *, customer_id: UUID) -> Login | None:
    """What a customer signs in with, or None."""
    return await conn.maybe(READS.login_of_customer, Login, customer_id=customer_id)


async def reset(conn: Connection, *, reset_id: UUID, at: datetime) -> Reset | None:
    """Whose password a link may set; None once it was used or is too old."""
    return await conn.maybe(READS.reset, Reset, id=reset_id, at=at)


async def account_of_email(conn: Connection, *, email: str) -> UUID | None:
    """Whose account has this mail address, in whatever case; None if nobody's."""
    found = await conn.maybe(READS.login_of_email, Login, email=email)
    return found.customer_id if found else None


async def email_change(conn: Connection, *, change_id: UUID, at: datetime) -> EmailChange | None:
    """What a link may change; None once it was used or is too old."""
    return await conn.maybe(READS.email_change, EmailChange, id=change_id, at=at)


async def email_asked(conn: Connection, *, customer_id: UUID, at: datetime) -> EmailChange | None:
    """The change that an account waits for, or None."""
    return await conn.maybe(READS.email_asked, EmailChange, customer_id=customer_id, at=at)


async def email_changed(conn: Connection, *, change_id: UUID) -> EmailChange | None:
    """A change that was made, or None."""
    return await conn.maybe(READS.email_changed, EmailChange, id=change_id)


async def newest_account(conn: Connection, *, shop_id: UUID | None) -> UUID | None:
    """A customer with an account, for examples."""
    return await conn.value(READS.newest_account, shop_id=shop_id)


async def wish_list(conn: Connection, *, customer_id: UUID | None, list_id: UUID | None) -> UUID | None:
    """The customer's list, else the guest's, else None."""
    if customer_id is not None:
        return await conn.value(READS.list_of_customer, customer_id=customer_id)
    return await conn.value(READS.guest_list, id=list_id) if list_id is not None else None


async def wishes(conn: Connection, *, list_id: UUID, limit: int = 200) -> list[Wish]:
    """What is on a list, the newest first."""
    return await conn.many(READS.wishes, Wish, list_id=list_id, limit=limit)


async def consents(conn: Connection, *, customer_id: UUID) -> dict[str, Consent]:
    """What a customer decided last, by purpose."""
    return {one.purpose: one for one in await conn.many(READS.consents, Consent, customer_id=customer_id)}


async def consents_asked(conn: Connection, *, customer_id: UUID, at: datetime) -> dict[str, ConsentRequest]:
    """What waits for a click in a mail, by purpose."""
    found = await conn.many(READS.consent_requests, ConsentRequest, customer_id=customer_id, at=at)
    return {one.purpose: one for one in found}


async def consent_request(conn: Connection, *, request_id: UUID, at: datetime) -> ConsentRequest | None:
    """What a link may confirm; None once it was used, taken back or is too old."""
    return await conn.maybe(READS.consent_request, ConsentRequest, id=request_id, at=at)


async def export_party(conn: Connection, *, party_id: UUID) -> Exported | None:
    """What is kept about a person as a customer, for their export; None if they are none."""
    stored = await conn.many(READS.by_parties, StoredCustomer, party_ids=[party_id])
    if not stored:
        return None
    ids = [row.id for row in stored]
    return Exported(
        await conn.many(READS.customers, Customer, ids=ids),
        await conn.many(READS.every_address, CustomerAddress, ids=ids),
        await conn.many(READS.every_consent, Consent, ids=ids),
        await conn.many(READS.every_wish, Wish, ids=ids),
        await conn.many(READS.every_consent_request, ConsentRequest, ids=ids),
        await conn.many(READS.every_email_change, EmailChange, ids=ids),
    )
