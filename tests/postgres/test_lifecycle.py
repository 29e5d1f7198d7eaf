"""The embedded server is there while somebody uses it, and gone when the last one leaves."""

import os
import shutil
import stat
import subprocess
import tempfile
import traceback
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
from msgspec.structs import replace
from psycopg.conninfo import conninfo_to_dict

from lotse.kernel.postgres import attached, binaries, stop
from lotse.kernel.postgres.account import Account, account_for
from lotse.kernel.postgres.errors import InUse, NotDurable
from lotse.kernel.postgres.locks import locked
from lotse.kernel.settings import Settings
from tests.postgres.programs import lotse, python

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a user of its own for the server")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose cluster is made already; every test finds it down and leaves it down."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings.load({"LOTSE_HOME": str(home)})
    with attached(settings):
        pass
    return settings


@pytest.fixture
def public() -> Generator[Path]:
    """A folder that every user can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="lotse-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def place(settings: Settings) -> Path:
    return settings.home / "postgres" / "18"


def is_down(settings: Settings) -> bool:
    with locked(place(settings) / "server.lock") as lock:
        return lock.try_exclusive()


def ask(dsn: str, statement: str) -> Any:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
        return row[0] if row else None


def test_first_use_makes_it_and_the_last_user_stops_it(durable: Settings) -> None:
    with attached(durable) as outer:
        with attached(durable) as inner:
            assert inner == outer
        assert not is_down(durable)
        assert ask(outer, "show server_version_num") >= "180000"
    assert is_down(durable)
    with attached(durable) as again:
        assert ask(again, "select 1") == 1
    assert is_down(durable)


async def test_asyncpg_understands_the_dsn(durable: Settings) -> None:
    with attached(replace(durable, home=durable.home / "a b'ü%20?&")) as dsn:
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("select current_database()") == "lotse"
        await connection.close()


def test_what_an_operator_relies_on(made: Settings) -> None:
    expected = {
        "listen_addresses": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "max_connections": "100",
        "jit": "off",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
    }
    with attached(made) as dsn, psycopg.connect(dsn) as connection:
        found = dict(connection.execute("select name, setting from pg_settings").fetchall())
        assert {name: found[name] for name in expected} == expected
        locale = "select datlocprovider, datlocale from pg_database where datname = 'lotse'"
        assert connection.execute(locale).fetchone() == ("b", "C.UTF-8")
        # Durability and the way in are on the command line, where `alter system` cannot change them.
        assert connection.execute("select source from pg_settings where name = 'fsync'").fetchone() == ("command line",)


def test_alter_system_tunes_it(made: Settings) -> None:
    with attached(made) as dsn:
        ask_nothing(dsn, "alter system set work_mem = '7MB'")
    with attached(made) as dsn:
        assert ask(dsn, "show work_mem") == "7MB"


def ask_nothing(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_only_its_user_reaches_the_socket(made: Settings) -> None:
    with attached(made) as dsn:
        folder = Path(str(conninfo_to_dict(dsn)["host"]))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((place(made) / "data").stat().st_mode) == 0o700


def test_a_deep_home_gets_a_short_private_socket(durable: Settings) -> None:
    deep = replace(durable, home=durable.home / ("d" * 60) / ("e" * 60))
    with attached(deep) as dsn:
        folder = Path(str(conninfo_to_dict(dsn)["host"]))
        assert not folder.is_relative_to(deep.home)
        assert stat.S_IMODE(folder.lstat().st_mode) == 0o700
        assert ask(dsn, "select 1") == 1
    assert not folder.exists()


def test_stop_refuses_and_names_who_uses_it(made: Settings) -> None:
    user = python(
        "from lotse.kernel.postgres import attached\n"
        "with attached(settings):\n    print('in', flush=True)\n    input()\n",
        home=made.home,
    )
    with user:
        assert user.stdout and user.stdout.readline() == "in\n"
        with pytest.raises(InUse, match=f"pid {user.pid}"):
            stop(made)
        refused = lotse("db", "stop", env={"LOTSE_HOME": str(made.home)})
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1 and f"pid {user.pid}" in refused.stderr
        user.communicate("\n")
    assert is_down(made)
    assert not stop(made)


@pytest.mark.parametrize("taken_over", [True, False], ids=["by the next user", "by stop"])
def test_a_server_left_by_a_killed_user_is_taken_over(made: Settings, taken_over: bool) -> None:
    user = python(
        "from lotse.kernel.postgres import attached\n"
        "with attached(settings):\n    print('in', flush=True)\n    input()\n",
        home=made.home,
    )
    with user:
        assert user.stdout and user.stdout.readline() == "in\n"
        user.kill()
    assert not is_down(made)
    if taken_over:
        with attached(made) as dsn:
            assert ask(dsn, "select 1") == 1
    else:
        assert stop(made)
    assert is_down(made)


def test_a_forked_child_does_not_stop_its_parents_server(made: Settings) -> None:
    with attached(made) as dsn:
        child = 0

        def fork_inside() -> None:
            nonlocal child
            with attached(made):
                child = os.fork()

        fork_inside()  # the child leaves the block as its parent does
        if child == 0:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert ask(dsn, "select 1") == 1
    assert is_down(made)


def test_many_processes_come_and_go(made: Settings) -> None:
    source = (
        "import psycopg\nfrom lotse.kernel.postgres import attached\n"
        "for round in range(4):\n"
        "    with attached(settings) as dsn, psycopg.connect(dsn) as connection:\n"
        "        connection.execute('select 1')\n"
        "print('done')\n"
    )
    users = [python(source, home=made.home) for _ in range(6)]
    assert [user.communicate(timeout=120)[0] for user in users] == ["done\n"] * 6
    assert is_down(made)


def test_fsync_off_does_not_serve_who_did_not_ask_for_it(made: Settings) -> None:
    with attached(replace(made, postgres_fsync=False)) as dsn:
        assert ask(dsn, "show fsync") == "off"
        with pytest.raises(NotDurable, match="lotse db stop"), attached(made):
            pass
    with attached(made) as dsn:
        assert ask(dsn, "show fsync") == "on"


# -- root


def modes(path: Path) -> dict[Path, tuple[int, int, int]]:
    """Mode and owners of a folder and of all above it."""
    return {
        folder: (found.st_mode, found.st_uid, found.st_gid)
        for folder in (path, *path.parents)
        if (found := folder.stat())
    }


@AS_ROOT
def test_no_parent_is_opened_to_anybody(tmp_path: Path) -> None:
    private = tmp_path / "private"
    home = private / "home"
    home.mkdir(parents=True)
    private.chmod(0o700)
    home.chmod(0o700)
    programs = binaries.program("postgres").parent
    before = {**modes(home), **modes(programs)}
    with attached(Settings.load({"LOTSE_HOME": str(home), "LOTSE_POSTGRES_FSYNC": "off"})) as dsn:
        assert ask(dsn, "select 1") == 1
        data = home / "postgres" / "18" / "data"
        pid = int((data / "postmaster.pid").read_text().split()[0])
        assert Path(f"/proc/{pid}").stat().st_uid == data.stat().st_uid != 0
        assert {**modes(home), **modes(programs)} == before
    assert {**modes(home), **modes(programs)} == before


@AS_ROOT
def test_programs_below_a_private_folder_are_copied_not_opened(
    tmp_path: Path, public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = binaries.package()
    private = tmp_path / "venv"
    private.mkdir(mode=0o700)
    for part in (wheel / "pginstall18", wheel.parent / f"{wheel.name}.libs"):
        target = private / part.relative_to(wheel.parent)
        shutil.copytree(part, target, ignore=shutil.ignore_patterns("include", "*.a"))
    before = modes(private / wheel.name)
    copies = public / "copies"
    monkeypatch.setattr(binaries, "package", lambda: private / wheel.name)
    monkeypatch.setattr(binaries, "_COPIES", copies)
    for _ in range(2):
        with attached(Settings.load({"LOTSE_HOME": str(tmp_path / "home"), "LOTSE_POSTGRES_FSYNC": "off"})) as dsn:
            assert ask(dsn, "select 1") == 1
    assert modes(private / wheel.name) == before
    assert len(list(copies.iterdir())) == 1


@AS_ROOT
def test_a_copied_home_is_given_to_the_servers_user(made: Settings, tmp_path: Path) -> None:
    with attached(made) as dsn:
        ask_nothing(dsn, "create table kept as select 1 as one")
    shutil.copytree(made.home, tmp_path / "copy")  # everything is root's now
    with attached(replace(made, home=tmp_path / "copy")) as dsn:
        assert ask(dsn, "select one from kept") == 1


# -- ordinary users


@pytest.fixture
def ordinary() -> Generator[Account]:
    """A throw-away user of the machine."""
    useradd = shutil.which("useradd", path="/usr/sbin:/usr/bin")
    if os.geteuid() != 0 or useradd is None:
        pytest.skip("only root can make a user; without root, every other test here runs as an ordinary one")
    name = f"lotse-test-{os.getpid()}"
    subprocess.run([useradd, "--user-group", "--no-create-home", name], check=True)
    try:
        account = account_for(name, 0)
        assert account
        yield account
    finally:
        subprocess.run(["userdel", name], check=True, capture_output=True)


def test_an_ordinary_user_needs_nothing(ordinary: Account, public: Path) -> None:
    home = public / "theirs"
    home.mkdir(mode=0o700)
    os.chown(home, ordinary.uid, ordinary.gid)
    settings = Settings.load({"LOTSE_HOME": str(home)})

    def use() -> None:
        for _ in range(2):
            with attached(settings) as dsn:
                assert ask(dsn, "select 1") == 1
                assert (place(settings) / "data").stat().st_uid == ordinary.uid

    become(ordinary, use)
    assert is_down(settings)
    # Root looks after that user's shop without taking it away.
    with attached(settings) as dsn:
        assert ask(dsn, "select 1") == 1
    become(ordinary, use)


def become(account: Account, act: Callable[[], None]) -> None:
    """Do something as another user, in a child: this Python may lie where that user cannot start it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            act()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
