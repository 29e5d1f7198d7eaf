"""`lotse up` as its users meet it: real processes, killed and stopped in every way."""

import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from lotse import cli
from lotse.kernel import logs
from lotse.web.up import ORDER
from tests.web.running import PATIENCE, Running, running


class Said(NamedTuple):
    stdout: str
    stderr: str
    returncode: int


Lotse = Callable[..., Said]


@pytest.fixture(scope="module")
def up(env: dict[str, str]) -> Iterator[Running]:
    with running(env, "--no-demo") as one:
        yield one


def test_it_says_where_everything_is(up: Running) -> None:
    said = up.log.read_text()
    for part in (f"Shop          {up.url}/", f"Back office   {up.url}/office", f"API           {up.url}/api/v1/docs"):
        assert part in said
    assert set(up.pids()) == set(ORDER)


def test_metrics_cover_every_process(up: Running) -> None:
    httpx.get(up.url + "/")
    text = httpx.get(up.url + "/metrics").text
    assert 'lotse_http_seconds_count{method="GET",role="api",route="pages"' in text
    assert 'role="pages"' in text and "lotse_desk_batch_size" in text
    assert httpx.get(up.url + "/metrics", headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 401


@pytest.mark.parametrize("role", ORDER)
def test_a_role_that_is_killed_comes_back(up: Running, role: str) -> None:
    before = up.pids()
    os.kill(before[role], signal.SIGKILL)
    up.wait_until("back", lambda: up.pids().get(role) not in (None, before[role]) and up.is_ready())
    after = up.pids()
    assert {name: pid for name, pid in after.items() if name != role} == {
        name: pid for name, pid in before.items() if name != role
    }


@pytest.fixture(scope="module")
def embedded(env: dict[str, str]) -> Iterator[Running]:
    """One with a server of its own."""
    with running({name: value for name, value in env.items() if name != "LOTSE_DATABASE_URL"}, "--no-demo") as one:
        yield one


def test_a_database_that_is_killed_comes_back(embedded: Running) -> None:
    up, pids = embedded, embedded.pids()
    [file] = up.home.glob("postgres/*/data/postmaster.pid")
    os.kill(int(file.read_text().split()[0]), signal.SIGKILL)
    up.wait_until("away", lambda: "PostgreSQL had died and is up again" in up.log.read_text())
    up.wait_until("back", up.is_ready)
    assert up.pids() == pids  # no role had to go for it


def test_sigterm_stops_all_in_order(embedded: Running) -> None:
    """Comes after all that need it. What the end of its database left in the log was said before."""
    up, before = embedded, len(embedded.log.read_text())
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(PATIENCE) == 0
    assert up.pids() == {}
    assert "Traceback" not in up.log.read_text()[before:]
    with pytest.raises(httpx.ConnectError):
        httpx.get(up.url)


def test_a_restart_of_the_api_refuses_nobody(up: Running) -> None:
    os.kill(up.pids()["api"], signal.SIGKILL)
    # The supervisor holds the socket: the connection waits in its queue until the role is back.
    assert httpx.get(up.url + "/health", timeout=PATIENCE).status_code == 200


def test_a_second_one_says_that_the_port_is_in_use(up: Running, env: dict[str, str]) -> None:
    port = up.url.rsplit(":", 1)[1]
    with tempfile.TemporaryDirectory(prefix="lotse-up-") as home:
        done = subprocess.run(
            [sys.executable, "-m", "lotse", "up", "--port", port],
            env={**env, "LOTSE_HOME": home},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert (
            done.stderr
            == f"lotse: port {port} on 127.0.0.1 is in use; choose another one: lotse up --port {int(port) + 1}\n"
        )
        assert list(Path(home).iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "variables", "line"),
    [
        (["up", "--port", "0"], {}, "a port is a number from 1 to 65535"),
        (["up", "--host", "192.0.2.1"], {}, "cannot listen on 192.0.2.1, port 8000: Cannot assign requested address"),
        (["up"], {"LOTSE_PORT": "http"}, "LOTSE_PORT: "),
        (["replay", "nothing", "/"], {}, "there is no replay named nothing; there are: "),
        (["replay", "nothing", "/nowhere"], {}, "there is no folder /nowhere"),
        (["token", "new", "x", "--scope", "everything"], {}, "there is no right everything; there are: *, "),
        (["token", "revoke", "0199a5c0-7d52-7cc1-8f0e-3a1c5f2b9d11"], {}, "There is no such token: id 0199a5c0"),
        (["staff", "reset", "nobody"], {}, "There is no such account: login nobody"),
        (["staff", "change", "nobody"], {}, "nothing to change"),
    ],
)
def test_failures_are_one_line(lotse: Lotse, arguments: list[str], variables: dict[str, str], line: str) -> None:
    done = lotse(*arguments, input="a password of some length\n", **variables)
    assert done.returncode == 1
    assert done.stderr.startswith(f"lotse: {line}") and done.stderr.count("\n") == 1, done.stderr


def test_accounts_and_tokens_by_hand(lotse: Lotse) -> None:
    login = f"test-{time.time_ns()}"
    assert (
        "may sign in"
        in lotse("staff", "add", login, "--scope", "orders.read", input="a password of some length\n").stdout
    )
    assert "taken" in lotse("staff", "add", login, input="a password of some length\n").stderr
    assert "15 to 200 characters" in lotse("staff", "add", login + "x", input="short\n").stderr
    assert re.search(rf"{login} +{login} +orders.read", lotse("staff", "list").stdout)
    assert "switched off" in lotse("staff", "change", login, "--inactive").stdout
    secret = lotse("token", "new", "till 7", "--scope", "orders.read", "--scope", "inventory.write").stdout
    assert re.fullmatch(r"lotse_[\w-]{43}\n", secret)
    listed = lotse("token", "list").stdout
    assert secret.strip() not in listed and "inventory.write, orders.read" in listed


@pytest.fixture
def lotse(env: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: "pytest.CaptureFixture[str]") -> Lotse:
    """The command line in this process, because a Python that starts costs a second."""

    def run(*arguments: str, input: str = "", **variables: str) -> Said:
        for name, value in {**env, **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(logs, "configure", lambda *_: None)  # pytest's own logging stays as it is
        monkeypatch.setattr(sys, "argv", ["lotse", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(input))
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = capfd.readouterr()
        return Said(out, err, int(left.value.code or 0))

    return run


def test_nobody_outlives_a_killed_supervisor(up: Running) -> None:
    """Runs last: it is the end of the module's own."""
    assert len(up.pids()) == len(ORDER)
    up.process.kill()
    up.process.wait()
    up.wait_until("gone", lambda: not up.pids())
