"""Which shop an event belongs to, for endpoints that want only some shops.

An event that names its shop (`shop_id`) belongs to it. One that names a thing of a shop (`order_id`) belongs to the
shop of that thing, which the thing's domain knows: its `queries.py` exports `shop_finders`. Others belong to no shop.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from lotse.kernel import seams
from lotse.kernel.consumers import Logged
from lotse.kernel.db import Connection
from lotse.kernel.webhooks.rules import ShopOf


class ShopFinder(Struct, frozen=True):
    """`fields` of events that hold ids of a domain's things, and how to find the shops of many of them at once."""

    fields: tuple[str, ...]
    find: Callable[[Connection, Sequence[UUID]], Awaitable[Mapping[UUID, UUID]]]


@cache  # domains do not come and go while a process lives
def installed() -> tuple[ShopFinder, ...]:
    """What the domains export."""
    return tuple(finder for domain in seams.domains() for finder in domain.exported("queries", "shop_finders"))


async def shops_of(
    conn: Connection, events: Sequence[Logged], finders: Sequence[ShopFinder] | None = None
) -> list[ShopOf]:
    """For each event its shop's id, `none`, or `unknown`: it names a thing of a shop that cannot be found."""
    known = installed() if finders is None else finders
    payloads: list[dict[str, Any]] = [msgspec.json.decode(event.payload) for event in events]
    wanted: defaultdict[int, set[UUID]] = defaultdict(set)
    for payload in payloads:
        if "shop_id" not in payload:
            for number, finder in enumerate(known):
                wanted[number] |= {id for id in (_id(payload.get(field)) for field in finder.fields) if id}
    found: dict[UUID, UUID] = {}
    for number, ids in wanted.items():
        if ids:
            found |= await known[number].find(conn, sorted(ids))
    return [_shop(payload, known, found) for payload in payloads]


def _shop(payload: dict[str, Any], finders: Sequence[ShopFinder], found: Mapping[UUID, UUID]) -> ShopOf:
    if (named := _id(payload.get("shop_id"))) is not None:
        return named
    things = [id for finder in finders for field in finder.fields if (id := _id(payload.get(field)))]
    if not things:
        return "none"
    for id in things:
        if id in found:
            return found[id]
    return "unknown"


def _id(value: object) -> UUID | None:
    if not isinstance(value, str):
        return None
    try:
        return UUID(value)
    except ValueError:
        return None
