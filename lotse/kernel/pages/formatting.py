"""How values read in a language: money, dates, quantities. Everything goes through CLDR (Babel); nothing is glued.

The functions of `filters(locale)` are the filters of the templates; each takes the value first. Those that pages call
most remember what they said: CLDR takes 50 microseconds for a price, and a shop shows the same prices all day.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, get_datetime_format, get_timezone_name
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, format_percent, get_decimal_symbol
from markupsafe import Markup

from lotse.kernel.money import Money, minor_digits

# English in a European shop writes dates as day month year; plain `en` is American.
REGIONAL = {"en": "en_GB", "de": "de_DE"}


# A number that only its unit says to be a measure: "802.11" and a shoe's "42.5" are names.
_MEASURE = re.compile(r"\d+\.\d+\s?(?:mm|cm|m|km|mg|g|kg|ml|cl|l|W|kW|kWh|V|A|Ah|GHz|MHz|GB|TB)")
# Some megabytes at most, per language and filter.
_REMEMBERED = 20_000


# As much of a page as search engines show below its name.
_EXCERPT = 155
# A sentence that is over sooner says too little.
_LEAST_SAID = 60
_PARAGRAPH = re.compile(r"<p\b[^>]*>(.*?)</p>", re.DOTALL)
_SENTENCE = re.compile(r"[.!?](?= )")
_BREAK = re.compile(r"([,;:.!?])?\s*<br\b[^>]*>\s*")


def _excerpt(html: str) -> str:
    """What stands for a page of this text: the whole sentences of its first paragraph that fit, else its words."""
    first = _PARAGRAPH.search(html)
    # The lines of an address are parts of one sentence.
    lines = _BREAK.sub(lambda found: f"{found[1] or ','} ", first[1] if first else html)
    text = Markup(lines).striptags()  # noqa: S704 - nothing of it is markup any more
    if len(text) <= _EXCERPT:
        return text
    ends = [found.end() for found in _SENTENCE.finditer(text, 0, _EXCERPT)]
    if ends and ends[-1] >= _LEAST_SAID:
        return text[: ends[-1]]
    return text[: _EXCERPT - 1].rpartition(" ")[0].rstrip(",;:") + "…"


@cache
def locale_of(language: str) -> Locale:
    """The CLDR locale that a language of a shop is written in."""
    return Locale.parse(REGIONAL.get(language, language))


def measured(text: str, locale: Locale) -> str:
    """A value of data that is a measure, as its readers write it: 0.5 l, in German 0,5 l. Anything else as it is."""
    return text.replace(".", get_decimal_symbol(locale)) if _MEASURE.fullmatch(text) else text


def filters(locale: Locale) -> dict[str, Callable[..., str]]:
    """The template filters of one locale."""

    @lru_cache(_REMEMBERED)
    def money(amount: Money | int, currency: str | None = None) -> str:
        """`1999 | money("EUR")` or `Money(1999, "EUR") | money`: EUR 19.99."""
        whole = amount if isinstance(amount, Money) else Money(amount, _named(currency))
        return format_currency(whole.decimal(), whole.currency, locale=locale)

    def major(amount_minor: int, currency: str) -> str:
        """An amount for a field: digits and the language's decimal sign, nothing else."""
        digits = minor_digits(currency)
        return f"{Decimal(amount_minor).scaleb(-digits):.{digits}f}".replace(".", get_decimal_symbol(locale))

    @lru_cache(_REMEMBERED)
    def unit_price(amount: Decimal, currency: str) -> str:
        """A price per unit in major units: the currency's places, up to six where it is finer than that."""
        return (
            format_currency(
                _without_zeros(amount), currency, locale=locale, currency_digits=False, decimal_quantization=False
            )
            if _finer_than_cents(amount)
            else format_currency(amount, currency, locale=locale)
        )

    @lru_cache(_REMEMBERED)
    def quantity(amount: int, unit: str = "piece") -> str:
        """A whole number of a variant's smallest unit; grams and millimetres carry their unit."""
        text = format_decimal(amount, locale=locale)
        return text if unit == "piece" else f"{text}\u202f{unit}"

    def signed(amount: int) -> str:
        """A change: with its sign, a true minus."""
        return ("+" if amount > 0 else "\u2212" if amount < 0 else "\u00b1") + format_decimal(
            abs(amount), locale=locale
        )

    def percent(rate: Decimal) -> str:
        """0.19 -> 19 %, 0.055 -> 5.5 %."""
        return said_percent(str(rate))  # by its text: 0.19 and 0.190 are one number, but read differently

    @lru_cache(_REMEMBERED)
    def said_percent(rate: str) -> str:
        return format_percent(Decimal(rate), locale=locale, decimal_quantization=False)

    def day(value: date | datetime, zone: str = "UTC", style: str = "medium") -> str:
        return format_date(_local(value, zone), style, locale=locale)

    @lru_cache(_REMEMBERED)
    def weekday(value: date) -> str:
        """A day of the coming weeks, with its weekday and without the year."""
        return format_skeleton("EEEMMMd", value, locale=locale)

    def clock(value: datetime, zone: str = "UTC") -> str:
        """The time of day in a zone, to the minute."""
        return format_time(value.astimezone(ZoneInfo(zone)), "short", locale=locale)

    def day_of(value: datetime, zone: str = "UTC") -> str:
        """The day of a moment in a zone, with its weekday and without the year."""
        return weekday(_local(value, zone))

    # Babel reads a pattern anew for each moment; days and times of day come again, moments do not.
    @lru_cache(_REMEMBERED)
    def date_of(value: date, style: str) -> str:
        return format_date(value, style, locale=locale)

    @lru_cache(_REMEMBERED)
    def minute_of(value: time) -> str:
        return format_time(value, "short", locale=locale)

    @lru_cache(_REMEMBERED)
    def hour_of(hour: datetime) -> str:
        """The name of an hour's zone: summer time or not."""
        return get_timezone_name(hour, "short", locale=locale)

    def moment(value: datetime, zone: str = "UTC", style: str = "medium") -> str:
        """Day and time of day in a zone, to the minute."""
        local = value.astimezone(ZoneInfo(zone))
        return f"{date_of(local.date(), style)}, {minute_of(time(local.hour, local.minute))}"

    both = str(get_datetime_format("long", locale=locale)).replace("'", "")

    def exact(value: datetime, zone: str = "UTC") -> str:
        """The moment with seconds and zone, for a title."""
        local = value.astimezone(ZoneInfo(zone))
        whole = local.replace(minute=0, second=0, microsecond=0)
        seconds = f"{format_time(local, 'medium', locale=locale)} {hour_of(whole)}"
        return both.replace("{0}", seconds).replace("{1}", date_of(local.date(), "long"))

    def iso(value: datetime) -> str:
        """The moment for programs, as `<time datetime>` has it: HTML knows no fractions below a thousandth."""
        return value.isoformat("T", "seconds")

    def listed(values: Iterable[str]) -> str:
        """Germany, Austria and France."""
        return format_list(list(values), locale=locale)

    return {
        "money": money,
        "excerpt": _excerpt,
        "major": major,
        "unit_price": unit_price,
        "quantity": quantity,
        "signed": signed,
        "percent": percent,
        "day": day,
        "weekday": weekday,
        "clock": clock,
        "day_of": day_of,
        "moment": moment,
        "exact": exact,
        "iso": iso,
        "listed": listed,
    }


def _named(currency: str | None) -> str:
    if currency is None:
        raise TypeError("an amount in minor units needs its currency")
    return currency


def _local(value: date | datetime, zone: str) -> date:
    return value.astimezone(ZoneInfo(zone)).date() if isinstance(value, datetime) else value


def _finer_than_cents(amount: Decimal) -> bool:
    exponent: Any = amount.normalize().as_tuple().exponent
    return exponent < -2


def _without_zeros(amount: Decimal) -> Decimal:
    return amount.normalize()
