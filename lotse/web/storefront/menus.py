"""Links of head and foot: those that staff have set, and the published pages; remembered for seconds."""

import time
from typing import Any

from litestar.datastructures import State
from msgspec import Struct

from lotse.domains.content import queries as content
from lotse.domains.content.contracts import ListedPage, Menu, MenuItem
from lotse.domains.content.rules import stands_alone
from lotse.domains.parties.contracts import Shop
from lotse.kernel import clock

_REMEMBERED_SECONDS = 5.0
# In a foot that nobody has arranged; more is a case for a menu.
_MOST_PAGES = 8

Menus = dict[str, Menu]


async def refresh(state: State, shop: Shop, language: str) -> None:
    """Read them if what is remembered is too old."""
    known = _known(state)
    until, _, _ = known.get(language, _NOTHING)
    if time.monotonic() <= until:
        return
    languages = content.languages_for(language, shop.language)
    mark = state.process.tags.mark()
    async with state.database.reading() as connection:
        found = await content.menus(connection, shop_id=shop.id, languages=languages)
        pages = await content.listed(connection, shop_id=shop.id, languages=languages, at=clock.now())
    # What was dropped while it was read may be older than the drop.
    is_new = state.process.tags.mark() == mark
    known[language] = (time.monotonic() + _REMEMBERED_SECONDS if is_new else 0.0, found, pages)


def remembered(state: State, language: str) -> Menus:
    """What is remembered, also for pages that must not wait."""
    return _known(state).get(language, _NOTHING)[1]


def has_terms(state: State, language: str) -> bool:
    """Whether the shop has published terms of business: the foot of every page leads there then."""
    return any(page.slug == "terms" for page in _known(state).get(language, _NOTHING)[2])


def pages_of(state: State, language: str) -> list[ListedPage]:
    """The published pages that stand for themselves, for a foot that nobody has arranged."""
    pages = _known(state).get(language, _NOTHING)[2]
    return [page for page in pages if stands_alone(page.slug)][:_MOST_PAGES]


def forget(state: State) -> None:
    """Something changed: read anew; what is remembered stays for pages that must not wait."""
    known = _known(state)
    for language, (_, menus, pages) in list(known.items()):
        known[language] = (0.0, menus, pages)


def depends(state: State, language: str) -> tuple[Any, ...]:
    """All that head and foot show of them."""
    menus = remembered(state, language)
    pages = pages_of(state, language)
    return (
        *((place, item.label, item.link) for place, menu in sorted(menus.items()) for item in menu.items),
        *((page.slug, page.title) for page in pages),
        has_terms(state, language),
    )


def header_of(state: State, language: str) -> list[MenuItem]:
    """The head's links."""
    menu = remembered(state, language).get("header")
    return [item for item in menu.items if item.link] if menu else []


class Column(Struct, frozen=True):
    """A column of the foot."""

    label: str
    links: list[MenuItem]


def columns_of(state: State, language: str) -> list[Column]:
    """The foot's links under their headings; what comes before the first one has none."""
    menu = remembered(state, language).get("footer")
    found: list[Column] = []
    for item in menu.items if menu else ():
        if not item.link:
            found.append(Column(item.label, []))
        elif found:
            found[-1].links.append(item)
        else:
            found.append(Column("", [item]))
    return [column for column in found if column.links]


_Known = tuple[float, Menus, list[ListedPage]]
_NOTHING: _Known = (0.0, {}, [])


def _known(state: State) -> dict[str, _Known]:
    return state.setdefault("menus", {})
