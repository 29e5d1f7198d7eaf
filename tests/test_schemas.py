"""What the `.sql` files promise: migrations lead to `schema.sql`, and each domain's statements keep to its own schema.

Statements are explained as a role that has rights on the domain's schema and the kernel's, and may call the functions
in the `public.sql` of lower domains. So a statement that names another domain's table, or a column that is not there,
fails here and not in production.
"""

import re
import subprocess
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import asyncpg
import psycopg
import pytest

from lotse.kernel import migrate, seams
from lotse.kernel.postgres.binaries import program
from lotse.kernel.rows import Writer
from lotse.kernel.sql import Statement, parse, statements
from lotse.testing import Databases

# Lotse's own domains that keep something, by schema, the lowest first.
OWN = {
    domain.name: domain.package
    for domain in seams.domains()
    if domain.package.startswith("lotse.domains.") and (files(domain.package) / "sql" / "schema.sql").is_file()
}
# Who owns statements.
PACKAGES = {"kernel": "lotse.kernel"} | OWN
KERNEL_TOO = ("migrations", "pgqueuer")
# Statements that plan; the others (listen, lock) have no plan to check and are only parsed.
PLANNED = re.compile(r"\s*(--[^\n]*\n\s*)*(select|insert|update|delete|merge|with|values)\b", re.IGNORECASE)
FUNCTION = re.compile(r"^create or replace function (\w+)\.(\w+)", re.MULTILINE)


def lower(name: str) -> list[str]:
    """The domains below this one: those of the lines before its own."""
    line = next((number for number, line in enumerate(seams.ORDER) if name in line), 0)
    return [below for names in seams.ORDER[:line] for below in names if below in OWN]


# -- migrations


def dump(dsn: str) -> dict[str, list[str]]:
    """What pg_dump says of each schema, without yoyo's books."""
    text = subprocess.run(
        [program("pg_dump"), "--schema-only", "--no-owner", "--exclude-schema=migrations", dsn],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found: defaultdict[str, list[str]] = defaultdict(list)
    for part in re.split(r"^(?=-- Name: )", text, flags=re.MULTILINE)[1:]:
        header, _, body = part.partition("\n")
        match = re.match(r"-- Name: (.+); Type: (\w[\w ]*); Schema: (\S+); Owner", header)
        assert match, header
        # A schema itself belongs to none; it is told with its own.
        schema = match[1].split()[-1] if match[3] == "-" else match[3]
        lines = [line for line in body.splitlines() if line and not line.startswith(("--", "\\"))]
        found[schema].append("\n".join([f"{match[2]} {match[1]}", *lines]))
    return {schema: sorted(parts) for schema, parts in found.items()}


@pytest.fixture(scope="module")
def replayed(databases: Databases) -> dict[str, list[str]]:
    return dump(databases.migrated())


@pytest.fixture(scope="module")
def declared(databases: Databases) -> dict[str, list[str]]:
    dsn = databases.empty()
    migrate.build_from_schema(dsn)
    return dump(dsn)


def test_schemas_are_those_of_the_kernel_and_the_domains(
    replayed: dict[str, list[str]], declared: dict[str, list[str]]
):
    assert set(replayed) == set(declared)
    assert set(OWN) <= set(declared)


@pytest.mark.parametrize("schema", PACKAGES)
def test_replayed_migrations_equal_the_schema(
    schema: str, replayed: dict[str, list[str]], declared: dict[str, list[str]]
):
    assert replayed.get(schema) == declared.get(schema)


def test_a_column_that_a_migration_forgot_is_seen(databases: Databases, declared: dict[str, list[str]]):
    dsn = databases.migrated()
    with psycopg.connect(dsn) as connection:
        connection.execute("alter table parties.parties add column forgotten text")
    after = dump(dsn)
    assert after["parties"] != declared["parties"]
    assert after["catalog"] == declared["catalog"]


def test_upgrading_again_changes_nothing(databases: Databases):
    assert migrate.upgrade(databases.migrated()) == []


# -- statements


def statements_of(package: str) -> list[Statement]:
    found: list[Statement] = []
    for path in sorted((files(package) / "sql").iterdir(), key=lambda path: path.name):
        stem = path.name.removesuffix(".sql")
        if path.is_file() and stem not in ("schema", "public"):
            found += statements(package, stem)
    return found


STATEMENTS = [(schema, statement) for schema, package in PACKAGES.items() for statement in statements_of(package)]


@pytest.fixture(scope="module")
def roles(databases: Databases, worker: str) -> Iterator[tuple[str, dict[str, str]]]:
    """A database, and in it a role per domain with the rights of that domain and no others."""
    dsn = databases.migrated()
    names = {schema: f"{worker}_{schema}" for schema in PACKAGES}
    with psycopg.connect(dsn, autocommit=True) as connection:

        def run(text: str) -> None:
            connection.execute(text.encode())

        run("revoke create on schema public from public")
        for schema, role in names.items():
            run(f"drop role if exists {role}")
            run(f"create role {role}")
            # The kernel also keeps the books of yoyo and the queue.
            for mine in {schema, "kernel", *(KERNEL_TOO if schema == "kernel" else ())}:
                run(f"grant usage on schema {mine} to {role}")
                run(f"grant all on all tables in schema {mine} to {role}")
                run(f"grant all on all sequences in schema {mine} to {role}")
            for below in lower(schema):
                run(f"grant usage on schema {below} to {role}")
        yield dsn, names
        for role in names.values():
            run(f"drop owned by {role}")
            run(f"drop role {role}")


@pytest.fixture
async def session(roles: tuple[str, dict[str, str]]) -> AsyncIterator[tuple[Any, dict[str, str]]]:
    dsn, names = roles
    connection = await asyncpg.connect(dsn)
    yield connection, names
    await connection.close()


async def check(session: tuple[Any, dict[str, str]], schema: str, sql: str) -> None:
    """Parse and plan a statement as the role of a schema; raises what PostgreSQL says."""
    connection, names = session
    await connection.execute(f"set role {names[schema]}")
    try:
        await connection.prepare(sql)
        if PLANNED.match(sql):
            await connection.execute(f"explain (generic_plan) {sql}")
    finally:
        await connection.execute("reset role")


@pytest.mark.parametrize(("schema", "statement"), STATEMENTS, ids=str)
async def test_a_statement_keeps_to_its_domain(session: tuple[Any, dict[str, str]], schema: str, statement: Statement):
    await check(session, schema, statement.sql)


# What the test above must refuse: the schema whose role asks, the statement, what PostgreSQL says.
FOREIGN = [
    ("offers", "select id from catalog.variants", asyncpg.InsufficientPrivilegeError),
    ("offers", "select id from orders.orders", asyncpg.InsufficientPrivilegeError),
    ("catalog", "select * from pools.balances('{1}')", asyncpg.InsufficientPrivilegeError),
    ("catalog", "update parties.parties set id = $1", asyncpg.InsufficientPrivilegeError),
    ("catalog", "with made as (insert into offers.offers default values) select 1", asyncpg.InsufficientPrivilegeError),
    ("kernel", "select id from parties.parties", asyncpg.InsufficientPrivilegeError),
    ("parties", "select nothing_of_this_name from parties.parties", asyncpg.UndefinedColumnError),
    ("parties", "select frm parties.parties", asyncpg.PostgresSyntaxError),
]


@pytest.mark.parametrize(("schema", "sql", "error"), FOREIGN)
async def test_a_foreign_statement_is_refused(
    session: tuple[Any, dict[str, str]], schema: str, sql: str, error: type[Exception]
):
    with pytest.raises(error):
        await check(session, schema, sql)


async def test_a_lower_domains_function_may_be_called(session: tuple[Any, dict[str, str]]):
    await check(session, "inventory", "select on_hand from pools.balances($1::bigint[])")


# -- functions for other domains


def test_public_functions_are_safe_to_call_from_above(roles: tuple[str, dict[str, str]]):
    """They run with their owner's rights, so what they see must not depend on the caller."""
    dsn, _ = roles
    with psycopg.connect(dsn) as connection:
        known: dict[tuple[str, str], tuple[bool, list[str] | None]] = {
            (schema, name): (definer, config)
            for schema, name, definer, config in connection.execute(
                "select pronamespace::regnamespace::text, proname, prosecdef, proconfig from pg_proc"
            )
        }
    for schema, package in PACKAGES.items():
        for owner, name in FUNCTION.findall(public_sql(package)):
            assert owner == schema, f"{package}/sql/public.sql defines {owner}.{name}"
            definer, config = known[owner, name]
            assert definer, f"{owner}.{name} is not security definer: its callers have no right on its tables"
            assert 'search_path=""' in (config or []), f"{owner}.{name} has no set search_path = ''"


def foreign_names(schema: str, text: str, functions: set[tuple[str, str]]) -> list[str]:
    """What a function of this schema names in other domains and is not a function of a lower one."""
    named = set(re.findall(rf"\b({'|'.join(OWN)})\.(\w+)", re.sub(r"--[^\n]*", "", text)))
    allowed = {(owner, name) for owner, name in functions if owner in lower(schema)}
    return sorted(f"{owner}.{name}" for owner, name in named - allowed if owner != schema)


@pytest.mark.parametrize("schema", OWN)
def test_a_function_keeps_to_its_domain(schema: str):
    """Roles do not see through security definer, hence by name; search_path = '' makes a body qualify all of them."""
    functions = {found for package in PACKAGES.values() for found in FUNCTION.findall(public_sql(package))}
    assert foreign_names(schema, public_sql(PACKAGES[schema]), functions) == []


def test_a_foreign_table_in_a_function_is_named():
    body = "select 1 from catalog.variants join pools.pools on true where (select pools.balances('{}')) is null"
    assert foreign_names("pools", body, {("pools", "balances")}) == ["catalog.variants"]
    assert foreign_names("offers", body, {("pools", "balances")}) == ["catalog.variants", "pools.pools"]


def public_sql(package: str) -> str:
    path = files(package) / "sql" / "public.sql"
    return path.read_text("utf-8") if path.is_file() else ""


# -- reasons


@pytest.mark.parametrize("schema", PACKAGES)
def test_every_statement_has_its_reason(schema: str):
    assert without_reason(PACKAGES[schema]) == []


def without_reason(package: str) -> list[str]:
    found: list[str] = []
    for path in (files(package) / "sql").iterdir():
        if path.is_file() and path.name.removesuffix(".sql") not in ("schema", "public"):
            text = path.read_text("utf-8")
            assert parse(str(path), text), f"{path} holds no statement"
            found += names_without_reason(text)
    return found


def names_without_reason(text: str) -> list[str]:
    """The statements above whose name there is no comment."""
    lines = ["", *text.splitlines()]
    return [
        line.removeprefix("-- name: ")
        for above, line in pairwise(lines)
        if line.startswith("-- name: ") and (not above.startswith("-- ") or above.startswith("-- name: "))
    ]


def test_a_statement_without_reason_is_named():
    assert names_without_reason("-- Why.\n-- name: a\nselect 1;\n\n-- name: b\nselect 2;\n") == ["b"]


# -- what the desk sends


def composite_writers() -> dict[str, Writer[Any]]:
    modules = [f"{package}.{name}" for package in OWN.values() for name in ("desk", "commands")]
    modules += ["lotse.kernel.outbox", "lotse.kernel.desk.batch"]
    found = [thing for name in modules if find_spec(name) for thing in vars(import_module(name)).values()]
    return {str(thing): thing for thing in found if isinstance(thing, Writer) and thing.composite}


async def test_composites_have_the_fields_of_their_structs_in_their_order(replayed_dsn: str):
    """PostgreSQL matches them by place alone: two counts that changed places would fall into each other."""
    writers = composite_writers()
    assert len(writers) >= 10
    connection = await asyncpg.connect(replayed_dsn)
    try:
        for writer in writers.values():
            [parameter] = (await connection.prepare(writer.statement.sql)).get_parameters()
            fields = await connection.fetch(
                "select a.attname from pg_type t join pg_type e on e.oid = t.typelem"
                " join pg_attribute a on a.attrelid = e.typrelid where t.oid = $1 order by a.attnum",
                parameter.oid,
            )
            assert tuple(field["attname"] for field in fields) == writer.fields, str(writer)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def replayed_dsn(databases: Databases) -> str:
    return databases.migrated()
