"""Offers: made, paused and resumed; by table."""

import msgspec
import pytest

from lotse.domains.catalog.contracts import UnknownVariant
from lotse.domains.offers.commands import change_state, put_offers
from lotse.domains.offers.contracts import PutOffer, UnknownOffer
from lotse.domains.offers.queries import READS, offer, offers, offers_everywhere, offers_for_variants
from lotse.domains.parties.commands import put_party
from lotse.domains.parties.contracts import UnknownParty, UnknownShop
from lotse.kernel.refusals import Invalid
from tests.scene import AT, BY, open_shop, put_one


@pytest.fixture
async def place(tx, fresh):
    return await open_shop(tx, fresh)


@pytest.fixture
async def good(tx, fresh, place):
    stored = await put_one(tx, fresh, variants=2)
    return [PutOffer(shop_id=place.shop.id, variant_id=id, seller_party_id=place.host) for id in stored.variant_ids]


async def events(tx, place) -> list[str]:
    told = await tx.raw.fetch(
        "select payload ->> 'state' as state from kernel.outbox"
        " where type = 'offers.OfferChanged' and payload ->> 'shop_id' = $1 order by id",
        str(place.shop.id),
    )
    return [row["state"] for row in told]


async def test_offers_are_put_once(tx, place, good):
    first = await put_offers(tx, good, by=BY, at=AT)
    assert await put_offers(tx, good[::-1], by=BY, at=AT) == first[::-1]
    assert await events(tx, place) == ["active", "active"]
    assert await offers(tx, offer_ids=[first[1].id, first[0].id]) == first[::-1]


LADDER = [
    (UnknownShop, {"shop_id": None}),
    (UnknownVariant, {"variant_id": None}),
    (UnknownParty, {"seller_party_id": None}),
]


@pytest.mark.parametrize("rung", range(len(LADDER)))
async def test_refusals_in_their_order(tx, fresh, good, rung):
    change = {name: fresh.id() for _, broken in LADDER[rung:] for name in broken}
    with pytest.raises(LADDER[rung][0]):
        await put_offers(tx, [msgspec.structs.replace(good[0], **change)], by=BY, at=AT)


async def test_the_same_offer_twice_in_a_call(tx, good):
    with pytest.raises(Invalid):
        await put_offers(tx, [good[0], good[0]], by=BY, at=AT)


async def test_pausing_and_resuming(tx, fresh, place, good):
    made = await put_offers(tx, good, by=BY, at=AT)
    for _ in range(2):
        await change_state(tx, offer_ids=[made[0].id], state="paused", by=BY, at=AT)
    assert await events(tx, place) == ["active", "active", "paused"]
    ids = [wanted.variant_id for wanted in good]
    assert await offers_for_variants(tx, shop_id=place.shop.id, variant_ids=ids) == [made[1]]
    everything = await offers_for_variants(tx, shop_id=place.shop.id, variant_ids=ids, active_only=False)
    assert [found.state for found in everything] == ["paused", "active"]
    await put_offers(tx, good, by=BY, at=AT)
    assert await events(tx, place) == ["active", "active", "paused", "active"]
    with pytest.raises(UnknownOffer):
        await change_state(tx, offer_ids=[made[0].id, fresh.id()], state="paused", by=BY, at=AT)
    found = await offer(tx, offer_id=made[0].id)
    assert found
    assert found.state == "active"
    told = await tx.raw.fetch(
        "select old, new from kernel.audit where subject = $1 order by id", f"offers.offer:{made[0].id}"
    )
    assert [(row["old"]["state"], row["new"]["state"]) for row in told] == [("active", "paused"), ("paused", "active")]


async def test_several_sellers_and_conditions_of_one_variant(tx, place, good):
    other = await put_party(tx, name="Seller", roles=["seller"], by=BY, at=AT)
    wanted = [
        good[0],
        msgspec.structs.replace(good[0], seller_party_id=other),
        msgspec.structs.replace(good[0], seller_party_id=other, condition="used"),
    ]
    made = await put_offers(tx, wanted, by=BY, at=AT)
    assert await offers_everywhere(tx, variant_ids=[good[0].variant_id]) == made


async def test_a_seller_without_the_role_is_found(tx, place, good):
    stranger = await put_party(tx, name="Stranger", by=BY, at=AT)
    made = await put_offers(tx, [good[0], msgspec.structs.replace(good[1], seller_party_id=stranger)], by=BY, at=AT)
    subjects = [row["subject"] for row in await tx.raw.fetch(READS.check_sellers.sql)]
    assert f"offers.offer:{made[0].id}" not in subjects
    assert f"offers.offer:{made[1].id}" in subjects
