"""`lotse theme`: templates of a retailer that stand in for Lotse's, and what became of those since.

A copy says in its first line which template of which version it was made from; the original is kept beside it in
`theme/originals/`, so that later both sides of a difference are there. A template that extends or includes the one
that it stands in for (`lotse/storefront/home.html`) copies nothing and is never behind.
"""

import difflib
import re
import shutil
import subprocess
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from msgspec import Struct

from lotse.scaffold.naming import CannotMake
from lotse.scaffold.repository import Repository

# extends: takes Lotse's and changes a part. current: copied, and the original is as it was. changed: the original
# changed since. unmarked: stands in for one of Lotse's and does not say for which version of it. gone: Lotse has no
# such template any more. own: stands in for none.
State = Literal["extends", "current", "changed", "unmarked", "gone", "own"]
# Those that somebody has to do something about.
NEEDS = frozenset[State]({"changed", "unmarked", "gone"})

_MARK = re.compile(r"\{# Copied from Lotse (?P<version>\S+): (?P<template>\S+) (?P<hash>[0-9a-f]{12})\b[^#]*#\}\n?")
_TOKEN = re.compile(r"(?<![\w-])(--[a-z][a-z0-9-]*)\s*:")
_USED = re.compile(r"var\(\s*(--[a-z][a-z0-9-]*)")


class Overridden(Struct, frozen=True):
    """One template of a theme. `since` is the version of Lotse that it was copied from."""

    template: str
    state: State
    since: str = ""

    def __str__(self) -> str:
        said = {
            "extends": "takes Lotse's and changes a part of it",
            "current": f"copied from {self.since}, unchanged since",
            "changed": f"copied from {self.since}; changed since: lotse theme diff {self.template}",
            "unmarked": "does not say which version it was copied from: lotse theme seen " + self.template,
            "gone": "Lotse has no such template any more: nothing shows it",
            "own": "your own",
        }
        return f"{self.state:9} {self.template}: {said[self.state]}"


def originals(repository: Repository) -> dict[str, Path]:
    """Every template that can be overridden, by its name: Lotse's own, and those of installed plugins and domains."""
    from lotse.web.storefront.frame import owners

    return {
        f"{owner}/{path.relative_to(folder).as_posix()}": path
        for owner, folder in sorted(owners().items())
        if repository.is_lotse or not folder.is_relative_to(repository.root / repository.package)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def override(repository: Repository, template: str) -> Path:
    """Copy one of Lotse's templates into the theme, with its mark. Raises `CannotMake`."""
    original = _original(repository, template)
    target = _ours(repository) / "templates" / template
    if target.exists():
        raise CannotMake(f"{target} is there already; `lotse theme diff {template}` shows what Lotse changed since")
    _keep(repository, template, original)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_marked(template, original, original), "utf-8")
    return target


def status(repository: Repository) -> list[Overridden]:
    """How every template of the theme stands, by name."""
    theirs = originals(repository)
    folder = _ours(repository) / "templates"
    return [
        _state(path.relative_to(folder).as_posix(), path.read_text("utf-8"), theirs)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


def diff(repository: Repository, template: str) -> str:
    """What Lotse changed in a template since it was copied, as a unified diff; empty if nothing."""
    now = _original(repository, template)
    base = _kept(repository, template)
    lines = difflib.unified_diff(
        base.splitlines(keepends=True),
        now.splitlines(keepends=True),
        f"{template} when it was copied",
        f"{template} of {version('lotse')}",
    )
    return "".join(lines)


def merge(repository: Repository, template: str) -> int:
    """Bring what Lotse changed into our copy; how many places are left to decide, marked as git does it."""
    now = _original(repository, template)
    base = _kept(repository, template)
    target = _ours(repository) / "templates" / template
    if not target.is_file():
        raise CannotMake(f"{target} is not there; `lotse theme override {template}` makes it")
    git = shutil.which("git")
    if git is None:
        raise CannotMake("merging needs git; without it, change the copy by hand and call `lotse theme seen`")
    ours = _MARK.sub("", target.read_text("utf-8"), count=1)
    parts = {"ours": ours, "copied": base, "lotse": now}
    scratch = target.parent / f".{target.name}.merge"
    scratch.mkdir(exist_ok=True)
    try:
        for name, text in parts.items():
            (scratch / name).write_text(text, "utf-8")
        labels = ["-L", "ours", "-L", "copied", "-L", f"Lotse {version('lotse')}"]
        done = subprocess.run(
            [git, "merge-file", "-p", *labels, "ours", "copied", "lotse"], cwd=scratch, capture_output=True
        )
        # Up to 127 it is the number of places; more is an error.
        if done.returncode > 127 or done.returncode < 0:
            raise CannotMake(f"git merge-file failed: {done.stderr.decode('utf-8', 'replace').strip()}")
        merged = done.stdout.decode("utf-8")
    finally:
        shutil.rmtree(scratch)
    target.write_text(_marked(template, now, merged), "utf-8")
    _keep(repository, template, now)
    return done.returncode


def seen(repository: Repository, template: str) -> Path:
    """Say that our copy is right for the template as it is now: renew its mark."""
    now = _original(repository, template)
    target = _ours(repository) / "templates" / template
    if not target.is_file():
        raise CannotMake(f"{target} is not there; `lotse theme override {template}` makes it")
    target.write_text(_marked(template, now, _MARK.sub("", target.read_text("utf-8"), count=1)), "utf-8")
    _keep(repository, template, now)
    return target


def unknown_tokens(repository: Repository) -> list[str]:
    """Tokens that the theme sets and nobody uses: misspelt, or gone from Lotse."""
    from lotse.web.storefront.frame import static_files

    ours = [path.read_text("utf-8") for path in sorted((_ours(repository) / "static").rglob("*.css"))]
    lotses = static_files([]).text("css/")
    used = {name for text in (*ours, *lotses) for name in _USED.findall(text)}
    known = used | {name for text in lotses for name in _TOKEN.findall(text)}
    return sorted({name for text in ours for name in _TOKEN.findall(text)} - known)


def _state(template: str, text: str, theirs: dict[str, Path]) -> Overridden:
    original = theirs.get(template)
    mark = _MARK.search(text)
    beneath = f"lotse/{template}"
    if original is None:
        known = (
            mark is not None or beneath in text or template.partition("/")[0] in {n.partition("/")[0] for n in theirs}
        )
        return Overridden(template, "gone" if known else "own", mark["version"] if mark else "")
    if mark is not None and mark["template"] == template:
        same = mark["hash"] == _hash(original.read_text("utf-8"))
        return Overridden(template, "current" if same else "changed", mark["version"])
    return Overridden(template, "extends" if beneath in text else "unmarked")


def _original(repository: Repository, template: str) -> str:
    known = originals(repository)
    if template not in known:
        near = difflib.get_close_matches(template, known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; docs/reference/seams.md lists them"
        raise CannotMake(f"there is no template {template!r}{hint}")
    return known[template].read_text("utf-8")


def _ours(repository: Repository) -> Path:
    if repository.is_lotse:
        raise CannotMake("this is Lotse itself; a theme lives in a repository of your own (`lotse new shop DIR`)")
    if not (repository.theme / "__init__.py").is_file():
        raise CannotMake(f"there is no theme: {repository.theme} is no package")
    return repository.theme


def _kept(repository: Repository, template: str) -> str:
    path = _ours(repository) / "originals" / template
    if not path.is_file():
        raise CannotMake(f"{path} is not there, so what was copied is not known; look by eye, then `lotse theme seen`")
    return path.read_text("utf-8")


def _keep(repository: Repository, template: str, text: str) -> None:
    path = _ours(repository) / "originals" / template
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _marked(template: str, original: str, text: str) -> str:
    told = "`lotse theme status` says when that changes."
    return f"{{# Copied from Lotse {version('lotse')}: {template} {_hash(original)}. {told} #}}\n{text}"


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]
