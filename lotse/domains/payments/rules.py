"""The ways to pay that need no provider, and how money is booked."""

import re
from datetime import datetime, timedelta
from uuid import UUID

from lotse.domains.ledger.contracts import EntrySet, Posting
from lotse.domains.payments.contracts import AmountNotPositive, Method, MethodUnknown, Payment
from lotse.kernel.refusals import Invalid

# No bank moves more at once; a number that lost its decimal point may be as large.
MAX_AMOUNT_MINOR = 1_000_000_000_000
# What a SEPA transfer's remittance line holds.
MAX_REFERENCE = 140
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

METHODS = {
    # Two weeks net is what German mail order grants; the goods leave at once.
    "invoice": Method("invoice", releases=True, days=14),
    # The goods wait; after a week the stock is for somebody else.
    "prepayment": Method("prepayment", releases=False, days=7),
}


def method_named(name: str) -> Method:
    """Refusal: `MethodUnknown`."""
    method = METHODS.get(name)
    if method is None:
        raise MethodUnknown(method=name, known=tuple(METHODS))
    return method


def check_amount(amount_minor: int) -> None:
    """Money that moves. Refusals: `AmountNotPositive`, `Invalid`."""
    if amount_minor <= 0:
        raise AmountNotPositive(amount_minor=amount_minor)
    if amount_minor > MAX_AMOUNT_MINOR:
        raise Invalid(field="amount_minor", rule=f"at most {MAX_AMOUNT_MINOR}")


def check_reference(reference: str) -> None:
    """A bank's or provider's name of a transfer. Refusal: `Invalid`."""
    if not reference.strip() or len(reference) > MAX_REFERENCE or _CONTROL.search(reference):
        raise Invalid(field="reference", rule=f"one line of 1 to {MAX_REFERENCE} characters")


def due(method: Method, at: datetime) -> datetime:
    """When a payment is due that begins at `at`."""
    return at + timedelta(days=method.days)


def receipt_entries(payment: Payment, fact_id: UUID, amount_minor: int, at: datetime) -> EntrySet:
    """Money in: bank against receivables."""
    return _between(payment, fact_id, "receipt", amount_minor, at)


def refund_entries(payment: Payment, fact_id: UUID, amount_minor: int, at: datetime) -> EntrySet:
    """Money back: receivables against bank."""
    return _between(payment, fact_id, "refund", -amount_minor, at)


def _between(payment: Payment, fact_id: UUID, kind: str, to_bank_minor: int, at: datetime) -> EntrySet:
    return EntrySet(
        set_id=fact_id,
        kind=kind,
        legal_entity_id=payment.legal_entity_id,
        currency=payment.currency,
        occurred_at=at,
        zone=payment.zone,
        postings=(Posting("bank", to_bank_minor), Posting("receivables", -to_bank_minor)),
    )
