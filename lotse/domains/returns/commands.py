"""Declare a withdrawal, and settle it."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from lotse.domains.orders.queries import id_of_number
from lotse.domains.orders.queries import order as read_order
from lotse.domains.parties.contracts import Shop
from lotse.domains.returns.contracts import (
    AlreadySettled,
    Declare,
    TooManyDeclarations,
    Way,
    Withdrawal,
    WithdrawalDeclared,
    WithdrawalSettled,
    WithdrawalUnknown,
)
from lotse.domains.returns.queries import READS, withdrawal
from lotse.domains.returns.rules import MOST_A_DAY, cleaned, mark_of, names
from lotse.kernel import audit
from lotse.kernel.db import Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.outbox import emit
from lotse.kernel.privacy import Erased
from lotse.kernel.sql import statements

WRITES = statements("lotse.domains.returns", "writes")
_DAY = timedelta(days=1)


async def declare(
    tx: Transaction,
    *,
    shop: Shop,
    declare: Declare,
    way: Way,
    language: str,
    at: datetime,
    order_id: UUID | None = None,
) -> Withdrawal:
    """Take a declaration as it is; the same one of the last day is answered again. `order_id`: the order on whose page
    it was made; without it number and mail address are looked up.

    Refusals in this order: `Invalid` (by field), `TooManyDeclarations`.
    """
    told = cleaned(declare)
    if order_id is None:
        found_id = await id_of_number(tx, number=told.order_number)
        order = await read_order(tx, order_id=found_id) if found_id else None
        order_id = order.id if order and names(told, order) else None
    mark = mark_of(told, order_id)
    await tx.execute(READS.lock_mark, mark=mark)
    same = await tx.maybe(READS.same, Withdrawal, mark=mark, since=at - _DAY)
    if same is not None:
        return same
    if await tx.value(READS.of_address, email=told.email, since=at - _DAY) >= MOST_A_DAY:
        raise TooManyDeclarations(most=MOST_A_DAY)
    declared = await tx.one(
        WRITES.declare,
        Withdrawal,
        id=uuid7(),
        shop_id=shop.id,
        order_id=order_id,
        order_number=told.order_number,
        name=told.name,
        email=told.email,
        what=told.what,
        parts=msgspec.to_builtins(told.parts),
        way=way,
        language=language,
        mark=mark,
        at=at,
    )
    await emit(tx, WithdrawalDeclared(declared.id, order_id), at=at)
    return declared


async def settle(tx: Transaction, *, withdrawal_id: UUID, note: str, by: str, at: datetime) -> None:
    """Staff has dealt with it. Refusals in this order: `WithdrawalUnknown`, `AlreadySettled`."""
    found = await withdrawal(tx, withdrawal_id=withdrawal_id)
    if found is None:
        raise WithdrawalUnknown(withdrawal=str(withdrawal_id))
    if not await tx.execute(WRITES.settle, id=withdrawal_id, note=note, by=by, at=at):
        raise AlreadySettled(number=found.number)
    subject = f"returns.withdrawal:{found.number}"
    await audit.record(tx, actor=by, subject=subject, old={"state": "open"}, new={"state": "settled"}, at=at)
    await emit(tx, WithdrawalSettled(withdrawal_id, found.order_id), at=at)


async def erase_party(tx: Transaction, *, party_id: UUID, at: datetime) -> Erased:
    """Forget who declared what; that something was declared, and when, stays."""
    found = await tx.many(READS.of_party, Withdrawal, party_id=party_id)
    return Erased(await tx.execute(WRITES.erase, ids=[one.id for one in found]))
