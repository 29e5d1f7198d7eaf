"""Whatever is wrong with the database, the operator gets one clear line and a non-zero exit code."""

import os
import subprocess
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from lotse.kernel.postgres import account, attached, binaries, explained, given
from lotse.kernel.postgres.errors import (
    DiskFull,
    HomeNotWritable,
    NoAccount,
    NoServerBinaries,
    OtherMajorVersion,
    PostgresError,
    ServerTooOld,
    ServerUnfit,
    ServerUnreachable,
    StartFailed,
)
from lotse.kernel.settings import Settings
from tests.postgres.programs import OLD_MAJOR, lotse, old_server

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def refused(settings: Settings, kind: type[PostgresError]) -> str:
    """The one line with which `attached` refuses."""
    with pytest.raises(kind) as error, attached(settings):
        pass
    assert "\n" not in str(error.value)
    return str(error.value)


def home(path: Path, **more: str) -> Settings:
    return Settings.load({"LOTSE_HOME": str(path), "LOTSE_POSTGRES_FSYNC": "off", **more})


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"LOTSE_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/shop"}, "127.0.0.1:1/shop does not answer"),
        ({"LOTSE_DATABASE_URL": "mysql://u:secret@db/shop"}, "not of the form postgresql://"),
        ({"LOTSE_HOME": "/dev/null/shop"}, "not writable"),
        ({"LOTSE_PORT": "http"}, "LOTSE_PORT"),
    ],
)
def test_the_command_line_says_it_in_one_line_and_fails(env: dict[str, str], said: str) -> None:
    done = lotse("db", "check", env=env)
    assert done.returncode == 1
    assert said in done.stderr and done.stderr.count("\n") == 1
    assert "secret" not in done.stderr + done.stdout


# -- LOTSE_HOME


def test_home_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    assert str(tmp_path / "home") in refused(home(tmp_path / "home"), HomeNotWritable)


@pytest.mark.parametrize("path", ["/proc/lotse", "/sys/lotse", "/dev/null/lotse"])
def test_home_cannot_be_made(path: str) -> None:
    assert path in refused(home(Path(path)), HomeNotWritable)


def test_home_of_another_major_version_names_the_steps(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "17" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    said = refused(home(tmp_path), OtherMajorVersion)
    assert "PostgreSQL 17" in said and "lotse db backup" in said and "lotse db restore" in said
    assert not (tmp_path / "postgres" / "18").exists()


def test_a_damaged_cluster_is_named_with_the_servers_own_words(tmp_path: Path) -> None:
    with attached(home(tmp_path)):
        pass
    (tmp_path / "postgres/18/data/global/pg_control").unlink()
    assert "pg_control" in refused(home(tmp_path), StartFailed)


# -- the disk


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[Path]:
    """A disk of its own, of the size that the test names."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param},mode=0700", "lotse-test", str(disk)]
    if (done := subprocess.run(mount, check=False, capture_output=True, text=True)).returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 20)):
                pass
        except OSError:
            return filler
    raise AssertionError("the disk has no end")


@pytest.mark.parametrize("small_disk", ["40m"], indirect=True)
def test_no_room_to_make_a_cluster(small_disk: Path) -> None:
    assert "no space left" in refused(home(small_disk / "home"), DiskFull)
    assert not (small_disk / "home/postgres/18/data").exists()


@pytest.mark.parametrize("small_disk", ["300m"], indirect=True)
def test_the_disk_fills_while_it_runs_and_before_it_starts(small_disk: Path) -> None:
    settings = home(small_disk / "home")
    with attached(settings) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table kept as select 1 as one")
        filler = fill(small_disk)
        with pytest.raises(psycopg.errors.DiskFull) as full:
            connection.execute("create table big as select repeat('x', 500) from generate_series(1, 400000)")
        assert isinstance(explained(full.value), DiskFull)
        # It still serves, and goes on when there is room.
        assert connection.execute("select one from kept").fetchone() == (1,)
        filler.unlink()
        connection.execute("create table fits as select 1")
    filler = fill(small_disk)
    assert "no space left" in refused(settings, DiskFull)
    filler.unlink()
    with attached(settings) as dsn, psycopg.connect(dsn) as connection:
        assert connection.execute("select one from kept").fetchone() == (1,)


# -- the user and the programs


@AS_ROOT
def test_root_as_the_servers_user_is_refused(tmp_path: Path) -> None:
    assert "LOTSE_POSTGRES_USER" in refused(home(tmp_path, LOTSE_POSTGRES_USER="root"), NoAccount)


@AS_ROOT
@pytest.mark.parametrize("name", ["no such user!", "-x"])
def test_a_user_that_cannot_be_made(tmp_path: Path, name: str) -> None:
    assert "LOTSE_POSTGRES_USER" in refused(home(tmp_path, LOTSE_POSTGRES_USER=name), NoAccount)


@AS_ROOT
def test_no_useradd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str, path: str | None = None) -> None:
        return None

    monkeypatch.setattr(account.shutil, "which", absent)
    said = refused(home(tmp_path, LOTSE_POSTGRES_USER="lotse-not-there"), NoAccount)
    assert "no useradd" in said


def test_no_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "package", lambda: tmp_path)
    assert "postgres is not among the programs" in refused(home(tmp_path / "home"), NoServerBinaries)


# -- a given server


def url(address: str) -> Settings:
    return Settings.load({"LOTSE_DATABASE_URL": address})


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://127.0.0.1:1/shop",
        "postgresql://u:secret@127.0.0.1:1/shop",
        "postgresql://u:secret@127.0.0.1:port/shop",
        "postgresql://u:secret@/shop?host=/nowhere",
        "mysql://u:secret@127.0.0.1/shop",
        "secret",
    ],
)
def test_unreachable_and_no_secret_told(address: str) -> None:
    assert "secret" not in refused(url(address), ServerUnreachable)


def test_a_given_server_is_used_and_left_running(tmp_path: Path) -> None:
    with attached(home(tmp_path)) as dsn:
        with attached(url(dsn)) as same:
            assert same == dsn
        with psycopg.connect(dsn) as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_a_database_that_is_not_utf8(tmp_path: Path) -> None:
    with attached(home(tmp_path)) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create database ascii template template0 encoding 'SQL_ASCII' locale 'C'")
        assert "ascii" in refused(url(dsn.replace("/lotse?", "/ascii?")), ServerUnfit)
        assert "does not exist" in refused(url(dsn.replace("/lotse?", "/nowhere?")), ServerUnreachable)


@pytest.mark.parametrize(("number", "old"), [(150004, True), (169999, True), (170000, False), (180004, False)])
def test_how_old_is_too_old(number: int, old: bool) -> None:
    if old:
        with pytest.raises(ServerTooOld, match="needs 17"):
            given.refuse_old(number, "db:5432/shop")
    else:
        given.refuse_old(number, "db:5432/shop")


def test_a_real_old_server(tmp_path: Path) -> None:
    with old_server(tmp_path) as address:
        assert f"is PostgreSQL {OLD_MAJOR}." in refused(url(address), ServerTooOld)
