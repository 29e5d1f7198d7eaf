"""The commands of the guides run as they stand there."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from lotse.kernel import migrate, postgres, relay
from lotse.kernel.db import opened
from lotse.kernel.settings import Settings
from lotse.scaffold import trial
from lotse.testing import Databases
from tests.docs.replay import commands, replay
from tests.own.linked import ROOT
from tests.web.running import free_port

pytestmark = pytest.mark.slow
DOCS = ROOT / "docs"
BACKUP = DOCS / "operations" / "backup.md"


@pytest.fixture
def home() -> Iterator[Path]:
    """A LOTSE_HOME with a short path, because a Unix socket lies in it; its servers are stopped."""
    with tempfile.TemporaryDirectory(prefix="lotse-docs-") as folder:
        yield Path(folder)
        for each in (Path(folder), Path(folder) / "rehearsal"):
            postgres.stop(Settings.load({"LOTSE_HOME": str(each)}))


def test_the_first_week(home: Path, tmp_path: Path):
    """Ends with a shop that has goods, its own colour, an own way to pay, a person, and a backup that was restored."""
    lotse = tmp_path / "lotse"
    lotse.mkdir()
    # As where a shop runs, the server is up between the commands. That it is durable is proven in tests/postgres.
    quick = {"LOTSE_POSTGRES_FSYNC": "off"}
    with postgres.attached(Settings.load({"LOTSE_HOME": str(home), **quick})):
        said = replay(DOCS / "first-week.md", begin=lotse, home=home, scratch=tmp_path, port=free_port(), more=quick)
    shop = tmp_path / "nordwind"
    assert "#0aa344" in (shop / "nordwind" / "theme" / "static" / "tokens.css").read_text()
    assert (shop / "nordwind" / "pay_gift_card").is_dir() and (shop / "nordwind" / "loyalty").is_dir()
    assert "current   storefront/imprint.html" in said
    assert "everything agrees" in said and "anna@nordwind.example" in said


async def filled(dsn: str) -> None:
    """A shop, whose events nobody waits for any more."""
    await trial.stock_a_shop(dsn)
    async with opened(dsn, role="test", connections=1) as database, database.transaction() as tx:
        await relay.move_all(tx)


def test_backup_and_restore_of_the_server_that_lotse_brings(home: Path, tmp_path: Path):
    """Ours is restored only while nobody else uses it, as the page says."""
    server = Settings.load({"LOTSE_HOME": str(home)})
    with postgres.attached(server) as dsn:
        migrate.upgrade(dsn)
        asyncio.run(filled(dsn))
    said = replay(BACKUP, begin=tmp_path, home=home, scratch=tmp_path)
    with postgres.attached(server) as dsn:
        assert_restored(dsn, said)


def test_backup_and_restore_of_a_given_server(home: Path, tmp_path: Path, databases: Databases):
    """By its address; it goes on meanwhile."""
    dsn = databases.migrated()
    asyncio.run(filled(dsn))
    assert_restored(dsn, replay(BACKUP, begin=tmp_path, home=home, scratch=tmp_path, more={"LOTSE_DATABASE_URL": dsn}))


def assert_restored(dsn: str, said: str) -> None:
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select count(*) from catalog.products").fetchone() == (1,)
    assert said.count("everything agrees") == 2


def test_the_pages_that_are_replayed_have_commands():
    assert len(commands(DOCS / "first-week.md")) >= 10
    assert [second for second, _ in commands(DOCS / "first-week.md")].count(True) == 1
    assert len(commands(BACKUP)) == 3
