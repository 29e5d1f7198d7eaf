"""Terms of senders and routes, and the windows that pages show from them."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from lotse.domains.inventory.contracts import AtLocation, Availability, UnknownLocation
from lotse.domains.promise.commands import put_route, put_sender
from lotse.domains.promise.contracts import Route, Wanted
from lotse.domains.promise.queries import own_routes, senders, windows_from
from lotse.kernel.db import Transaction
from lotse.testing import Fresh
from tests.scene import AT, BY, open_shop

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


async def test_locations_send_as_their_kind_until_they_say_otherwise(tx: Transaction, fresh: Fresh) -> None:
    place = await open_shop(tx, fresh)
    usual = await senders(tx, shop_id=place.shop.id)
    assert (usual[place.warehouse].cut_offs["mon"], usual[place.warehouse].handling_days) == ("14:00", 0)
    assert (usual[place.store].cut_offs["mon"], usual[place.store].handling_days) == ("12:00", 1)
    await put_sender(tx, location_id=place.store, cut_offs={"sat": "10:00"}, handling_days=3, by=BY, at=AT)
    await put_sender(tx, location_id=place.store, cut_offs={"sat": "10:00"}, handling_days=3, by=BY, at=AT)
    own = (await senders(tx, shop_id=place.shop.id))[place.store]
    assert (own.cut_offs, own.handling_days) == ({"sat": "10:00"}, 3)
    with pytest.raises(UnknownLocation):
        await put_sender(tx, location_id=UUID(int=9), cut_offs={}, handling_days=0, by=BY, at=AT)


async def test_a_route_is_overwritten(tx: Transaction) -> None:
    for days in (2, 5, 5):
        await put_route(tx, route=Route("XX", "DE", 1, days, ("mon",)), by=BY, at=AT)
    assert [route.days_max for route in await own_routes(tx) if route.from_country == "XX"] == [5]


async def test_the_window_is_that_of_the_place_that_serves_the_order(tx: Transaction, fresh: Fresh) -> None:
    place = await open_shop(tx, fresh)
    known = await senders(tx, shop_id=place.shop.id)
    one, all_out, many = UUID(int=1), UUID(int=2), UUID(int=3)
    there = [
        AtLocation(place.warehouse, "w", "Warehouse", "warehouse", 1),
        AtLocation(place.store, "s", "Store", "store", 5),
    ]
    stock = [Availability(id, "low", 6, there) for id in (one, many)] + [Availability(all_out, "out", 0, [])]
    # A Monday morning in March.
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    wanted = [Wanted(one, 1), Wanted(all_out), Wanted(many, 4)]
    found = windows_from(stock, known, [], wanted=wanted, at=at, country="DE", postcode="10115")
    assert found[one].ships_on == date(2026, 3, 2)
    assert found[many].ships_on == date(2026, 3, 3)
    assert all_out not in found
    assert windows_from(stock, known, [], wanted=wanted, at=at, country="JP") == {}
