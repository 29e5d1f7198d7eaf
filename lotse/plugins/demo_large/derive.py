"""What the sources do not say: prices and stock. The same article gets the same ones everywhere and for ever."""

from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256

# Shares of articles that are sold out, and nearly so: a shop without both would hide half of what its pages can do.
_OUT, _LOW = 0.06, 0.07


def draw(sku: str, what: str) -> float:
    """A number from 0 to 1 that follows from an article's SKU."""
    return int.from_bytes(sha256(f"{what}:{sku}".encode()).digest()[:6], "big") / 2**48


def price(sku: str, level: Decimal) -> Decimal:
    """A price from 0.6 to 1.7 times what such an article costs, ending as shops print them."""
    raw = level * Decimal(0.6 + 1.1 * draw(sku, "price") ** 1.5)
    if raw < 5:
        # .x9 below five: 0.79, 2.49
        return max(Decimal("0.19"), (raw * 10).quantize(Decimal(1), ROUND_HALF_UP) / 10 - Decimal("0.01"))
    if raw < 50:
        return raw.quantize(Decimal(1), ROUND_HALF_UP) - Decimal("0.01")
    return (raw / 5).quantize(Decimal(1), ROUND_HALF_UP) * 5 - Decimal("0.05")


def stock(sku: str) -> int:
    """Pieces on the shelf."""
    drawn = draw(sku, "stock")
    if drawn < _OUT:
        return 0
    if drawn < _OUT + _LOW:
        return 1 + int(3 * draw(sku, "low"))
    return 4 + int(116 * draw(sku, "pieces") ** 2)


def packed(level_per_kg: Decimal, amount: int | None, typical: int) -> Decimal:
    """What a package costs roughly: large ones cost less per kilogram or litre."""
    share = Decimal(amount or typical) / Decimal(typical)
    return level_per_kg * Decimal(typical) / 1000 * Decimal(float(share) ** 0.8)
