"""A retailer's own repository, made, run and upgraded: it passes its checks at once, and goes on with a newer Lotse.

No network: what an installer would do is done by hand (`linked`), in the environment of these tests.
"""

import sys
from pathlib import Path

import pytest
from msgspec import Struct

from tests.own.linked import ROOT, environment, link, next_lotse, run

pytestmark = pytest.mark.slow

ADDED = "alter table catalog.products add column added integer not null default 0;\n"
# What the next version changes: file, what stands there (None: at the end), what takes its place.
CHANGES = [
    # A field more in what slots are asked with, which the shop's own slot gets.
    (
        "lotse/kernel/pages/slots.py",
        "    at: datetime\n\n\nclass St",
        '    at: datetime\n    added: str = ""\n\n\nclass St',
    ),
    # A column more in a table that the shop's own tables refer to.
    ("lotse/domains/catalog/sql/schema.sql", None, ADDED),
    ("lotse/domains/catalog/sql/migrations/9000_added.pre.sql", None, ADDED),
    # Other words in a template that the shop copied.
    ("lotse/web/storefront/templates/imprint.html", None, "\n{# changed #}\n"),
]


class Made(Struct, frozen=True):
    """The repository, and the environments of today's and tomorrow's Lotse."""

    root: Path
    today: dict[str, str]
    tomorrow: dict[str, str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("own")
    root, links, later = folder / "nordwind", folder / "links", folder / "later"
    bare = environment(folder / "home", ROOT)
    run(bare, folder, "lotse", "new", "shop", "nordwind", "--name", "Nordwind Sport")
    run(bare, root, "lotse", "new", "domain", "loyalty")
    run(bare, root, "lotse", "new", "plugin", "pay", "gift_card")
    link(root, links)
    next_lotse(later, "0.99.0")
    for name, before, after in CHANGES:
        path = later / name
        text = path.read_text("utf-8") if path.is_file() else ""
        assert before is None or before in text, f"{name} has changed; adapt this test"
        path.write_text(text.replace(before, after) if before else text + after, "utf-8")
    today = environment(folder / "home", ROOT, root, links)
    tomorrow = environment(folder / "home", later, root, links)
    return Made(root, today, tomorrow)


def test_what_is_made_is_clean(made: Made):
    run(made.today, made.root, "ruff", "check", "--no-cache", ".")
    run(made.today, made.root, "ruff", "format", "--no-cache", "--check", ".")
    run(made.today, made.root, "pyright", "--pythonpath", sys.executable)


def test_its_tests_pass_unchanged_with_the_next_lotse(made: Made):
    """They see its colour, its words, its fragment and its way to pay in a running shop. That they pass at once, with
    the Lotse that made it, is proven where the guide of the first week is replayed."""
    run(made.today, made.root, "lotse", "theme", "override", "storefront/imprint.html")
    assert "current" in run(made.today, made.root, "lotse", "theme", "status")
    assert "0.99.0" in run(made.tomorrow, made.root, "lotse", "--version")
    said = run(made.tomorrow, made.root, "pytest", "-q", "-p", "no:cacheprovider")
    assert " passed" in said and "skipped" not in said
    assert "test_an_order_is_paid_our_way" in (made.root / "tests" / "test_shop.py").read_text("utf-8")
    assert "changed since" in said, "what Lotse changed in a copied template is a warning"
    told = run(made.tomorrow, made.root, "lotse", "theme", "status", code=1)
    assert "changed   storefront/imprint.html" in told
    run(made.tomorrow, made.root, "lotse", "theme", "merge", "storefront/imprint.html")
    assert "changed" not in run(made.tomorrow, made.root, "lotse", "theme", "status").replace("unchanged", "")


WRITE = """
import asyncio, sys
from lotse.kernel import clock
from lotse.kernel.db import opened
from lotse.scaffold import trial
from nordwind.advice.commands import write

async def main():
    article = await trial.stock_a_shop(sys.argv[1])
    async with opened(sys.argv[1], role="test", connections=2) as database, database.transaction() as tx:
        await write(tx, product_slug=article.slug, language="de", team="Laufen", text="Gut", by="test", at=clock.now())

asyncio.run(main())
"""
READ = """
import asyncio, sys
from lotse.kernel.db import opened
from nordwind.advice.queries import notes

async def main():
    async with opened(sys.argv[1], role="test", connections=1) as database, database.reading() as connection:
        print([note.text for note in (await notes(connection, language="de")).items])
        print(await connection.raw.fetchval("select max(added) from catalog.products"))

asyncio.run(main())
"""


def test_what_was_kept_is_there_after_the_upgrade(made: Made, dsn: str, tmp_path: Path):
    """The same database under both: tomorrow's upgrade adds its column, and our own rows stay."""
    import psycopg

    # The shop's own domains are not in the template of these tests, so it begins with nothing.
    server, name = dsn.replace(dsn.split("?")[0].rpartition("/")[2], "postgres", 1), "lotse_own_shop"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database if exists {name} with (force)".encode())
        connection.execute(f"create database {name} template template0".encode())
    url = dsn.replace(dsn.split("?")[0].rpartition("/")[2], name, 1)
    (tmp_path / "write.py").write_text(WRITE)
    (tmp_path / "read.py").write_text(READ)
    try:
        today, tomorrow = ({**env, "LOTSE_DATABASE_URL": url} for env in (made.today, made.tomorrow))
        assert "advice/0001_init" in run(today, made.root, "lotse", "db", "upgrade")
        run(today, tmp_path, "write", url)
        assert "catalog/9000_added.pre" in run(tomorrow, made.root, "lotse", "db", "upgrade")
        assert run(tomorrow, tmp_path, "read", url).split() == ["['Gut']", "0"]
        assert "everything agrees" in run(tomorrow, made.root, "lotse", "check")
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"drop database if exists {name} with (force)".encode())
