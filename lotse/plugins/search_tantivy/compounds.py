"""Splits German compounds by the words of the catalogue itself, so it works for goods that nobody has seen before.

A compound is split where both sides are words that the catalogue uses (Koehn and Knight 2003, "Empirical Methods for
Compound Splitting": the split whose parts are the most frequent, by their geometric mean). Heads that never stand
alone are learnt from what they end: "Laufschuh", "Wanderschuh" and "Hallenschuh" make "Schuh" a word.

Why no dictionary: those with a fitting licence know no goods ("Quetschmus", "Softshell"), and those that do are under
the GPL.
"""

# ruff: noqa: SIM905 - a list of words reads best as words

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import sqrt

from msgspec import Struct

from lotse.plugins.search_tantivy.words import stem

LANGUAGE = "de"
SHORTEST = 6
_SHORTEST_PART = 3
# A part of three letters must be as common as this: "Tee", "Rad", "Uhr".
_COMMON = 4
# Shorter parts that are goods: "Öl".
_SHORT = frozenset(("ol",))
# A part must be met at least so often beside the whole: one that stands alone, and one that was learnt. "Schokolade"
# has nothing to do with "Laden".
_RARE = 0.03
_RARE_UNSEEN = 0.1
# So many different words must end (begin) in a part that never stands alone.
_LEARNT_FROM = 3
# Between the parts: Fugenelemente. What stemming removes ("Sonnen-", "Kinder-") need not stand here.
_LINKS = ("", "s", "es", "n", "en")
# Endings that make words of words; they are no goods.
NO_PARTS = frozenset(
    "ung ungen heit keit lich isch iger igen chen lein ling tion ionen schaft tum los bar sam haft erin innen ant ent "
    "ier ieren iert end ende ver vor bei auf aus ein mit zer miss nach ueber uber unter gegen hinter ige ten "
    "ter sten ste stes pro des der die das und oder mal ist fur von zum zur are ell elle eur ine ist ium ton "
    "tor min inn sch "
    "nol gen und all alle allen".split()
)


class Split(Struct, frozen=True):
    """A compound as stems: its head chain ("laufschuh", "schuh") and what stands before ("herr", "lauf")."""

    heads: tuple[str, ...]
    modifiers: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return self.heads + self.modifiers


class Splitter:
    """Splits by known stems and how often each is met; `unseen` are those of them that never stand alone."""

    def __init__(self, known: Mapping[str, int], unseen: Iterable[str] = ()) -> None:
        self.known = dict(known)
        self.unseen = frozenset(unseen)
        self.split = lru_cache(maxsize=100_000)(self._split)
        self.parts = lru_cache(maxsize=50_000)(self._parts)

    def _split(self, form: str) -> Split | None:
        found = self._best(form, 0)
        if found is None:
            return None
        before, head = found
        heads = [stem(head, LANGUAGE)]
        modifiers = self._pieces(before)
        deeper = self.split(head) if len(head) >= SHORTEST else None
        if deeper:
            heads += deeper.heads
            modifiers += deeper.modifiers
        return Split(tuple(dict.fromkeys(heads)), tuple(dict.fromkeys(modifiers)))

    def _parts(self, form: str) -> tuple[str, ...] | None:
        """The forms that make it up, from left to right; None if it is one word."""
        found = self._best(form, 0)
        if found is None:
            return None
        before, head = found
        return (*(self.parts(before) or (before,)), *(self.parts(head) or (head,)))

    def weighs(self, part: str, whole: int) -> bool:
        """Whether a part is met often enough beside a whole that so many articles use."""
        return self._count(part, whole) > 0

    def halves(self, form: str) -> tuple[str, str] | None:
        """What stands before, and the head; None if it is one word."""
        return self._best(form, 0)

    def _pieces(self, before: str) -> list[str]:
        deeper = self.split(before) if len(before) >= SHORTEST + 2 else None
        own = stem(before, LANGUAGE)
        return [own, *deeper.all] if deeper else [own]

    def _best(self, form: str, at_least: float) -> tuple[str, str] | None:
        if len(form) < SHORTEST or not form.isalpha():
            return None
        best, score = None, at_least
        whole = self.known.get(stem(form, LANGUAGE), 0)
        for at in range(_SHORTEST_PART, len(form) - 1):
            head = form[at:]
            head_count = self._count(head, whole)
            if not head_count:
                continue
            for link in _LINKS:
                if link and not form[:at].endswith(link):
                    continue
                before = form[: at - len(link)] if link else form[:at]
                count = self._count(before, whole)
                if count:
                    # Longer parts say more; a link is a little less likely than none.
                    mean = sqrt(head_count * count) * min(len(head), len(before)) * (0.8 if link else 1.0)
                    if mean > score:
                        best, score = (before, head), mean
        return best

    def _count(self, part: str, whole: int) -> int:
        if part in NO_PARTS or (len(part) < _SHORTEST_PART and part not in _SHORT):
            return 0
        own = stem(part, LANGUAGE)
        count = self.known.get(own, 0)
        if count < whole * (_RARE_UNSEEN if own in self.unseen else _RARE):
            return 0
        return count if len(part) > _SHORTEST_PART or count >= _COMMON else 0


def learnt(forms: Mapping[str, int]) -> Splitter:
    """A splitter from the forms of a catalogue and how many articles use each."""
    known: Counter[str] = Counter()
    for form, count in forms.items():
        if form.isalpha() and (len(form) >= _SHORTEST_PART or form in _SHORT) and form not in NO_PARTS:
            known[stem(form, LANGUAGE)] += count
    long = [form for form in forms if form.isalpha() and SHORTEST + 1 <= len(form) <= 30]
    unseen: set[str] = set()
    for _ in range(2):
        found = _unseen(long, known)
        unseen.update(found)
        known.update(found)
    return Splitter(known, unseen)


def _unseen(long: Iterable[str], known: Mapping[str, int]) -> dict[str, int]:
    """Parts that never stand alone, by what stands beside them in different words."""
    heads: dict[str, set[str]] = defaultdict(set)
    modifiers: dict[str, set[str]] = defaultdict(set)
    for form in long:
        for at in range(3, len(form) - 2):
            left, right = form[:at], form[at:]
            left_known = known.get(stem(left, LANGUAGE), 0) if len(left) > 3 else 0
            right_known = known.get(stem(right, LANGUAGE), 0) if len(right) > 3 else 0
            if left_known > 1 and not right_known and len(right) >= 4:
                heads[stem(right, LANGUAGE)].add(stem(left, LANGUAGE))
            elif right_known > 1 and not left_known and len(left) >= 4:
                modifiers[stem(left, LANGUAGE)].add(stem(right, LANGUAGE))
    return {
        part: len(beside)
        for found in (heads, modifiers)
        for part, beside in found.items()
        if len(beside) >= _LEARNT_FROM and part not in known and part not in NO_PARTS and len(part) >= 4
    }
