"""Declaring a withdrawal: what it must say, what is the same, what is matched; and settling it."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from msgspec.structs import replace

from lotse.domains.customers.contracts import Address
from lotse.domains.orders.contracts import Contact, Line, Order
from lotse.domains.parties.commands import put_party
from lotse.domains.returns.commands import declare, erase_party, settle
from lotse.domains.returns.contracts import (
    AlreadySettled,
    Declare,
    NothingNamed,
    NotOfThisOrder,
    Part,
    TooManyDeclarations,
    Withdrawal,
    WithdrawalUnknown,
)
from lotse.domains.returns.queries import export_party, withdrawal
from lotse.domains.returns.rules import MOST_A_DAY, ends, is_unsent, names, parts_of
from lotse.kernel.db import Transaction
from lotse.kernel.refusals import Invalid
from lotse.testing import Fresh
from tests.scene import AT, BY, Place, open_shop


def told(fresh: Fresh, **said: str) -> Declare:
    base = {"name": "Anna Muster", "order_number": "100001", "email": f"{fresh.text('anna')}@example.org"}
    return Declare(**(base | said))  # pyright: ignore[reportArgumentType]


async def declared(tx: Transaction, place: Place, what: Declare, at: datetime = AT) -> Withdrawal:
    return await declare(tx, shop=place.shop, declare=what, way="form", language="de", at=at)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", "  "),
        ("name", "x" * 201),
        ("order_number", ""),
        ("order_number", "1\0"),
        ("email", "anna"),
        ("email", "anna@example"),
        ("what", "x" * 2001),
    ],
)
async def test_it_says_who_and_which_contract(tx: Transaction, fresh: Fresh, field: str, text: str) -> None:
    place = await open_shop(tx, fresh)
    with pytest.raises(Invalid) as refused:
        await declared(tx, place, told(fresh, **{field: text}))
    assert refused.value.field == field


async def test_it_is_taken_whatever_number_it_names(tx: Transaction, fresh: Fresh) -> None:
    place = await open_shop(tx, fresh)
    found = await declared(tx, place, told(fresh, order_number=" no-such-order "))
    assert (found.order_id, found.order_number, found.declared_at, found.state) == (None, "no-such-order", AT, "open")
    assert await withdrawal(tx, withdrawal_id=found.id) == found


async def test_the_same_within_a_day_is_the_same_one(tx: Transaction, fresh: Fresh) -> None:
    place = await open_shop(tx, fresh)
    what = told(fresh)
    first = await declared(tx, place, what)
    assert (await declared(tx, place, what, AT + timedelta(hours=23))).id == first.id
    assert (await declared(tx, place, told(fresh, email=what.email, what="the socks"))).id != first.id
    assert (await declared(tx, place, what, AT + timedelta(hours=25))).id != first.id


async def test_one_address_cannot_fill_anothers_letter_box(tx: Transaction, fresh: Fresh) -> None:
    place = await open_shop(tx, fresh)
    email = f"{fresh.text('many')}@example.org"
    for number in range(MOST_A_DAY):
        await declared(tx, place, told(fresh, email=email, order_number=str(number)))
    with pytest.raises(TooManyDeclarations):
        await declared(tx, place, told(fresh, email=email.upper(), order_number="one more"))
    await declared(tx, place, told(fresh, email=email, order_number="next day"), AT + timedelta(days=2))


async def test_it_is_settled_once(tx: Transaction, fresh: Fresh) -> None:
    place = await open_shop(tx, fresh)
    found = await declared(tx, place, told(fresh))
    with pytest.raises(WithdrawalUnknown):
        await settle(tx, withdrawal_id=UUID(int=7), note="", by=BY, at=AT)
    await settle(tx, withdrawal_id=found.id, note="label sent", by=BY, at=AT)
    with pytest.raises(AlreadySettled):
        await settle(tx, withdrawal_id=found.id, note="", by=BY, at=AT)
    after = await withdrawal(tx, withdrawal_id=found.id)
    assert after
    assert (after.state, after.note, after.settled_by) == ("settled", "label sent", BY)


async def test_who_declared_is_handed_over_and_forgotten(tx: Transaction, fresh: Fresh) -> None:
    place = await open_shop(tx, fresh)
    what = told(fresh)
    party = await put_party(tx, kind="person", name="Anna Muster", email=what.email, by=BY, at=AT)
    found = await declared(tx, place, what)
    kept = await export_party(tx, party_id=party)
    assert kept
    assert [one.id for one in kept.withdrawals] == [found.id]
    assert (await erase_party(tx, party_id=party, at=AT)).rows == 1
    assert await export_party(tx, party_id=party) is None
    after = await withdrawal(tx, withdrawal_id=found.id)
    assert after
    assert (after.name, after.email, after.declared_at) == ("", "", AT)


def order(*quantities: int, taken_back: int = 0) -> Order:
    lines = [
        Line(
            **dict.fromkeys(("offer_id", "variant_id", "seller_party_id", "pool_id", "location_id")),
            position=position,
            kind="goods",
            legal_entity_id=UUID(int=1),
            sku=f"S{position}",
            text=f"Article {position}",
            quantity=quantity,
            unit="piece",
            unit_price=Decimal(1),
            net_minor=100,
            tax_minor=0,
            gross_minor=100,
            tax_code="DE-19",
            tax_rate=Decimal(0),
            tax_country="DE",
            rule_ids=[],
            taken_back=taken_back,
            credited_minor=0,
        )
        for position, quantity in enumerate(quantities, 1)
    ]
    contact = Contact(email="anna@example.org", billing=Address(name="Anna", country="DE"))
    return Order(
        UUID(int=1), "100001", UUID(int=2), "web", UUID(int=3), "UTC", None, UUID(int=4), "EUR", "de", True,
        100, 0, 100, "guest", AT, AT, AT, contact, lines, [],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "parts"),
    [
        ({1: 2, 2: 1}, ()),
        ({1: 1}, (Part(1, 1, "Article 1"),)),
        ({1: 0, 2: 1}, (Part(2, 1, "Article 2"),)),
        ({1: 3}, NotOfThisOrder),
        ({3: 1}, NotOfThisOrder),
        ({1: 0}, NothingNamed),
        ({}, NothingNamed),
    ],
)
def test_parts_are_pieces_that_are_left(wanted: dict[int, int], parts: tuple[Part, ...] | type[Exception]) -> None:
    if isinstance(parts, tuple):
        assert parts_of(order(2, 1), wanted) == parts
    else:
        with pytest.raises(parts):
            parts_of(order(2, 1), wanted)


def test_what_came_back_already_is_not_withdrawn_from() -> None:
    with pytest.raises(NotOfThisOrder):
        parts_of(order(2, taken_back=1), {1: 2})
    assert parts_of(order(2, taken_back=1), {1: 1}) == ()


@pytest.mark.parametrize(
    ("number", "email", "is_it"),
    [
        ("100001", "anna@example.org", True),
        ("100001", "ANNA@example.org", True),
        ("100002", "anna@example.org", False),
        ("100001", "eve@example.org", False),
    ],
)
def test_a_declaration_names_an_order_by_number_and_address(number: str, email: str, is_it: bool) -> None:
    assert names(Declare(name="Anna", order_number=number, email=email), order(1)) is is_it
    assert not names(Declare(name="Anna", order_number=number, email=email), None)


def withdrawn(*parts: Part, what: str = "") -> Withdrawal:
    return Withdrawal(
        UUID(int=5), "W-1", UUID(int=2), UUID(int=1), "100001", "Anna", "", what, list(parts), "order", "de",
        AT, None, "", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("withdrawals", "does_it"),
    [
        ([], False),
        ([withdrawn()], True),
        ([withdrawn(what="the red one")], False),
        ([withdrawn(Part(1, 1))], False),
        ([withdrawn(Part(1, 2))], False),
        ([withdrawn(Part(1, 2)), withdrawn(Part(2, 1))], True),
        ([withdrawn(Part(1, 1)), withdrawn()], True),
    ],
)
def test_an_order_ends_when_nothing_is_left_of_it(withdrawals: list[Withdrawal], does_it: bool) -> None:
    assert ends(order(2, 1), withdrawals) is does_it


def test_what_was_never_released_cannot_have_left() -> None:
    assert not is_unsent(order(1))
    assert is_unsent(replace(order(1), released_at=None))
