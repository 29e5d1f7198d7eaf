"""A pytest plugin that gives tests real PostgreSQL, for Lotse itself and for retailers' own repositories.

Installing `lotse` is enough: pytest finds the plugin by its entry point. Set `anyio_mode = "auto"` in the pytest
configuration and write tests as `async def`. The fixtures:

| fixture | scope | what it is |
|---|---|---|
| `dsn` | session | the database of this xdist worker, a clone of a template in which every domain is migrated |
| `db` | session | `lotse.kernel.db.Database` on it |
| `tx` | test | a transaction on it, rolled back when the test ends |
| `desk` | session | an in-process desk on the same database; what it commits stays |
| `databases` | module | makes more of them, `databases.empty()` or `databases.migrated()`, and drops them again |
| `settings` | session | `Settings` that point at the worker's database |
| `env` | session | the environment for processes that a test starts, e.g. `lotse up`; same database |
| `fresh` | test | ids, texts and GTINs that no other test has: tables are never truncated |
| `durable` | test | `Settings` with a LOTSE_HOME of its own, nothing started; fsync stays on: for crash tests |
| `storefront` | module | a running shop with one article on a database of its own, in `lotse.scaffold.trial` |
| `data`, `vectors` | session | folders of real retail data and of test vectors; skips where they are absent |
| `chromium` | session | Chromium's headless shell or Chromium under Playwright; skips where both are absent |
| `full_chromium` | module | Chromium, for what the shell cannot: notices of the system; skips where it is absent |
| `browser_page` | test | a page of its own in it; a script error or a breach of the security policy fails the test |

All workers share one embedded server below one temporary LOTSE_HOME. It keeps fsync off: a test that means a crash
takes `durable`. Nothing is read from the caller's own LOTSE_* settings, so no test can reach a database that it did
not create; only `LOTSE_DATA`, `LOTSE_VECTORS` and `LOTSE_TEST_REQUIRE` count. `LOTSE_TEST_REQUIRE=browser,data` turns
a skip for absence into a failure: CI sets it.

Why anyio's plugin and not pytest-asyncio: Litestar brings it anyway, it runs session fixtures and tests in one loop
(so a pool can live for the session), and it runs a fixture's two halves in one task (so a transaction can span them).
The tests themselves run in a task each: a cancellation that escapes from one would else end the loop of all.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from inspect import iscoroutinefunction
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import pytest

# pytest loads this module in every session of an environment that has Lotse installed, so whatever is heavy is
# imported where it is used.
if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from lotse.kernel.db import Database, Transaction
    from lotse.kernel.desk import Desk
    from lotse.kernel.settings import Settings
    from lotse.scaffold.trial import Storefront

TEMPLATE = "lotse_template"
# The same engine without a window first: it needs three fifths of the time, because full Chromium draws a tool bar and
# runs its scripts for nobody.
_SHELL_NAMES = ("chromium-headless-shell",)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# What may be absent, and the fixtures that need it.
NEEDS = {"browser": {"chromium", "full_chromium", "browser_page"}, "data": {"data"}, "vectors": {"vectors"}}
_HOME_PREFIX = "lotse-test-"
# No session lasts as long as this.
_ABANDONED_SECONDS = 2 * 3600
_KEPT = {"LOTSE_DATA", "LOTSE_VECTORS", "LOTSE_TEST_REQUIRE"}
_home = pytest.StashKey[Path]()


def absent(kind: str, reason: str) -> NoReturn:
    """Skip the test because what it needs (a `kind` of `NEEDS`) is not on this machine; fail where it is required."""
    if kind in _required():
        pytest.fail(f"{reason} (LOTSE_TEST_REQUIRE asks for {kind})", pytrace=False)
    pytest.skip(reason)


# -- the session: one home, shared by the workers


def pytest_configure(config: pytest.Config) -> None:
    for marker in (
        "browser: needs Chromium on the PATH",
        "data: reads the real retail data in ../shared/data or LOTSE_DATA",
        "vectors: reads the test vectors in ../shared/vectors or LOTSE_VECTORS",
        "durable: starts PostgreSQL servers of its own with fsync on",
        "slow: takes more than five seconds",
    ):
        config.addinivalue_line("markers", marker)
    if unknown := _required() - NEEDS.keys():
        raise pytest.UsageError(f"LOTSE_TEST_REQUIRE knows {', '.join(NEEDS)}; not {', '.join(sorted(unknown))}")
    for name in [name for name in os.environ if name.startswith("LOTSE_") and name not in _KEPT]:
        del os.environ[name]
    worker: dict[str, str] | None = getattr(config, "workerinput", None)
    # Short, because the path of a Unix socket below it may have 107 bytes.
    home = Path(worker["lotse_home"] if worker else f"{tempfile.gettempdir()}/{_HOME_PREFIX}{secrets.token_hex(4)}")
    config.stash[_home] = home
    # Whatever loads its settings from the environment in a test finds the test home and not the developer's.
    # A settings file in the working directory is not read either: it may name a real database.
    os.environ.update(LOTSE_HOME=str(home), LOTSE_POSTGRES_FSYNC="off", LOTSE_ENV_FILE="off")
    # Set on many build machines; every process that a test starts would compile hundreds of modules again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    config.pluginmanager.register(_EventLoop(), "lotse-event-loop")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: tell a worker the home that all share."""
    node.workerinput["lotse_home"] = str(node.config.stash[_home])


def pytest_unconfigure(config: pytest.Config) -> None:
    home = config.stash.get(_home, None)
    if home is None or hasattr(config, "workerinput"):
        return
    from lotse.kernel.postgres import PostgresError

    for folder in (home, *_abandoned()):
        try:
            _discard(folder)
        except (PostgresError, OSError) as error:  # raised from here it would hide the outcome of the tests
            sys.stderr.write(f"{folder} is left behind: {error}\n")


# First, because pytest selects by mark in the same hook.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they need, so that `-m "not browser"` holds without anybody marking by hand."""
    for item in items:
        names: set[str] = set(getattr(item, "fixturenames", ()))
        for kind, fixtures in NEEDS.items():
            if names & fixtures:
                item.add_marker(kind)
        if "durable" in names:
            item.add_marker("durable")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Before anyio runs an asynchronous test: give it a task of its own."""
    test = pyfuncitem.obj
    if hasattr(test, "hypothesis"):  # it calls the inner function once per example
        if iscoroutinefunction(test.hypothesis.inner_test):
            test.hypothesis.inner_test = _in_its_own_task(test.hypothesis.inner_test)
    elif iscoroutinefunction(test):
        pyfuncitem.obj = _in_its_own_task(test)
    return (yield)


def _in_its_own_task(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., Coroutine[Any, Any, None]]:
    @wraps(test)
    async def alone(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        task = asyncio.create_task(test(*args, **kwargs))
        await asyncio.wait([task])
        if task.cancelled():
            pytest.fail("the test was cancelled from within: something cancels the task that runs it", pytrace=False)
        task.result()

    return alone


class _EventLoop:
    """Registered after the entry points are loaded, so that it wins over the fixture of anyio's own plugin."""

    @pytest.fixture(scope="session")
    @classmethod
    def anyio_backend(cls) -> tuple[str, dict[str, Any]]:
        """uvloop, as in every role, and one loop for the session, so that pools can live as long."""
        return "asyncio", {"use_uvloop": True}


# -- PostgreSQL


@pytest.fixture(scope="session")
def dsn(request: pytest.FixtureRequest, worker: str) -> Iterator[str]:
    """The database of this worker, with every domain migrated."""
    from lotse.kernel.postgres import attached

    home = request.config.stash[_home]
    home.mkdir(mode=0o700, exist_ok=True)
    with attached(_settings(home, LOTSE_POSTGRES_FSYNC="off")) as server:
        with _alone(home / "template.lock"):
            _ensure_template(server)
        # wal_log copies block by block through the WAL: no checkpoint, and quicker than file_copy for a small template.
        _administer(server, f"create database lotse_{worker} template {TEMPLATE} strategy wal_log")
        yield _at_database(server, f"lotse_{worker}")


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """`gw0`, `gw1`, … under xdist, else `main`."""
    given: dict[str, str] | None = getattr(request.config, "workerinput", None)
    return given["workerid"] if given else "main"


@pytest.fixture(scope="session")
def env(request: pytest.FixtureRequest, dsn: str) -> dict[str, str]:
    """The environment for a process that shall work on the worker's database."""
    # Of the demo only as much as can be looked at: a short season, and nobody who buys while a test looks.
    small = {"LOTSE_DEMO_ORDERS": "150", "LOTSE_LIVE": "off"}
    return {**os.environ, **small, "LOTSE_HOME": str(request.config.stash[_home]), "LOTSE_DATABASE_URL": dsn}


@pytest.fixture(scope="session")
def settings(env: dict[str, str]) -> "Settings":
    """Settings of a process that works on the worker's database."""
    from lotse.kernel.settings import Settings

    return Settings.load(env)


@pytest.fixture(scope="session")
async def db(anyio_backend: Any, dsn: str) -> "AsyncIterator[Database]":
    """The worker's pool, for the session. What is committed here stays: use `fresh` ids."""
    from lotse.kernel.db import opened

    async with opened(dsn, role="test") as database:
        yield database


@pytest.fixture
async def tx(db: "Database") -> "AsyncIterator[Transaction]":
    """A transaction that is rolled back when the test ends."""
    from lotse.kernel.db import Transaction

    async with db.reading() as connection:
        transaction = connection.raw.transaction()
        await transaction.start()
        try:
            yield Transaction(connection.raw)
        finally:
            await transaction.rollback()


@pytest.fixture(scope="session")
async def desk(anyio_backend: Any, dsn: str) -> "AsyncIterator[Desk]":
    """A desk in this process, with the kinds of every domain. What it commits stays: use `fresh` ids."""
    from lotse.kernel.desk.desk import running

    async with running(dsn) as desk:
        yield desk


@pytest.fixture
def durable() -> "Iterator[Settings]":
    """A LOTSE_HOME of its own, nothing started: attach to it for a server with fsync on, kill it, start it again."""
    home = Path(tempfile.mkdtemp(prefix=f"{_HOME_PREFIX}d-"))
    try:
        yield _settings(home, LOTSE_POSTGRES_FSYNC="on")
    finally:
        _discard(home)


class Databases:
    """Databases for tests that change more than rows: schemas, roles, restores."""

    def __init__(self, dsn: str, worker: str, home: Path) -> None:
        self._server = _at_database(dsn, "postgres")
        self._worker = worker
        self._home = home
        self._made: list[str] = []

    def empty(self) -> str:
        """The DSN of a database with nothing in it."""
        return self._make("template0")

    def migrated(self) -> str:
        """The DSN of a database in which every domain is migrated and no row is."""
        return self._make(TEMPLATE)

    def filled(self, name: str, fill: Callable[[str, Path], None]) -> tuple[str, Path]:
        """The DSN of a database as `fill` left it, and the LOTSE_HOME that it was given, which is everybody's: copy it.

        `fill` takes the DSN of a migrated database and an empty folder. It is called once in a session, whoever of
        the workers asks first; everybody else gets a clone.
        """
        template, folder = f"lotse_filled_{name}", self._home / f"filled-{name}"
        with _alone(self._home / f"filled-{name}.lock"):
            if not _is_template(self._server, template):
                _administer(self._server, f"drop database if exists {template} with (force)")  # half filled
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(mode=0o700)
                _administer(self._server, f"create database {template} template {TEMPLATE} strategy wal_log")
                fill(_at_database(self._server, template), folder)
                _close_template(self._server, template)
        return self._make(template), folder

    def drop(self) -> None:
        """Drop what was made, whoever is still connected."""
        while self._made:
            _administer(self._server, f"drop database {self._made.pop()} with (force)")

    def _make(self, template: str) -> str:
        name = f"lotse_{self._worker}_{secrets.token_hex(4)}"
        _administer(self._server, f"create database {name} template {template} strategy wal_log")
        self._made.append(name)
        return _at_database(self._server, name)


@pytest.fixture(scope="module")
def databases(request: pytest.FixtureRequest, dsn: str, worker: str) -> Iterator[Databases]:
    """More databases on the test server."""
    made = Databases(dsn, worker, request.config.stash[_home])
    yield made
    made.drop()


@pytest.fixture(scope="module")
async def storefront(anyio_backend: Any, env: dict[str, str], databases: Databases) -> "AsyncIterator[Storefront]":
    """A `lotse up` of real processes with everything that is installed, and an article to buy. Needs httpx."""
    from lotse.scaffold import trial

    async with trial.storefront(env, databases.migrated()) as made:
        yield made


class Fresh:
    """Identifiers that nothing else in the database has."""

    def __init__(self) -> None:
        # 40 random bits: two workers and two sessions on one database do not meet.
        self._numbers = count(secrets.randbits(40) << 10)

    def id(self) -> UUID:
        """A new UUIDv7."""
        from lotse.kernel.ids import uuid7

        return uuid7()

    def number(self) -> int:
        """A positive bigint."""
        return next(self._numbers)

    def text(self, prefix: str = "test") -> str:
        """`prefix-` and some hex digits: a slug, a SKU, a user name."""
        return f"{prefix}-{next(self._numbers):x}"

    def email(self) -> str:
        """An address in the domain that RFC 2606 keeps free."""
        return f"{self.text()}@example.org"

    def gtin(self) -> str:
        """A valid GTIN-13 of the range that GS1 leaves to shops (prefix 2)."""
        from stdnum import ean

        body = f"2{next(self._numbers) % 10**11:011d}"
        return body + ean.calc_check_digit(body)


@pytest.fixture(scope="session")
def _fresh() -> Fresh:
    return Fresh()


@pytest.fixture
def fresh(_fresh: Fresh) -> Fresh:
    """Identifiers that no other test has."""
    return _fresh


# -- what may be absent


@pytest.fixture(scope="session")
def data(pytestconfig: pytest.Config) -> Path:
    """The folder of real retail data."""
    return _folder(pytestconfig, "data", "LOTSE_DATA")


@pytest.fixture(scope="session")
def vectors(pytestconfig: pytest.Config) -> Path:
    """The folder of test vectors."""
    return _folder(pytestconfig, "vectors", "LOTSE_VECTORS")


@pytest.fixture(scope="session")
async def chromium(anyio_backend: Any) -> "AsyncIterator[Browser]":
    """Chromium without a window from the PATH. Playwright's own browsers are never downloaded."""
    async with _launched(*_SHELL_NAMES, *CHROMIUM_NAMES) as browser:
        yield browser


@pytest.fixture(scope="module")
async def full_chromium(anyio_backend: Any) -> "AsyncIterator[Browser]":
    """Chromium with all that the shell lacks."""
    async with _launched(*CHROMIUM_NAMES) as browser:
        yield browser


@asynccontextmanager
async def _launched(*names: str) -> "AsyncIterator[Browser]":
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        absent("browser", "no Chromium on the PATH")
    try:
        from playwright.async_api import async_playwright
    except ModuleNotFoundError:
        absent("browser", "playwright is not installed")

    manager = async_playwright()
    try:
        playwright = await manager.__aenter__()
    except Exception as error:  # it raises whatever a closed pipe gives
        absent("browser", f"Playwright's driver does not start ({error}); on Debian it needs the package libatomic1")
    try:
        # The sandbox wants an ordinary user, CI is root; the pages are our own. Nothing may phone home from a test.
        browser = await playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",  # containers have 64 MB there, a page more
            ],
        )
        yield browser
        await browser.close()
    finally:
        await manager.__aexit__()


@pytest.fixture
async def browser_page(chromium: "Browser") -> "AsyncIterator[Page]":
    """A page with its own cookies; a script error or a breach of the content security policy fails the test."""
    context = await chromium.new_context(locale="en-GB", timezone_id="Europe/Berlin")
    context.set_default_timeout(10_000)  # a page of ours answers in milliseconds, so more only delays the failure
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    await context.close()
    assert not wrong, "\n".join(wrong)


# -- details


def _required() -> set[str]:
    return {name for name in os.environ.get("LOTSE_TEST_REQUIRE", "").replace(" ", "").split(",") if name}


def _folder(config: pytest.Config, kind: str, variable: str) -> Path:
    given = os.environ.get(variable)
    folder = Path(given) if given else config.rootpath.parent / "shared" / kind
    if not folder.is_dir():
        absent(
            kind, f"no folder {folder}" if given else f"no ../shared/{kind} beside the repository, {variable} not set"
        )
    return folder


def _settings(home: Path, **more: str) -> "Settings":
    from lotse.kernel.settings import Settings

    return Settings.load({"LOTSE_HOME": str(home), **more})


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ensure_template(server: str) -> None:
    """Called by one worker at a time; the first one makes it."""
    from lotse.kernel import migrate

    if _is_template(server, TEMPLATE):
        return
    _administer(server, f"drop database if exists {TEMPLATE}")  # half made by a worker whose migration failed
    _administer(server, f"create database {TEMPLATE}")
    migrate.upgrade(_at_database(server, TEMPLATE))
    _close_template(server, TEMPLATE)


def _is_template(server: str, name: str) -> bool:
    return bool(_administer(server, "select 1 from pg_database where datistemplate and datname = %s", name))


def _close_template(server: str, name: str) -> None:
    # Marked last: a template is complete. Nobody may connect any more, a connection would hinder the clones.
    _administer(server, f"alter database {name} is_template true allow_connections false")


def _administer(server: str, statement: str, *parameters: str) -> list[tuple[Any, ...]]:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []


def _at_database(server: str, name: str) -> str:
    """The same server's address with another database."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def _abandoned() -> Iterator[Path]:
    """Homes of sessions that were killed: their servers run on. One that is still in use refuses to be discarded."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_HOME_PREFIX}*"):
        status = folder.stat()
        if status.st_uid == os.getuid() and time.time() - status.st_mtime > _ABANDONED_SECONDS:
            yield folder


def _discard(home: Path) -> None:
    """Stop what still runs below a test home and remove it. Raises if somebody uses it."""
    if home.exists():
        from lotse.kernel import postgres

        postgres.stop(_settings(home))
        shutil.rmtree(home)
