"""Reads of the tax domain."""

from lotse.domains.tax.contracts import Rate
from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

READS = statements("lotse.domains.tax", "reads")


async def rates_for(conn: Connection, *, country: str) -> list[Rate]:
    """All rates of a country, for `rules.rate_at`. Empty for a country that nobody recorded.

    Not cached: a handful of rows by primary key cost less than the question whether a copy is still true. A caller that
    asks thousands of times (an import) keeps its own for as long as it runs.
    """
    return await conn.many(READS.rates_for, Rate, country=country)


async def countries(conn: Connection) -> list[str]:
    """The countries that have rates."""
    return await conn.values(READS.countries)
