"""Set prices. Nothing is overwritten: the table is the history of who set what, when and why."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from msgspec import Struct

from lotse.domains.catalog.contracts import UnknownVariant
from lotse.domains.parties.contracts import UnknownShop
from lotse.domains.pricing.contracts import (
    CurrencyNotOfShop,
    InvalidPrice,
    PriceAlreadySet,
    PriceChanged,
    PriceHasBegun,
    PriceInThePast,
    SetPrice,
)
from lotse.domains.pricing.rules import check_price
from lotse.kernel.audit import record_all
from lotse.kernel.db import Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.masters import LOTSE, refuse_foreign
from lotse.kernel.money import minor_digits
from lotse.kernel.outbox import emit
from lotse.kernel.sql import statements

READS = statements("lotse.domains.pricing", "reads")
WRITES = statements("lotse.domains.pricing", "writes")


async def set_prices(
    tx: Transaction, prices: Sequence[SetPrice], *, by: str, at: datetime, source: str | None = LOTSE
) -> list[UUID]:
    """Set prices, each from `valid_from` (or at once) on; the ids of the prices that hold then, in the order given.

    Set-based. A price that says what holds already is not written again, so the same call again changes nothing.
    `source` is the system that says so; None: whether it has the say was asked before.
    Refusals in this order: `NotTheMaster`, `InvalidPrice`, `UnknownCurrency`, `PriceInThePast`, `UnknownShop`,
    `UnknownVariant`, `CurrencyNotOfShop`, `PriceAlreadySet`.
    """
    if not prices:
        return []
    if source is not None:
        await refuse_foreign(tx, "prices", ("price",), source=source)
    for entry in prices:
        check_price(entry)
    for currency in {entry.currency for entry in prices}:
        minor_digits(currency)
    for entry in prices:
        if entry.valid_from is not None and entry.valid_from < at:
            raise PriceInThePast(variant_id=entry.variant_id, valid_from=entry.valid_from)
    shops = await _shops(tx, prices)
    for variant_id in await tx.values(READS.unknown_variants, ids=sorted({entry.variant_id for entry in prices})):
        raise UnknownVariant(variant=str(variant_id))
    rows = [_row(entry, shops[entry.shop_id], by=by, at=at) for entry in prices]
    _refuse_twice(rows)

    await tx.execute(
        WRITES.lock_keys, shop_ids=[row.shop_id for row in rows], variant_ids=[row.variant_id for row in rows]
    )
    outcomes = {found.given_id: found for found in await tx.many(WRITES.set_prices, _Outcome, prices=rows, at=at)}
    for row in rows:
        if outcomes[row.id].taken:
            raise PriceAlreadySet(variant_id=row.variant_id, valid_from=row.valid_from)
    await emit(
        tx,
        *(
            PriceChanged(row.id, row.shop_id, row.variant_id, row.valid_from)
            for row in rows
            if outcomes[row.id].written
        ),
        at=at,
    )
    return [outcomes[row.id].price_id for row in rows]


async def hold_prices(tx: Transaction, *, shop_id: UUID, variant_ids: Sequence[UUID]) -> None:
    """Keep the prices of variants in a shop from being changed by anybody else until the transaction ends."""
    await tx.execute(WRITES.lock_keys, shop_ids=[shop_id] * len(variant_ids), variant_ids=list(variant_ids))


async def withdraw_prices(
    tx: Transaction, ids: Sequence[UUID], *, by: str, reason: str = "", at: datetime, source: str | None = LOTSE
) -> None:
    """Take back prices that have not begun; what holds then is what came before. `source` as in `set_prices`.
    Refusals in this order: `NotTheMaster`, `PriceHasBegun`.

    The record of changes keeps what was planned, by whom, and who took it back.
    """
    if not ids:
        return
    if source is not None:
        await refuse_foreign(tx, "prices", ("price",), source=source)
    gone = await tx.many(WRITES.withdraw_prices, _PriceRow, ids=list(ids), at=at)
    for id in set(ids) - {row.id for row in gone}:
        raise PriceHasBegun(price_id=id)
    changes = [(f"pricing.price:{row.id}", row, None) for row in gone]
    await record_all(tx, actor=by, changes=changes, at=at, reason=reason or None)
    await emit(tx, *(PriceChanged(row.id, row.shop_id, row.variant_id, row.valid_from) for row in gone), at=at)


async def _shops(tx: Transaction, prices: Sequence[SetPrice]) -> "dict[UUID, _Shop]":
    shops = {shop.shop_id: shop for shop in await tx.many(READS.shops, _Shop, ids=sorted({p.shop_id for p in prices}))}
    for entry in prices:
        if entry.shop_id not in shops:
            raise UnknownShop(shop=str(entry.shop_id))
    return shops


def _row(entry: SetPrice, shop: "_Shop", *, by: str, at: datetime) -> "_PriceRow":
    if entry.currency != shop.currency:
        raise CurrencyNotOfShop(currency=entry.currency, expected=shop.currency)
    return _PriceRow(
        uuid7(),
        entry.shop_id,
        entry.variant_id,
        entry.currency,
        entry.customer_group,
        entry.min_quantity,
        entry.unit_price,
        shop.gross if entry.gross is None else entry.gross,
        entry.valid_from or at,
        by,
        entry.reason,
    )


def _refuse_twice(rows: "Sequence[_PriceRow]") -> None:
    seen: set[tuple[UUID, UUID, str, int, datetime]] = set()
    for row in rows:
        key = (row.shop_id, row.variant_id, row.customer_group, row.min_quantity, row.valid_from)
        if key in seen:
            raise InvalidPrice(variant_id=row.variant_id, rule="each group, quantity and moment once in a call")
        seen.add(key)


class _Shop(Struct, frozen=True):
    shop_id: UUID
    currency: str
    gross: bool


class _PriceRow(Struct, frozen=True):
    id: UUID
    shop_id: UUID
    variant_id: UUID
    currency: str
    customer_group: str
    min_quantity: int
    unit_price: Decimal | None
    gross: bool
    valid_from: datetime
    changed_by: str
    reason: str


class _Outcome(Struct, frozen=True):
    given_id: UUID
    price_id: UUID
    written: bool
    taken: bool
