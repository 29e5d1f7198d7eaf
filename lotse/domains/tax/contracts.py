"""Rates of value added tax and how an amount splits, as other domains see them."""

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from msgspec import Struct

from lotse.kernel.refusals import Refusal

# line: every line is split and rounded on its own; a document's tax is the sum of its lines.
# document: tax is worked out on the document's sum per rate and spread over the lines by largest remainder.
Policy = Literal["line", "document"]
Document = Literal["basket", "order", "invoice", "receipt", "credit"]


class Rate(Struct, frozen=True):
    """From `valid_from` on, until the next rate of this country and class. `rate` is a fraction: 0.19 is 19 %.

    `code` stands on documents and in the ledger (`DE-19`): a code never changes its rate.
    """

    country: str
    tax_class: str
    valid_from: date
    code: str
    rate: Decimal


class Split(Struct, frozen=True):
    """`gross_minor = net_minor + tax_minor`, always."""

    net_minor: int
    tax_minor: int
    gross_minor: int


class RatesChanged(Struct, frozen=True, tag="tax.RatesChanged"):
    """Rates of a country were added or corrected."""

    country: str
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return self.country


class NoTaxRate(Refusal, status=422, title="No tax rate is known"):
    """Nothing is recorded for this country and class on this day; a missing rate is never taken for zero."""

    country: str
    tax_class: str
    day: date


class CodeTaken(Refusal, status=409, title="The tax code stands for another rate"):
    """Documents of the past carry the code: it must mean one rate for ever."""

    tax_code: str
    rate: Decimal


class InvalidRate(Refusal, status=422, title="Not a tax rate"):
    """A fraction from 0 up to and including 1, with at most six places: 0.19 is 19 %."""

    rate: Decimal
