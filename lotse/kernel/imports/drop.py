"""The drop folder: files that other programs leave in `LOTSE_HOME/drop` are imported.

    drop/prices-2026-03-01.csv          a file of kind `prices`, as Lotse's own
    drop/erp/stock.jsonl                from the system `erp`: masters of fields go by it
    drop/done/…, drop/refused/…         where files go, with what became of them beside: NAME.txt

The kind is the beginning of the name, up to the first sign that is no letter. A file counts as complete when it has not
changed for ten seconds; who wants to be sure writes it under a name that begins with a dot and renames it then. A
`shop@` before the kind says the shop: `berlin@prices.csv`.
"""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path
from typing import cast

import structlog

from lotse.kernel.db import Database
from lotse.kernel.imports import runs
from lotse.kernel.imports.contracts import Format
from lotse.kernel.masters import LOTSE
from lotse.kernel.refusals import Invalid, Refusal

FOLDER = "drop"
DONE, REFUSED = "done", "refused"
SETTLED_SECONDS = 10.0
# A look takes in so many files; the next one comes in a minute.
MOST_FILES = 50
_NAME = re.compile(r"(?:(?P<shop>[a-z0-9][a-z0-9-]*)@)?(?P<kind>[a-z]+)[^/]*\.(?P<format>csv|jsonl)", re.IGNORECASE)

_log = structlog.get_logger("lotse.imports")


async def look(database: Database, home: Path, *, at: datetime, settled_seconds: float = SETTLED_SECONDS) -> int:
    """Take in what is complete; how many files."""
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for path, source in list(_files(folder))[:MOST_FILES]:
        if at.timestamp() - path.stat().st_mtime < settled_seconds:
            continue
        await _take(database, folder, path, source, at)
        count += 1
    return count


def described(name: str) -> tuple[str, Format, dict[str, str]]:
    """Kind, format and options that a file's name says. Refusal: `Invalid`."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise Invalid(field="name", rule="a name that begins with a kind and ends in .csv or .jsonl: prices-2026.csv")
    options = {"shop": match["shop"].lower()} if match["shop"] else {}
    return match["kind"].lower(), cast("Format", match["format"].lower()), options


async def pieces(path: Path) -> AsyncIterator[bytes]:
    """A file, piece by piece."""
    with path.open("rb") as file:
        while piece := file.read(runs.CHUNK_BYTES):
            yield piece


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Files with the system that they come from, the oldest first."""
    found = [(path, LOTSE) for path in folder.iterdir() if path.is_file()]
    for below in folder.iterdir():
        if below.is_dir() and below.name not in (DONE, REFUSED) and not below.is_symlink():
            found += [(path, below.name) for path in below.iterdir() if path.is_file()]
    found = [(path, source) for path, source in found if not path.name.startswith(".") and not path.is_symlink()]
    return iter(sorted(found, key=lambda one: (one[0].stat().st_mtime, one[0].name)))


async def _take(database: Database, folder: Path, path: Path, source: str, at: datetime) -> None:
    try:
        kind, format, options = described(path.name)
        id = await runs.receive(
            database,
            pieces(path),
            kind=kind,
            name=path.name,
            format=format,
            source=source,
            options=options,
            by=f"drop:{source}",
            at=at,
        )
    except Refusal as refusal:
        _log.warning("dropped file refused", file=path.name, reason=str(refusal))
        _move(path, folder / REFUSED, at, str(refusal))
    else:
        _move(path, folder / DONE, at, f"import {id}")


def _move(path: Path, to: Path, at: datetime, said: str) -> None:
    """Out of the way, under a name that no other file has; what was said stands beside it."""
    to.mkdir(parents=True, exist_ok=True)
    target = to / f"{at:%Y%m%dT%H%M%S}-{path.name}"
    number = 1
    while target.exists():
        number += 1
        target = to / f"{at:%Y%m%dT%H%M%S}-{number}-{path.name}"
    path.rename(target)
    target.with_name(target.name + ".txt").write_text(said + "\n", "utf-8")
