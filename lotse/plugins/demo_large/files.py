"""Rows out of files: Parquet by DuckDB, JSON by hand where it is broken. What cannot be read is said, never dropped."""

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from lotse.plugins.demo_large.article import RowProblem, Unreadable

# Rows fetched at a time: large enough to hide the call, small enough to bound memory.
_BATCH: Final = 5_000
# DuckDB streams; it needs little beside a row group.
_MEMORY: Final = "512MB"
# A JSON file is held as a whole; this is a hundred times the real one.
MOST_JSON_BYTES: Final = 1024 * 1024 * 1024
_PIECE: Final = 4_096
_NEXT_OBJECT: Final = re.compile(r"\{\s*\"")

Rows = Iterator[tuple[int, dict[str, Any] | RowProblem]]


def parquet(path: Path, needed: tuple[str, ...], wanted: tuple[str, ...]) -> Rows:
    """The rows of a file in its order, with those of the columns that it has. Raises `Unreadable`."""
    with duckdb.connect(config={"memory_limit": _MEMORY, "threads": 1}) as conn:
        # It would draw a bar across the answer of the command line.
        conn.execute("set enable_progress_bar = false")
        try:
            known = {
                str(row[0]) for row in conn.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
            }
        except duckdb.Error as error:
            raise Unreadable(f"a Parquet file: {_first_line(error)}") from None
        if missing := [column for column in needed if column not in known]:
            raise Unreadable(f"the columns {', '.join(needed)}; {', '.join(missing)} missing")
        columns = [column for column in (*needed, *wanted) if column in known]
        row = 0
        try:
            # Names of columns come from the code, not from the file.
            listed = ", ".join('"' + column + '"' for column in columns)
            conn.execute(f"select {listed} from read_parquet(?)", [str(path)])  # noqa: S608
            while batch := conn.fetchmany(_BATCH):
                for values in batch:
                    row += 1
                    yield row, dict(zip(columns, values, strict=True))
        except duckdb.Error as error:
            # A file that breaks off: what came before it is taken.
            yield row + 1, RowProblem("row", f"the rest of the file cannot be read: {_first_line(error)}")


def objects(path: Path) -> Rows:
    """The objects of a JSON list or of JSON lines, perhaps compressed. Raises `Unreadable`.

    A broken object is told with its place, and reading goes on at the next one.
    """
    body, broken = _unpacked(path)
    try:
        whole: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        whole = None
    if isinstance(whole, list) and not broken:
        for row, one in enumerate(whole, start=1):  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]
            yield row, one if isinstance(one, dict) else RowProblem("row", "a JSON object")  # pyright: ignore[reportUnknownVariableType]
        return
    yield from _piece_by_piece(body.decode("utf-8", "replace"), broken)


def _piece_by_piece(text: str, broken: str) -> Rows:
    decoder = json.JSONDecoder()
    row, at = 0, 0
    while match := _NEXT_OBJECT.search(text, at):
        row += 1
        try:
            found, at = decoder.raw_decode(text, match.start())
        except (json.JSONDecodeError, RecursionError) as error:
            yield row, RowProblem("row", f"a JSON object (character {match.start()}): {error}"[:300])
            # Objects of this format are flat: the next one begins after the next brace that closes.
            closed = text.find("}", match.end())
            at = closed + 1 if closed >= 0 else len(text)
            continue
        yield row, found
    if not row:
        raise Unreadable("a JSON list of objects, or an object per line")
    if broken:
        yield row + 1, RowProblem("row", f"the rest of the file cannot be read: {broken}")


def _unpacked(path: Path) -> tuple[bytes, str]:
    """The bytes of a file, and why there are not all of them. Raises `Unreadable`."""
    body = bytearray()
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            try:
                while piece := file.read1(_PIECE):  # `read` would give nothing of a piece that breaks off
                    body += piece
                    if len(body) > MOST_JSON_BYTES:
                        raise Unreadable(f"at most {MOST_JSON_BYTES:,} bytes")
            except (EOFError, OSError, zlib.error) as error:
                if not body:
                    raise Unreadable(f"a file that can be read: {_first_line(error)}") from None
                return bytes(body), _first_line(error)
    except OSError as error:
        raise Unreadable(f"a file that can be read: {_first_line(error)}") from None
    return bytes(body), ""


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
