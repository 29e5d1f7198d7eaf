"""Attempts to pay: begun under the basket's lock, given up for another one, forgotten."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from lotse.domains.checkout.contracts import Attempt, BasketChanged, BasketOrdered
from lotse.domains.checkout.queries import attempt
from lotse.domains.checkout.rules import ATTEMPT_KEPT
from lotse.domains.payments import commands as payments
from lotse.domains.payments.contracts import Charge, ChargeUnderWay, ChargeUnknown, NewCharge
from lotse.domains.payments.queries import charge as read_charge
from lotse.domains.payments.queries import open_charges
from lotse.domains.pools.contracts import Held, HoldEnded, HoldUnknown, ReleaseRequest
from lotse.kernel.db import Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import Key, key_for
from lotse.kernel.privacy import Erased
from lotse.kernel.sql import statements

WRITES = statements("lotse.domains.checkout", "writes")
PURPOSE = "basket"


class Began(Struct, frozen=True):
    """The attempt that a key stands for."""

    charge_id: UUID


class _Basket(Struct, frozen=True):
    id: UUID
    version: int
    order_id: UUID | None


async def begin(tx: Transaction, new: Attempt, charge: NewCharge, actor: str, at: datetime) -> Began:
    """Under the basket's lock: of two tabs one is later, and finds what the other began."""
    basket = await tx.one(WRITES.lock_basket, _Basket, id=new.basket_id)
    if basket.order_id is not None:
        raise BasketOrdered(basket_id=basket.id, order_id=basket.order_id)
    if basket.version != new.version:
        raise BasketChanged(basket_id=basket.id)
    for other in await open_charges(tx, purpose=PURPOSE, purpose_id=basket.id):
        if not await _superseded(tx, other.id, actor, at):
            raise ChargeUnderWay(charge_id=other.id)
    await payments.begin_charge(tx, new=charge, actor=actor, at=at)
    row = {name: value for name, value in asdict(new).items() if name not in ("created_at", "closed_at")}
    await tx.execute(WRITES.begin_attempt, **row, at=at)
    await tx.execute(WRITES.begin_paying, id=basket.id, charge_id=new.charge_id)
    return Began(new.charge_id)


async def _superseded(tx: Transaction, charge_id: UUID, actor: str, at: datetime) -> bool:
    """Give an attempt up for another one, unless there is money for it: then it is the one that counts."""
    charge = await payments.lock_charge(tx, charge_id=charge_id)
    if charge.state in ("authorised", "taken", "ordered", "captured"):
        return False
    await payments.give_up_charge(tx, charge_id=charge_id, reason="superseded", actor=actor, at=at)
    return True


async def end_attempt(database: Database, desk: Desk, charge_id: UUID, at: datetime) -> None:
    """Before a basket is ordered otherwise: what an unpaid attempt holds of it must not stand in the buyer's own way.

    Refusal: `ChargeUnderWay` if there is money for it.
    """
    async with database.reading() as conn:
        charge = await read_charge(conn, charge_id=charge_id)
    if charge is None or not charge.is_open:
        return
    async with database.transaction() as tx:
        if not await _superseded(tx, charge_id, "system", at):
            raise ChargeUnderWay(charge_id=charge_id)
    found = await _attempt(database, charge_id)
    await release(desk, found, at)


async def forget_attempts(tx: Transaction, *, at: datetime, limit: int = 1_000) -> int:
    """Erase the names of attempts that nobody came back to; how many."""
    return await tx.execute(WRITES.forget_attempts, before=at - ATTEMPT_KEPT, limit=limit)


async def erase_party(tx: Transaction, *, party_id: UUID, at: datetime) -> Erased:
    """Erase what a person's own attempts to pay say of them; one that is under way is closed within the hour."""
    return Erased(await tx.execute(WRITES.erase_attempts, party_id=party_id))


async def standing(database: Database, charge_id: UUID) -> tuple[Charge, Attempt]:
    async with database.reading() as conn:
        charge = await read_charge(conn, charge_id=charge_id)
    if charge is None or charge.purpose != PURPOSE:
        raise ChargeUnknown(charge_id=charge_id)
    return charge, await _attempt(database, charge_id)


async def _attempt(database: Database, charge_id: UUID) -> Attempt:
    async with database.reading() as conn:
        found = await attempt(conn, charge_id=charge_id)
    if found is None:
        raise LookupError(f"charge {charge_id} has no attempt")
    return found


async def release(desk: Desk, found: Attempt, at: datetime) -> None:
    try:
        await desk.submit("release", ReleaseRequest(found.hold_id), Held, key=key_of("release", found.charge_id), at=at)
    except (HoldUnknown, HoldEnded):
        return  # never made, or ended before


def key_of(what: str, charge_id: UUID) -> Key:
    """One key per charge and step, whatever the request holds: repeated by anybody it is the same."""
    return key_for("system", f"checkout.{what}:{charge_id}", b"")
