"""The links of head and foot that staff have set, remembered for seconds as the departments are."""

import time
from typing import Any

from litestar.datastructures import State
from msgspec import Struct

from lotse.domains.content import queries as content
from lotse.domains.content.contracts import Menu, MenuItem
from lotse.domains.parties.contracts import Shop

_REMEMBERED_SECONDS = 5.0

Menus = dict[str, Menu]


async def refresh(state: State, shop: Shop, language: str) -> None:
    """Read them if what is remembered is too old."""
    known = _known(state)
    until, _ = known.get(language, (0.0, {}))
    if time.monotonic() <= until:
        return
    mark = state.process.tags.mark()
    async with state.database.reading() as connection:
        found = await content.menus(
            connection, shop_id=shop.id, languages=content.languages_for(language, shop.language)
        )
    # What was dropped while it was read may be older than the drop.
    is_new = state.process.tags.mark() == mark
    known[language] = (time.monotonic() + _REMEMBERED_SECONDS if is_new else 0.0, found)


def remembered(state: State, language: str) -> Menus:
    """What is remembered, also for pages that must not wait."""
    return _known(state).get(language, (0.0, {}))[1]


def forget(state: State) -> None:
    """Something changed: read anew; what is remembered stays for pages that must not wait."""
    known = _known(state)
    for language, (_, menus) in list(known.items()):
        known[language] = (0.0, menus)


def depends(menus: Menus) -> tuple[Any, ...]:
    """All that head and foot show of them."""
    return tuple((place, item.label, item.link) for place, menu in sorted(menus.items()) for item in menu.items)


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


def _known(state: State) -> dict[str, tuple[float, Menus]]:
    return state.setdefault("menus", {})
