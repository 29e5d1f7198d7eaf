"""Record tax rates. What the law of some countries says ships as a migration; this is for the rest and the next law."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from lotse.domains.tax.contracts import CodeTaken, InvalidRate, Rate, RatesChanged
from lotse.kernel import audit
from lotse.kernel.db import Transaction
from lotse.kernel.outbox import emit
from lotse.kernel.sql import statements

READS = statements("lotse.domains.tax", "reads")
WRITES = statements("lotse.domains.tax", "writes")
_PLACES = Decimal("0.000001")


async def put_rates(tx: Transaction, rates: Sequence[Rate], *, by: str, at: datetime) -> None:
    """Record rates; the same day again corrects it. Refusals in this order: `InvalidRate`, `CodeTaken`."""
    if not rates:
        return
    for rate in rates:
        if not rate.rate.is_finite() or not 0 <= rate.rate <= 1 or rate.rate.quantize(_PLACES) != rate.rate:
            raise InvalidRate(rate=rate.rate)
    codes, figures = [rate.code for rate in rates], [rate.rate for rate in rates]
    await tx.execute(WRITES.put_codes, codes=codes, rates=figures)
    known = {code.code: code.rate for code in await tx.many(READS.codes, _Code, codes=codes)}
    for rate in rates:
        if known[rate.code] != rate.rate:
            raise CodeTaken(tax_code=rate.code, rate=known[rate.code])
    days: dict[str, Any] = {
        "countries": [rate.country for rate in rates],
        "tax_classes": [rate.tax_class for rate in rates],
        "valid_froms": [rate.valid_from for rate in rates],
    }
    old = {_day(rate): rate for rate in await tx.many(READS.rates_at, Rate, **days)}
    changed = await tx.values(WRITES.put_rates, **days, codes=codes, rates=figures)
    for rate in rates:
        if (before := old.get(_day(rate))) != rate:
            subject = "tax.rate:{}/{}/{}".format(*_day(rate))
            await audit.record(tx, actor=by, subject=subject, old=before, new=rate, at=at)
    await emit(tx, *(RatesChanged(country) for country in sorted(set(changed))), at=at)


def _day(rate: Rate) -> tuple[str, str, str]:
    return rate.country, rate.tax_class, rate.valid_from.isoformat()


class _Code(Struct, frozen=True):
    code: str
    rate: Decimal
