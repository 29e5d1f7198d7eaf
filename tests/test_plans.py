"""Hot statements are served by indexes: none of them reads a whole table of goods, prices, stock or customers.

The plans are the generic ones (what a cached statement ends with), asked with sequential scans made dear: what still
scans a table then has no index that serves it. Bodies of functions are explained as their callers run them.
"""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from lotse.kernel.sql import statements

Connection = psycopg.Connection[Any]

# Small for ever (a retailer's shops and places), or read as a whole on purpose.
SMALL = {"shops", "legal_entities", "locations", "shop_locations", "rates", "codes", "n", "o", "b", "a", "v", "k", "g"}
STATEMENTS = [
    ("catalog", "reads", name)
    for name in (
        "category_by_slug",
        "cards",
        "product_page",
        "variants_by_ids",
        "variant_by_sku",
        "variant_by_gtin",
        "variant_ids_by_sku",
        "products_at",
        "gtins_taken",
    )
] + [
    ("parties", "reads", "parties"),
    ("parties", "reads", "by_email"),
    ("offers", "reads", "offers_for_variants"),
    ("offers", "reads", "offers"),
    ("inventory", "reads", "availability"),
    ("inventory", "reads", "stock_of_variants"),
    ("inventory", "reads", "stock_of_pools"),
    ("inventory", "reads", "pools_of_keys"),
    ("customers", "reads", "customers"),
    ("customers", "reads", "by_numbers"),
    ("customers", "reads", "addresses"),
    ("pricing", "reads", "price_history"),
    ("pricing", "reads", "reductions"),
    ("pricing", "reads", "to_offer"),
    ("pricing", "writes", "set_prices"),
    ("pools", "desk", "lock_pools"),
    ("pools", "desk", "expired_lines"),
    ("pools", "desk", "lock_holds"),
    ("pools", "desk", "open_holds"),
    ("pools", "desk", "lines_of_holds"),
    ("pools", "desk", "breakable_lines"),
    ("pools", "desk", "line_states"),
    ("pools", "desk", "holders"),
    ("experiments", "reads", "experiment"),
    ("experiments", "reads", "decision"),
    ("experiments", "reads", "decisions_by_outcome"),
]
FUNCTIONS = [
    "parties.names_of",
    "parties.find",
    "parties.with_role",
    "catalog.names",
    "catalog.cards",
    "catalog.products_of",
    "catalog.find",
    "offers.active_in",
    "offers.by_ids",
    "inventory.pools_for",
    "inventory.pools_for_offers",
    "inventory.available",
    "pools.balances",
    "pricing.prices_at",
    "catalog.priced",
]


@pytest.fixture(scope="module")
def connection(dsn: str) -> Iterator[Connection]:
    """psycopg sends a statement without arguments as it is; asyncpg would want values for the placeholders."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set enable_seqscan = off")
        yield connection


def scanned(connection: Connection, sql: str) -> set[str]:
    """The tables that a statement reads as a whole."""
    lines = [row[0] for row in connection.execute(f"explain (generic_plan) {sql}".encode())]
    found = {match[1] for line in lines if (match := re.search(r"Seq Scan on (\w+)", line))}
    return found - SMALL


def body_of(connection: Connection, function: str) -> str:
    """The statement in a function, with its arguments as parameters."""
    found = connection.execute(
        "select prosrc, proargnames[1:pronargs], array(select format_type(t, null) from unnest(proargtypes) t)"
        " from pg_proc p join pg_namespace n on n.oid = pronamespace where nspname || '.' || proname = %s",
        [function],
    ).fetchone()
    assert found, function
    body, names, types = found
    for number, (argument, kind) in enumerate(zip(names, types, strict=True), 1):
        body = re.sub(rf"(?<![.\w']){argument}\b(?! *\()", f"${number}::{kind}", body)
    return body


@pytest.mark.parametrize(("schema", "file", "name"), STATEMENTS, ids=[f"{s}.{n}" for s, _, n in STATEMENTS])
def test_a_hot_statement_uses_its_indexes(connection: Connection, schema: str, file: str, name: str):
    assert scanned(connection, getattr(statements(f"lotse.domains.{schema}", file), name).sql) == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_public_function_uses_its_indexes(connection: Connection, function: str):
    assert scanned(connection, body_of(connection, function)) == set()


def test_a_statement_without_an_index_is_found(connection: Connection):
    assert scanned(connection, "select * from catalog.variants where options = $1") == {"variants"}
