"""The kind of work that checkout brings to the desk: a basket becomes an order, once."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from lotse.domains.checkout.contracts import BasketChanged, BasketOrdered, BasketUnknown, Checkout
from lotse.domains.orders.contracts import Placed
from lotse.kernel.desk import Draft, Kind, Lock
from lotse.kernel.desk.kinds import kind_named
from lotse.kernel.rows import Writer
from lotse.kernel.sql import statements

_PACKAGE = "lotse.domains.checkout"
_DESK = statements(_PACKAGE, "desk")


class BasketRow(Struct, frozen=True):
    id: UUID
    version: int
    order_id: UUID | None


class OrderedRow(Struct, frozen=True):
    id: UUID
    order_id: UUID
    changed_at: datetime


BASKETS = Lock("checkout.baskets", _DESK.lock_baskets, BasketRow)
ORDERED = Writer(_PACKAGE, "ordered", OrderedRow)


def decide(draft: Draft, request: Checkout) -> Placed:
    """Refusals, in this order: `BasketUnknown`, `BasketOrdered`, `BasketChanged`, then those of placing an order."""
    basket = draft.get(BASKETS, request.basket_id)
    if basket is None:
        raise BasketUnknown(basket_id=request.basket_id)
    if basket.order_id is not None:
        raise BasketOrdered(basket_id=basket.id, order_id=basket.order_id)
    if basket.version != request.version:
        raise BasketChanged(basket_id=basket.id)
    placed: Placed = kind_named("place").decide(draft, request.order)
    draft.put(BASKETS, basket.id, BasketRow(basket.id, basket.version, placed.order_id))
    draft.add(ORDERED, OrderedRow(basket.id, placed.order_id, draft.recorded_at))
    return placed


kinds = (
    Kind(
        "checkout",
        Checkout,
        Placed,
        locks=lambda request: {BASKETS: (request.basket_id,), **kind_named("place").locks(request.order)},
        decide=decide,
        draws={"orders.numbers": 1},
    ),
)
locks = (BASKETS,)
