"""The pytest plugin itself, as a retailer's repository uses it: `lotse/testing.py`."""

from pathlib import Path

import pytest

from lotse.kernel.db import Database, Transaction
from lotse.kernel.settings import Settings
from lotse.testing import Fresh

CONFIG = """
    [pytest]
    anyio_mode = auto
"""


@pytest.fixture(autouse=True)
def few_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others take a second to import, in each session of these tests and in each worker."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def run(pytester: pytest.Pytester, test: str, *options: str) -> pytest.RunResult:
    """A session of its own in a repository that holds one file of tests."""
    pytester.makeini(CONFIG)
    pytester.makepyfile(test)
    return pytester.runpytest_subprocess("-panyio", "-plotse", "-pxdist", *options, timeout=120)


async def test_a_transaction_leaves_nothing(tx: Transaction, db: Database):
    await tx.raw.execute("create table left_over (id int)")
    async with db.reading() as other:
        assert await other.raw.fetchval("select to_regclass('left_over')") is None


async def test_the_server_is_quick_and_forgetful(tx: Transaction):
    assert await tx.raw.fetchval("show fsync") == "off"


def test_processes_work_on_the_same_database(env: dict[str, str], settings: Settings, dsn: str):
    assert env["LOTSE_DATABASE_URL"] == settings.database_url == dsn
    assert Settings.load(env) == settings


def test_a_crash_test_keeps_fsync(durable: Settings):
    assert durable.postgres_fsync
    assert not list(durable.home.iterdir())


def test_ids_are_fresh(fresh: Fresh):
    made = [make() for _ in range(50) for make in (fresh.id, fresh.number, fresh.text, fresh.email, fresh.gtin)]
    assert len(set(made)) == len(made)


def test_the_callers_own_database_is_out_of_reach(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOTSE_DATABASE_URL", "postgresql://precious.example/shop")
    monkeypatch.setenv("LOTSE_HOME", str(Path.home() / ".lotse"))
    done = run(
        pytester,
        """
        from pathlib import Path
        from lotse.kernel.settings import Settings

        def test_environment():
            settings = Settings.load()
            assert settings.database_url is None
            assert settings.home.name.startswith("lotse-test-") and settings.home.parent != Path.home()
        """,
    )
    done.assert_outcomes(passed=1)


def test_workers_share_a_server_and_not_a_database(pytester: pytest.Pytester):
    done = run(
        pytester,
        """
        import pytest

        @pytest.mark.parametrize("number", range(2))
        async def test_one(number, db, tmp_path_factory):
            async with db.reading() as connection:
                system, name = await connection.raw.fetchrow(
                    "select system_identifier, current_database() from pg_control_system()"
                )
            # The workers' temporary folders have one parent.
            (tmp_path_factory.getbasetemp().parent / f"saw-{system}-{name}").touch()
        """,
        "-n2",
        f"--basetemp={pytester.path / 'temp'}",
    )
    done.assert_outcomes(passed=2)
    seen = [path.name.split("-")[1:] for path in (pytester.path / "temp").glob("saw-*")]
    assert len({system for system, _ in seen}) == 1
    assert {name for _, name in seen} == {"lotse_gw0", "lotse_gw1"}


def test_a_cancelled_test_harms_no_other(pytester: pytest.Pytester):
    done = run(
        pytester,
        """
        import asyncio
        import pytest
        from hypothesis import given, strategies

        @pytest.fixture(scope="session")
        async def loop(anyio_backend):
            yield asyncio.get_running_loop()

        async def test_first(loop):
            asyncio.current_task().cancel()
            await asyncio.sleep(0)

        @given(strategies.none())
        async def test_example(loop, nothing):
            asyncio.current_task().cancel()
            await asyncio.sleep(0)

        async def test_last(loop):
            assert asyncio.get_running_loop() is loop
            assert asyncio.current_task().cancelling() == 0
        """,
    )
    done.assert_outcomes(failed=2, passed=1)
    done.stdout.fnmatch_lines(["*the test was cancelled from within*"])


ABSENT = """
    def test_data(data): pass
    async def test_browser(browser_page): pass
"""


def test_what_is_absent_is_skipped_with_its_reason(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LOTSE_DATA", raising=False)
    monkeypatch.delenv("LOTSE_TEST_REQUIRE", raising=False)
    hide_chromium(monkeypatch)
    done = run(pytester, ABSENT, "-rs")
    done.assert_outcomes(skipped=2)
    done.stdout.fnmatch_lines_random(
        ["*no ../shared/data beside the repository, LOTSE_DATA not set*", "*no Chromium on the PATH*"]
    )


def test_what_is_absent_and_required_fails(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LOTSE_DATA", raising=False)
    monkeypatch.setenv("LOTSE_TEST_REQUIRE", "browser,data")
    hide_chromium(monkeypatch)
    done = run(pytester, ABSENT)
    done.assert_outcomes(errors=2)


def test_an_unknown_requirement_is_refused(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOTSE_TEST_REQUIRE", "browsers")
    done = run(pytester, "def test_nothing(): pass")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*LOTSE_TEST_REQUIRE knows browser, data, vectors; not browsers*"])


def test_tests_are_marked_by_what_they_need(pytester: pytest.Pytester):
    done = run(pytester, ABSENT, "--collect-only", "-q", "-m", "not browser and not data")
    done.stdout.fnmatch_lines(["*2 deselected*"])


def hide_chromium(monkeypatch: pytest.MonkeyPatch) -> None:
    # pytester starts the interpreter by its full path.
    monkeypatch.setenv("PATH", "/nonexistent")
