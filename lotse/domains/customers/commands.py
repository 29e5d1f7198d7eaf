"""Make and change customers, many in one call: checkout, imports and the service desk use the same verbs."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from lotse.domains.customers.contracts import (
    Address,
    AddressKind,
    Customer,
    CustomerChanged,
    EditCustomer,
    PutCustomer,
    StoredCustomer,
    UnknownCustomer,
)
from lotse.domains.customers.rules import check_address, check_customer, check_email, edit_of
from lotse.domains.parties.commands import put_parties
from lotse.domains.parties.contracts import PutParty, UnknownShop
from lotse.kernel import audit
from lotse.kernel.db import Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.outbox import emit
from lotse.kernel.privacy import Erased
from lotse.kernel.refusals import Invalid, refusing
from lotse.kernel.sql import statements

READS = statements("lotse.domains.customers", "reads")
WRITES = statements("lotse.domains.customers", "writes")


async def put_customers(
    tx: Transaction, customers: Sequence[PutCustomer], *, by: str, at: datetime
) -> list[StoredCustomer]:
    """Make customers with their parties and addresses, or overwrite those whose numbers exist; in the order given.

    Set-based, and the same call again (with numbers) changes nothing. Refusals in this order: `Invalid` (by
    `customers[i].field`), `UnknownShop`.
    """
    if not customers:
        return []
    for i, customer in enumerate(customers):
        check_customer(customer, f"customers[{i}]")
    given = [customer.number for customer in customers if customer.number is not None]
    if len(set(given)) != len(given):
        raise Invalid(field="customers", rule="each number once")
    known: dict[str, StoredCustomer] = {}
    if given:
        await tx.execute(WRITES.lock_numbers)
        known = {row.number: row for row in await tx.many(READS.by_numbers, StoredCustomer, numbers=given)}
    drawn = iter(await tx.values(READS.draw_numbers, count=len(customers) - len(given)))
    numbers = [next(drawn) if customer.number is None else customer.number for customer in customers]
    parties = await put_parties(
        tx,
        [
            PutParty(
                id=known[number].party_id if number in known else None,
                kind=customer.kind,
                name=customer.name,
                email=customer.email,
                phone=customer.phone,
                roles=("customer",),
            )
            for number, customer in zip(numbers, customers, strict=True)
        ],
        by=by,
        at=at,
    )
    rows = [
        _CustomerRow(uuid7(), party_id, number, customer.shop_id, customer.customer_group)
        for party_id, number, customer in zip(parties, numbers, customers, strict=True)
    ]
    with refusing({"customers_shop": lambda: UnknownShop(shop=str(customers[0].shop_id))}):
        stored = {row.number: row for row in await tx.many(WRITES.put_customers, _Stored, customers=rows, at=at)}
    found = [StoredCustomer(stored[number].id, stored[number].party_id, number) for number in numbers]
    added = await _put_addresses(
        tx,
        [
            (customer.id, kind, address)
            for customer, put in zip(found, customers, strict=True)
            for kind, address in put.addresses
        ],
        at=at,
    )
    changed = sorted({*added, *(row.id for row in stored.values() if row.changed)})
    await emit(tx, *(CustomerChanged(id) for id in changed), at=at)
    return found


async def locked_customer(tx: Transaction, *, customer_id: UUID) -> Customer:
    """A customer as it is, until the transaction ends: two people at one customer wait for each other.

    Refusal: `UnknownCustomer`.
    """
    locked = await tx.values(READS.lock, customer_id=customer_id)
    found = await tx.maybe(READS.customers, Customer, ids=[customer_id]) if locked else None
    if found is None:
        raise UnknownCustomer(customer=str(customer_id))
    return found


async def edit_customer(
    tx: Transaction, *, customer_id: UUID, edited: EditCustomer, by: str, reason: str, at: datetime
) -> None:
    """Change how a customer is called, reached and priced. Refusals in this order: `Invalid` (by field),
    `UnknownCustomer`.

    On record stands who changed which field and why; not what names and addresses said, which would outlive the
    person's wish to be forgotten.
    """
    check_email(edited.email, "email")
    found = await locked_customer(tx, customer_id=customer_id)
    now = edit_of(found)
    changed = [name for name in edited.__struct_fields__ if getattr(edited, name) != getattr(now, name)]
    if not changed:
        return
    put = PutCustomer(
        number=found.number,
        shop_id=found.shop_id,
        name=edited.name,
        email=edited.email,
        phone=edited.phone,
        customer_group=edited.customer_group,
    )
    await put_customers(tx, [put], by=by, at=at)
    old = {name: now.customer_group if name == "customer_group" else None for name in changed}
    new = {name: edited.customer_group if name == "customer_group" else "…" for name in changed}
    subject = f"customers.customer:{customer_id}"
    await audit.record(tx, actor=by, subject=subject, old=old, new=new, at=at, reason=reason)


async def put_address(tx: Transaction, *, customer_id: UUID, kind: AddressKind, address: Address, at: datetime) -> UUID:
    """Give a customer an address; it is the one of its kind in use from now on. Its id.

    Refusals in this order: `Invalid` (by `address.field`), `UnknownCustomer`.
    """
    check_address(address, "address")
    row = _row(customer_id, kind, address)
    with refusing({"addresses_customer": lambda: UnknownCustomer(customer=str(customer_id))}):
        stored = await tx.many(WRITES.put_addresses, _StoredAddress, addresses=[row], at=at)
    await emit(tx, *(CustomerChanged(one.customer_id) for one in stored), at=at)
    return stored[0].id


async def _put_addresses(
    tx: Transaction, addresses: Sequence[tuple[UUID, AddressKind, Address]], *, at: datetime
) -> set[UUID]:
    """The customers that have an address now which they had not."""
    rows = {(id, kind, address): _row(id, kind, address) for id, kind, address in addresses}  # each once
    stored = await tx.many(WRITES.put_addresses, _StoredAddress, addresses=list(rows.values()), at=at)
    return {row.customer_id for row in stored if row.made}


def _row(customer_id: UUID, kind: AddressKind, address: Address) -> "_AddressRow":
    return _AddressRow(
        uuid7(),
        customer_id,
        kind,
        address.name,
        address.company,
        address.street,
        address.street2,
        address.postcode,
        address.city,
        address.region,
        address.country,
    )


async def erase_party(tx: Transaction, *, party_id: UUID, at: datetime) -> Erased:
    """Erase the addresses of a person; orders keep their own copy for as long as the law asks."""
    customers = await tx.values(WRITES.erase_addresses, party_id=party_id)
    await emit(tx, *(CustomerChanged(customer_id) for customer_id in sorted(set(customers))), at=at)
    subjects = tuple(f"customers.customer:{customer_id}" for customer_id in sorted(set(customers)))
    return Erased(len(customers), subjects=subjects)


class _CustomerRow(Struct, frozen=True):
    id: UUID
    party_id: UUID
    number: str
    shop_id: UUID
    customer_group: str


class _Stored(Struct, frozen=True):
    id: UUID
    party_id: UUID
    number: str
    changed: bool


class _AddressRow(Struct, frozen=True):
    id: UUID
    customer_id: UUID
    kind: str
    name: str
    company: str
    street: str
    street2: str
    postcode: str
    city: str
    region: str
    country: str


class _StoredAddress(Struct, frozen=True):
    id: UUID
    customer_id: UUID
    made: bool
