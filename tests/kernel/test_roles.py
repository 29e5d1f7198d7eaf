"""Roles and holdings: what is refused, in the order of the checks; what a role is worth where it is held."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotse.kernel import audit, clock
from lotse.kernel.auth import roles, staff, tokens
from lotse.kernel.auth.principal import (
    COMMON,
    NOBODYS,
    SYSTEM,
    Grant,
    NotAllowed,
    NotSignedIn,
    OverLimit,
    Principal,
    Whose,
    holding,
)
from lotse.kernel.auth.roles import Area, BeyondOwn, Holder, RoleHeld, RoleNameTaken, UnknownHolder, UnknownRole
from lotse.kernel.db import Transaction
from lotse.kernel.money import Money
from lotse.kernel.refusals import Invalid, NotFound, Refusal
from lotse.testing import Fresh

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)


async def _account(tx: Transaction, fresh: Fresh, *rights: str) -> Holder:
    id = await staff.add(
        tx, login=fresh.text("u"), name="Ada", password_hash=None, scopes=rights, actor="system", at=clock.now()
    )
    return Holder(staff_id=id)


def _who(*grants: Grant) -> Principal:
    return Principal("staff", str(C), "Ada", grants)


async def test_a_role_is_worth_what_it_gives_where_it_is_held(tx: Transaction, fresh: Fresh) -> None:
    at = clock.now()
    holder = await _account(tx, fresh)
    role_id = await roles.put_role(
        tx,
        name=fresh.text("role"),
        grants=[
            Grant("orders.read"),
            Grant("orders.refund", limit_minor=10_000, currency="EUR"),
            Grant("pricing.write", shop_id=B),
        ],
        by=SYSTEM,
        at=at,
    )
    await roles.give_role(tx, holder=holder, role_id=role_id, where=Area(shop_id=A, location_id=C), by=SYSTEM, at=at)
    await roles.give_right(tx, holder=holder, grant=Grant("media.read"), by=SYSTEM, at=at)
    assert await roles.grants_of(tx, holder) == [
        Grant("media.read"),
        Grant("orders.read", shop_id=A, location_id=C),
        Grant("orders.refund", shop_id=A, location_id=C, limit_minor=10_000, currency="EUR"),
        # Of shop B, which is not A: nothing.
    ]
    # Given twice is held once; another limit in the same place is the new one.
    await roles.give_role(tx, holder=holder, role_id=role_id, where=Area(shop_id=A, location_id=C), by=SYSTEM, at=at)
    for limit in (100, 200):
        grant = Grant("sales.write", limit_minor=limit, currency="EUR")
        await roles.give_right(tx, holder=holder, grant=grant, by=SYSTEM, at=at)
    held = await roles.held_by(tx, holder)
    assert [(one.role_id, one.right_name, one.limit_minor) for one in held] == [
        (role_id, None, None),
        (None, "media.read", None),
        (None, "sales.write", 200),
    ]
    [known] = [found for found in await roles.roles(tx) if found.id == role_id]
    assert known.holders == 1 and len(known.grants) == 3
    [has] = await roles.holders(tx, role_id=role_id, at=at)
    assert (has.name, has.active, has.shop_id) == ("Ada", True, A)
    await roles.take(tx, holding_id=held[0].id, by=SYSTEM, at=at, reason="left")
    assert {grant.right for grant in await roles.grants_of(tx, holder)} == {"media.read", "sales.write"}
    told = await audit.history(tx, subject=holder.subject)
    assert (told[0].old["role"], told[0].new, told[0].reason) == (known.name, None, "left")


MANAGER = _who(Grant("orders.read", shop_id=A), Grant("orders.refund", limit_minor=100, currency="EUR"))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"grants": [Grant("orders")]}, Invalid),
        ({"grants": [Grant("orders.read", limit_minor=1)]}, Invalid),
        ({"grants": [Grant("orders.read"), Grant("orders.read")]}, Invalid),
        ({"name": " "}, Invalid),
        ({"role_id": C}, UnknownRole),
        ({"grants": [Grant("orders.read")], "by": MANAGER}, BeyondOwn),
        ({"grants": [Grant("orders.read", shop_id=B)], "by": MANAGER}, BeyondOwn),
        ({"grants": [Grant("orders.refund")], "by": MANAGER}, BeyondOwn),
        ({"grants": [Grant("orders.refund", limit_minor=101, currency="EUR")], "by": MANAGER}, BeyondOwn),
        ({"grants": [Grant("orders.refund", limit_minor=9, currency="CHF")], "by": MANAGER}, BeyondOwn),
        ({"name": "taken"}, RoleNameTaken),
        ({"grants": [Grant("orders.read", shop_id=A, location_id=B)], "by": MANAGER}, None),
        ({"grants": [Grant("orders.refund", limit_minor=100, currency="EUR")], "by": MANAGER}, None),
        ({"grants": [Grant("orders:read")]}, None),
    ],
)
async def test_putting_a_role(
    tx: Transaction, fresh: Fresh, change: dict[str, Any], refusal: type[Refusal] | None
) -> None:
    taken = fresh.text("role")
    await roles.put_role(tx, name=taken, grants=[], by=SYSTEM, at=clock.now())
    given: dict[str, Any] = {"name": fresh.text("role"), "grants": [], "by": SYSTEM, "at": clock.now(), **change}
    if given["name"] == "taken":
        given["name"] = taken
    if refusal is None:
        await roles.put_role(tx, **given)
        return
    with pytest.raises(refusal):
        await roles.put_role(tx, **given)


async def test_two_people_at_one_role(tx: Transaction, fresh: Fresh) -> None:
    at = clock.now()
    id = await roles.put_role(tx, name=fresh.text("role"), grants=[], by=SYSTEM, at=at)
    seen = await roles.role(tx, role_id=id)
    assert seen
    await roles.put_role(tx, name=seen.name, grants=holding("a.read"), role_id=id, by=SYSTEM, at=clock.now())
    with pytest.raises(roles.RoleChanged):
        await roles.put_role(
            tx, name=seen.name, grants=[], role_id=id, seen_at=seen.changed_at, by=SYSTEM, at=clock.now()
        )


async def test_giving_and_taking_is_refused_by_name(tx: Transaction, fresh: Fresh) -> None:
    at = clock.now()
    holder = await _account(tx, fresh)
    id = await roles.put_role(tx, name=fresh.text("role"), grants=holding("orders.read"), by=SYSTEM, at=at)
    with pytest.raises(UnknownRole):
        await roles.give_role(tx, holder=holder, role_id=C, by=SYSTEM, at=at)
    with pytest.raises(BeyondOwn):
        await roles.give_role(tx, holder=holder, role_id=id, by=MANAGER, at=at)
    # In the manager's own shop it is hers to give.
    await roles.give_role(tx, holder=holder, role_id=id, where=Area(shop_id=A), by=MANAGER, at=at)
    with pytest.raises(RoleHeld):
        async with tx.raw.transaction():
            await roles.remove_role(tx, role_id=id, by=SYSTEM, at=at)
    with pytest.raises(roles.UnknownHolding):
        await roles.take(tx, holding_id=C, by=SYSTEM, at=at)
    with pytest.raises(UnknownHolder):
        await roles.give_right(tx, holder=Holder(token_id=C), grant=Grant("a.read"), by=SYSTEM, at=at)


async def test_the_last_owner_stays(tx: Transaction, fresh: Fresh) -> None:
    at = clock.now()
    await tx.raw.execute("update kernel.staff set active = false")
    first, second = await _account(tx, fresh, "*"), await _account(tx, fresh, "*")
    boss = Principal("staff", str(first.staff_id), grants=holding("*"))
    [held] = await roles.held_by(tx, second)
    await roles.take(tx, holding_id=held.id, by=boss, at=at)
    [last] = await roles.held_by(tx, first)
    with pytest.raises(roles.LastOwner):
        async with tx.raw.transaction():
            await roles.take(tx, holding_id=last.id, by=boss, at=at)


async def test_shipped_roles_grow_until_somebody_edits_them(tx: Transaction, fresh: Fresh) -> None:
    at, name = clock.now(), fresh.text("role")

    async def ship(*rights: str) -> list[str]:
        return await roles.put_ready(tx, [roles.ReadyRole(name, name, "", holding(*rights))], by=SYSTEM, at=at)

    assert await ship("a.read") == [name]
    assert await ship("a.read") == []
    assert await ship("a.read", "b.read") == [name]
    id = await roles.role_named(tx, name=name)
    await roles.put_role(tx, name=name, grants=holding("c.read"), role_id=id, by=SYSTEM, at=at)
    assert await ship("a.read", "d.read") == []
    await roles.remove_role(tx, role_id=id, by=SYSTEM, at=at)
    assert await ship("a.read") == []


# -- what grants cover

SHOE = Whose(A, frozenset({B}), frozenset({C}))
ids = st.sampled_from([None, A, B, C])
grants = st.builds(Grant, st.sampled_from(["orders.read", "orders.write"]), ids, ids, ids)
things = st.builds(
    Whose,
    ids,
    st.frozensets(st.sampled_from([A, B, C]), max_size=2),
    st.frozensets(st.sampled_from([A, B, C]), max_size=2),
)


@pytest.mark.parametrize(
    ("grant", "whose", "covered"),
    [
        (Grant("orders.read"), SHOE, True),
        (Grant("orders.read", shop_id=A), SHOE, True),
        (Grant("orders.read", shop_id=B), SHOE, False),
        (Grant("orders.read", location_id=B), SHOE, True),
        (Grant("orders.read", location_id=A), SHOE, False),
        (Grant("orders.read", party_id=C), SHOE, True),
        # What two share, neither sees alone.
        (Grant("orders.read", party_id=C), Whose(A, frozenset({B}), frozenset({A, C})), False),
        (Grant("orders.read", shop_id=A, location_id=A), SHOE, False),
        (Grant("orders.read", shop_id=A), NOBODYS, False),
        (Grant("orders.read", shop_id=A), COMMON, True),
        (Grant("orders.read", shop_id=A), Whose(free=frozenset({"shop"})), True),
        (Grant("orders.write"), SHOE, False),
        (Grant("*", shop_id=A), SHOE, True),
    ],
)
def test_what_a_grant_covers(grant: Grant, whose: Whose, covered: bool) -> None:
    who = _who(grant)
    assert who.covers("orders.read", whose) is covered
    if covered:
        who.require("orders.read", whose)
        return
    with pytest.raises((NotAllowed, NotFound)):
        who.require("orders.read", whose)


@given(st.lists(grants, max_size=4), things)
def test_a_list_shows_what_the_page_of_each_would(held: list[Grant], whose: Whose) -> None:
    """`within` and `covers` are the same rule said twice: once for many rows, once for one."""
    who = _who(*held)
    seen = any(
        (box.shop_id is None or box.shop_id == whose.shop)
        and (box.location_id is None or box.location_id in whose.locations)
        and (box.party_id is None or whose.parties == frozenset((box.party_id,)))
        for box in who.within("orders.read").boxes
    )
    assert seen is who.covers("orders.read", whose)


@given(grants, grants, things)
def test_who_gives_what_they_hold_widens_nothing(own: Grant, given_away: Grant, whose: Whose) -> None:
    if own.includes(given_away) and given_away.covers(whose):
        assert own.covers(whose)


def test_refusals_come_in_order() -> None:
    limited = Grant("orders.refund", shop_id=A, limit_minor=100, currency="EUR")
    who = _who(limited, Grant("orders.read"))
    other = Whose(B)
    with pytest.raises(NotSignedIn):
        Principal("guest").require("orders.refund", SHOE)
    with pytest.raises(NotAllowed):
        who.require("orders.write", SHOE)
    with pytest.raises(NotFound):
        who.require("orders.refund", other, limited=True)
    with pytest.raises(NotAllowed):
        who.require("orders.refund", other, limited=True, reads="orders.read")
    with pytest.raises(OverLimit) as refused:
        who.require("orders.refund", SHOE, amount=Money(101, "EUR"))
    assert (refused.value.limit_minor, refused.value.amount_minor) == (100, 101)
    with pytest.raises(OverLimit):
        who.require("orders.refund", SHOE, amount=Money(1, "CHF"))
    who.require("orders.refund", SHOE, amount=Money(100, "EUR"))
    with pytest.raises(NotAllowed):
        who.require("orders.refund", SHOE)  # a limit counts for nothing where no amount is asked


async def test_a_token_holds_like_an_account(tx: Transaction, fresh: Fresh) -> None:
    at = clock.now()
    made = await tokens.make(tx, name=fresh.text("t"), days=1, actor="system", at=at)
    holder = Holder(token_id=made.id)
    await roles.set_rights(tx, holder=holder, rights=["a.read", "b.read"], by=SYSTEM, at=at)
    await roles.set_rights(tx, holder=holder, rights=["b.read", "c.read"], by=SYSTEM, at=at)
    assert [grant.right for grant in await roles.grants_of(tx, holder)] == ["b.read", "c.read"]
