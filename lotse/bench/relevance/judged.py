"""Reads judged.txt and grades articles by its rules; nDCG. Pure.

nDCG@10 (Järvelin and Kekäläinen 2002): gains 2^grade - 1, discounted by the logarithm of the place, over the best order
that the whole catalogue could give.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from math import log2
from uuid import UUID

from msgspec import Struct

NONE = "none"
_FIELD = re.compile(r"(!?)(name~|text~|cat\^|brand=|attr:[a-z_]+=|opt:[a-z_]+=)(.*)")


class Thing(Struct, frozen=True):
    """An article as rules look at it; texts in small letters."""

    id: UUID
    name: str
    text: str
    brand: str
    categories: frozenset[str]
    attributes: Mapping[str, frozenset[str]]
    options: Mapping[str, frozenset[str]]


class Condition(Struct, frozen=True):
    """One condition of a rule."""

    field: str
    wanted: str
    turned: bool

    def holds(self, thing: Thing) -> bool:
        return self._holds(thing) != self.turned

    def _holds(self, thing: Thing) -> bool:
        match self.field:
            case "name~":
                return re.search(self.wanted, thing.name) is not None
            case "text~":
                return re.search(self.wanted, thing.text) is not None
            case "cat^":
                return any(slug.startswith(tuple(self.wanted.split("|"))) for slug in thing.categories)
            case "brand=":
                return thing.brand == self.wanted
            case _:
                kind, _, name = self.field.removesuffix("=").partition(":")
                values = (thing.attributes if kind == "attr" else thing.options).get(name, frozenset())
                return not values.isdisjoint(self.wanted.split("|"))


class Rule(Struct, frozen=True):
    """A grade for what meets all conditions."""

    grade: int
    conditions: tuple[Condition, ...]


class Query(Struct, frozen=True):
    """What is typed, in which language's pages, and what is difficult about it."""

    language: str
    kind: str
    words: str


class Wish(Struct, frozen=True):
    """What somebody wants, and the queries in which they say it."""

    name: str
    rules: tuple[Rule, ...]
    queries: tuple[Query, ...]

    def grades(self, things: Iterable[Thing]) -> dict[UUID, int]:
        """The grade of every article that has one above nought."""
        found: dict[UUID, int] = {}
        for thing in things:
            for rule in self.rules:
                if rule.grade > found.get(thing.id, 0) and all(one.holds(thing) for one in rule.conditions):
                    found[thing.id] = rule.grade
        return found


def wishes(text: str | None = None) -> list[Wish]:
    """All of the file. `ValueError` names a line that is none."""
    text = (files(__package__ or "lotse.bench.relevance") / "judged.txt").read_text("utf-8") if text is None else text
    found: list[tuple[str, list[Rule], list[Query]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("= "):
            found.append((line[2:], [], []))
        elif line.startswith("? ") and found:
            language, kind, words = line[2:].split(" ", 2)
            found[-1][2].append(Query(language, kind, words))
        elif line[0] in "123" and found:
            found[-1][1].append(Rule(int(line[0]), tuple(_condition(part, number) for part in line[1:].split(" & "))))
        else:
            raise ValueError(f"judged.txt, line {number}: {line}")
    return [Wish(name, tuple(rules), tuple(queries)) for name, rules, queries in found]


def _condition(part: str, number: int) -> Condition:
    match = _FIELD.fullmatch(part.strip())
    if match is None:
        raise ValueError(f"judged.txt, line {number}: {part}")
    return Condition(match[2], match[3], match[1] == "!")


def ndcg(found: Sequence[UUID], grades: Mapping[UUID, int], places: int = 10) -> float:
    """From 0 to 1; 0 if nothing has a grade."""
    best = _gain(sorted(grades.values(), reverse=True)[:places])
    return _gain([grades.get(id, 0) for id in found[:places]]) / best if best else 0.0


def _gain(grades: Sequence[int]) -> float:
    return sum((2**grade - 1) / log2(place + 1) for place, grade in enumerate(grades, start=1))
