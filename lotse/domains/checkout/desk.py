"""The kinds of work that checkout brings to the desk: a basket becomes an order, once: at once, or when it is paid."""

from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from lotse.domains.checkout.contracts import (
    BasketChanged,
    BasketOrdered,
    BasketUnknown,
    Checkout,
    HoldForPayment,
    PaidOrder,
)
from lotse.domains.orders.contracts import Placed, PlaceRequest
from lotse.domains.payments.commands import CHARGES, charge_for_order, order_charge
from lotse.domains.payments.rules import receipt_reference
from lotse.domains.pools.contracts import Held, HoldEnded, HoldUnknown, ReleaseRequest
from lotse.kernel.desk import Draft, Kind, Lock
from lotse.kernel.desk.kinds import Wanted, kind_named
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


def checkout(draft: Draft, request: Checkout) -> Placed:
    """Refusals, in this order: `BasketUnknown`, `BasketOrdered`, `BasketChanged`, then those of placing an order."""
    return _ordered(draft, request.basket_id, request.version, request.order)


def hold_for_payment(draft: Draft, request: HoldForPayment) -> Held:
    """Refusals: those of holding. What is replaced may have ended already."""
    if request.replaces is not None:
        _end_hold(draft, ReleaseRequest(request.replaces))
    held: Held = kind_named("hold").decide(draft, request.hold)
    return held


def paid_order(draft: Draft, request: PaidOrder) -> Placed:
    """End the hold, place the order, and make the charge that order's, in one.

    What the hold had is taken from the pools again, also if it ended meanwhile (a late claim), or the order is refused
    by name. Refusals, in this order: `ChargeUnknown`, `ChargeNotReady` (also: the order costs something else),
    `BasketUnknown`, `BasketOrdered`, `BasketChanged`, then those of placing an order.
    """
    order = request.order
    total = sum(line.net_minor + line.tax_minor for line in order.lines)
    charge = charge_for_order(draft, request.charge_id, total)
    if charge.state == "taken":
        # The money is there already: it is the payment's receipt from the first moment on.
        order = structs.replace(order, payment=structs.replace(order.payment, settled=receipt_reference(charge)))
    _check_basket(draft, request.basket_id, request.version)
    _end_hold(draft, ReleaseRequest(request.hold_id, claimed=True))
    placed = _ordered(draft, request.basket_id, request.version, order)
    order_charge(draft, charge, placed.payment_id, at=draft.recorded_at)
    return placed


def _end_hold(draft: Draft, request: ReleaseRequest) -> None:
    try:
        kind_named("release").decide(draft, request)
    except (HoldUnknown, HoldEnded):
        return  # it holds nothing any more; what is there is for whoever comes first


def _check_basket(draft: Draft, basket_id: UUID, version: int) -> BasketRow:
    basket = draft.get(BASKETS, basket_id)
    if basket is None:
        raise BasketUnknown(basket_id=basket_id)
    if basket.order_id is not None:
        raise BasketOrdered(basket_id=basket.id, order_id=basket.order_id)
    if basket.version != version:
        raise BasketChanged(basket_id=basket.id)
    return basket


def _ordered(draft: Draft, basket_id: UUID, version: int, order: PlaceRequest) -> Placed:
    basket = _check_basket(draft, basket_id, version)
    placed: Placed = kind_named("place").decide(draft, order)
    draft.put(BASKETS, basket.id, BasketRow(basket.id, basket.version, placed.order_id))
    draft.add(ORDERED, OrderedRow(basket.id, placed.order_id, draft.recorded_at))
    return placed


def _hold_locks(request: HoldForPayment) -> Wanted:
    given = [kind_named("hold").locks(request.hold)]
    if request.replaces is not None:
        given.append(kind_named("release").locks(ReleaseRequest(request.replaces)))
    return _joined(*given)


def _paid_locks(request: PaidOrder) -> Wanted:
    return _joined(
        {BASKETS: (request.basket_id,), CHARGES: (request.charge_id,)},
        kind_named("release").locks(ReleaseRequest(request.hold_id)),
        kind_named("place").locks(request.order),
    )


def _joined(*given: Mapping[Lock[Any], Iterable[Hashable]]) -> Wanted:
    """What several kinds lock, as one: two may name rows of the same lock."""
    wanted: dict[Lock[Any], set[Hashable]] = {}
    for locks in given:
        for lock, ids in locks.items():
            wanted.setdefault(lock, set()).update(ids)
    return wanted


kinds = (
    Kind(
        "checkout",
        Checkout,
        Placed,
        locks=lambda request: {BASKETS: (request.basket_id,), **kind_named("place").locks(request.order)},
        decide=checkout,
        draws={"orders.numbers": 1},
    ),
    Kind("hold_for_payment", HoldForPayment, Held, locks=_hold_locks, decide=hold_for_payment),
    Kind("paid_order", PaidOrder, Placed, locks=_paid_locks, decide=paid_order, draws={"orders.numbers": 1}),
)
locks = (BASKETS,)
