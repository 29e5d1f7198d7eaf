"""The ways to pay that need no provider, how money is booked, and what becomes of a charge when something is heard."""

import re
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import structs

from lotse.domains.ledger.contracts import EntrySet, Posting
from lotse.domains.payments.contracts import (
    AmountNotPositive,
    Charge,
    ChargeState,
    Method,
    Payment,
    Report,
)
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


# -- charges

ENDS: frozenset[ChargeState] = frozenset({"captured", "dropped", "declined", "voided", "refunded"})
# From these on nothing is decided yet: whatever the provider says moves the charge.
_UNDECIDED: frozenset[ChargeState] = frozenset({"started", "asked", "waiting", "authorised", "taken"})

# How soon somebody looks at a charge that stands so, if nobody does before; doubled with each look up to the longest.
# A request works on it for some seconds itself; a buyer needs a minute on the provider's page.
_PAUSES: dict[ChargeState, timedelta] = {
    "started": timedelta(seconds=30),
    "asked": timedelta(seconds=30),
    "waiting": timedelta(seconds=60),
    "authorised": timedelta(seconds=10),
    "taken": timedelta(seconds=10),
    "ordered": timedelta(seconds=10),
    "giving_up": timedelta(seconds=10),
}
# A provider that is down for a day is asked every quarter of an hour and no more often.
LONGEST_PAUSE = timedelta(minutes=15)


def pause(state: ChargeState, looks: int) -> timedelta:
    """How long until the next look, after so many of them."""
    return min(_PAUSES[state] * 2 ** min(looks, 10), LONGEST_PAUSE)


def after(charge: Charge, report: Report) -> Charge:
    """A charge once a report is known. The sums grow, so the order of reports does not matter, nor repetition.

    What is past deciding (an order is placed, or it is given up) never becomes undecided again; money that turns up on
    a charge that has ended without an order is to be given back.
    """
    authorised = min(charge.amount_minor, max(charge.authorised_minor, report.authorised_minor, report.captured_minor))
    captured = min(charge.amount_minor, max(charge.captured_minor, report.captured_minor))
    voided = min(authorised - captured, max(charge.voided_minor, report.voided_minor))
    heard = structs.replace(
        charge,
        authorised_minor=authorised,
        captured_minor=captured,
        voided_minor=voided,
        refunded_minor=min(captured, max(charge.refunded_minor, report.refunded_minor)),
        provider_reference=report.provider_reference or charge.provider_reference,
        redirect_url=report.redirect_url or charge.redirect_url,
    )
    state = _state(heard, report)
    if state == charge.state:
        return heard
    # Why it is given up says more than what the provider then calls it.
    reason = charge.reason or report.reason or (report.outcome if state in ("declined", "voided", "giving_up") else "")
    return structs.replace(heard, state=state, reason=reason)


def _state(charge: Charge, report: Report) -> ChargeState:
    state = charge.state
    if state in _UNDECIDED:
        return _undecided(charge, report)
    if state == "ordered":
        if charge.kept_minor > 0:
            return "captured"
        return "giving_up" if _is_over(charge, report) else state
    if state == "giving_up":
        if charge.kept_minor > 0 or charge.reserved_minor > 0:
            return state
        if charge.captured_minor:
            return "refunded"
        if report.outcome == "voided" or charge.voided_minor:
            return "voided"
        return "declined" if report.outcome == "declined" else state
    if state == "captured":
        return state
    return "giving_up" if charge.kept_minor > 0 or charge.reserved_minor > 0 else state


def _undecided(charge: Charge, report: Report) -> ChargeState:
    if charge.kept_minor >= charge.amount_minor:
        return "taken"
    if charge.kept_minor == 0 and charge.reserved_minor >= charge.amount_minor:
        return "authorised"
    if charge.kept_minor > 0 or charge.reserved_minor > 0:
        return "giving_up"  # less than was asked for pays nothing
    if charge.captured_minor:
        return "refunded"
    if charge.voided_minor or report.outcome == "voided":
        return "voided"
    if report.outcome == "declined":
        return "declined"
    if report.outcome in ("redirect", "challenge", "pending") and charge.state in ("started", "asked"):
        return "waiting"
    return charge.state


def _is_over(charge: Charge, report: Report) -> bool:
    """Nothing will come of it any more: the reservation has lapsed, or its capture was declined."""
    return charge.reserved_minor <= 0 or report.outcome == "declined"


def unplaced_entries(charge: Charge, fact_id: UUID, amount_minor: int, at: datetime) -> EntrySet:
    """Money that came in for no order (negative: has gone back): bank against what is owed to the buyer."""
    return EntrySet(
        set_id=fact_id,
        kind="unplaced",
        legal_entity_id=charge.legal_entity_id,
        currency=charge.currency,
        occurred_at=at,
        zone=charge.zone,
        postings=(Posting("bank", amount_minor), Posting("unplaced", -amount_minor)),
    )


def receipt_reference(charge: Charge) -> str:
    """What a charge's receipt is called among those of its payment."""
    return f"{charge.provider}:{charge.id}"


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
