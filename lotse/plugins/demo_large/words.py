"""Reading words: clean text, addresses, languages, colours, package sizes, brands. Pure."""

import html
import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from lotse.plugins.demo_large.article import RowProblem

# What the catalogue takes of a name, a brand and an attribute.
LONGEST_NAME: Final = 300
LONGEST_BRAND: Final = 100
LONGEST_VALUE: Final = 1_000
LONGEST_TEXT: Final = 50_000

_BLANKS: Final = re.compile(r"\s+")
# Controls, and halves of surrogate pairs that no UTF-8 has.
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
_NO_ADDRESS: Final = re.compile(r"[^a-z0-9]+")
_GERMAN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def clean(value: Any) -> str:
    """A cell as text on one line: entities read, controls and doubled blanks gone. Empty for what is no text."""
    if value is None or isinstance(value, (bytes, list, dict)):
        return ""
    text = str(value)
    # Most cells are clean already, and there are a million of them.
    if "&" not in text and text.isprintable() and "  " not in text:
        return text.strip()
    if "&" in text:
        text = html.unescape(text)
    return _BLANKS.sub(" ", _UNSEEN.sub(" ", text)).strip()


def name_of(value: Any, key: str, field: str) -> str:
    """Raises `RowProblem`."""
    name = clean(value)
    if not any(letter.isalnum() for letter in name):
        raise RowProblem(field, "a name with a letter or digit", key)
    if len(name) > LONGEST_NAME:
        raise RowProblem(field, f"at most {LONGEST_NAME} characters", key)
    return name


@lru_cache(maxsize=10_000)
def slugged(text: str, most: int = 80) -> str:
    """An address out of words: `Größe 42 – rot` becomes `groesse-42-rot`; empty if none of it can stand there."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_GERMAN)).encode("ascii", "ignore").decode()
    return _NO_ADDRESS.sub("-", plain).strip("-")[:most].strip("-")


def digest(text: str, letters: int = 10) -> str:
    """A short name of a text, the same for ever."""
    return sha256(text.encode()).hexdigest()[:letters]


def addressed(words: str, key: str) -> str:
    """The address of a product: its words, and what keeps it apart from others of the same words."""
    begin, end = slugged(words), slugged(key, 30) or digest(key)
    return f"{begin}-{end}" if begin else end


# -- languages

# Short words and endings that tell a language from others on labels; letters that only one of them uses count double.
_TELLING: Final[dict[str, tuple[re.Pattern[str], re.Pattern[str] | None]]] = {
    "de": (
        re.compile(
            r"\b(?:und|mit|ohne|aus|von|vom|im|zum|zur|nach|auf|für|der|die|das|den|dem|fein\w*|frisch\w*|käse|milch|"
            r"zucker|wasser|salz|zutaten|mehl|brot|saft|wurst|schinken|sahne|nudeln|apfel|kirsch\w*|erdbeer\w*|"
            r"himbeer\w*|vollkorn\w*|schokolade|schoko\w*|\w+(?:brot|käse|milch|wurst|saft|kekse|tee|mehl|öl|keit|ung))\b",
        ),
        re.compile("[äöüß]"),
    ),
    "fr": (
        re.compile(
            r"\b(?:de|du|des|au|aux|et|la|le|les|un|une|sans|avec|à|pour|sur|ou|lait|sucre|eau|sel|huile|farine|"
            r"fromage|beurre|jus|pomme|fruits?|poulet|légumes|chocolat|noir|blanc|biologique|[dl]['’]\w+)\b",
        ),
        re.compile("[éèêàçœîôû]"),
    ),
    "en": (
        re.compile(
            r"\b(?:and|with|without|of|the|for|in|free|milk|sugar|water|salt|cheese|juice|chicken|apple|flour|oil|"
            r"butter|organic|chocolate|cream|drink|sauce|fruit|nuts?|beans|rice|bread|cookies|sweet|light)\b",
        ),
        None,
    ),
    "es": (re.compile(r"\b(?:con|sin|el|los|las|y|para|leche|azúcar|agua|sal|aceite|queso)\b"), re.compile("[ñ]")),
    "it": (re.compile(r"\b(?:di|con|senza|il|lo|gli|e|al|alla|latte|zucchero|acqua|sale|olio|farina)\b"), None),
    "nl": (re.compile(r"\b(?:met|zonder|en|van|het|een|melk|suiker|zout|kaas|volkoren)\b"), None),
}  # fmt: skip


def language_of(name: str, more: str, hint: str) -> str:
    """The language that a name is written in, from its words, then from the text beside it; `hint` where they say
    nothing."""
    for text in (name.lower(), more[:600].lower()):
        scores: dict[str, int] = {}
        for language, (words, letters) in _TELLING.items():
            scores[language] = len(words.findall(text)) + (2 * len(letters.findall(text)) if letters else 0)
        best = sorted(scores, key=lambda one: -scores[one])
        if scores[best[0]] > scores[best[1]]:
            return best[0]
    return hint


# -- package sizes

_AMOUNT: Final = re.compile(
    r"(?<![\w.,/])(?<!/ )(?:(?P<times>\d{1,3})\s?[x×]\s?)?(?P<number>\d{1,5}(?:[.,]\s?\d{1,3})?)\s?"
    r"(?P<unit>kg|g|gr|grs|gramm|ml|cl|dl|l|ltr|liter|litres?)\b(?!\s?/)\.?",
    re.IGNORECASE,
)
_UNITS: Final = {
    "kg": ("g", 1000), "g": ("g", 1), "gr": ("g", 1), "grs": ("g", 1), "gramm": ("g", 1),
    "ml": ("ml", 1), "cl": ("ml", 10), "dl": ("ml", 100),
    "l": ("ml", 1000), "ltr": ("ml", 1000), "liter": ("ml", 1000), "litre": ("ml", 1000), "litres": ("ml", 1000),
}  # fmt: skip
# A sack of potatoes; what is larger was misread.
_MOST: Final = 50_000


def content_of(name: str) -> tuple[int, str, str] | None:
    """What is in the package by its name: amount, `g` or `ml`, and the words that say so. None if it says nothing.

    `2 x 250 ml` is 500 ml. The first one counts; one behind a slash is what a price is for.
    """
    for match in _AMOUNT.finditer(name):
        unit, factor = _UNITS[match["unit"].lower()]
        number = Decimal(match["number"].replace(" ", "").replace(",", ".")) * factor * int(match["times"] or 1)
        if 1 <= number <= _MOST and number == number.to_integral_value():
            return int(number), unit, match[0]
    return None


def amount_text(amount: int, unit: str) -> str:
    """`1500, "ml"` as people write it: `1.5 l`."""
    if amount >= 1000:
        big = Decimal(amount) / 1000
        return f"{big.normalize():f} {'kg' if unit == 'g' else 'l'}"
    return f"{amount} {unit}"


def without(name: str, words: str) -> str:
    """A name without some of its words, and without what only held these."""
    rest = re.sub(rf"[\s,;(\-–]*{re.escape(words)}[\s,;)]*", " ", name, flags=re.IGNORECASE)
    return _BLANKS.sub(" ", rest).strip(" ,;-–()") or name


# -- colours

_COLOUR_WORDS: Final = """
    amber aqua beige berry black blue bronze brown burgundy champagne charcoal clear cobalt copper coral cream
    crystal cyan fuchsia glacier gold graphite gray green grey gunmetal indigo ivory jade khaki lavender lilac
    lime magenta maroon mauve melange metallic mint multi mushroom mustard navy nude olive onyx orange peach
    pearl pink platinum plum purple red rose ruby rust sand sapphire silver skin slate smoke space tan taupe
    teal transparent turquoise violet white yellow zebra
"""
COLOURS: Final = frozenset(_COLOUR_WORDS.split())
# Words that only shade a colour.
_SHADE_WORDS: Final = """
    bright dark deep fluorescent horizon hot jet light matte neon off pale pastel satin sea sky soft coffee
"""
_SHADES: Final = frozenset(_SHADE_WORDS.split())


def colour_at_the_end(name: str) -> tuple[str, str] | None:
    """`Wall Charger - Black/Gray` as the name without its colour and the colour; None if it does not end in one."""
    begin, dash, end = name.rpartition(" - ")
    words = re.split(r"[\s/&]+", end.strip().lower())
    if not dash or not begin or not words or any(word not in COLOURS and word not in _SHADES for word in words):
        return None
    if not any(word in COLOURS for word in words):
        return None
    return begin.strip(), "/".join(part.strip().capitalize() for part in end.split("/"))


# -- brands on labels: names that stand in the names of food, as their owners write them

_BRAND_NAMES: Final = """
    Aldi | Alete | Alnatura | Andechser | Bad Reichenhaller | Bahlsen | Barilla | Barnhouse | Becel |
    Beutelsbacher | Bionade | Bonduelle | Brandt | Byodo | Campina | Capri Sun | Coca Cola | Corny | Coppenrath |
    Danone | Davert | De Beukelaer | dennree | Dextro Energy | DM | Dr. Oetker | Duplo | Edeka | Ehrmann |
    Erdinger | Fanta | Ferrero | Freixenet | Funny Frisch | Gerolsteiner | Goldmännchen | Gut & Günstig | Gutfried
    | Hachez | Hanuta | Haribo | Heinz | Hengstenberg | Herta | Hipp | Hochland | Holle | Homann | Iglo | Jacobs |
    Katjes | Kellogg's | Kinder | Kluth | Knoppers | Knorr | Krombacher | Krüger | Kölln | Kühne | Lambertz
    | Landliebe | Langnese | Leibniz | Leimer | Lidl | Lindt | Lorenz | Maggi | Meica | Meggle | Messmer
    | Milka | Milram | Miracoli | Mövenpick | Müller | Natumi | Naturata | Nestlé | Niederegger | Nutella | Oatly
    | Ovomaltine | Paulaner | Penny | Pfanner | Philadelphia | Pombär | Prinzen Rolle | Provamel | Punica |
    Rabenhorst | Rama | Rapunzel | Red Bull | Reis-fit | REWE | Ritter Sport | Rotbäckchen | Rügenwalder |
    Sanella | Schär | Schneekoppe | Schwartau | Schweppes | Seeberger | Seitenbacher | Senseo | Sonnentor | Storck
    | Tartex | Taifun | Teekanne | Thomy | Toffifee | Trolli | Ültje | Uncle Ben's | Valensina | Voelkel
    | Wagner | Wasa | Weider | Weihenstephan | Werther's | Wilmersburger | Zentis | Zott | Zwergenwiese |
    Zimtstern | Allos | Alpro | Milupa | Bebivita
"""


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", plain)


_BRANDS: Final = {_folded(brand): brand for brand in (_BLANKS.sub(" ", one).strip() for one in _BRAND_NAMES.split("|"))}
_WORDS: Final = re.compile(r"[^\W_]+(?:['’.!&-][^\W_]*)*", re.UNICODE)


def brand_in(name: str) -> str:
    """The well-known brand that a name holds, empty if none. Reads what stands there; nothing is guessed."""
    words = [_folded(word) for word in _WORDS.findall(name)]
    for length in (3, 2, 1):
        for begin in range(len(words) - length + 1):
            found = _BRANDS.get("".join(words[begin : begin + length]))
            if found:
                return found
    return ""
