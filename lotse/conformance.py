"""Ready-made tests of what Lotse asks of a retailer's own repository, about everything that lies in it.

    from lotse.conformance import test_migrations_lead_to_the_schema, …

They find the domains, plugins and the theme by the entry points that point into the repository's package. Whoever
imports them gets them checked; Lotse's own repository has its own, stricter ones.
"""

import ast
import re
import subprocess
import warnings
from collections.abc import Iterator
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import asyncpg
import psycopg
import pytest

from lotse.kernel import migrate, seams
from lotse.kernel.auth.rights import declared
from lotse.kernel.pages import catalogues
from lotse.kernel.pages.i18n import catalogue
from lotse.kernel.postgres.binaries import program
from lotse.kernel.sql import Statement, statements
from lotse.scaffold import repository
from lotse.scaffold import seams as listing
from lotse.scaffold import theme as themes
from lotse.scaffold.repository import Repository
from lotse.testing import Databases

__all__ = [
    "test_migrations_lead_to_the_schema",
    "test_only_seams_are_used",
    "test_overridden_templates_exist_and_say_what_they_stand_in_for",
    "test_routes_say_who_may_use_them",
    "test_statements_keep_to_their_schema",
    "test_words_are_said_in_every_language",
]

# Statements that plan; the others (listen, lock) have no plan to check and are only parsed.
_PLANNED = re.compile(r"\s*(--[^\n]*\n\s*)*(select|insert|update|delete|merge|with|values)\b", re.IGNORECASE)


def test_migrations_lead_to_the_schema(databases: Databases, pytestconfig: pytest.Config) -> None:
    """`sql/schema.sql` is the whole truth, and replaying `sql/migrations` leads to it."""
    own = [domain.name for domain in _domains(pytestconfig) if _has_schema(domain)]
    if not own:
        return
    empty = databases.empty()
    migrate.build_from_schema(empty)
    replayed = databases.migrated()
    for schema in own:
        assert _dump(replayed, schema) == _dump(empty, schema), f"{schema}: migrations and schema.sql differ"


async def test_statements_keep_to_their_schema(databases: Databases, pytestconfig: pytest.Config) -> None:
    """Every statement is right, and touches only its own schema, the kernel's, and public functions of Lotse's domains.

    Planned as a role that may do no more.
    """
    dsn = databases.migrated()
    for domain in _domains(pytestconfig):
        role = f"conform_{domain.name}"
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"drop role if exists {role}".encode())
            connection.execute(f"create role {role}".encode())
            for schema in (domain.name, "kernel") if _has_schema(domain) else ("kernel",):
                connection.execute(f"grant all on all tables in schema {schema} to {role}".encode())
                connection.execute(f"grant all on all sequences in schema {schema} to {role}".encode())
            for schema in {"kernel", *(name for line in seams.ORDER for name in line), domain.name}:
                if connection.execute("select to_regnamespace(%s)", [schema]).fetchone() != (None,):
                    connection.execute(f"grant usage on schema {schema} to {role}".encode())
        wrong: list[str] = []
        session = await asyncpg.connect(dsn)
        try:
            await session.execute(f"set role {role}")
            for statement in _statements(domain):
                try:
                    await session.prepare(statement.sql)
                    if _PLANNED.match(statement.sql):
                        await session.execute(f"explain (generic_plan) {statement.sql}")
                except asyncpg.PostgresError as error:
                    wrong.append(f"{statement}: {error}")
        finally:
            await session.close()
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(f"drop owned by {role}".encode())
                connection.execute(f"drop role {role}".encode())
        assert not wrong, "\n".join(wrong)


def test_routes_say_who_may_use_them(pytestconfig: pytest.Config) -> None:
    """Default deny: `guards=[needs("thing.verb")]` or `guards=[public]` on every route."""
    missing = [
        f"{route.fn.__module__}.{route.fn.__name__}"
        for domain in _domains(pytestconfig)
        for route in (*domain.exported("api", "routes"), *domain.exported("pages", "routes"))
        if declared(getattr(route, "guards", None)) is None
    ]
    assert not missing, missing


def test_overridden_templates_exist_and_say_what_they_stand_in_for(pytestconfig: pytest.Config) -> None:
    """`lotse theme status`: nothing stands in for a template that is gone, and every copy says what it was made from.

    One whose original changed since is a warning: it may still be right, and somebody should look.
    """
    here = _here(pytestconfig)
    if not here.theme.is_dir():
        return
    found = themes.status(here)
    for one in found:
        if one.state == "changed":
            warnings.warn(str(one), stacklevel=1)
    assert [str(one) for one in found if one.state in ("gone", "unmarked")] == []
    assert themes.unknown_tokens(here) == []


def test_words_are_said_in_every_language(pytestconfig: pytest.Config) -> None:
    """Every message of pages and templates has a translation in each language that Lotse speaks."""
    here = _here(pytestconfig)
    folders = [path for path in sorted(here.folder.rglob("locale")) if path.is_dir()]
    folders.append(catalogues.ROOT / "locale")
    missing: list[str] = []
    for language in sorted({path.name for path in folders[-1].iterdir() if path.is_dir()}):
        known = catalogue(folders, language)
        for message in catalogues.messages(here.folder):
            said = message.id[0] if isinstance(message.id, tuple | list) else message.id
            if said and known.gettext(said) == said and not _same_in(folders, language, said):
                missing.append(f"{language}: {said!r}")
    assert not missing, "\n".join(missing)


def test_only_seams_are_used(pytestconfig: pytest.Config) -> None:
    """What is imported from Lotse stands in its reference of seams; anything else may change with any version."""
    here = _here(pytestconfig)
    known = listing.names()
    wrong = [
        f"{path.relative_to(here.root)}:{line}: {name}"
        for path in (*sorted(here.folder.rglob("*.py")), *sorted((here.root / "tests").rglob("*.py")))
        for line, name in _imported(path)
        if name not in known
    ]
    assert not wrong, "no seams of Lotse (docs/reference/seams.md):\n" + "\n".join(wrong)


# -- details


def _here(config: pytest.Config) -> Repository:
    return repository.here(config.rootpath)


def _domains(config: pytest.Config) -> list[seams.Domain]:
    package = _here(config).package
    own = {point.value for point in entry_points(group=seams.DOMAINS) if _is_in(point.value, package)}
    return [domain for domain in seams.domains() if domain.package in own]


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _has_schema(domain: seams.Domain) -> bool:
    return (files(domain.package) / "sql" / "schema.sql").is_file()


def _statements(domain: seams.Domain) -> Iterator[Statement]:
    for file in ("reads", "writes", "desk"):
        yield from statements(domain.package, file)


def _dump(dsn: str, schema: str) -> list[str]:
    """What pg_dump says of a schema, without its comments."""
    text = subprocess.run(
        [program("pg_dump"), "--schema-only", "--no-owner", f"--schema={schema}", dsn],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    # `\restrict` carries a random word.
    return [line for line in text.splitlines() if line and not line.startswith(("--", "\\"))]


def _same_in(folders: list[Path], language: str, message: str) -> bool:
    """Whether a catalogue says that the translation reads like the English text."""
    for folder in folders:
        path = folder / language / "LC_MESSAGES" / "lotse.po"
        if path.is_file() and (entry := catalogues.read(path, language).get(message)) and entry.string:
            return True
    return False


def _imported(path: Path) -> Iterator[tuple[int, str]]:
    """The names of Lotse that a file imports, with their lines."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and _is_in(node.module, "lotse"):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if _is_in(alias.name, "lotse"))
