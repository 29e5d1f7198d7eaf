"""The navigation of the back office: a domain's `pages.py` exports `places`, the frame shows those that one may see."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from lotse.kernel.pages.i18n import N_

Group = Literal["sales", "goods", "money", "customers", "system"]

# In this order, each under its heading.
GROUPS: dict[Group, str] = {
    "sales": N_("Sales"),
    "goods": N_("Goods"),
    "money": N_("Money"),
    "customers": N_("Customers"),
    "system": N_("System"),
}


class Place(Struct, frozen=True):
    """An entry of the navigation. `key`: the letter after `g`, each once; `order`: within its group."""

    path: str
    label: str
    icon: str
    key: str
    right: str
    group: Group = "system"
    order: int = 50


def arranged(places: Iterable[Place]) -> tuple[Place, ...]:
    """Places as they stand in the navigation. A later one of the same path replaces an earlier one.

    `ValueError` for two that share a letter: the second could never be reached by it.
    """
    groups = list(GROUPS)
    found = sorted(
        {place.path: place for place in places}.values(), key=lambda p: (groups.index(p.group), p.order, p.path)
    )
    letters: dict[str, str] = {}
    for place in found:
        if place.key and letters.setdefault(place.key, place.path) != place.path:
            raise ValueError(f"{place.path} and {letters[place.key]} both go by the letter {place.key}")
    return tuple(found)
