"""Runs the shell commands of a page, as they stand there, in one shell.

Blocks marked `sh` count; those titled "second terminal" run beside the others until the page ends. `uv` is a stand-in
that needs no network: `uv run X` is X in the environment of these tests, and `uv sync` makes Python see the repository
in the working directory with its entry points, as an editable install would.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.own.linked import ROOT, environment

_BLOCK = re.compile(r'^```sh(?P<second> title="second terminal")?\n(?P<commands>.*?)^```', re.MULTILINE | re.DOTALL)
_UV = """#!{python}
import os, pathlib, shutil, sys
sys.path[:0] = [{root!r}]
from tests.own.linked import link
links = pathlib.Path({links!r})
command, rest = sys.argv[1], sys.argv[2:]
if command == "sync":
    shutil.rmtree(links, ignore_errors=True)
    link(pathlib.Path.cwd(), links)
    (links / "cwd").write_text(os.getcwd())
elif command == "run":
    there = (links / "cwd").read_text() if (links / "cwd").is_file() else ""
    os.environ["PYTHONPATH"] = os.pathsep.join(part for part in ({root!r}, there, str(links)) if part)
    os.execv(sys.executable, [sys.executable, "-m", *rest])
else:
    sys.exit("uv " + command + " is not replayed")
"""
# A busy machine loads a database and runs the tests of a shop; less than `faulthandler_timeout` of the session.
PATIENCE = 400.0


def commands(page: Path) -> list[tuple[bool, str]]:
    """The blocks of a page: whether in the second terminal, and what."""
    return [(bool(found["second"]), found["commands"]) for found in _BLOCK.finditer(page.read_text("utf-8"))]


def replay(
    page: Path, *, begin: Path, home: Path, scratch: Path, port: int = 0, more: Mapping[str, str] | None = None
) -> str:
    """Everything that the commands say. Fails with the first one that fails."""
    tools = scratch / "bin"
    tools.mkdir()
    uv = tools / "uv"
    uv.write_text(_UV.format(python=sys.executable, root=str(ROOT), links=str(scratch / "links")))
    uv.chmod(0o755)
    env = environment(home) | {"PATH": f"{tools}:{os.environ['PATH']}", "REHEARSAL": str(home / "rehearsal")}
    env |= more or {}
    if port:
        env["LOTSE_PORT"] = str(port)
    lines = ["set -euo pipefail"]
    for second, block in commands(page):
        if second:
            lines += [f"({block}) > {scratch}/second.log 2>&1 &", "second=$!"]
            lines += [f"until grep -q 'Lotse is up' {scratch}/second.log; do kill -0 $second; sleep 0.1; done"]
        else:
            lines.append(block)
    lines.append('if [ -n "${second:-}" ]; then kill $second; wait $second || true; fi')
    script = scratch / "page.sh"
    script.write_text("\n".join(lines))
    with (scratch / "page.log").open("w+") as log:
        running = subprocess.Popen(
            ["bash", "-x", script], cwd=begin, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        try:
            code = running.wait(PATIENCE)
        finally:
            _end(running)
        log.seek(0)
        said = log.read()
    second = scratch / "second.log"
    told = f"\n-- second terminal:\n{second.read_text()[-3000:]}" if second.is_file() else ""
    assert code == 0, f"{page.name} ended with {code}:\n{said[-6000:]}{told}"
    return said


def _end(running: "subprocess.Popen[bytes]") -> None:
    """Everything that the shell started."""
    try:
        os.killpg(running.pid, signal.SIGTERM)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            os.killpg(running.pid, 0)
            time.sleep(0.1)  # other processes end: there is no event to wait for
        os.killpg(running.pid, signal.SIGKILL)
    except ProcessLookupError:
        running.wait()
