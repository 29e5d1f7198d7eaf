"""What data says, in a reader's language: the name of a colour, of a material, of a size.

Such words stand in data in English, as messages of the pages do, and in other languages in the same catalogues: a
theme's first, then Lotse's own, the domains' and the plugins' (`locale/<language>/LC_MESSAGES/lotse.po`). Pages read
them with the filter `said`; this is for what no page renders: an order's lines, lists and what is sent.
"""

import asyncio
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

from babel.support import NullTranslations

from lotse.kernel import seams
from lotse.kernel.pages.formatting import locale_of, measured
from lotse.kernel.pages.i18n import catalogue

_read: set[str] = set()


async def read(language: str) -> None:
    """Have the words of a language at hand. To read them takes half a second, in which an event loop would answer
    nobody: whoever answers requests calls this first."""
    plain = _plain(language)
    if plain not in _read:
        await asyncio.to_thread(_catalogue, plain)
        _read.add(plain)


def word(language: str, text: str) -> str:
    """A value of data as its readers say it; as it is where no catalogue has it."""
    # The empty message is the catalogue's own head.
    said = _catalogue(_plain(language)).gettext(text) if text else text
    return measured(said, locale_of(_plain(language)))


def _plain(language: str) -> str:
    return language.partition("-")[0]


@cache  # packages do not come and go while a process lives
def _catalogue(language: str) -> NullTranslations:
    points = sorted(entry_points(group=seams.THEMES), key=lambda point: point.name)
    packages = ["lotse", *(domain.package for domain in seams.domains()), *seams.load_plugins()]
    folders = [Path(str(files(package))) for package in (*(point.value for point in points), *packages)]
    return catalogue([folder / "locale" for folder in folders], language)
