"""Which rate holds on a day, and how an amount splits. Pure; exact integers and fractions throughout.

Sources: UStG s.10 (1) (the tax is contained in what the customer pays), s.12 (rates), s.14 (4) no. 7-8 (net amount and
tax per rate on the invoice); EN 16931 BR-CO-17 (tax per rate from the sum per rate) is the policy `document`.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from lotse.domains.tax.contracts import Document, NoTaxRate, Policy, Rate, Split

# How a country's documents round, where it is not `line`. A line that carries its own tax can be returned, credited and
# reported alone without a cent left over, hence `line` where nothing else is said; a retailer whose invoices are worked
# out per rate (EN 16931) names `document` here.
_POLICIES: dict[tuple[str, Document], Policy] = {}
DEFAULT_POLICY: Policy = "line"


def policy_for(country: str, document: Document) -> Policy:
    """The rounding policy of a country's document."""
    return _POLICIES.get((country, document), DEFAULT_POLICY)


def rate_at(rates: Sequence[Rate], country: str, tax_class: str, day: date) -> Rate:
    """The rate that holds on `day`, in the country's own time: the last one that began. Refusal: `NoTaxRate`."""
    known = sorted(
        (rate for rate in rates if rate.country == country and rate.tax_class == tax_class),
        key=lambda rate: rate.valid_from,
    )
    begun = bisect_right(known, day, key=lambda rate: rate.valid_from)
    if begun == 0:
        raise NoTaxRate(country=country, tax_class=tax_class, day=day)
    return known[begun - 1]


def split_gross(gross_minor: int, rate: Decimal) -> Split:
    """What of a gross amount is tax: gross x rate / (1 + rate), rounded half away from zero; net is the rest."""
    part, whole = rate.as_integer_ratio()
    tax = divide(gross_minor * part, whole + part)
    return Split(gross_minor - tax, tax, gross_minor)


def add_net(net_minor: int, rate: Decimal) -> Split:
    """What tax comes on top of a net amount: net x rate, rounded half away from zero."""
    part, whole = rate.as_integer_ratio()
    tax = divide(net_minor * part, whole)
    return Split(net_minor, tax, net_minor + tax)


def divide(numerator: int, denominator: int) -> int:
    """Integer division rounded half away from zero (DIN 1333); `denominator` is positive."""
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return rounded if numerator >= 0 else -rounded


def spread_tax(shares: Sequence[tuple[int, str]], denominator: int) -> list[int]:
    """Divide the tax of a document's rate over its lines, so that no cent is lost (largest remainder).

    A share is a line's exact tax times `denominator`, and its key. The whole is rounded once; each line gets its share
    rounded down, and the cents that are left go to the largest remainders. Equal remainders are decided by the key and
    not by the place, so the order of lines changes nothing. Every line is less than one cent off its exact tax.
    """
    total = divide(sum(share for share, _ in shares), denominator)
    parts = [share // denominator for share, _ in shares]
    missing = total - sum(parts)
    by_remainder = sorted(range(len(shares)), key=lambda i: (-(shares[i][0] % denominator), shares[i][1]))
    for i in by_remainder[:missing]:
        parts[i] += 1
    return parts
