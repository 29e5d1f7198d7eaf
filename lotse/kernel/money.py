"""Money: integers of a currency's minor unit plus its ISO 4217 code; never a binary float.

Unit prices may be finer than the minor unit and are `Decimal`; what is added up, stored as a balance or shown as a
total is `Money`. How a document rounds is a named policy of the tax domain; the arithmetic is here.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache

from babel.numbers import get_currency_precision, list_currencies
from msgspec import Struct

from lotse.kernel.refusals import Refusal

_ISO_4217 = frozenset(list_currencies())
_ONE = Decimal(1)


class UnknownCurrency(Refusal, status=422, title="Unknown currency"):
    """Not a code of ISO 4217."""

    currency: str


class Money(Struct, frozen=True, order=True):
    """`amount_minor` of `currency`, e.g. `Money(1999, "EUR")` is 19.99 euro."""

    amount_minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount_minor - other.amount_minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    def __bool__(self) -> bool:
        return self.amount_minor != 0

    def decimal(self) -> Decimal:
        """The amount in major units: `Decimal("19.99")`."""
        return Decimal(self.amount_minor).scaleb(-minor_digits(self.currency))

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}: convert first")


def minor_digits(currency: str) -> int:
    """Decimal places of a currency's minor unit (EUR 2, JPY 0, KWD 3), from CLDR. Refusal: `UnknownCurrency`."""
    if currency not in _ISO_4217:
        raise UnknownCurrency(currency=currency)
    return get_currency_precision(currency)


def round_half_up(amount: Decimal) -> int:
    """To the nearest integer, halves away from zero: 0.5 -> 1, -0.5 -> -1 (commercial rounding, DIN 1333)."""
    with localcontext() as exact:
        exact.prec = 60  # amounts of any size that a bigint can hold, times a price with ten places, stay exact
        return int(amount.quantize(_ONE, rounding=ROUND_HALF_UP))


def to_minor(amount: Decimal, currency: str) -> int:
    """Major units to minor units, rounded half up: `to_minor(Decimal("2.675"), "EUR") == 268`."""
    return round_half_up(amount.scaleb(minor_digits(currency)))


@lru_cache(maxsize=10_000)  # an assortment has fewer prices than that, and most are sold by ones and twos
def line_amount(unit_price: Decimal, quantity: int, currency: str) -> int:
    """Unit price (major units, any number of places) times quantity, in minor units, rounded once."""
    return to_minor(unit_price * quantity, currency)


def spread(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount over weights so that no cent is lost: largest remainder first (Hamilton's method).

    The parts sum to `amount_minor`; weights are not negative and not all zero unless there is nothing to spread.
    """
    total = sum(weights)
    if not weights or (total == 0 and amount_minor):
        raise ValueError("nothing to spread the amount over")
    if total == 0:
        return [0 for _ in weights]
    sign = -1 if amount_minor < 0 else 1
    shares = [divmod(abs(amount_minor) * weight, total) for weight in weights]
    parts = [whole for whole, _ in shares]
    missing = abs(amount_minor) - sum(parts)
    for i in sorted(range(len(parts)), key=lambda i: (-shares[i][1], i))[:missing]:
        parts[i] += 1
    return [sign * part for part in parts]
