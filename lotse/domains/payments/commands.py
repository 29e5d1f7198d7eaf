"""Verbs on payments. Money in and out is a fact with the bank's reference; the same reference is never booked twice.

Charges (money through a provider) move here by what is heard of them; who waits for the money decides what is next."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct, structs

from lotse.domains.ledger.commands import book
from lotse.domains.payments.contracts import (
    Charge,
    ChargeNotReady,
    ChargeRefund,
    ChargeReported,
    ChargeState,
    ChargeUnderWay,
    ChargeUnknown,
    Happening,
    MoreThanRefundable,
    NewCharge,
    NewPayment,
    Notice,
    Payment,
    PaymentUnknown,
    Received,
    ReferenceReused,
    Refunded,
    RefundUnderWay,
    Report,
)
from lotse.domains.payments.queries import READS, provider_named
from lotse.domains.payments.rules import (
    ENDS,
    after,
    check_amount,
    check_reference,
    pause,
    receipt_entries,
    receipt_reference,
    refund_entries,
    unplaced_entries,
)
from lotse.kernel import audit
from lotse.kernel.auth.principal import Principal
from lotse.kernel.db import Database, Transaction
from lotse.kernel.desk import Draft, Lock
from lotse.kernel.ids import uuid7
from lotse.kernel.money import Money as Amount
from lotse.kernel.outbox import OUTBOX, emit, encode
from lotse.kernel.refusals import refusing
from lotse.kernel.rows import Rows, Writer
from lotse.kernel.sql import statements

_PACKAGE = "lotse.domains.payments"
WRITES = statements(_PACKAGE, "writes")
_DESK = statements(_PACKAGE, "desk")
# Whoever looks at a charge has this long; then somebody else may. Longer than the slowest provider is waited for.
LEASE = timedelta(seconds=45)


class PaymentRow(Struct, frozen=True):
    id: UUID
    purpose: str
    purpose_id: UUID
    method: str
    legal_entity_id: UUID
    zone: str
    currency: str
    amount_minor: int
    received_minor: int
    due_at: datetime
    created_at: datetime


class MoneyRow(Struct, frozen=True):
    id: UUID
    payment_id: UUID
    reference: str
    amount_minor: int
    actor: str
    occurred_at: datetime
    recorded_at: datetime


class SumsRow(Struct, frozen=True):
    payment_id: UUID
    credited_minor: int
    received_minor: int
    refunded_minor: int


class OrderedRow(Struct, frozen=True):
    id: UUID
    state: ChargeState
    payment_id: UUID
    look_at: datetime | None
    changed_at: datetime


PAYMENTS = Writer(_PACKAGE, "payments", PaymentRow)
RECEIPTS = Writer(_PACKAGE, "receipts", MoneyRow)
REFUNDS = Writer(_PACKAGE, "refunds", MoneyRow)
SUMS = Writer(_PACKAGE, "sums", SumsRow)
CHARGES_ORDERED = Writer(_PACKAGE, "charges_ordered", OrderedRow)
TRAIL = Writer(_PACKAGE, "charge_trail", Happening)

CHARGES = Lock("payments.charges", _DESK.lock_charges, Charge)


def open_payment(rows: Rows, new: NewPayment, *, actor: str, at: datetime, recorded_at: datetime) -> Payment:
    """Owe an amount from `at` on, in the transaction or desk draft of what it is for; settled at once if it says so."""
    settled = new.amount_minor if new.settled is not None else 0
    payment = Payment(
        new.id,
        new.purpose,
        new.purpose_id,
        new.method,
        new.legal_entity_id,
        new.zone,
        new.currency,
        new.amount_minor,
        0,
        settled,
        0,
        new.due_at,
        at,
    )
    rows.add(
        PAYMENTS,
        PaymentRow(
            new.id,
            new.purpose,
            new.purpose_id,
            new.method,
            new.legal_entity_id,
            new.zone,
            new.currency,
            new.amount_minor,
            settled,
            new.due_at,
            at,
        ),
    )
    if new.settled is not None and settled:
        receipt_id = uuid7()
        rows.add(RECEIPTS, MoneyRow(receipt_id, new.id, new.settled, settled, actor, at, recorded_at))
        book(rows, receipt_entries(payment, receipt_id, settled, at), recorded_at=recorded_at)
        rows.add(OUTBOX, encode(_received(payment, settled), at))
    return payment


def credit(rows: Rows, payment_id: UUID, amount_minor: int) -> None:
    """Owe less, because what was paid for is taken back. The constraint refuses more than was owed."""
    rows.add(SUMS, SumsRow(payment_id, amount_minor, 0, 0))


def refund_at_once(
    rows: Rows, payment: Payment, amount_minor: int, *, reference: str, actor: str, at: datetime, recorded_at: datetime
) -> None:
    """Money that has gone back already when its reason is recorded (an import, a till). In the reason's transaction."""
    refund_id = uuid7()
    rows.add(REFUNDS, MoneyRow(refund_id, payment.id, reference, amount_minor, actor, at, recorded_at))
    rows.add(SUMS, SumsRow(payment.id, 0, 0, amount_minor))
    book(rows, refund_entries(payment, refund_id, amount_minor, at), recorded_at=recorded_at)
    rows.add(OUTBOX, encode(_refunded(payment, amount_minor), at))


async def record_receipt(
    tx: Transaction,
    *,
    payment_id: UUID,
    amount_minor: int,
    reference: str,
    actor: str,
    occurred_at: datetime,
    at: datetime,
) -> Payment:
    """Money came in. The same reference and amount again changes nothing and answers the same.

    Too much is taken, too: it is then to be refunded.
    Refusals: `AmountNotPositive`, `Invalid` (amount, reference), `PaymentUnknown`, `ReferenceReused`.
    """
    payment, known = await _find(tx, payment_id, amount_minor, reference, "receipt")
    if known:
        return payment
    rows, receipt_id = Rows(), uuid7()
    rows.add(RECEIPTS, MoneyRow(receipt_id, payment_id, reference, amount_minor, actor, occurred_at, at))
    rows.add(SUMS, SumsRow(payment_id, 0, amount_minor, 0))
    book(rows, receipt_entries(payment, receipt_id, amount_minor, occurred_at), recorded_at=at)
    payment = structs.replace(payment, received_minor=payment.received_minor + amount_minor)
    rows.add(OUTBOX, encode(_received(payment, amount_minor), occurred_at))
    await rows.write(tx)
    return payment


async def record_refund(
    tx: Transaction,
    *,
    payment_id: UUID,
    amount_minor: int,
    reference: str,
    actor: str,
    occurred_at: datetime,
    at: datetime,
    reason: str | None = None,
) -> Payment:
    """Money went back. The same reference and amount again changes nothing and answers the same.

    Refusals: `AmountNotPositive`, `Invalid` (amount, reference), `PaymentUnknown`, `ReferenceReused`,
    `MoreThanRefundable`, `RefundUnderWay`.
    """
    payment, known = await _find(tx, payment_id, amount_minor, reference, "refund")
    if known:
        return payment
    await _check_refundable(tx, payment, amount_minor)
    rows = Rows()
    refund_at_once(rows, payment, amount_minor, reference=reference, actor=actor, at=occurred_at, recorded_at=at)
    await rows.write(tx)
    await audit.record(
        tx,
        actor=actor,
        subject=f"payments.payment:{payment_id}",
        old={"refunded_minor": payment.refunded_minor},
        new={"refunded_minor": payment.refunded_minor + amount_minor, "reference": reference},
        at=at,
        reason=reason,
    )
    return structs.replace(payment, refunded_minor=payment.refunded_minor + amount_minor)


async def limit_refunds(tx: Transaction, principal: Principal, payment: Payment) -> None:
    """After a refund, in its transaction: all that this principal has paid back of the payment is within what it may.

    Refusals: `NotAllowed`, `OverLimit`.
    """
    total: int = await tx.value(READS.refunded_by, payment_id=payment.id, actor=str(principal))
    principal.require_amount("orders.refund", Amount(total, payment.currency))


# -- charges: what is heard and decided is written here; providers are asked outside of any transaction


async def begin_charge(tx: Transaction, *, new: NewCharge, actor: str, at: datetime) -> Charge:
    """A new attempt to be paid. Nobody was asked for anything yet. Refusal: `ChargeUnderWay`."""
    with refusing({"charges_one_at_a_time": lambda: ChargeUnderWay(charge_id=new.id)}):
        await tx.execute(
            WRITES.begin_charge,
            id=new.id,
            provider=new.provider,
            method=new.method,
            purpose=new.purpose,
            purpose_id=new.purpose_id,
            legal_entity_id=new.legal_entity_id,
            zone=new.zone,
            currency=new.currency,
            amount_minor=new.amount_minor,
            expires_at=new.expires_at,
            look_at=at + pause("started", 0),
            at=at,
        )
    charge = await tx.one(READS.charge, Charge, charge_id=new.id)
    rows = Rows()
    rows.add(TRAIL, _happened(charge, "begun", actor=actor, at=at))
    await rows.write(tx)
    return charge


async def lock_charge(tx: Transaction, *, charge_id: UUID) -> Charge:
    """A charge as it stands, and stays until the transaction ends. Refusal: `ChargeUnknown`."""
    return await _locked(tx, charge_id)


async def ask_charge(tx: Transaction, *, charge_id: UUID, at: datetime) -> bool:
    """Note that the provider is about to be asked; True for the one who is to ask it, once per charge."""
    charge = await _locked(tx, charge_id)
    if charge.state != "started":
        return False
    await _put(tx, charge, structs.replace(charge, state="asked"), "authorise", actor="system", at=at)
    return True


async def report_charge(
    tx: Transaction, *, charge_id: UUID, report: Report, what: str, actor: str = "system", at: datetime
) -> Charge:
    """What a provider says of a charge, by whatever way it came. Money that was taken is booked here, once."""
    charge = await _locked(tx, charge_id)
    return await _heard(tx, charge, report, what, actor, at)


async def give_up_charge(
    tx: Transaction, *, charge_id: UUID, reason: str, actor: str, at: datetime, ordered_too: bool = False
) -> Charge:
    """Decide that a charge shall not become an order (any more): what it reserved or took goes back.

    A charge that is at its end, or is being given up, stays as it is; so does one whose order is placed, unless
    `ordered_too`: then the order has to be cancelled as well.
    """
    charge = await _locked(tx, charge_id)
    if charge.state in ENDS or charge.state == "giving_up" or (charge.state == "ordered" and not ordered_too):
        return charge
    # As long as the provider was not asked there is nothing to give back.
    state: ChargeState = "dropped" if charge.state == "started" else "giving_up"
    given_up = structs.replace(charge, state=state, reason=reason)
    return await _put(tx, charge, given_up, "give_up", actor=actor, at=at)


def charge_for_order(draft: Draft, charge_id: UUID, amount_minor: int) -> Charge:
    """In a desk's batch: the locked charge that an order is to be placed for. Refusals: `ChargeUnknown`,
    `ChargeNotReady`."""
    charge = draft.get(CHARGES, charge_id)
    if charge is None:
        raise ChargeUnknown(charge_id=charge_id)
    if charge.state not in ("authorised", "taken") or charge.amount_minor != amount_minor:
        raise ChargeNotReady(charge_id=charge_id, state=charge.state)
    return charge


def order_charge(draft: Draft, charge: Charge, payment_id: UUID, *, at: datetime) -> None:
    """In the order's own batch: the charge has become that order. What was taken already is the payment's receipt."""
    state: ChargeState = "captured" if charge.state == "taken" else "ordered"
    look_at = None if state == "captured" else at + pause(state, 0)
    ordered = structs.replace(charge, state=state, payment_id=payment_id, look_at=look_at, looks=0, changed_at=at)
    draft.put(CHARGES, charge.id, ordered)
    draft.add(CHARGES_ORDERED, OrderedRow(charge.id, state, payment_id, look_at, at))
    draft.add(TRAIL, _happened(ordered, "order", actor="system", at=at))


async def take_due_charges(tx: Transaction, *, purpose: str, at: datetime, limit: int = 20) -> list[UUID]:
    """Charges that somebody has to look at; for `LEASE` they are the caller's."""
    return await tx.values(WRITES.take_due_charges, purpose=purpose, at=at, until=at + LEASE, limit=limit)


async def begin_refund(
    tx: Transaction, *, charge_id: UUID, refund_id: UUID, amount_minor: int | None, cause: str, actor: str, at: datetime
) -> ChargeRefund | None:
    """Have money go back through the provider that took it; asked twice under one id it is one refund.

    Without an amount: as much as may go back. None if nothing may, or can as long as the charge stands so.
    Refusals: `ChargeUnknown`, `AmountNotPositive`, `Invalid` (amount), `ChargeNotReady`, `MoreThanRefundable`,
    `RefundUnderWay`.
    """
    if amount_minor is not None:
        check_amount(amount_minor)
    charge = await _locked(tx, charge_id)
    known = await tx.maybe(READS.lock_refund, ChargeRefund, refund_id=refund_id)
    if known is not None:
        return known
    if charge.payment_id is None or charge.kept_minor <= 0:
        if amount_minor is None:
            return None
        raise ChargeNotReady(charge_id=charge_id, state=charge.state)
    payment = await tx.one(READS.lock_payment, Payment, payment_id=charge.payment_id)
    left = min(payment.refundable_minor, charge.kept_minor) - await _on_its_way(tx, payment.id)
    if amount_minor is None and left <= 0:
        return None
    if amount_minor is not None and amount_minor > charge.kept_minor:
        raise MoreThanRefundable(amount_minor=amount_minor, refundable_minor=max(left, 0))
    if amount_minor is not None:
        await _check_refundable(tx, payment, amount_minor)
    return await _refund(tx, charge, refund_id, left if amount_minor is None else amount_minor, cause, actor, at)


async def refund_all(tx: Transaction, *, charge_id: UUID, at: datetime) -> ChargeRefund | None:
    """What a charge took goes back as a whole, because it is given up; None if nothing is kept. One per charge.

    One that the provider refused is asked for again: nobody may keep money for nothing.
    """
    charge = await _locked(tx, charge_id)
    # Drawn from the charge's id, so that whoever comes by means the same refund; next to it, so of the same month.
    refund_id = UUID(int=charge.id.int ^ 1)
    known = await tx.maybe(READS.lock_refund, ChargeRefund, refund_id=refund_id)
    if known is not None and known.state == "refused":
        await tx.execute(WRITES.put_refund, id=known.id, state="asked", reason=known.reason, look_at=at, at=at)
        return structs.replace(known, state="asked", look_at=at)
    left = charge.captured_minor - await tx.value(READS.refunded_by_us, charge_id=charge.id)
    if known is not None or charge.state != "giving_up" or left <= 0:
        return known
    return await _refund(tx, charge, refund_id, left, "no order", "system", at)


async def report_refund(tx: Transaction, *, refund_id: UUID, report: Report, at: datetime) -> ChargeRefund:
    """What the provider says to a refund: recorded on the payment, once, when the money has gone back."""
    refund = await tx.one(READS.refund_by_id, ChargeRefund, refund_id=refund_id)
    charge = await _locked(tx, refund.charge_id)
    refund = await tx.one(READS.lock_refund, ChargeRefund, refund_id=refund_id)
    if refund.state != "asked":
        return refund
    if report.outcome == "refunded":
        await _gone_back(tx, charge, refund, at)
        refund = structs.replace(refund, state="done", look_at=None)
    else:
        refused = report.outcome == "declined"
        look_at = None if refused else at + pause("giving_up", refund.looks)
        refund = structs.replace(refund, state="refused" if refused else "asked", reason=report.reason, look_at=look_at)
        await tx.execute(
            WRITES.put_refund, id=refund.id, state=refund.state, reason=refund.reason, look_at=look_at, at=at
        )
    await _heard(tx, charge, report, "refund", refund.actor, at, amount_minor=refund.amount_minor, always=True)
    return refund


async def send_refund(database: Database, *, refund_id: UUID, at: datetime) -> ChargeRefund:
    """Ask the provider for a refund, outside of any transaction. Its id makes asking again safe."""
    async with database.reading() as conn:
        refund = await conn.one(READS.refund_by_id, ChargeRefund, refund_id=refund_id)
        charge = await conn.one(READS.charge, Charge, charge_id=refund.charge_id)
    if refund.state != "asked":
        return refund
    report = await provider_named(charge.provider).refund(
        str(charge.id),
        refund_reference=str(refund.id),
        amount_minor=refund.amount_minor,
        currency=charge.currency,
    )
    async with database.transaction() as tx:
        return await report_refund(tx, refund_id=refund_id, report=report, at=at)


async def take_due_refunds(tx: Transaction, *, at: datetime, limit: int = 20) -> list[UUID]:
    """Refunds that nobody has brought to their end; for `LEASE` they are the caller's."""
    return await tx.values(WRITES.take_due_refunds, at=at, until=at + LEASE, limit=limit)


# -- webhooks


async def keep_webhook(tx: Transaction, *, provider: str, notice: Notice, body: str, at: datetime) -> bool:
    """Store a verified message before anything is done about it; False if it was stored before."""
    return bool(
        await tx.execute(
            WRITES.keep_webhook,
            provider=provider,
            event_id=notice.event_id,
            reference=notice.report.reference,
            report=notice.report,
            body=body,
            at=at,
        )
    )


async def handle_webhook(tx: Transaction, *, provider: str, notice: Notice, at: datetime) -> Charge | None:
    """Apply a stored message to its charge, once; None if no such charge is known (yet): it is tried again later."""
    charge = await _named(tx, provider, notice.report.reference)
    if charge is None:
        await tx.execute(WRITES.webhook_later, provider=provider, event_id=notice.event_id, at=at)
        return None
    # Under the charge's lock: the same message on two connections is handled by the first.
    if await tx.value(READS.webhook_handled, provider=provider, event_id=notice.event_id):
        return charge
    heard = await _heard(tx, charge, notice.report, "webhook", "provider", at, always=True)
    await tx.execute(WRITES.webhook_handled, provider=provider, event_id=notice.event_id, at=at)
    if heard.state != charge.state:
        # Whoever waits for the money goes on from here, or closes what was open for it.
        event = ChargeReported(charge.id, charge.purpose, charge.purpose_id, heard.state)
        await emit(tx, event, at=at)
    return heard


async def retry_webhooks(tx: Transaction, *, at: datetime, limit: int = 50) -> int:
    """Try messages again whose charge was not known when they came; how many found it."""
    found = 0
    for due in await tx.many(WRITES.due_webhooks, _Due, at=at, limit=limit):
        notice = Notice(due.event_id, due.report)
        found += await handle_webhook(tx, provider=due.provider, notice=notice, at=at) is not None
    return found


async def forget_bodies(tx: Transaction, *, before: datetime, limit: int = 1_000) -> int:
    """Erase raw webhook bodies that came before; how many. What they said of the charge stays."""
    return await tx.execute(WRITES.forget_bodies, before=before, limit=limit)


class _Due(Struct, frozen=True):
    provider: str
    event_id: str
    report: Report


# -- helpers of charges


async def _locked(tx: Transaction, charge_id: UUID) -> Charge:
    charge = await tx.maybe(READS.lock_charge, Charge, charge_id=charge_id)
    if charge is None:
        raise ChargeUnknown(charge_id=charge_id)
    return charge


async def _named(tx: Transaction, provider: str, reference: str) -> Charge | None:
    try:
        charge_id = UUID(reference)
    except ValueError:
        return None
    charge = await tx.maybe(READS.lock_charge, Charge, charge_id=charge_id)
    return charge if charge is not None and charge.provider == provider else None


# An order stands for the charge: it ends only by what is asked once that order is cancelled. Whatever else says that
# nothing is reserved any more (a message, the late answer to a capture) must not end it, for nobody would look again.
_GIVES_BACK = frozenset({"void", "refund"})


async def _heard(
    tx: Transaction,
    charge: Charge,
    report: Report,
    what: str,
    actor: str,
    at: datetime,
    *,
    amount_minor: int | None = None,
    always: bool = False,
) -> Charge:
    """Apply a report to a locked charge. What changes nothing leaves no line, unless `always`: looks would fill it."""
    heard = after(charge, report)
    has_order = charge.state == "giving_up" and charge.payment_id is not None
    if has_order and heard.state in ENDS and what not in _GIVES_BACK:
        heard = structs.replace(heard, state=charge.state, reason=charge.reason)
    if heard == charge:
        # Nobody learnt anything: the next look comes later.
        looked = structs.replace(charge, looked_at=at)
        if charge.is_open:
            looked = structs.replace(looked, look_at=at + pause(charge.state, charge.looks))
        rows = Rows()
        if always or report.outcome == "unknown":
            rows.add(TRAIL, _happened(looked, what, report=report, actor=actor, amount_minor=amount_minor, at=at))
        await rows.write(tx)
        await _write(tx, looked)
        return looked
    rows = Rows()
    taken = heard.captured_minor - charge.captured_minor
    if taken and heard.payment_id is not None:
        payment = await tx.one(READS.lock_payment, Payment, payment_id=heard.payment_id)
        receipt_id = uuid7()
        rows.add(RECEIPTS, MoneyRow(receipt_id, payment.id, receipt_reference(heard), taken, actor, at, at))
        rows.add(SUMS, SumsRow(payment.id, 0, taken, 0))
        book(rows, receipt_entries(payment, receipt_id, taken, at), recorded_at=at)
        payment = structs.replace(payment, received_minor=payment.received_minor + taken)
        rows.add(OUTBOX, encode(_received(payment, taken), at))
    await rows.write(tx)
    if heard.refunded_minor > charge.refunded_minor:
        await _find_foreign_refunds(tx, heard, at)
    return await _put(tx, charge, heard, what, report=report, actor=actor, amount_minor=amount_minor, at=at)


async def _find_foreign_refunds(tx: Transaction, charge: Charge, at: datetime) -> None:
    """What went back at the provider without us, by somebody in its own back office, is recorded as well."""
    ours = await tx.value(READS.refunded_by_us, charge_id=charge.id)
    more = charge.refunded_minor - ours
    if more > 0:
        refund = await _refund(tx, charge, uuid7(), more, "at the provider", "provider", at)
        await _gone_back(tx, charge, refund, at)


async def _gone_back(tx: Transaction, charge: Charge, refund: ChargeRefund, at: datetime) -> None:
    """Money has gone back: recorded on the payment, or booked against what was owed for no order."""
    await tx.execute(WRITES.put_refund, id=refund.id, state="done", reason="", look_at=None, at=at)
    rows = Rows()
    if charge.payment_id is not None:
        payment = await tx.one(READS.lock_payment, Payment, payment_id=charge.payment_id)
        reference = f"{charge.provider}:{refund.id}"
        amount = refund.amount_minor
        refund_at_once(rows, payment, amount, reference=reference, actor=refund.actor, at=at, recorded_at=at)
    else:
        book(rows, unplaced_entries(charge, refund.id, -refund.amount_minor, at), recorded_at=at)
    await rows.write(tx)


async def _put(
    tx: Transaction,
    before: Charge,
    charge: Charge,
    what: str,
    *,
    report: Report | None = None,
    actor: str,
    amount_minor: int | None = None,
    at: datetime,
) -> Charge:
    """Write a locked charge that has changed, with its line in the trail, and when to look again."""
    rows = Rows()
    if charge.state in ("giving_up", "refunded") and charge.payment_id is None:
        # Money that no order stands for is ours to give back from the moment when that is clear.
        more = charge.captured_minor - charge.unplaced_minor
        if more:
            book(rows, unplaced_entries(charge, charge.id, more, at), recorded_at=at)
            charge = structs.replace(charge, unplaced_minor=charge.captured_minor)
    moved = charge.state != before.state
    looks = 0 if moved else charge.looks
    charge = structs.replace(
        charge,
        looks=looks,
        look_at=None if charge.state in ENDS else at + pause(charge.state, looks),
        looked_at=at,
        changed_at=at if moved else charge.changed_at,
    )
    rows.add(TRAIL, _happened(charge, what, report=report, actor=actor, amount_minor=amount_minor, at=at))
    await rows.write(tx)
    await _write(tx, charge)
    return charge


async def _write(tx: Transaction, charge: Charge) -> None:
    await tx.execute(
        WRITES.put_charge,
        id=charge.id,
        state=charge.state,
        authorised_minor=charge.authorised_minor,
        captured_minor=charge.captured_minor,
        voided_minor=charge.voided_minor,
        refunded_minor=charge.refunded_minor,
        unplaced_minor=charge.unplaced_minor,
        provider_reference=charge.provider_reference,
        redirect_url=charge.redirect_url,
        reason=charge.reason,
        look_at=charge.look_at,
        looked_at=charge.looked_at,
        looks=charge.looks,
        changed_at=charge.changed_at,
    )


def _happened(
    charge: Charge,
    what: str,
    *,
    report: Report | None = None,
    actor: str,
    amount_minor: int | None = None,
    at: datetime,
) -> Happening:
    return Happening(
        uuid7(),
        charge.id,
        what,
        report.outcome if report else "",
        charge.state,
        (report.reason if report else "") or (charge.reason if charge.state in _SAY_WHY else ""),
        actor,
        charge.amount_minor if amount_minor is None else amount_minor,
        at,
    )


_SAY_WHY: Sequence[ChargeState] = ("declined", "dropped", "voided", "giving_up", "refunded")


async def _refund(
    tx: Transaction, charge: Charge, refund_id: UUID, amount_minor: int, cause: str, actor: str, at: datetime
) -> ChargeRefund:
    await tx.execute(
        WRITES.begin_refund,
        id=refund_id,
        charge_id=charge.id,
        amount_minor=amount_minor,
        cause=cause,
        actor=actor,
        look_at=at,
        at=at,
    )
    return await tx.one(READS.lock_refund, ChargeRefund, refund_id=refund_id)


async def _on_its_way(tx: Transaction, payment_id: UUID) -> int:
    return await tx.value(READS.on_its_way_back, payment_id=payment_id)


async def _check_refundable(tx: Transaction, payment: Payment, amount_minor: int) -> None:
    """Refusals: `MoreThanRefundable`, `RefundUnderWay`."""
    if amount_minor > payment.refundable_minor:
        raise MoreThanRefundable(amount_minor=amount_minor, refundable_minor=payment.refundable_minor)
    left = payment.refundable_minor - await _on_its_way(tx, payment.id)
    if amount_minor > left:
        raise RefundUnderWay(amount_minor=amount_minor, refundable_minor=max(left, 0))


async def _find(
    tx: Transaction, payment_id: UUID, amount_minor: int, reference: str, kind: str
) -> tuple[Payment, bool]:
    check_amount(amount_minor)
    check_reference(reference)
    payment = await tx.maybe(READS.lock_payment, Payment, payment_id=payment_id)
    if payment is None:
        raise PaymentUnknown(payment_id=payment_id)
    statement = READS.receipt if kind == "receipt" else READS.refund
    known = await tx.maybe(statement, _Known, payment_id=payment_id, reference=reference)
    if known and known.amount_minor != amount_minor:
        raise ReferenceReused(reference=reference, amount_minor=known.amount_minor)
    return payment, known is not None


class _Known(Struct, frozen=True):
    amount_minor: int


def _received(payment: Payment, amount_minor: int) -> Received:
    return Received(payment.id, payment.purpose, payment.purpose_id, amount_minor, payment.currency, payment.open_minor)


def _refunded(payment: Payment, amount_minor: int) -> Refunded:
    return Refunded(payment.id, payment.purpose, payment.purpose_id, amount_minor, payment.currency)
