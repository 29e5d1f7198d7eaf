"""What stands for each department on the home page: a picture on its tile and a product in the row below.

Remembered for a minute, because it is a query per department; prices and stock are always asked anew.
"""

import time
from collections.abc import Sequence

from msgspec import Struct

from lotse.domains.catalog import queries as catalog
from lotse.domains.catalog.contracts import Category, ProductCard
from lotse.kernel.db import Connection

_REMEMBERED_SECONDS = 60.0
# What a home page can show; more departments than this are no tiles.
_MOST = 24
# Enough to find something that no other department shows.
_LOOKED_AT = 12


class Faces(Struct, frozen=True):
    """Media by the slug of the department, and the newest product of each."""

    media: dict[str, str]
    cards: list[ProductCard]


_known: dict[str, tuple[float, Faces]] = {}


async def faces_of(connection: Connection, language: str) -> Faces:
    """The faces of the departments in a language."""
    until, faces = _known.get(language, (0.0, None))
    if faces is None or time.monotonic() > until:
        faces = await _found(connection, language)
        _known[language] = (time.monotonic() + _REMEMBERED_SECONDS, faces)
    return faces


async def _found(connection: Connection, language: str) -> Faces:
    tree = await catalog.category_tree(connection, language=language)
    media: dict[str, str] = {}
    cards: dict[str, ProductCard] = {}
    for department in [category for category in tree if category.depth == 0 and category.products][:_MOST]:
        # The first section says best what a department is about: shoes for runners, boards for skiers.
        first = _first_below(department, tree)
        page = await catalog.products_in_category(connection, category_id=first.id, language=language, limit=_LOOKED_AT)
        shown = [card for card in page.items if card.media]
        face = next((card for card in shown if card.media not in media.values()), None)
        if face and face.media:
            media[department.slug] = face.media
        # Departments overlap; each shall show something of its own, and not what its tile shows if it can.
        others = [card for card in shown if card.slug not in cards and card is not face]
        fresh = next(iter(others), face)
        if fresh:
            cards.setdefault(fresh.slug, fresh)
    return Faces(media, list(cards.values()))


def _first_below(department: Category, tree: Sequence[Category]) -> Category:
    below = [category for category in tree if category.parent_id == department.id and category.products]
    return min(below, key=lambda category: category.position, default=department)
