"""Named statements from `.sql` files: the SQL is the program, Python is thin.

    -- Why this statement is as it is.
    -- name: balance_of
    select on_hand, held from pools.pools where id = :id;

Parameters are named (`:id`) and become `$1, $2, …` once, when the file is read; nothing is ever built from strings at
run time. A cast stays a cast (`:ids::uuid[]`), text in quotes and comments is left alone.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Any

_BLOCK = re.compile(r"^-- name:[ \t]*(?P<name>[a-z][a-z0-9_]*)[ \t]*$", re.MULTILINE)
_TOKEN = re.compile(
    r"""(?P<skip>'(?:[^']|'')*' | "[^"]*" | --[^\n]* | \$\$.*?\$\$ | ::) | :(?P<param>[a-z_][a-z0-9_]*)""",
    re.VERBOSE | re.DOTALL,
)


class Statement:
    """One SQL statement: `sql` with `$n` placeholders, `params` in the order of their numbers."""

    __slots__ = ("name", "params", "source", "sql")

    def __init__(self, source: str, name: str, text: str) -> None:
        self.source = source
        self.name = name
        order: dict[str, int] = {}

        def number(match: re.Match[str]) -> str:
            param = match["param"]
            if param is None:
                return match[0]
            return f"${order.setdefault(param, len(order) + 1)}"

        self.sql = _TOKEN.sub(number, text).strip().rstrip(";")
        self.params = tuple(order)

    def bind(self, given: dict[str, Any]) -> list[Any]:
        """The arguments in placeholder order. `TypeError` names what is missing or too much."""
        try:
            arguments = [given[name] for name in self.params]
        except KeyError as missing:
            raise TypeError(f"{self} needs {missing}") from None
        if len(given) != len(arguments):
            raise TypeError(f"{self} does not know {sorted(set(given) - set(self.params))}")
        return arguments

    def __str__(self) -> str:
        return f"{self.source}:{self.name}"

    __repr__ = __str__


class Statements:
    """The statements of one file, as attributes."""

    def __init__(self, source: str, blocks: dict[str, Statement]) -> None:
        self._source = source
        self._blocks = blocks

    def __getattr__(self, name: str) -> Statement:
        try:
            return self._blocks[name]
        except KeyError:
            raise AttributeError(f"no statement named {name} in {self._source}") from None

    def __iter__(self):
        return iter(self._blocks.values())

    def __dir__(self) -> list[str]:
        return sorted(self._blocks)


def parse(source: str, text: str) -> dict[str, Statement]:
    """The `-- name:` blocks of a file's text. `ValueError` on a name that stands twice."""
    marks = list(_BLOCK.finditer(text))
    blocks: dict[str, Statement] = {}
    ends = [*marks[1:], None] if marks else []
    for mark, following in zip(marks, ends, strict=True):
        body = text[mark.end() : following.start() if following else None]
        if mark["name"] in blocks:
            raise ValueError(f"{source}: two statements named {mark['name']}")
        # The reason line of the next statement stands above its name, so trailing comments belong to that one.
        blocks[mark["name"]] = Statement(source, mark["name"], re.sub(r"(?:\n--[^\n]*|\s)*\Z", "", body))
    return blocks


@cache
def statements(package: str, file: str) -> Statements:
    """The statements of `<package>/sql/<file>.sql`; an absent file has none."""
    source = f"{package}/sql/{file}.sql"
    path = files(package) / "sql" / f"{file}.sql"
    text = path.read_text("utf-8") if path.is_file() else ""
    return Statements(source, parse(source, text))
