"""A backup is whole or not there; a restore is whole or changes nothing."""

import os
import stat
import subprocess
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from lotse.kernel.postgres import attached, attached_alone, clients, dump
from lotse.kernel.postgres.commands import db
from lotse.kernel.postgres.errors import BackupFailed, InUse, NotABackup, NotEmpty, RestoreFailed
from lotse.kernel.settings import Settings
from tests.postgres.programs import OLD_MAJOR, old_program, old_server

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ROWS = 20_000
# What every row must say: a restore that mixes rows up is found, too.
NAME = "md5(n::text) || repeat(md5((n * 7)::text), 4)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """A server of our own; each test makes the databases it needs."""
    home = tmp_path_factory.mktemp("home")
    with attached(Settings.load({"LOTSE_HOME": str(home), "LOTSE_POSTGRES_FSYNC": "off"})) as dsn:
        yield dsn


@pytest.fixture
def shop(server: str, request: pytest.FixtureRequest) -> str:
    """A database with goods in it."""
    dsn = database(server, request.node.name[:40])
    execute(dsn, "create schema catalog")
    execute(
        dsn,
        f"create table catalog.goods as select n, {NAME} as name from generate_series(1, {ROWS}) n",
    )
    execute(dsn, "alter table catalog.goods add primary key (n)")
    return dsn


@pytest.fixture
def empty(server: str, request: pytest.FixtureRequest) -> str:
    """A database with nothing in it."""
    return database(server, "empty_" + request.node.name[:40])


def database(server: str, name: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("create database {}").format(Identifier(name)))
    return make_conninfo(server, dbname=name)


def execute(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


def goods(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(f"select count(*) from catalog.goods where name = {NAME}".encode()).fetchone()
        assert row
        return row[0]


def databases(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        return {name for (name,) in connection.execute("select datname from pg_database")}


# -- backup


def test_backup_and_restore_into_an_empty_database(shop: str, empty: str, tmp_path: Path) -> None:
    file = tmp_path / "shop.backup"
    assert dump.backup(shop, file) == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["shop.backup"]
    dump.restore(empty, file)
    assert goods(empty) == ROWS


def test_a_backup_overwrites_nothing(shop: str, tmp_path: Path) -> None:
    (tmp_path / "shop.backup").write_text("precious")
    with pytest.raises(BackupFailed, match="exists"):
        dump.backup(shop, tmp_path / "shop.backup")
    assert (tmp_path / "shop.backup").read_text() == "precious"


def test_a_backup_into_a_folder_that_is_not_there(shop: str, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="No such file"):
        dump.backup(shop, tmp_path / "nowhere" / "shop.backup")


def test_a_backup_that_fails_leaves_no_file(shop: str, tmp_path: Path) -> None:
    execute(shop, "create view catalog.broken as select 1 as one")
    # A catalogue that contradicts itself, as a bad disk leaves it.
    execute(
        shop, "set allow_system_table_mods = on; delete from pg_rewrite where ev_class = 'catalog.broken'::regclass"
    )
    with pytest.raises(BackupFailed, match="was not written"):
        dump.backup(shop, tmp_path / "shop.backup")
    assert list(tmp_path.iterdir()) == []


def test_a_backup_sees_one_moment(shop: str, empty: str, tmp_path: Path) -> None:
    with psycopg.connect(shop) as other:
        other.execute("delete from catalog.goods where n <= 10")  # not committed
        dump.backup(shop, tmp_path / "shop.backup")
    dump.restore(empty, tmp_path / "shop.backup")
    assert goods(empty) == ROWS


# -- restore


def broken_files(good: Path) -> Generator[tuple[str, bytes | None]]:
    content = good.read_bytes()
    yield "missing", None
    yield "empty", b""
    yield "text", b"select 1;\n" * 100
    yield "only its head", content[:2000]
    yield "without its end", content[: len(content) * 3 // 4]
    middle = len(content) * 2 // 3
    yield "a flipped bit", content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def test_a_broken_file_is_refused_before_anything_is_touched(shop: str, empty: str, tmp_path: Path) -> None:
    dump.backup(shop, tmp_path / "good")
    before = databases(shop)
    for name, content in broken_files(tmp_path / "good"):
        file = tmp_path / name
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(NotABackup) as refused:
            dump.replace(shop, file, at=AT)
        assert str(file) in str(refused.value) and "\n" not in str(refused.value), name
        with pytest.raises(NotABackup):
            dump.restore(empty, file)
    assert goods(shop) == ROWS
    assert databases(shop) == before


def test_restore_refuses_a_database_with_something_in_it(shop: str, tmp_path: Path) -> None:
    dump.backup(shop, tmp_path / "shop.backup")
    with pytest.raises(NotEmpty, match="--replace"):
        dump.restore(shop, tmp_path / "shop.backup")


def test_replace_takes_the_place_and_keeps_the_former(shop: str, tmp_path: Path) -> None:
    dump.backup(shop, tmp_path / "shop.backup")
    execute(shop, "delete from catalog.goods where n > 5")
    former = dump.replace(shop, tmp_path / "shop.backup", at=AT)
    assert goods(shop) == ROWS
    assert former.endswith("_before_20260301_123000")
    assert goods(make_conninfo(shop, dbname=former)) == 5
    assert not [name for name in databases(shop) if "_restoring_" in name]


def test_a_restore_that_fails_half_way_changes_nothing(shop: str, empty: str, tmp_path: Path) -> None:
    # A rule that cannot be checked while it is restored: the file is sound, its content is not.
    execute(
        shop,
        "set search_path = catalog;"
        " create function known(n int) returns bool language sql as 'select exists (select from goods)';"
        " create table parts (n int check (known(n)));"
        " insert into parts values (1)",
    )
    dump.backup(shop, tmp_path / "shop.backup")
    before = databases(shop)
    with pytest.raises(RestoreFailed):
        dump.replace(shop, tmp_path / "shop.backup", at=AT)
    assert goods(shop) == ROWS
    assert databases(shop) == before
    with pytest.raises(RestoreFailed):
        dump.restore(empty, tmp_path / "shop.backup")
    with psycopg.connect(empty) as connection:
        assert connection.execute("select to_regnamespace('catalog') is null").fetchone() == (True,)


def test_replace_refuses_while_somebody_is_connected(shop: str, tmp_path: Path) -> None:
    dump.backup(shop, tmp_path / "shop.backup")
    with psycopg.connect(shop), pytest.raises(InUse, match="1 connections"):
        dump.replace(shop, tmp_path / "shop.backup", at=AT)
    assert goods(shop) == ROWS


def test_what_a_killed_restore_left_is_dropped_by_the_next(shop: str, tmp_path: Path) -> None:
    dump.backup(shop, tmp_path / "shop.backup")
    name = conninfo_to_dict(shop)["dbname"]
    left_over = f"{name}_restoring_abcd"
    database(shop, left_over)
    dump.replace(shop, tmp_path / "shop.backup", at=AT)
    assert left_over not in databases(shop)


def test_nobody_else_may_use_the_server_meanwhile(durable: Settings) -> None:
    with attached(durable), pytest.raises(InUse), attached_alone(durable):
        pass
    with attached_alone(durable) as dsn:
        assert databases(dsn) >= {"lotse"}


# -- the command line


def test_the_journey_of_an_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOTSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOTSE_POSTGRES_FSYNC", "off")
    file = str(tmp_path / "shop.backup")

    def run(*arguments: str) -> tuple[int, str]:
        code = db(arguments, exit_on_error=False, result_action="return_value")
        said = capfd.readouterr()
        return code or 0, said.out + said.err

    code, said = run("check")
    assert code == 1 and "is empty" in said and "fsync is off" in said
    assert "migrations applied" in run("upgrade")[1]
    assert "up to date" in run("upgrade")[1]
    assert "is empty" not in run("check")[1]
    assert run("psql", "-c", "create table kernel.note as select 'kept'::text as text")[0] == 0
    assert f"wrote {file}" in run("backup", file)[1]
    assert run("psql", "-c", "drop table kernel.note")[0] == 0
    with pytest.raises(NotEmpty):
        run("restore", file)
    assert "lotse_before_" in run("restore", "--replace", file)[1]
    assert run("psql", "-At", "-c", "select text from kernel.note") == (0, "kept\n")
    assert run("psql", "-v", "ON_ERROR_STOP=1", "-c", "select nonsense")[0] == 1
    assert run("stop")[1] == "it was not running\n"
    monkeypatch.setenv("LOTSE_HOME", str(tmp_path / "other"))
    assert "restored" in run("restore", file)[1]
    assert run("psql", "-At", "-c", "select text from kernel.note") == (0, "kept\n")
    assert "up to date" in run("upgrade")[1]


def test_passwords_do_not_show_in_the_process_list() -> None:
    conninfo, env = clients.target("postgresql://lotse:secret@db.example.org:5433/shop?sslmode=require")
    assert "secret" not in conninfo and env["PGPASSWORD"] == "secret"
    assert "db.example.org" in conninfo and "5433" in conninfo and "require" in conninfo


# -- the next major version of PostgreSQL


def test_a_backup_of_an_older_postgresql_is_restored_into_this_one(empty: str, tmp_path: Path) -> None:
    """The documented path: back up with the Lotse that has the old server, restore with the one that has the new."""
    with old_server(tmp_path) as old:
        execute(old, "create schema catalog")
        execute(old, f"create table catalog.goods as select n, {NAME} as name from generate_series(1, 1000) n")
        file = tmp_path / "old.backup"
        dumped = subprocess.run(
            [str(old_program("pg_dump")), "--format=custom", f"--file={file}", f"--dbname={old}"], check=True
        )
        assert dumped.returncode == 0 and OLD_MAJOR < 18
    dump.restore(empty, file)
    assert goods(empty) == 1000


def test_backup_reads_back_what_it_wrote(shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A disk that loses the end of what pg_dump wrote.
    run = clients.run

    def losing(name: str, *arguments: str, env: dict[str, str] | None = None) -> tuple[bool, str]:
        done = run(name, *arguments, env=env)
        for path in tmp_path.glob(".*.partial") if name == "pg_dump" else ():
            os.truncate(path, path.stat().st_size // 2)
        return done

    monkeypatch.setattr(clients, "run", losing)
    with pytest.raises(BackupFailed, match="cannot be read back"):
        dump.backup(shop, tmp_path / "shop.backup")
    assert list(tmp_path.iterdir()) == []
