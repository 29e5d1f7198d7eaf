"""Finds the repository that a command is called in, and tells Lotse in its pyproject.toml what is new there."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from msgspec import Struct

from lotse.scaffold.naming import CannotMake

FILE = "pyproject.toml"


class Repository(Struct, frozen=True):
    """A checkout: Lotse's own (`is_lotse`), or a retailer's that depends on it."""

    root: Path
    package: str
    is_lotse: bool

    @property
    def folder(self) -> Path:
        """The folder of its package."""
        return self.root / self.package

    @property
    def theme(self) -> Path:
        return self.folder / "theme"


def here(folder: Path) -> Repository:
    """The repository that a folder lies in. Raises `CannotMake` where there is none."""
    for root in (folder, *folder.parents):
        if (root / FILE).is_file():
            return _read(root)
    raise CannotMake(f"{folder} lies in no repository; `lotse new shop DIR` makes one")


def add_entry_point(root: Path, group: str, name: str, value: str) -> None:
    """Have Lotse find a package. Raises `CannotMake`, with the lines to write, where the file cannot be changed."""
    path = root / FILE
    before = path.read_text("utf-8")
    after = with_entry_point(before, group, name, value)
    temporary = path.with_name(f".{FILE}.new")
    temporary.write_text(after, "utf-8")
    shutil.copymode(path, temporary)
    temporary.replace(path)


def with_entry_point(text: str, group: str, name: str, value: str) -> str:
    """The text of a pyproject.toml with an entry point more; comments and order stay as they are."""
    wanted = tomllib.loads(text)
    points = wanted["project"].setdefault("entry-points", {}).setdefault(group, {})
    if name in points:
        raise CannotMake(f"{FILE} has an entry point {name} of {group} already")
    points[name] = value
    header = f'[project.entry-points."{group}"]'
    line = f'{name} = "{value}"'
    lines = text.splitlines()
    if header in lines:
        at = lines.index(header) + 1
        while at < len(lines) and lines[at].strip() and not lines[at].lstrip().startswith("["):
            at += 1
        made = [*lines[:at], line, *lines[at:]]
    else:
        # Before the first table that is no part of the project.
        outside = r"\[(?!project\b)"
        at = next((number for number, said in enumerate(lines) if re.match(outside, said)), len(lines))
        made = [*lines[:at], header, line, "", *lines[at:]]
    after = "\n".join(made) + "\n"
    try:
        if tomllib.loads(after) == wanted:
            return after
    except tomllib.TOMLDecodeError:
        pass  # said below, like any other form that we do not know
    raise CannotMake(f"{FILE} is written in a way that cannot be changed from here; add {header} with {line}")


def source_of_lotse(target: Path) -> str:
    """Where this Lotse came from, as uv writes it, seen from a folder; empty if it came from a registry."""
    try:
        told = distribution("lotse").read_text("direct_url.json")
    except PackageNotFoundError:
        return ""
    found: dict[str, Any] = json.loads(told) if told else {}
    url = str(found.get("url", ""))
    if url.startswith("file://"):
        path = os.path.relpath(url.removeprefix("file://"), target)
        editable = ", editable = true" if found.get("dir_info", {}).get("editable") else ""
        return f'{{ path = "{path}"{editable} }}'
    if "vcs_info" in found:
        return f'{{ git = "{url}", rev = "{found["vcs_info"]["commit_id"]}" }}'
    return f'{{ url = "{url}" }}' if url else ""


def begin_git(folder: Path) -> str:
    """Make a git repository of a folder; what to say about it."""
    git = shutil.which("git")
    if git is None:
        return "git is not installed, so nothing is under version control yet"
    inside = subprocess.run([git, "rev-parse", "--git-dir"], cwd=folder, capture_output=True, text=True)
    if inside.returncode == 0:
        return "the folder lies in another git repository, so it gets none of its own"
    done = subprocess.run([git, "init", "--quiet", "--initial-branch=main"], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        return f"git init failed ({done.stderr.strip()}), so nothing is under version control yet"
    return ""


def _read(root: Path) -> Repository:
    try:
        project: dict[str, Any] = tomllib.loads((root / FILE).read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CannotMake(f"{root / FILE} cannot be read: {error}") from None
    if project.get("project", {}).get("name") == "lotse":
        return Repository(root, "lotse", True)
    package = project.get("tool", {}).get("lotse", {}).get("package", "")
    if not isinstance(package, str) or not package or not (root / package / "__init__.py").is_file():
        raise CannotMake(
            f'{root / FILE} names no package of yours: write [tool.lotse] with package = "…", or make a repository'
            " with `lotse new shop DIR`"
        )
    return Repository(root, package, False)
