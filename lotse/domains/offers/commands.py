"""Make, pause and resume offers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from lotse.domains.catalog.contracts import UnknownVariant
from lotse.domains.offers.contracts import Condition, Offer, OfferChanged, PutOffer, State, UnknownOffer
from lotse.domains.parties.contracts import UnknownParty, UnknownShop
from lotse.kernel import audit
from lotse.kernel.db import Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.outbox import emit
from lotse.kernel.refusals import Invalid, refusing
from lotse.kernel.sql import statements

READS = statements("lotse.domains.offers", "reads")
WRITES = statements("lotse.domains.offers", "writes")


async def put_offers(tx: Transaction, offers: Sequence[PutOffer], *, by: str, at: datetime) -> list[Offer]:
    """Make offers, or set those that exist to the state given; in the order given.

    Set-based, and the same call again changes nothing. Refusals in this order: `Invalid` (an offer stands twice),
    `UnknownShop`, `UnknownVariant`, `UnknownParty`.
    """
    if not offers:
        return []
    keys = [_key(offer) for offer in offers]
    if len(set(keys)) != len(keys):
        raise Invalid(field="offers", rule="each shop, variant, seller and condition once")
    for shop_id in await tx.values(READS.unknown_shops, ids=sorted({offer.shop_id for offer in offers})):
        raise UnknownShop(shop=str(shop_id))
    for variant_id in await tx.values(READS.unknown_variants, ids=sorted({offer.variant_id for offer in offers})):
        raise UnknownVariant(variant=str(variant_id))
    rows = [
        Offer(uuid7(), offer.shop_id, offer.variant_id, offer.seller_party_id, offer.condition, offer.state)
        for offer in offers
    ]
    seller = offers[0].seller_party_id
    with refusing({"offers_seller": lambda: UnknownParty(party_id=seller)}):
        stored = await tx.many(WRITES.put_offers, _Stored, offers=rows, at=at)
    changed = [row for row in stored if row.state != row.old_state]
    # A new offer is its own record (it carries its moment); what is paused or resumed is noted.
    changes = [
        (f"offers.offer:{row.id}", {"state": row.old_state}, {"state": row.state}) for row in changed if row.old_state
    ]
    await audit.record_all(tx, actor=by, changes=changes, at=at)
    await emit(tx, *(OfferChanged(row.id, row.shop_id, row.variant_id, row.state) for row in changed), at=at)
    found = {_key(row): row for row in stored}
    return [
        Offer(found[key].id, offer.shop_id, offer.variant_id, offer.seller_party_id, offer.condition, offer.state)
        for key, offer in zip(keys, offers, strict=True)
    ]


async def change_state(tx: Transaction, *, offer_ids: Sequence[UUID], state: State, by: str, at: datetime) -> None:
    """Pause or resume offers; those that are so already stay. All or none. Refusal: `UnknownOffer`."""
    found = await tx.many(READS.offers_for_change, Offer, ids=list(offer_ids))
    known = {offer.id for offer in found}
    for offer_id in offer_ids:
        if offer_id not in known:
            raise UnknownOffer(offer_id=offer_id)
    moving = [offer for offer in found if offer.state != state]
    await tx.execute(WRITES.change_states, ids=[offer.id for offer in moving], state=state)
    changes = [(f"offers.offer:{offer.id}", {"state": offer.state}, {"state": state}) for offer in moving]
    await audit.record_all(tx, actor=by, changes=changes, at=at)
    await emit(tx, *(OfferChanged(offer.id, offer.shop_id, offer.variant_id, state) for offer in moving), at=at)


async def hold_offers(tx: Transaction, *, offer_ids: Sequence[UUID]) -> None:
    """Nobody else pauses or resumes these offers until the transaction ends."""
    await tx.many(READS.offers_for_change, Offer, ids=list(offer_ids))


class _Stored(Struct, frozen=True):
    id: UUID
    shop_id: UUID
    variant_id: UUID
    seller_party_id: UUID
    condition: Condition
    state: State
    old_state: State | None


def _key(offer: PutOffer | _Stored) -> tuple[UUID, UUID, UUID, str]:
    return offer.shop_id, offer.variant_id, offer.seller_party_id, offer.condition
