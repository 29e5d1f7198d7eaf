"""Pay for a basket: a walk over the states of its charge (see `_STEPS`), to the order or to the money back.

Each step does one thing that may be repeated: holds, asks the provider, places the order, captures, gives back. Whoever
comes by takes the next one: the buyer's request, the page that waits, a message of the provider, a job. Who dies leaves
the charge where it stands.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from lotse.domains.checkout.commands.attempts import PURPOSE, Began, begin, key_of, release, standing
from lotse.domains.checkout.commands.placing import answered_before, order_of
from lotse.domains.checkout.contracts import (
    Attempt,
    BasketEmpty,
    BasketOrdered,
    BasketUnknown,
    HoldForPayment,
    NotSold,
    PaidOrder,
    Paying,
    PriceChanged,
    Purchase,
)
from lotse.domains.checkout.queries import Assortment, attempt, quote, stored_basket
from lotse.domains.checkout.rules import ATTENTION, HELD, PATIENCE, PAYABLE, paying
from lotse.domains.orders.commands import cancel as cancel_order
from lotse.domains.orders.contracts import AlreadyCancelled, NothingLeft, Placed, PlaceRequest, Promised
from lotse.domains.parties.contracts import Channel, Shop
from lotse.domains.parties.queries import shop as read_shop
from lotse.domains.payments import commands as payments
from lotse.domains.payments.contracts import (
    Authorise,
    Charge,
    ChargeNotReady,
    ChargeState,
    ChargeUnknown,
    NewCharge,
    Report,
)
from lotse.domains.payments.queries import payment as read_payment
from lotse.domains.payments.queries import provider_named, terms
from lotse.domains.payments.rules import ENDS
from lotse.domains.pools.contracts import Held, HoldRequest, Want
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import Key, once
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Refusal
from lotse.kernel.sql import statements

WRITES = statements("lotse.domains.checkout", "writes")
# More steps than any charge takes from its beginning to its end.
_MOST_STEPS = 12


async def pay(
    desk: Desk,
    database: Database,
    assortment: Assortment,
    *,
    shop: Shop,
    basket_id: UUID,
    purchase: Purchase,
    language: str,
    channel: Channel,
    origin: str,
    return_url: Callable[[UUID], str],
    webhook_url: str,
    key: Key,
    actor: str,
    at: datetime,
    promised: Promised | None = None,
    customer_id: UUID | None = None,
) -> Paying:
    """Begin to pay for a basket with a method of a provider; the order is placed when the money is there.

    What the buyer wants is held, and the prices with it, longer than the payment page lives. An attempt before this one
    that has no money yet is given up. `return_url` makes the address that the buyer comes back to of the charge's id;
    the provider's name is added to `webhook_url`.
    Refusals, in this order: `KeyReused` and whatever this key was answered before, `BasketUnknown`, `BasketOrdered`,
    `BasketEmpty`, `Invalid` (contact), `MethodUnknown` (also one that needs no provider), `NoDelivery`, `NotSold`,
    `PriceChanged`, `BasketChanged`, `ChargeUnderWay`. What the stock or the provider says no to is an answer: `failed`.
    """
    try:
        async with database.reading() as conn:
            stored = await stored_basket(conn, basket_id=basket_id)
            before = await attempt(conn, charge_id=stored.charge_id) if stored and stored.charge_id else None
        if stored is None or stored.shop_id != shop.id:
            raise BasketUnknown(basket_id=basket_id)
        if stored.order_id is not None:
            raise BasketOrdered(basket_id=basket_id, order_id=stored.order_id)
        if not stored.lines:
            raise BasketEmpty(basket_id=basket_id)
        order = await order_of(
            assortment,
            shop,
            stored,
            purchase,
            language,
            channel,
            actor,
            at,
            charged=True,
            promised=promised,
            customer_id=customer_id,
        )
    except Refusal:
        began = await answered_before(database, key, Began)
        return await settle(desk, database, charge_id=began.charge_id, at=at)
    charge_id = uuid7()
    new = Attempt(
        charge_id=charge_id,
        basket_id=basket_id,
        version=stored.version,
        shop_id=shop.id,
        order_id=order.order_id,
        hold_id=uuid7(),
        replaces=before.hold_id if before else None,
        origin=origin if stored.customer_id is None else "",
        held_until=at + HELD,
        return_url=return_url(charge_id),
        webhook_url=webhook_url,
        free_from=assortment.free_from,
        order=order,
        created_at=at,
    )
    method, _ = terms(purchase.method, at)
    charge = NewCharge(
        id=charge_id,
        provider=method.provider,
        method=method.name,
        purpose=PURPOSE,
        purpose_id=basket_id,
        legal_entity_id=order.legal_entity_id,
        zone=order.zone,
        currency=order.currency,
        amount_minor=purchase.total_minor,
        expires_at=at + PAYABLE,
    )
    began = await once(database, key, Began, lambda tx: begin(tx, new, charge, actor, at), at=at)
    return await settle(desk, database, charge_id=began.charge_id, at=at)


async def settle(desk: Desk, database: Database, *, charge_id: UUID, at: datetime, eager: bool = False) -> Paying:
    """Bring a payment as far as it comes now, and say how it stands. Safe to call at any time, by any number at once.

    `eager`: ask the provider even if it was asked a moment ago. Refusal: `ChargeUnknown`.
    """
    for _ in range(_MOST_STEPS):
        charge, found = await standing(database, charge_id)
        step = _STEPS.get(charge.state, _closed)
        if not await step(_Work(desk, database, charge, found, at, eager)):
            break
    charge, found = await standing(database, charge_id)
    return paying(charge, found)


async def void(desk: Desk, database: Database, *, charge_id: UUID, reason: str, actor: str, at: datetime) -> Paying:
    """Give back what a charge reserved, by somebody with the right. An order that stands for it is cancelled.

    Refusals: `ChargeUnknown`, `ChargeNotReady` (what was captured is refunded, not voided).
    """
    async with database.transaction() as tx:
        charge = await payments.lock_charge(tx, charge_id=charge_id)
        if charge.state in ENDS:
            raise ChargeNotReady(charge_id=charge_id, state=charge.state)
        await payments.give_up_charge(tx, charge_id=charge_id, reason=reason, actor=actor, at=at, ordered_too=True)
    return await settle(desk, database, charge_id=charge_id, at=at, eager=True)


async def capture(desk: Desk, database: Database, *, charge_id: UUID, at: datetime) -> Paying:
    """Take the money of an order now, by somebody who does not want to wait for the job.

    Refusals: `ChargeUnknown`, `ChargeNotReady`.
    """
    charge, _ = await standing(database, charge_id)
    if charge.state not in ("ordered", "captured"):
        raise ChargeNotReady(charge_id=charge_id, state=charge.state)
    return await settle(desk, database, charge_id=charge_id, at=at, eager=True)


class _Work(Struct, frozen=True):
    """What a step works with. `attempt` is as it was when the step began; so is `charge`."""

    desk: Desk
    database: Database
    charge: Charge
    attempt: Attempt
    at: datetime
    eager: bool

    async def heard(self, report: Report, what: str) -> bool:
        """Note what the provider said; whether that moved the charge."""
        async with self.database.transaction() as tx:
            charge = await payments.report_charge(tx, charge_id=self.charge.id, report=report, what=what, at=self.at)
        return charge.state != self.charge.state

    async def give_up(self, reason: str) -> bool:
        async with self.database.transaction() as tx:
            await payments.give_up_charge(tx, charge_id=self.charge.id, reason=reason, actor="system", at=self.at)
        return True


async def _start(work: _Work) -> bool:
    """Hold, then ask the provider. One of all who come by asks it: who noted first that it is being asked."""
    charge, found = work.charge, work.attempt
    order = found.order
    if order is None or work.at - charge.created_at > ATTENTION:
        return await work.give_up("abandoned")  # whoever began is gone
    wants = tuple(
        Want(line.quantity, tuple(source.pool_id for source in line.sources)) for line in order.lines if line.sources
    )
    holder = f"customer:{order.customer_id}" if order.customer_id else f"basket:{found.basket_id}"
    hold = HoldRequest(found.hold_id, holder, wants, found.held_until, origin=found.origin)
    try:
        await work.desk.submit(
            "hold_for_payment",
            HoldForPayment(hold, found.replaces),
            Held,
            key=key_of("hold", charge.id),
            at=work.at,
        )
    except Refusal as refusal:
        return False if refusal.status >= _UNAVAILABLE else await work.give_up(refusal.code)
    async with work.database.transaction() as tx:
        ours = await payments.ask_charge(tx, charge_id=charge.id, at=work.at)
    if not ours:
        return True
    provider = provider_named(charge.provider)
    report = await provider.authorise(
        Authorise(
            reference=str(charge.id),
            method=charge.method,
            amount_minor=charge.amount_minor,
            currency=charge.currency,
            description=_DESCRIPTION.get(order.language[:2], _DESCRIPTION["en"]),
            language=order.language,
            return_url=found.return_url,
            webhook_url=f"{found.webhook_url}/{charge.provider}" if found.webhook_url else "",
            expires_at=charge.expires_at,
            capture=provider.captures_at_once(charge.method),
        )
    )
    await work.heard(report, "authorise")
    # Without an answer nothing is done at once: the page that waits, or a job, looks it up by its reference.
    return report.outcome != "unknown"


async def _look_up(work: _Work) -> bool:
    """The provider was asked and may or may not know the charge: look it up before anything else is done."""
    charge, at = work.charge, work.at
    if not work.eager and at - charge.looked_at < PATIENCE:
        return False
    report = await provider_named(charge.provider).status(str(charge.id))
    if report.outcome == "absent":
        if at - charge.changed_at < ATTENTION:
            return False  # whoever asks may be about to
        return await work.give_up("no-answer")
    if await work.heard(report, "status"):
        return True
    # The page is over and nobody has decided.
    return await work.give_up("expired") if at >= charge.expires_at else False


async def _place_paid(work: _Work) -> bool:
    """The money is there: the order is placed, or the money goes back."""
    charge, found, at = work.charge, work.attempt, work.at
    order = found.order
    if order is None:
        return await work.give_up("forgotten")
    if at >= found.held_until and (reason := await _changed_since(work.database, found, order, at)):
        return await work.give_up(reason)
    request = PaidOrder(
        charge_id=charge.id,
        basket_id=found.basket_id,
        version=found.version,
        hold_id=found.hold_id,
        order=structs.replace(order, placed_at=at),
    )
    try:
        await work.desk.submit("paid_order", request, Placed, key=key_of("order", charge.id), at=at)
    except (ChargeNotReady, ChargeUnknown):
        return True  # somebody else has decided meanwhile
    except Refusal as refusal:
        return False if refusal.status >= _UNAVAILABLE else await work.give_up(refusal.code)
    return True


async def _changed_since(database: Database, found: Attempt, order: PlaceRequest, at: datetime) -> str | None:
    """Why a basket whose hold has expired can not be ordered as the buyer saw it: the code of a refusal."""
    async with database.snapshot() as conn:
        shop = await read_shop(conn, shop_id=found.shop_id)
        stored = await stored_basket(conn, basket_id=found.basket_id)
        if shop is None or stored is None:
            return BasketUnknown.code
        contact = order.contact
        country = (contact.delivery or contact.billing).country if contact else None
        try:
            now = await quote(
                conn,
                shop=shop,
                stored=stored,
                language=order.language,
                at=at,
                country=country,
                free_from=found.free_from,
            )
        except Refusal as refusal:
            return refusal.code
    if any(line.problem == "not_sold" for line in now.lines):
        return NotSold.code
    total = sum(line.net_minor + line.tax_minor for line in order.lines)
    return PriceChanged.code if now.priced.gross_minor != total else None


async def _capture(work: _Work) -> bool:
    """The order is placed: take the money that is reserved for it."""
    charge = work.charge
    report = await provider_named(charge.provider).capture(
        str(charge.id), amount_minor=charge.amount_minor, currency=charge.currency
    )
    return await work.heard(report, "capture")


async def _give_back(work: _Work) -> bool:
    """Nothing will come of it: the hold ends, an order that stands for it is cancelled, and no money stays with us."""
    charge = work.charge
    if charge.payment_id is not None:
        await _cancel_order(work, charge.payment_id)
    await release(work.desk, work.attempt, work.at)
    if charge.kept_minor > 0:
        async with work.database.transaction() as tx:
            refund = await payments.refund_all(tx, charge_id=charge.id, at=work.at)
        if refund is None or refund.state != "asked":
            return False
        refund = await payments.send_refund(work.database, refund_id=refund.id, at=work.at)
        return refund.state == "done"
    # Also if it never heard of the charge: voided it cannot become one later.
    report = await provider_named(charge.provider).void(str(charge.id))
    moved = await work.heard(report, "void")
    return moved or report.captured_minor > report.refunded_minor


async def _cancel_order(work: _Work, payment_id: UUID) -> None:
    async with work.database.reading() as conn:
        payment = await read_payment(conn, payment_id=payment_id)
        if payment is None:
            raise LookupError(f"charge {work.charge.id} names payment {payment_id}, which is not there")
        try:
            await cancel_order(
                work.desk,
                conn,
                order_id=payment.purpose_id,
                reason=NOT_PAID,
                actor="system",
                key=key_of("cancel", work.charge.id),
                at=work.at,
            )
        except (AlreadyCancelled, NothingLeft):
            return  # by somebody else, who knew


async def _closed(work: _Work) -> bool:
    """At its end: nothing is held any more, and names are kept no longer than somebody may want to try again."""
    charge, found = work.charge, work.attempt
    if found.closed_at is None:
        if charge.payment_id is None:
            await release(work.desk, found, work.at)
        async with work.database.transaction() as tx:
            forget = charge.state == "captured"
            await tx.execute(WRITES.close_attempt, charge_id=charge.id, forget=forget, at=work.at)
    return False


_Step = Callable[[_Work], Awaitable[bool]]
# What is to be done with a charge that stands so; True: something has moved, look again.
_STEPS: Mapping[ChargeState, _Step] = {
    "started": _start,
    "asked": _look_up,
    "waiting": _look_up,
    "authorised": _place_paid,
    "taken": _place_paid,
    "ordered": _capture,
    "giving_up": _give_back,
}
# From here on a refusal says that somebody is busy or away: nothing is decided by it.
_UNAVAILABLE = 500
# What the buyer reads on the provider's page and on the statement; the order has no number yet.
_DESCRIPTION = {"de": "Dein Einkauf", "en": "Your purchase"}
NOT_PAID = "the payment could not be taken"
