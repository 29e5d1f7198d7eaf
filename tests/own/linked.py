"""Repositories as an editable install would show them to Python, without an installer and its network."""

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import lotse

ROOT = Path(lotse.__file__).parents[1]


def link(root: Path, into: Path) -> None:
    """Write what an installer would: the name, the version and the entry points of a repository."""
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    points: dict[str, dict[str, str]] = project.get("entry-points", {})
    lines = [
        line for group, named in points.items() for line in (f"[{group}]", *(f"{k} = {v}" for k, v in named.items()))
    ]
    _write(into, project["name"], project["version"], "\n".join(lines) + "\n")


def next_lotse(into: Path, version: str) -> None:
    """A copy of Lotse that calls itself by another version; it comes before the installed one on the path."""
    # With its bytecode: six processes that begin together would each compile six hundred modules. What a test changes
    # has another size then, and is compiled anew. What another process is writing at this moment is left out.
    shutil.copytree(ROOT / "lotse", into / "lotse", ignore=shutil.ignore_patterns("tests", "bench", "*.pyc.*"))
    _write(into, "lotse", version, distribution("lotse").read_text("entry_points.txt") or "")


def environment(home: Path, *paths: Path) -> dict[str, str]:
    """The environment of a process that sees these folders before everything else, and none of our own settings.

    pytest loads none of the heavy plugins that only this repository has: a retailer's would not either.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOTSE_", "PYTEST_"))}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(str(path) for path in paths),
        "LOTSE_HOME": str(home),
        "PYTEST_ADDOPTS": "-p no:schemathesis -p no:faker -p no:rerunfailures",
    }


def run(env: dict[str, str], cwd: Path, *command: str, code: int = 0) -> str:
    """What a Python program of this environment says: `run(env, cwd, "lotse", "new", …)`."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, f"{' '.join(command)}: {done.returncode}\n{said[-6000:]}"
    return said


def _write(into: Path, name: str, version: str, points: str) -> None:
    folder = into / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
    (folder / "entry_points.txt").write_text(points, "utf-8")
