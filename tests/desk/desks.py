"""Desks to test with: the real kinds on connections of their own, goods to sell, orders as a checkout makes them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from lotse.domains.inventory.contracts import DocumentKind, MoveRequest, StockChange
from lotse.domains.orders.contracts import PlaceLine, PlaceRequest, Source
from lotse.domains.payments.contracts import NewPayment
from lotse.domains.pools.commands import open_pools
from lotse.domains.pools.contracts import Cause, HoldRequest, Want
from lotse.kernel.db import Database, prepare_connection, server_settings
from lotse.kernel.desk.batch import Asked, Batches
from lotse.kernel.desk.kinds import Registry, registry
from lotse.kernel.idempotency import Key, decode, key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Refusal

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOON = timedelta(minutes=10)
ENTITY, SHOP, PLACE = (UUID(int=n) for n in (1, 2, 3))
DESK_KINDS: dict[DocumentKind, str] = {"receipt": "receive", "adjustment": "adjust", "transfer": "transfer"}

A = TypeVar("A", bound=msgspec.Struct)


@asynccontextmanager
async def connected(dsn: str, known: Registry | None = None, **settings: str) -> AsyncGenerator[Batches]:
    """One desk's hand: batches of our own making on a connection of its own, at a time of our own."""
    raw = await asyncpg.connect(dsn, server_settings=server_settings("lotse desk") | settings)
    await prepare_connection(raw)
    try:
        yield Batches(raw, known or registry())
    finally:
        await raw.close(timeout=5)


def asked(kind: str, request: msgspec.Struct, key: Key | None = None, *, at: datetime = AT) -> Asked:
    """A request as it stands in a batch."""
    return Asked(registry().kinds[kind], request, key or new_key(), at)


def new_key(*, natural: bool = False) -> Key:
    """A key that nobody has used."""
    return key_for("test", str(uuid7()), b"", natural=natural)


def answer(one: Asked) -> Any:
    """The answer, or the refusal as a value; what failed without one raises."""
    if one.failed is not None:
        raise one.failed
    assert one.kept is not None, "neither an answer nor a refusal"
    try:
        return decode(one.kept, one.kind.answer)
    except Refusal as refusal:
        return refusal


async def stocked(db: Database, desk: Any, *on_hand: int) -> list[int]:
    """Pools with so many units in each, received at the desk."""
    async with db.transaction() as tx:
        pools = await open_pools(tx, count=len(on_hand))
    changes = [(pool_id, quantity) for pool_id, quantity in zip(pools, on_hand, strict=True) if quantity]
    if changes:
        request = moving("receipt", *changes)
        await desk.submit("receive", request, registry().kinds["receive"].answer, key=new_key(), at=AT)
    return pools


def moving(kind: DocumentKind, *changes: tuple[int, int]) -> MoveRequest:
    """A receipt, an adjustment or a transfer."""
    return MoveRequest(
        document_id=uuid7(),
        kind=kind,
        changes=tuple(StockChange(pool_id, delta) for pool_id, delta in changes),
        actor="test",
        occurred_at=AT,
    )


def holding(
    *wants: tuple[int, Sequence[int]],
    holder: str = "",
    expires_at: datetime = AT + SOON,
    origin: str = "",
    hard: bool = False,
) -> HoldRequest:
    """A hold of a new basket, or of the holder that is named."""
    return HoldRequest(
        uuid7(),
        holder or f"basket:{uuid7()}",
        tuple(Want(quantity, tuple(pools)) for quantity, pools in wants),
        expires_at,
        origin,
        "hard" if hard else "soft",
    )


def ordering(*wants: tuple[int, Sequence[int]], number: str | None = None, settled: str | None = None) -> PlaceRequest:
    """An order (or a sale) of goods that cost a euro each, tax 19 %."""
    order_id = uuid7()
    return PlaceRequest(
        order_id=order_id,
        number=number,
        shop_id=SHOP,
        channel="web",
        legal_entity_id=ENTITY,
        zone="Europe/Berlin",
        currency="EUR",
        language="de",
        gross=True,
        lines=tuple(_goods(quantity, pools) for quantity, pools in wants),
        payment=NewPayment(
            id=uuid7(),
            purpose="order",
            purpose_id=order_id,
            method="invoice",
            legal_entity_id=ENTITY,
            zone="Europe/Berlin",
            currency="EUR",
            amount_minor=0,
            due_at=AT,
            settled=settled,
        ),
        released=True,
        actor="test",
        placed_at=AT,
    )


def _goods(quantity: int, pools: Sequence[int]) -> PlaceLine:
    gross = 100 * quantity
    tax = round(gross * 19 / 119)
    return PlaceLine(
        variant_id=uuid7(),
        sku="ball",
        text="Ball",
        quantity=quantity,
        unit_price=Decimal(1),
        net_minor=gross - tax,
        tax_minor=tax,
        gross_minor=gross,
        tax_code="DE-19",
        tax_rate=Decimal("0.19"),
        tax_country="DE",
        sources=tuple(Source(pool_id, PLACE) for pool_id in pools),
    )


def sold() -> Cause:
    """Why a claimed hold's goods leave."""
    return Cause("sold", "claim", uuid7(), "test", AT)


async def balances(dsn_or_db: Database, pools: Sequence[int]) -> list[tuple[int, int]]:
    """On hand and held, in the order asked."""
    async with dsn_or_db.reading() as conn:
        rows = await conn.raw.fetch("select id, on_hand, held from pools.pools where id = any ($1)", list(pools))
    found = {row["id"]: (row["on_hand"], row["held"]) for row in rows}
    return [found[pool_id] for pool_id in pools]
