"""Make and change customers, many in one call: checkout, imports and the service desk use the same verbs."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from lotse.domains.customers.contracts import (
    Address,
    AddressKind,
    Customer,
    CustomerAddress,
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
from lotse.kernel.masters import EVERYTHING, LOTSE, masters_of
from lotse.kernel.outbox import emit
from lotse.kernel.privacy import Erased
from lotse.kernel.refusals import Invalid, refusing
from lotse.kernel.sql import statements

READS = statements("lotse.domains.customers", "reads")
WRITES = statements("lotse.domains.customers", "writes")


async def put_customers(
    tx: Transaction, customers: Sequence[PutCustomer], *, by: str, at: datetime, source: str | None = LOTSE
) -> list[StoredCustomer]:
    """Make customers with their parties and addresses, or overwrite those whose numbers exist; in the order given.

    Set-based, and the same call again (with numbers) changes nothing. `source` is the system that says so; None:
    whether it has the say was asked before. Refusals in this order: `Invalid` (by `customers[i].field`),
    `NotTheMaster`, `UnknownShop`.
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
    if source is not None:
        await _refuse_foreign(tx, customers, known, source)
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
    `UnknownCustomer`, `NotTheMaster`.

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


async def put_address(
    tx: Transaction,
    *,
    customer_id: UUID,
    kind: AddressKind,
    address: Address,
    at: datetime,
    source: str | None = LOTSE,
) -> UUID:
    """Give a customer an address; it is the one of its kind in use from now on. Its id. `source` as in `put_customers`.

    Refusals in this order: `Invalid` (by `address.field`), `NotTheMaster`, `UnknownCustomer`.
    """
    check_address(address, "address")
    if source is not None and not (masters := await masters_of(tx, "customers")).are_all(source):
        in_use = {one.kind: one for one in await tx.many(READS.addresses, CustomerAddress, ids=[customer_id])}
        masters.refuse(_other_parts(kind, address, in_use.get(kind)), source=source)
    row = _row(customer_id, kind, address)
    with refusing({"addresses_customer": lambda: UnknownCustomer(customer=str(customer_id))}):
        stored = await tx.many(WRITES.put_addresses, _StoredAddress, addresses=[row], at=at)
    await emit(tx, *(CustomerChanged(one.customer_id) for one in stored), at=at)
    return stored[0].id


async def _refuse_foreign(
    tx: Transaction, customers: Sequence[PutCustomer], known: Mapping[str, StoredCustomer], source: str
) -> None:
    """Compare with what is there, but only where somebody else has a say at all. Refusal: `NotTheMaster`."""
    masters = await masters_of(tx, "customers")
    if masters.are_all(source):
        return
    ids = [one.id for one in known.values()]
    there = {one.number: one for one in await tx.many(READS.customers, Customer, ids=ids)}
    in_use = {(one.customer_id, one.kind): one for one in await tx.many(READS.addresses, CustomerAddress, ids=ids)}
    for customer in customers:
        before = there.get(customer.number) if customer.number is not None else None
        if before is None:
            masters.refuse((EVERYTHING,), source=source)
            continue
        masters.refuse((name for name in _OWN if getattr(customer, name) != getattr(before, name)), source=source)
        for kind, address in customer.addresses:
            masters.refuse(_other_parts(kind, address, in_use.get((before.id, kind))), source=source)


# What imports call the fields of a customer, beside the parts of the address that bills go to.
_OWN = ("name", "email", "phone", "customer_group")
_PARTS = ("company", "street", "street2", "postcode", "city", "region", "country")


def _other_parts(kind: AddressKind, address: Address, before: CustomerAddress | None) -> Iterable[str]:
    """The fields, as imports name them, that an address would change. Where parcels go is the customer's own affair:
    no file says it."""
    if kind == "billing":
        yield from (part for part in _PARTS if getattr(address, part) != (getattr(before, part) if before else ""))


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
