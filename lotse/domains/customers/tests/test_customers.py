"""Customers: put in bulk by number, found by number, name and mail address."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotse.domains.customers.commands import edit_address, edit_own, put_address, put_customers
from lotse.domains.customers.contracts import Address, AddressUnknown, PutCustomer, UnknownCustomer
from lotse.domains.customers.queries import (
    READS,
    address_book,
    addresses,
    customer,
    customers_by_email,
    customers_by_number,
    found,
)
from lotse.domains.customers.rules import check_email, postcode_like
from lotse.domains.parties.contracts import UnknownShop
from lotse.domains.parties.queries import party
from lotse.kernel.refusals import Invalid
from tests.scene import AT, BY, open_shop

HOME = Address(name="Ada Example", street="Weg 1", postcode="20095", city="Hamburg", country="DE")


@pytest.fixture
async def place(tx, fresh):
    return await open_shop(tx, fresh)


@pytest.fixture
def good(fresh, place):
    return PutCustomer(
        number=fresh.text("N"),
        shop_id=place.shop.id,
        name="Ada Example",
        email=fresh.email(),
        addresses=(("billing", HOME),),
    )


async def test_a_customer_is_a_party_in_a_role(tx, good):
    [stored] = await put_customers(tx, [good], by=BY, at=AT)
    found = await customer(tx, customer_id=stored.id)
    assert found
    assert (found.number, found.name, found.email, found.created_at) == (good.number, good.name, good.email, AT)
    somebody = await party(tx, party_id=stored.party_id)
    assert somebody
    assert somebody.roles == ["customer"]
    assert [(one.kind, one.city) for one in await addresses(tx, customer_id=stored.id)] == [("billing", "Hamburg")]


async def test_the_same_again_changes_nothing(tx, good):
    first = await put_customers(tx, [good], by=BY, at=AT)
    told = await tx.raw.fetchval("select count(*) from kernel.outbox")
    assert await put_customers(tx, [good], by=BY, at=AT) == first
    assert await tx.raw.fetchval("select count(*) from kernel.outbox") == told
    assert await tx.raw.fetchval("select count(*) from customers.addresses where customer_id = $1", first[0].id) == 1


async def test_a_known_number_is_overwritten(tx, good):
    [first] = await put_customers(tx, [good], by=BY, at=AT)
    changed = msgspec.structs.replace(good, name="Ada Other", customer_group="trade")
    assert await put_customers(tx, [changed], by=BY, at=AT) == [first]
    found = await customer(tx, customer_id=first.id)
    assert found
    assert (found.name, found.customer_group) == ("Ada Other", "trade")


async def test_who_brings_no_number_gets_one(tx, good):
    guest = msgspec.structs.replace(good, number=None)
    first, known, second = await put_customers(tx, [guest, good, guest], by=BY, at=AT)
    assert len({first.number, second.number, known.number}) == 3
    assert known.number == good.number
    assert first.number.startswith("K")
    assert first.party_id != second.party_id


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": ""}, "customers[0].number"),
        ({"number": " 1"}, "customers[0].number"),
        ({"number": "1" * 41}, "customers[0].number"),
        ({"customer_group": "Big Spenders"}, "customers[0].customer_group"),
        ({"email": "nobody"}, "customers[0].email"),
        ({"email": "x" * 250 + "@y.de"}, "customers[0].email"),
        ({"addresses": (("billing", msgspec.structs.replace(HOME, name=" ")),)}, "customers[0].addresses[0].name"),
        (
            {"addresses": (("billing", msgspec.structs.replace(HOME, city="x" * 101)),)},
            "customers[0].addresses[0].city",
        ),
        ({"addresses": (("billing", msgspec.structs.replace(HOME, street="\0")),)}, "customers[0].addresses[0].street"),
        (
            {"addresses": (("billing", msgspec.structs.replace(HOME, country="D")),)},
            "customers[0].addresses[0].country",
        ),
        ({"name": ""}, "parties[0].name"),
    ],
)
async def test_what_is_no_customer(tx, good, change, field):
    with pytest.raises(Invalid) as refused:
        await put_customers(tx, [msgspec.structs.replace(good, **change)], by=BY, at=AT)
    assert refused.value.field == field


async def test_other_refusals(tx, fresh, good):
    with pytest.raises(Invalid):
        await put_customers(tx, [good, good], by=BY, at=AT)
    with pytest.raises(UnknownShop):
        await put_customers(tx, [msgspec.structs.replace(good, shop_id=fresh.id())], by=BY, at=AT)


async def test_the_newest_address_of_a_kind_is_in_use(tx, fresh, good):
    [stored] = await put_customers(tx, [good], by=BY, at=AT)
    moved = msgspec.structs.replace(HOME, city="Bremen")
    new = await put_address(tx, customer_id=stored.id, kind="billing", address=moved, at=AT.replace(hour=10))
    assert [(one.id, one.city) for one in await addresses(tx, customer_id=stored.id)] == [(new, "Bremen")]
    await put_address(tx, customer_id=stored.id, kind="billing", address=HOME, at=AT.replace(hour=11))  # back again
    await put_address(tx, customer_id=stored.id, kind="delivery", address=moved, at=AT.replace(hour=11))
    found = {one.kind: one.city for one in await addresses(tx, customer_id=stored.id)}
    assert found == {"billing": "Hamburg", "delivery": "Bremen"}
    with pytest.raises(UnknownCustomer):
        await put_address(tx, customer_id=fresh.id(), kind="billing", address=HOME, at=AT)


async def test_an_address_is_edited_in_its_place(tx, fresh, good):
    [stored] = await put_customers(tx, [good], by=BY, at=AT)
    work = msgspec.structs.replace(HOME, street="Weg 2")
    for minutes, one in enumerate((HOME, work)):
        at = AT + timedelta(minutes=minutes)
        await put_address(tx, customer_id=stored.id, kind="delivery", address=one, at=at)

    async def book():
        return [(one.kind, one.street) for one in await address_book(tx, customer_id=stored.id)]

    ids = [one.id for one in await address_book(tx, customer_id=stored.id)]
    for street in ("Weg 3", "Weg 3"):
        moved = msgspec.structs.replace(HOME, street=street)
        await edit_address(tx, customer_id=stored.id, address_id=ids[1], address=moved, at=AT)
        assert await book() == [("delivery", "Weg 2"), ("delivery", "Weg 3"), ("billing", "Weg 1")]
    assert [one.id for one in await address_book(tx, customer_id=stored.id)] == ids
    # Changed to one that is there, the two become one.
    await edit_address(tx, customer_id=stored.id, address_id=ids[0], address=moved, at=AT)
    assert await book() == [("delivery", "Weg 3"), ("billing", "Weg 1")]
    with pytest.raises(AddressUnknown):
        await edit_address(tx, customer_id=stored.id, address_id=ids[0], address=HOME, at=AT)
    with pytest.raises(AddressUnknown):
        await edit_address(tx, customer_id=fresh.id(), address_id=ids[1], address=HOME, at=AT)
    with pytest.raises(Invalid):
        await edit_address(tx, customer_id=stored.id, address_id=ids[1], address=Address(name="", country="DE"), at=AT)


async def test_somebody_changes_their_own_name_and_nothing_else(tx, fresh, good):
    [stored] = await put_customers(tx, [msgspec.structs.replace(good, customer_group="club")], by=BY, at=AT)
    await edit_own(tx, customer_id=stored.id, name="Ada Beispiel", phone="040 1", at=AT)
    found = await customer(tx, customer_id=stored.id)
    assert found
    assert (found.name, found.phone, found.email, found.customer_group) == (
        "Ada Beispiel",
        "040 1",
        good.email,
        "club",
    )
    with pytest.raises(UnknownCustomer):
        await edit_own(tx, customer_id=fresh.id(), name="Eve", phone="", at=AT)


async def test_finding(tx, good):
    [stored] = await put_customers(tx, [good], by=BY, at=AT)
    assert await customers_by_number(tx, numbers=[good.number, "there is no such"]) == {good.number: stored}
    assert await customers_by_email(tx, email=good.email.upper()) == [stored]
    for text in (good.number, good.email, "ada ex"):
        assert stored.id in [row.id for row, _ in await found(tx, text=text, shop_ids=None, limit=200)]
    for text in ("%", "there is no such", "nul\0"):
        assert await found(tx, text=text, shop_ids=None, limit=200) == []


async def test_two_imports_of_the_same_numbers_make_each_once(db, fresh):
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
    wanted = [PutCustomer(number=fresh.text("N"), shop_id=place.shop.id, name="x") for _ in range(20)]

    async def put(order: list[PutCustomer]) -> dict:
        async with db.transaction() as tx:
            return {row.number: row for row in await put_customers(tx, order, by=BY, at=AT)}

    one, other, third = await asyncio.gather(put(wanted), put(wanted[::-1]), put(wanted))
    assert one == other == third


@given(st.emails())
def test_real_mail_addresses_pass(email: str):
    check_email(email, "email")


async def test_nothing_disagrees(tx, good):
    await put_customers(tx, [good], by=BY, at=AT)
    found = await tx.raw.fetch(READS.check_roles.sql)
    assert [row for row in found if row["subject"].endswith(good.number)] == []


@pytest.mark.parametrize(
    ("country", "postcode", "example"),
    [
        ("DE", "20457", None),
        ("DE", " 01067 ", None),
        ("DE", "2045", "20457"),
        ("DE", "<b>1", "20457"),
        ("AT", "1010", None),
        ("AT", "10100", "1010"),
        ("CH", "8001", None),
        ("CH", "0800", "8001"),
        ("NL", "1011 ab", None),
        ("NL", "1011", "1011 AB"),
        ("FI", "0010", "00100"),
        ("GB", "SW1A 1AA", None),
        ("GB", "12345", "SW1A 1AA"),
        ("IE", "D02 AF30", None),
        ("PT", "1000-001", None),
        ("US", "anything", None),
    ],
)
def test_a_postcode_looks_like_one_of_its_country(country: str, postcode: str, example: str | None) -> None:
    assert postcode_like(country, postcode) == example
