"""How text becomes words that can be compared: German and English.

A *surface* is a word as it is written, in small letters ("läufer"); a *form* is its surface with umlauts, accents and ß
folded ("laufer"), the same for "Läufer", "Laeufer" and "laufer"; a *stem* is what all its inflections share ("lauf").

Stemming is Snowball's (PyStemmer). Folding of German follows Lucene's GermanNormalizationFilter, so that all three ways
to write an umlaut meet.
"""

# ruff: noqa: SIM905 - a list of words reads best as words

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

import Stemmer
from msgspec import Struct

# A number with its decimals, a word with digits in it, or a word; apostrophes join ("women's").
_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:['’`´][^\W_]+)*", re.UNICODE)
# Written together or with a blank, they are one word: "500 g", "0,75 l", "16 GB".
_UNITS = frozenset(
    "g kg mg l ml cl dl cm mm m km w kw v mah gb tb mb hz ghz mhz zoll inch p k stk stück pack er oz lb lbs ft".split()
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WITH_UNIT = re.compile(r"(\d+(?:\.\d+)?)([a-zäöü]+)")
# "ae" for "ä", and all of "saeen" for "säen": what is folded stays as it is when it is folded again.
_AE_OE = re.compile(r"([ao])e+")
# But "neue" and "quer" keep theirs.
_UE = re.compile(r"(?<![aeiouyq])ue+")
_APOSTROPHE = re.compile(r"['’`´]")
_POSSESSIVE = re.compile(r"['’`´]s?(?=$)|['’`´]")
_HYPHENS = "-‐‑–/&+"
# Whoever types more than this has pasted something; nothing is found by a thirteenth word.
MAX_WORDS = 12
MAX_CHARACTERS = 200
# German's longest words are well below; longer ones are keys and addresses.
MAX_LETTERS = 40
# "T-Shirt" and "EF-550D" are one word; "Schoko-Nuss-Riegel-Mischung" is asked by its pieces.
_LONGEST_JOINED = 12

_LANGUAGES = {"de": "german", "en": "english", "fr": "french", "it": "italian", "es": "spanish", "nl": "dutch"}
STOP = {
    "de": frozenset(
        "der die das den dem des ein eine einer eines einem einen und oder mit für fuer fur von vom zu zum zur im in "
        "am an auf aus bei als auch ist sind ich suche kaufen günstig guenstig gunstig online".split()
    ),
    "en": frozenset("the a an and or with for of to in on at by from as is are i buy cheap online some my".split()),
}
# What turns the word after it into "zuckerfrei", "sugar free".
WITHOUT = {"de": frozenset(("ohne",)), "en": frozenset(("without", "no"))}
FREE = {"de": "frei", "en": "free"}


class Word(Struct, frozen=True):
    """A word of a text: as written in small letters, and folded; `pieces` are the forms that hyphens joined."""

    surface: str
    form: str
    pieces: tuple[str, ...] = ()


@cache
def _stemmer(language: str) -> "Stemmer.Stemmer | None":
    name = _LANGUAGES.get(language)
    return Stemmer.Stemmer(name) if name else None


@lru_cache(maxsize=300_000)
def fold(surface: str, language: str) -> str:
    """A surface without the differences that people do not type."""
    text = surface
    if not text.isascii():
        # Accents first: below them may be a letter that is written as two, as in "ǣ".
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
        text = text.replace("ß", "ss").replace("æ", "ae").replace("ø", "o").replace("œ", "oe").replace("ı", "i")
    if language == "de":
        text = _UE.sub("u", _AE_OE.sub(r"\1", text))
    return text


@lru_cache(maxsize=300_000)
def stem(form: str, language: str) -> str:
    """What the inflections of a form share."""
    if not form.isalpha() or len(form) < 3:
        return form
    stemmer = _stemmer(language)
    if stemmer is None:
        return form
    found: str = stemmer.stemWord(form)
    if language == "de":
        # Snowball leaves the plural of borrowed words: Autos, Babys, Müslis, Sofas.
        if len(found) > 3 and found[-1] == "s" and found[-2] in "aiouy" and found[-3] not in "aeiouy":
            found = found[:-1]
        # "Läuferinnen", "Läuferin" and "Läufer" seek the same goods.
        for ending in ("erinn", "erin"):
            if found.endswith(ending) and len(found) > len(ending) + 3:
                found = stemmer.stemWord(found[: -len(ending)] + "er")
    return found


def surfaces(text: str) -> Iterator[list[str]]:
    """The words of a text in small letters; what hyphens join comes as one group of its pieces."""
    text = (text if text.isascii() else unicodedata.normalize("NFKC", text)).lower()
    apostrophes = _APOSTROPHE.search(text) is not None
    group: list[str] = []
    end = -2
    for match in _WORD.finditer(text):
        word = match[0]
        if apostrophes:
            word = _POSSESSIVE.sub("", word) or word
        if word[0].isdigit():
            word = word.replace(",", ".")
        begin, stop = match.span()
        if begin == end + 1 and text[end] in _HYPHENS:
            group.append(word[:MAX_LETTERS])
        else:
            if group:
                yield group
            group = [word[:MAX_LETTERS]]
        end = stop
    if group:
        yield group


def words(text: str, language: str) -> list[Word]:
    """The words of a text as an index holds them: pieces of hyphenated words and these words joined; numbers with their
    units as one word."""
    found: list[Word] = []
    number = ""
    for group in surfaces(text):
        for piece in group:
            found.append(_word(piece, language))
            # "500g" is also 500 and g for whoever asks "500".
            if piece[0].isdigit() and (match := _WITH_UNIT.fullmatch(piece)) and match[2] in _UNITS:
                found.append(_word(match[1], language))
        if len(group) == 1:
            if number and group[0] in _UNITS:
                found.append(_word(number + group[0], language))
        elif sum(map(len, group)) <= MAX_LETTERS:
            found.append(_word("".join(group), language))
        last = group[-1]
        number = last if last[0].isdigit() and _NUMBER.fullmatch(last) else ""
    return found


@lru_cache(maxsize=20_000)  # each query asks for its own words and for those of synonyms that it meets
def asked(text: str, language: str) -> tuple[Word, ...]:
    """The words of a query, each once, without those that say nothing; all of them if there are no others."""
    found: list[Word] = []
    for group in list(surfaces(text[:MAX_CHARACTERS]))[: 2 * MAX_WORDS]:
        joined = "".join(group)
        if found and len(group) == 1 and joined in _UNITS and _NUMBER.fullmatch(found[-1].surface):
            found[-1] = _word(found[-1].surface + joined, language)
        elif len(group) > 1 and len(joined) <= _LONGEST_JOINED:
            pieces = tuple(fold(piece, language) for piece in group)
            found.append(Word(joined, fold(joined, language), pieces))
        else:
            found.extend(_word(piece, language) for piece in group)
    unique = tuple(dict.fromkeys(found))[:MAX_WORDS]
    stops = STOP.get(language, frozenset[str]()) | STOP["en"] | STOP["de"]
    return tuple(word for word in unique if word.surface not in stops) or unique


def comparable(text: str, language: str) -> str:
    """A query as it is looked up: its words' stems in their order, so that "Laufschuh" and "laufschuhe" are one."""
    return " ".join(stem(word.form, language) for word in asked(text, language))


def stems(found: Sequence[Word], language: str) -> list[str]:
    """Their stems, in order."""
    return [stem(word.form, language) for word in found]


@lru_cache(maxsize=100_000)  # an index of 50,000 articles is made of a million words, and of 40,000 different ones
def _word(surface: str, language: str) -> Word:
    return Word(surface, fold(surface, language))
