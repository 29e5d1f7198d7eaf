"""Pure rules of the checkout: what a buyer must say, what delivery costs and how it is taxed."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from msgspec.structs import replace

from lotse.domains.checkout.contracts import Attempt, InvalidQuantity, NoDelivery, Paying, ShippingRate
from lotse.domains.customers.contracts import Address
from lotse.domains.customers.rules import postcode_like
from lotse.domains.orders.contracts import Contact, Promised
from lotse.domains.payments.contracts import Charge
from lotse.domains.pricing.contracts import Line, PricedLine
from lotse.kernel.auth.links import LinkInvalid, Links
from lotse.kernel.mail.message import is_address
from lotse.kernel.money import minor_digits, spread
from lotse.kernel.refusals import Invalid

MAX_QUANTITY = 9_999
# More than a household or a club orders at once; a page of it is still quick.
MAX_LINES = 200
MAX_FIELD = 200
# A season: people come back to a basket, but not to last winter's.
KEPT = timedelta(days=90)

# How long the provider's page waits for the buyer: card issuers give ten minutes for a challenge, and finding the phone
# takes some.
PAYABLE = timedelta(minutes=15)
# The hold outlasts the page, so that who pays in the last second still gets what was paid for.
HELD = PAYABLE + timedelta(minutes=5)
# Whoever began to pay or to ask does the next step within this, or is gone. Longer than the slowest answer is awaited.
ATTENTION = timedelta(seconds=25)
# A provider is not asked again how a charge stands sooner than this: pages that wait ask every two seconds.
PATIENCE = timedelta(seconds=3)
# Who failed to pay may try again with the same details; after this they are typed anew.
ATTEMPT_KEPT = timedelta(hours=1)

# What tokens of promises and of variations are signed for.
_PROMISE = "promise"
_VARIATION = "free from"
# From how many hundredths of the value that is set delivery is free, by the names of variations.
FREE_FROM = {"set": 100, "lower": 80, "higher": 120}
# What is not seen, and what turns the direction of the text around it.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


def check_quantity(quantity: int, *, least: int = 1) -> None:
    """Refusal: `InvalidQuantity`."""
    if not least <= quantity <= MAX_QUANTITY:
        raise InvalidQuantity(quantity=quantity, least=least, most=MAX_QUANTITY)


def check_contact(contact: Contact) -> None:
    """Refusal: `Invalid` of the first field that cannot be used, by its path."""
    # Where the sender cannot send the confirmation there is no order; a host of one name is nobody's in a shop.
    if len(contact.email) > 254 or not is_address(contact.email) or "." not in contact.email.rpartition("@")[2]:
        raise Invalid(field="contact.email", rule="an e-mail address, e.g. anna@example.org")
    if len(contact.phone) > 40 or _CONTROL.search(contact.phone):
        raise Invalid(field="contact.phone", rule="a phone number of at most 40 characters")
    _check_address(contact.billing, "contact.billing")
    if contact.delivery:
        _check_address(contact.delivery, "contact.delivery")


def _check_address(address: Address, path: str) -> None:
    needed = {"name": address.name, "street": address.street, "postcode": address.postcode, "city": address.city}
    for name, value in needed.items():
        if not any(map(str.isalnum, value)):
            raise Invalid(field=f"{path}.{name}", rule="is needed for delivery and invoice")
    if not re.fullmatch("[A-Z]{2}", address.country):
        raise Invalid(field=f"{path}.country", rule="two capital letters (ISO 3166-1 alpha-2)")
    if (example := postcode_like(address.country, address.postcode)) is not None:
        raise Invalid(field=f"{path}.postcode", rule=f"as postcodes are in {address.country}, e.g. {example}")
    others = {**needed, "company": address.company, "street2": address.street2, "region": address.region}
    if "".join(others.values()).isprintable() and max(map(len, others.values())) <= MAX_FIELD:
        return  # nearly every address
    for name, value in others.items():
        if len(value) > MAX_FIELD or _CONTROL.search(value):
            raise Invalid(field=f"{path}.{name}", rule=f"one line of at most {MAX_FIELD} characters")


def rate_for(rates: Sequence[ShippingRate], country: str) -> ShippingRate:
    """Refusal: `NoDelivery`."""
    for rate in rates:
        if rate.country == country:
            return rate
    raise NoDelivery(country=country, delivers_to=tuple(rate.country for rate in rates))


def varied(rates: Sequence[ShippingRate], variation: str, currency: str) -> tuple[ShippingRate, ...]:
    """Rates that are free from another value of goods on, in whole units of the currency (see `FREE_FROM`)."""
    hundredths = FREE_FROM.get(variation, 100)
    if hundredths == 100:
        return tuple(rates)
    step = 100 * 10 ** minor_digits(currency)

    def whole(set_minor: int) -> int:
        # Up for more and down for less: rounding must not turn a variation of a small value round.
        steps = -(-set_minor * hundredths // step) if hundredths > 100 else set_minor * hundredths // step
        return steps * step // 100 or set_minor

    return tuple(
        rate if rate.free_from_minor is None else replace(rate, free_from_minor=whole(rate.free_from_minor))
        for rate in rates
    )


def variation_token(links: Links, variation: str, basket_id: UUID) -> str:
    """By which variation a page made the total of a basket, signed, for its form; empty for what is set."""
    return links.sign(f"{_VARIATION}:{variation}", basket_id) if FREE_FROM.get(variation, 100) != 100 else ""


def told_variation(links: Links, token: str, basket_id: UUID) -> str:
    """What a form's token says; `set` for one that is not ours, of another basket, or missing."""
    for variation in FREE_FROM if token else ():
        try:
            if links.read(f"{_VARIATION}:{variation}", token) == basket_id:
                return variation
        except LinkInvalid:
            continue
    return "set"


def shipping_lines(rate: ShippingRate, goods: Sequence[PricedLine], currency: str) -> list[Line]:
    """The delivery charge as lines to be priced, one per tax class of the goods.

    Delivery is ancillary to the goods and shares their tax (UStAE 3.10 (5)): with goods of several rates the charge is
    divided in proportion to their value, to the cent.
    """
    value = sum(line.gross_minor for line in goods)
    charge = rate.charge_minor(value)
    if not goods or not charge:
        return []
    by_class: dict[str, int] = {}
    for line in goods:
        by_class[line.tax_class] = by_class.get(line.tax_class, 0) + line.gross_minor
    weights = list(by_class.values()) if value else [1] * len(by_class)
    parts = spread(charge, weights)
    return [
        Line(
            ref=f"shipping:{tax_class}",
            quantity=1,
            tax_class=tax_class,
            unit_price=Decimal(part).scaleb(-minor_digits(currency)),
            gross=True,
            rule=f"shipping:{rate.country}",
        )
        for tax_class, part in zip(by_class, parts, strict=True)
        if part
    ]


def holder_secret(links: Links) -> bytes:
    """What addresses are hashed with before a hold keeps them: the installation's own, and nobody else's."""
    return links.sign("hold origin", UUID(int=0)).encode()


def promise_token(links: Links, told: Promised, basket_id: UUID) -> str:
    """What a page told about the delivery of a basket, signed, for its form: it comes back as it was shown."""
    days = told.earliest.toordinal().to_bytes(3) + told.latest.toordinal().to_bytes(3)
    return links.sign(_PROMISE, UUID(bytes=days + int(told.shown_at.timestamp()).to_bytes(6) + basket_id.bytes[-4:]))


def told_promise(links: Links, token: str, basket_id: UUID) -> Promised | None:
    """What a form's token says; None for one that is not ours, of another basket, or missing: then nothing was told."""
    try:
        raw = links.read(_PROMISE, token).bytes
    except LinkInvalid:
        return None
    if raw[-4:] != basket_id.bytes[-4:]:
        return None
    first, last, seconds = (int.from_bytes(part) for part in (raw[:3], raw[3:6], raw[6:12]))
    return Promised(date.fromordinal(first), date.fromordinal(last), datetime.fromtimestamp(seconds, UTC))


def paying(charge: Charge, attempt: Attempt) -> Paying:
    """How a payment stands, in the words of whoever waits for it."""
    if charge.state in ("ordered", "captured"):
        return Paying(charge_id=charge.id, state="ordered", order_id=attempt.order_id)
    if charge.state in ("giving_up", "dropped", "declined", "voided", "refunded"):
        # The order may have been there and be cancelled; its page says so.
        order_id = attempt.order_id if charge.payment_id else None
        return Paying(charge_id=charge.id, state="failed", reason=charge.reason or charge.state, order_id=order_id)
    if charge.state == "waiting" and charge.redirect_url:
        return Paying(charge_id=charge.id, state="redirect", redirect_url=charge.redirect_url)
    return Paying(charge_id=charge.id, state="pending")
