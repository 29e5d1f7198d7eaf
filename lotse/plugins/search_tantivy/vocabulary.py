"""The words of an index by their beginnings and by what people mean when they misspell them.

Read from the index's own dictionary, so a word is known as soon as something that can be bought uses it.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from math import log

from msgspec import Struct
from rapidfuzz import process
from rapidfuzz.distance import OSA

from lotse.plugins.search_tantivy.words import fold, stem

# A word of three letters has too many neighbours; numbers have no spelling.
_SHORTEST = 4
_CANDIDATES = 40
# Shorter beginnings may hold one mistake, longer ones two. Very short ones are like too many words, unless their first
# letter is taken as right.
_ONE_MISTAKE = 8
_SURE_OF_FIRST = 6
# Words stand on a shelf for each of their first letters, for the first two, and for the first three: what two letters
# begin are thousands.
_SHELF = 3


class Known(Struct):
    """A form with the way most people write it and how many articles use it."""

    form: str
    surface: str
    count: int


class Begun(Struct, frozen=True):
    """Forms that begin as somebody types, but for so many mistakes."""

    mistakes: int
    forms: tuple[Known, ...]


class Vocabulary:
    """The forms of one language."""

    def __init__(self, language: str, surfaces: Iterable[tuple[str, int]]) -> None:
        self.language = language
        self.known: dict[str, Known] = {}
        for surface, count in surfaces:
            form = fold(surface, language)
            there = self.known.get(form)
            if there is None:
                self.known[form] = Known(form, surface, count)
            else:
                if count > there.count or (count == there.count and surface != form):
                    there.surface = surface
                there.count = max(there.count, count)
        # The most used first, of those the shortest.
        self._shelves: dict[str, list[Known]] = defaultdict(list)
        for one in sorted(self.known.values(), key=lambda one: (-one.count, len(one.form), one.form)):
            for letters in range(1, min(_SHELF, len(one.form)) + 1):
                self._shelves[one.form[:letters]].append(one)
        self._backwards = sorted(form[::-1] for form in self.known if form.isalpha())
        self._forwards = sorted(self.known)
        by_length: dict[int, list[str]] = defaultdict(list)
        for form in self.known:
            if len(form) >= _SHORTEST - 1 and form.isalpha():
                by_length[len(form)].append(form)
        self._by_length = dict(by_length)
        self._spelled: dict[int, _Spelled] = {}
        self.nearest = lru_cache(maxsize=5_000)(self._nearest)
        # Two letters begin thousands of forms, and somebody who types asks for them twice.
        self.beginning = lru_cache(maxsize=5_000)(self._beginning)
        self.begun_like = lru_cache(maxsize=5_000)(self._begun_like)

    def spell(self) -> None:
        """Get ready for misspelt words: five milliseconds for each length, which the first to misspell one would wait
        for otherwise."""
        for length in self._by_length:
            self._of_length(length)

    def _of_length(self, length: int) -> "_Spelled":
        if length not in self._spelled:
            self._spelled[length] = _Spelled(self._by_length[length])
        return self._spelled[length]

    def surface(self, form: str) -> str:
        """The form as people write it."""
        found = self.known.get(form)
        return found.surface if found else form

    def count(self, form: str) -> int:
        found = self.known.get(form)
        return found.count if found else 0

    def _beginning(self, letters: str, limit: int) -> tuple[Known, ...]:
        """Forms that begin so, the most used first, one for each stem."""
        found: dict[str, Known] = {}
        for one in self._shelves.get(letters[:_SHELF], ()):
            if one.form.startswith(letters):
                found.setdefault(stem(one.form, self.language), one)
                if len(found) == limit:
                    break
        return tuple(found.values())

    def _begun_like(self, letters: str, limit: int) -> "Begun | None":
        """Forms that begin nearly so, for letters that none begins with: those of the fewest mistakes."""
        if len(letters) < _SHORTEST or not letters.isalpha():
            return None
        allowed = 1 if len(letters) < _ONE_MISTAKE else 2
        ends = range(len(letters) - allowed, len(letters) + allowed + 1)
        mistakes, found = allowed, list[Known]()
        for length in self._by_length:
            if length < ends.start:
                continue
            for form in self._of_length(length).like(letters, allowed):
                if len(letters) < _SURE_OF_FIRST and form[0] != letters[0]:
                    continue
                distance = min(OSA.distance(letters, form[:end], score_cutoff=mistakes) for end in ends)
                if distance < mistakes:
                    mistakes, found = distance, []
                if distance == mistakes:
                    found.append(self.known[form])
        # As `beginning` has them, and those of the right first letter before the others.
        found.sort(key=lambda one: (one.form[0] != letters[0], -one.count, len(one.form), one.form))
        unlike: dict[str, Known] = {}
        for one in found:
            unlike.setdefault(stem(one.form, self.language), one)
            if len(unlike) == limit:
                break
        return Begun(mistakes, tuple(unlike.values())) if unlike else None

    def begins_others(self, letters: str, head: str) -> bool:
        """Whether a form begins with these letters and goes on otherwise than with this head, or is these letters."""
        for place in range(bisect_left(self._forwards, letters), len(self._forwards)):
            other = self._forwards[place]
            if not other.startswith(letters):
                return False
            if not other.startswith(head, len(letters)):
                return True
        return False

    def ending(self, letters: str, limit: int) -> list[Known]:
        """Longer forms that end so, the most used first: the heads of compounds."""
        backwards = letters[::-1]
        found: list[Known] = []
        for place in range(bisect_left(self._backwards, backwards), len(self._backwards)):
            other = self._backwards[place]
            if not other.startswith(backwards):
                break
            if len(other) >= len(letters) + 3:
                found.append(self.known[other[::-1]])
        return sorted(found, key=lambda one: -one.count)[:limit]

    def _nearest(self, form: str, limit: int = 3) -> tuple[tuple[float, Known], ...]:
        """Forms that were perhaps meant with how unlikely each is, the likeliest first (optimal string alignment
        distance: a swap of neighbours is one mistake)."""
        if len(form) < _SHORTEST or not form.isalpha():
            return ()
        allowed = 1 if len(form) < 6 else 2 if len(form) < 11 else 3
        found: list[tuple[float, Known]] = []
        for length in range(len(form) - allowed, len(form) + allowed + 1):
            if length not in self._by_length:
                continue
            choices = self._of_length(length).like(form, allowed)
            for other, distance, _ in process.extract(
                form, choices, scorer=OSA.distance, score_cutoff=allowed, limit=_CANDIDATES
            ):
                one = self.known[other]
                found.append((_cost(form, one, int(distance)), one))
        found.sort(key=lambda pair: pair[0])
        return tuple(found[:limit])


class _Spelled:
    """Forms of one length by their letters and places, to leave out most of those that cannot be near.

    A set of forms is a number with a bit for each: a thousand forms are joined or met in the time of a few additions,
    where comparing the words takes a hundred times as long.
    """

    def __init__(self, forms: list[str]) -> None:
        self._forms = forms
        self._having: dict[tuple[int, str], int] = {}
        for number, form in enumerate(forms):
            bit = 1 << number
            for place, letter in enumerate(form):
                self._having[place, letter] = self._having.get((place, letter), 0) | bit

    def like(self, form: str, allowed: int) -> list[str]:
        """All forms within so many mistakes, and some more, in their order.

        A mistake makes at most one letter of the form wrong, and moves the others by at most one place: all letters but
        `allowed` are found within `allowed` places of where they stand. So they are in forms that only begin so.
        """
        everyone = (1 << len(self._forms)) - 1
        # lacking[n]: those that lack more than n letters so far.
        lacking = [0] * (allowed + 1)
        for place, letter in enumerate(form):
            having = 0
            for near in range(place - allowed, place + allowed + 1):
                having |= self._having.get((near, letter), 0)
            without = everyone & ~having
            for n in range(allowed, 0, -1):
                lacking[n] |= lacking[n - 1] & without
            lacking[0] |= without
        left = everyone & ~lacking[allowed]
        found: list[str] = []
        while left:
            lowest = left & -left
            found.append(self._forms[lowest.bit_length() - 1])
            left ^= lowest
        return found


def _cost(form: str, known: Known, distance: int) -> float:
    """How unlikely it is that somebody wrote the one and meant the other."""
    cost = distance - 0.17 * log(1 + known.count)
    if form[0] != known.form[0]:
        cost += 0.7  # few mistake the first letter
    if _skeleton(form) == _skeleton(known.form):
        cost -= 0.6  # doubled or left out letters, vowels, what sounds alike
    if form[-1] != known.form[-1]:
        cost += 0.1
    return cost


@lru_cache(maxsize=50_000)
def _skeleton(form: str) -> str:
    """What remains of a word said aloud: consonants, those that sound alike as one, none twice in a row."""
    for written, said in (("sch", "s"), ("ch", "k"), ("ck", "k"), ("ph", "f"), ("th", "t"), ("dt", "t"), ("tz", "z")):
        form = form.replace(written, said)
    said = form.translate(str.maketrans("cqvwydbgp", "kkffitpkp", ""))
    found = ""
    for letter in said:
        if letter not in "aeiouh" and not found.endswith(letter):
            found += letter
    return found
