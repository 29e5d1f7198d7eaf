"""The kinds of work that orders bring to the desk: place, sell, amend (cancel, return), credit.

The order of the checks is part of the contract: what the request itself says, then what is known of the order, then
the stock.
"""

from collections.abc import Hashable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from lotse.domains.ledger.commands import book
from lotse.domains.orders.contracts import (
    AlreadyCancelled,
    Amended,
    AmendmentKind,
    AmendmentLine,
    AmendRequest,
    CreditRequest,
    NothingLeft,
    NumberTaken,
    OrderAmended,
    OrderPlaced,
    OrderUnknown,
    OutOfStock,
    Placed,
    PlaceLine,
    PlaceRequest,
    ShortLine,
    Source,
)
from lotse.domains.orders.rules import amendment_entries, check_credit, check_lines, sale_entries, taken_back
from lotse.domains.payments.commands import credit as credit_payment
from lotse.domains.payments.commands import open_payment, refund_at_once
from lotse.domains.payments.contracts import Payment
from lotse.domains.pools.commands import (
    BREAKABLE,
    POOLS,
    available,
    breakable,
    find,
    move,
    take,
    was_counted_since,
)
from lotse.domains.pools.contracts import Cause, NotEnough, Want
from lotse.kernel.desk import Draft, Kind, Lock
from lotse.kernel.outbox import OUTBOX, encode
from lotse.kernel.rows import Writer
from lotse.kernel.sql import statements

_PACKAGE = "lotse.domains.orders"
_DESK = statements(_PACKAGE, "desk")
NUMBERS = "orders.numbers"


class LockedOrder(Struct, frozen=True):
    """What has happened to an order: per position how many pieces and minor units were taken back."""

    id: UUID
    cancelled: bool
    taken_back: dict[int, tuple[int, int]]


class OrderRecord(Struct, frozen=True):
    id: UUID
    number: str
    shop_id: UUID
    channel: str
    legal_entity_id: UUID
    zone: str
    customer_id: UUID | None
    payment_id: UUID
    currency: str
    language: str
    gross: bool
    net_minor: int
    tax_minor: int
    gross_minor: int
    actor: str
    placed_at: datetime
    recorded_at: datetime


class LineRecord(Struct, frozen=True):
    order_id: UUID
    position: int
    kind: str
    offer_id: UUID | None
    variant_id: UUID | None
    seller_party_id: UUID | None
    legal_entity_id: UUID
    sku: str
    text: str
    quantity: int
    unit: str
    unit_price: Decimal
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_code: str
    tax_rate: Decimal
    tax_country: str
    rule_ids: tuple[str, ...]
    pool_id: int | None
    location_id: UUID | None


class ContactRecord(Struct, frozen=True):
    order_id: UUID
    email: str
    phone: str
    billing: Any
    delivery: Any


class ReleaseRecord(Struct, frozen=True):
    order_id: UUID
    released_at: datetime
    recorded_at: datetime


class PromiseRecord(Struct, frozen=True):
    order_id: UUID
    earliest: date
    latest: date
    shown_at: datetime


class AmendmentRecord(Struct, frozen=True):
    id: UUID
    kind: AmendmentKind
    order_id: UUID | None
    legal_entity_id: UUID
    customer_id: UUID | None
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    reason: str
    actor: str
    occurred_at: datetime
    recorded_at: datetime


class AmendmentLineRecord(Struct, frozen=True):
    amendment_id: UUID
    position: int
    order_id: UUID | None
    order_position: int | None
    variant_id: UUID | None
    sku: str
    text: str
    quantity: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_code: str
    tax_rate: Decimal
    pool_id: int | None


class LineBalanceRecord(Struct, frozen=True):
    order_id: UUID
    position: int
    quantity: int
    gross_minor: int
    taken_back: int
    credited_minor: int


ORDERS = Writer(_PACKAGE, "orders", OrderRecord)
LINES = Writer(_PACKAGE, "lines", LineRecord)
CONTACTS = Writer(_PACKAGE, "contacts", ContactRecord)
RELEASES = Writer(_PACKAGE, "releases", ReleaseRecord)
PROMISES = Writer(_PACKAGE, "promises", PromiseRecord)
AMENDMENTS = Writer(_PACKAGE, "amendments", AmendmentRecord)
AMENDMENT_LINES = Writer(_PACKAGE, "amendment_lines", AmendmentLineRecord)
LINE_BALANCES = Writer(_PACKAGE, "line_balances", LineBalanceRecord)

LOCKED = Lock("orders.orders", _DESK.lock_orders, LockedOrder, read=_DESK.amended)


def place(draft: Draft, request: PlaceRequest) -> Placed:
    """Refusals, in this order: `EmptyOrder`, `InvalidLine`, `PoolUnknown`, `OutOfStock`."""
    check_lines(request.lines)
    sources = _take(draft, request)
    number = request.number or str(draft.draw(NUMBERS))
    net = sum(line.net_minor for line in request.lines)
    tax = sum(line.tax_minor for line in request.lines)
    draft.add(
        ORDERS,
        OrderRecord(
            request.order_id,
            number,
            request.shop_id,
            request.channel,
            request.legal_entity_id,
            request.zone,
            request.customer_id,
            request.payment.id,
            request.currency,
            request.language,
            request.gross,
            net,
            tax,
            net + tax,
            request.actor,
            request.placed_at,
            draft.recorded_at,
        ),
    )
    for position, line in enumerate(request.lines, 1):
        draft.add(LINES, _record(request, position, line, sources.get(position)))
    if request.contact:
        contact = request.contact
        draft.add(
            CONTACTS,
            ContactRecord(request.order_id, contact.email, contact.phone, contact.billing, contact.delivery),
        )
    if request.promised:
        told = request.promised
        draft.add(PROMISES, PromiseRecord(request.order_id, told.earliest, told.latest, told.shown_at))
    if request.released:
        draft.add(RELEASES, ReleaseRecord(request.order_id, request.placed_at, draft.recorded_at))
    book(draft.written, sale_entries(request), recorded_at=draft.recorded_at)
    payment = structs.replace(request.payment, amount_minor=net + tax)
    open_payment(draft.written, payment, actor=request.actor, at=request.placed_at, recorded_at=draft.recorded_at)
    event = OrderPlaced(
        request.order_id,
        number,
        request.shop_id,
        request.channel,
        request.customer_id,
        request.currency,
        net + tax,
        request.released,
        _variants((line.variant_id, line.quantity) for line in request.lines),
    )
    draft.add(OUTBOX, encode(event, request.placed_at))
    return Placed(request.order_id, number, payment.id, net + tax, request.currency, request.placed_at)


def amend(draft: Draft, request: AmendRequest) -> Amended:
    """Refusals, in this order: `OrderUnknown`, `AlreadyCancelled`, `NothingLeft`, `MoreThanSold`, `MoreThanPaid`."""
    order = request.order
    locked = draft.get(LOCKED, order.id)
    if locked is None:
        raise OrderUnknown(order=order.number)
    if locked.cancelled and request.kind == "cancellation":
        raise AlreadyCancelled(number=order.number)
    facts = {line.position: line for line in order.lines}
    wanted = request.lines
    if request.kind == "cancellation":
        wanted = tuple(
            structs.replace(line, quantity=left, gross_minor=None)
            for line in request.lines
            if (left := facts[line.position].quantity - locked.taken_back.get(line.position, (0, 0))[0]) > 0
        )
    if not wanted:
        raise NothingLeft(number=order.number)
    balances = dict(locked.taken_back)
    lines: list[AmendmentLine] = []
    for position, line in enumerate(wanted, 1):
        before = balances.get(line.position, (0, 0))
        back = taken_back(order.number, facts[line.position], line, before)
        balances[line.position] = (before[0] + back.quantity, before[1] + back.gross_minor)
        lines.append(structs.replace(back, position=position))
        draft.add(
            LINE_BALANCES,
            LineBalanceRecord(
                order.id,
                line.position,
                facts[line.position].quantity,
                facts[line.position].gross_minor,
                back.quantity,
                back.gross_minor,
            ),
        )
    draft.put(LOCKED, order.id, LockedOrder(order.id, locked.cancelled or request.kind == "cancellation", balances))
    gross = _amend(draft, request, request.kind, lines, order.currency)
    if gross:
        credit_payment(draft.written, order.payment_id, gross)
        if request.refunded is not None:
            _refund(draft, request, gross, request.refunded)
    return Amended(request.amendment_id, request.kind, order.id, gross, order.currency)


def credit(draft: Draft, request: CreditRequest) -> Amended:
    """Refusals, in this order: `NothingLeft`, `InvalidLine`, `PoolUnknown`."""
    check_credit(request.lines)
    lines = [
        AmendmentLine(
            position,
            None,
            line.variant_id,
            line.sku,
            line.text,
            line.quantity,
            line.net_minor,
            line.tax_minor,
            line.gross_minor,
            line.tax_code,
            line.tax_rate,
            line.restock,
        )
        for position, line in enumerate(request.lines, 1)
    ]
    gross = _amend(draft, request, "credit", lines, request.currency)
    return Amended(request.amendment_id, "credit", None, gross, request.currency)


def _take(draft: Draft, request: PlaceRequest) -> dict[int, tuple[int, UUID]]:
    """The pool and location of each goods line, by position."""
    goods = [(position, line) for position, line in enumerate(request.lines, 1) if line.sources]
    cause = Cause("sold", "order", request.order_id, request.actor, request.placed_at)
    try:
        pools = take(draft, [_want(line) for _, line in goods], cause)
    except NotEnough as short:
        raise OutOfStock(
            lines=tuple(
                ShortLine(
                    goods[shortage.want][0],
                    goods[shortage.want][1].variant_id,
                    goods[shortage.want][1].sku,
                    shortage.wanted,
                    shortage.available,
                )
                for shortage in short.shortages
            )
        ) from None
    return {
        position: (pool_id, next(source.location_id for source in line.sources if source.pool_id == pool_id))
        for (position, line), pool_id in zip(goods, pools, strict=True)
    }


def _want(line: PlaceLine) -> Want:
    return Want(line.quantity, tuple(source.pool_id for source in line.sources))


def _record(request: PlaceRequest, position: int, line: PlaceLine, source: tuple[int, UUID] | None) -> LineRecord:
    return LineRecord(
        request.order_id,
        position,
        line.kind,
        line.offer_id,
        line.variant_id,
        line.seller_party_id,
        request.legal_entity_id,
        line.sku,
        line.text,
        line.quantity,
        line.unit,
        line.unit_price,
        line.net_minor,
        line.tax_minor,
        line.gross_minor,
        line.tax_code,
        line.tax_rate,
        line.tax_country,
        line.rule_ids,
        source[0] if source else None,
        source[1] if source else None,
    )


def _amend(
    draft: Draft,
    request: AmendRequest | CreditRequest,
    kind: AmendmentKind,
    lines: list[AmendmentLine],
    currency: str,
) -> int:
    order_id = request.order.id if isinstance(request, AmendRequest) else None
    owner = request.order if isinstance(request, AmendRequest) else request
    reason = {"cancellation": "cancelled", "return": "returned", "credit": "returned"}[kind]
    cause = Cause(reason, "amendment", request.amendment_id, request.actor, request.occurred_at, request.reason or None)
    for line in lines:
        if line.pool_id is not None:
            move(draft, line.pool_id, line.quantity, cause)
        draft.add(
            AMENDMENT_LINES,
            AmendmentLineRecord(
                request.amendment_id,
                line.position,
                order_id,
                line.order_position,
                line.variant_id,
                line.sku,
                line.text,
                line.quantity,
                line.net_minor,
                line.tax_minor,
                line.gross_minor,
                line.tax_code,
                line.tax_rate,
                line.pool_id,
            ),
        )
    net = sum(line.net_minor for line in lines)
    tax = sum(line.tax_minor for line in lines)
    draft.add(
        AMENDMENTS,
        AmendmentRecord(
            request.amendment_id,
            kind,
            order_id,
            owner.legal_entity_id,
            owner.customer_id,
            currency,
            net,
            tax,
            net + tax,
            request.reason,
            request.actor,
            request.occurred_at,
            draft.recorded_at,
        ),
    )
    book(draft.written, amendment_entries(request, kind, lines, currency), recorded_at=draft.recorded_at)
    variants = _variants((line.variant_id, line.quantity) for line in lines)
    event = OrderAmended(request.amendment_id, kind, order_id, currency, net + tax, variants)
    draft.add(OUTBOX, encode(event, request.occurred_at))
    return net + tax


def _refund(draft: Draft, request: AmendRequest, gross: int, reference: str) -> None:
    order = request.order
    payment = Payment(
        order.payment_id,
        "order",
        order.id,
        "",
        order.legal_entity_id,
        order.zone,
        order.currency,
        0,
        0,
        0,
        0,
        request.occurred_at,
        request.occurred_at,
    )
    refund_at_once(
        draft.written,
        payment,
        gross,
        reference=reference,
        actor=request.actor,
        at=request.occurred_at,
        recorded_at=draft.recorded_at,
    )


def _variants(sold: Iterable[tuple[UUID | None, int]]) -> dict[str, int]:
    quantities: dict[str, int] = {}
    for variant_id, quantity in sold:
        if variant_id is not None:
            quantities[str(variant_id)] = quantities.get(str(variant_id), 0) + quantity
    return quantities


# -- sell: a sale that has happened


def sell(draft: Draft, request: PlaceRequest) -> Placed:
    """Record a sale whose goods have left: at a till, or promised by a marketplace. Stock is no reason to refuse it.

    A line is served by the first source that can give it whole. If none can, the goods came from the first one all the
    same: holds on it break, and what was not on record is found there, so that the pool ends at zero and its movements
    say what happened. What left a shelf before it was counted is missing from that count already: told later than the
    count, it is put back on record first, so that nothing is taken away twice.
    Refusals, in this order: `EmptyOrder`, `InvalidLine`, `PoolUnknown`.
    """
    check_lines(request.lines)
    wanted: dict[int, int] = {}
    lines: list[PlaceLine] = []
    for line in request.lines:
        if line.sources:
            source = _left_from(draft, line, wanted)
            wanted[source.pool_id] = wanted.get(source.pool_id, 0) + line.quantity
            line = structs.replace(line, sources=(source,))
        lines.append(line)
    # Not the order's own movement: that one says what was sold.
    cause = Cause("found", "sale", request.order_id, request.actor, request.placed_at)
    counted = structs.replace(cause, reason="counted", note=None)
    for pool_id, quantity in wanted.items():
        # At a till goods leave with their sale; what a marketplace sold may lie on the shelf when somebody counts.
        if request.channel == "till" and was_counted_since(draft, pool_id, request.placed_at):
            move(draft, pool_id, quantity, counted)
        find(draft, pool_id, quantity, cause)
    return place(draft, structs.replace(request, lines=tuple(lines)))


def _left_from(draft: Draft, line: PlaceLine, wanted: Mapping[int, int]) -> Source:
    left = [available(draft, source.pool_id) - wanted.get(source.pool_id, 0) for source in line.sources]
    whole = (source for source, quantity in zip(line.sources, left, strict=True) if quantity >= line.quantity)
    return next(whole, line.sources[0])


def _sell_locks(request: PlaceRequest) -> Mapping[Lock[Any], Iterable[Hashable]]:
    # With every source: what lines take from their second choice counts where another one finds its first choice short.
    asked = [(source.pool_id, line.quantity) for line in request.lines for source in line.sources]
    return {
        **_place_locks(request),
        BREAKABLE: {
            breakable(pool_id, quantity, request.order_id, position)
            for position, (pool_id, quantity) in enumerate(asked)
        },
    }


def _place_locks(request: PlaceRequest) -> Mapping[Lock[Any], Iterable[Hashable]]:
    return {POOLS: {source.pool_id for line in request.lines for source in line.sources}}


def _amend_locks(request: AmendRequest) -> Mapping[Lock[Any], Iterable[Hashable]]:
    return {
        LOCKED: (request.order.id,),
        POOLS: {line.restock for line in request.lines if line.restock is not None},
    }


def _credit_locks(request: CreditRequest) -> Mapping[Lock[Any], Iterable[Hashable]]:
    return {POOLS: {line.restock for line in request.lines if line.restock is not None}}


kinds = (
    Kind(
        "place",
        PlaceRequest,
        Placed,
        locks=_place_locks,
        decide=place,
        draws={NUMBERS: 1},
        constraints={"orders_number_unique": lambda request: NumberTaken(number=request.number or "")},
    ),
    Kind(
        "sell",
        PlaceRequest,
        Placed,
        locks=_sell_locks,
        decide=sell,
        draws={NUMBERS: 1},
        constraints={"orders_number_unique": lambda request: NumberTaken(number=request.number or "")},
    ),
    Kind("amend", AmendRequest, Amended, locks=_amend_locks, decide=amend),
    Kind("credit", CreditRequest, Amended, locks=_credit_locks, decide=credit),
)
locks = (LOCKED,)
