"""Languages: catalogues of messages and the choice of one for a visitor.

The message id is the English text, so English needs no catalogue. Others are `.po` files in
`<folder>/<language>/LC_MESSAGES/lotse.po`, read when a process starts (a few milliseconds each): nothing to compile,
nothing that can be stale. Several folders may hold a language; what the first one says wins, so a retailer's own
catalogue stands before Lotse's.
"""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

DOMAIN = "lotse"


def N_(message: str) -> str:
    """Marks a message for the catalogue where it is not shown yet; the template translates it."""
    return message


def catalogue(folders: Iterable[Path], language: str) -> NullTranslations:
    """The messages of a language; English ids come back as they are where there is no catalogue."""
    merged: Translations | None = None
    for folder in folders:
        path = folder / language / "LC_MESSAGES" / f"{DOMAIN}.po"
        if not path.is_file():
            continue
        found = _read(path, language)
        if merged is None:
            merged = found
        else:
            merged.add_fallback(found)
    return merged or NullTranslations()


def _read(path: Path, language: str) -> Translations:
    with path.open("rb") as file:
        messages = read_po(file, locale=language, domain=DOMAIN, abort_invalid=True)
    binary = io.BytesIO()
    write_mo(binary, messages)
    binary.seek(0)
    return Translations(binary, domain=DOMAIN)


def chosen(offered: Sequence[str], *wishes: str | None, accept: str = "") -> str:
    """The first wish that is offered (URL, then cookie), then the best of `Accept-Language`, then the first offered."""
    for wish in wishes:
        if wish is not None and wish in offered:
            return wish
    return accepted(offered, accept) or offered[0]


def accepted(offered: Sequence[str], accept: str) -> str | None:
    """The offered language that an `Accept-Language` header (RFC 9110, section 12.5.4) prefers, if any.

    A header is cut at 20 ranges: more is not a browser.
    """
    ranked: list[tuple[float, int, str]] = []
    for position, part in enumerate(accept.split(",")[:20]):
        tag, _, parameters = part.strip().partition(";")
        primary = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        if weight > 0 and primary in offered:
            ranked.append((-weight, position, primary))
    return min(ranked)[2] if ranked else None


def _weight(parameters: str) -> float:
    name, _, text = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(text)
    except ValueError:
        return 0.0
