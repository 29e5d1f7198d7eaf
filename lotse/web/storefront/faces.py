"""A picture for each department: that of its newest product. Remembered for a minute, because it is one query each."""

import time

from lotse.domains.catalog import queries as catalog
from lotse.kernel.db import Connection

_REMEMBERED_SECONDS = 60.0
# What a home page can show; more departments than this are no tiles.
_MOST = 24

_known: dict[str, tuple[float, dict[str, str]]] = {}


async def faces_of(connection: Connection, language: str) -> dict[str, str]:
    """Media by the slug of the department."""
    until, faces = _known.get(language, (0.0, {}))
    if time.monotonic() <= until:
        return faces
    faces = {}
    departments = [c for c in await catalog.category_tree(connection, language=language) if c.depth == 0 and c.products]
    for department in departments[:_MOST]:
        page = await catalog.products_in_category(connection, category_id=department.id, language=language, limit=_MOST)
        # Departments overlap at times; each shall show something of its own.
        media = [card.media for card in page.items if card.media]
        fresh = next((name for name in media if name not in faces.values()), None)
        if fresh:
            faces[department.slug] = fresh
    _known[language] = (time.monotonic() + _REMEMBERED_SECONDS, faces)
    return faces
