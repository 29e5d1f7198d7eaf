"""Offers, as other domains see them: a party sells a variant in a shop in a condition."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from lotse.kernel.refusals import Refusal

Condition = Literal["new", "used", "refurbished"]
State = Literal["active", "paused"]


class Offer(Struct, frozen=True):
    """The retailer's own goods are offers of the shop's owner. The stock that serves it belongs to its seller."""

    id: UUID
    shop_id: UUID
    variant_id: UUID
    seller_party_id: UUID
    condition: Condition
    state: State


class PutOffer(Struct, frozen=True, kw_only=True):
    """An offer to make or to set to `state`; shop, variant, seller and condition name it."""

    shop_id: UUID
    variant_id: UUID
    seller_party_id: UUID
    condition: Condition = "new"
    state: State = "active"


class OfferRow(Struct, frozen=True, kw_only=True):
    """An offer in the back office's table; names are the catalogue's and the parties'."""

    id: UUID
    variant_id: UUID
    seller_party_id: UUID
    condition: Condition
    state: State
    created_at: datetime
    sku: str = ""
    name: str = ""
    product_id: UUID | None = None
    seller: str = ""


class OfferChanged(Struct, frozen=True, tag="offers.OfferChanged"):
    """An offer was made, paused or resumed."""

    offer_id: UUID
    shop_id: UUID
    variant_id: UUID
    state: State
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.variant_id)


class UnknownOffer(Refusal, status=404, title="There is no such offer"):
    """No offer has this id."""

    offer_id: UUID
