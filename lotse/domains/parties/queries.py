"""Reads of parties, legal entities and shops."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from lotse.domains.parties.contracts import LegalEntity, Party, Shop, ShopChanged
from lotse.kernel.auth.principal import Whose
from lotse.kernel.auth.things import Thing
from lotse.kernel.db import Connection
from lotse.kernel.paging import PAGE_SIZE, Page, after, paged
from lotse.kernel.sql import statements
from lotse.kernel.tags import kept, tagged

READS = statements("lotse.domains.parties", "reads")
_shop_changed = tagged(ShopChanged)

# A mailbox that more parties share than this is nobody's in particular.
_SHARED_EMAIL = 20


async def party(conn: Connection, *, party_id: UUID) -> Party | None:
    """A party, or None."""
    return await conn.maybe(READS.parties, Party, ids=[party_id])


async def export_party(conn: Connection, *, party_id: UUID) -> Party | None:
    """What is kept about a party, for its export; None if there is no such party."""
    return await party(conn, party_id=party_id)


async def parties(conn: Connection, *, party_ids: Sequence[UUID]) -> list[Party]:
    """Those of the parties that exist, in the order asked."""
    return await conn.many(READS.parties, Party, ids=list(party_ids))


async def parties_by_email(conn: Connection, *, email: str) -> list[UUID]:
    """The ids of the parties with this mail address in any case of letters, the oldest first."""
    return await conn.values(READS.by_email, email=email, limit=_SHARED_EMAIL)


async def legal_entity(conn: Connection, *, legal_entity_id: UUID) -> LegalEntity | None:
    """A legal entity, or None."""
    return await conn.maybe(READS.legal_entity, LegalEntity, id=legal_entity_id)


async def legal_entity_by_code(conn: Connection, *, code: str) -> LegalEntity | None:
    """A legal entity, or None."""
    return await conn.maybe(READS.legal_entity_by_code, LegalEntity, code=code)


async def legal_entities(conn: Connection) -> list[LegalEntity]:
    """All legal entities by code; a retailer has a handful."""
    return await conn.many(READS.legal_entities, LegalEntity)


async def shop(conn: Connection, *, shop_id: UUID) -> Shop | None:
    """A shop, or None."""
    return await conn.maybe(READS.shop, Shop, id=shop_id)


async def kept_shop(conn: Connection, *, shop_id: UUID) -> Shop | None:
    """A shop for pages: from a copy, where this process hears of changes."""
    return await kept(
        conn, "parties.shop", shop_id, lambda: shop(conn, shop_id=shop_id), lambda _: (_shop_changed(shop_id),)
    )


async def shop_by_code(conn: Connection, *, code: str) -> Shop | None:
    """A shop, or None."""
    return await conn.maybe(READS.shop_by_code, Shop, code=code)


async def shops_by_ids(conn: Connection, *, shop_ids: Iterable[UUID]) -> list[Shop]:
    """Those of the shops that exist, by code."""
    return await conn.many(READS.shops_by_ids, Shop, ids=list(shop_ids))


async def shops(conn: Connection, *, cursor: str | None = None, limit: int = PAGE_SIZE) -> Page[Shop]:
    """A page of shops, by code. Refusal: `BadCursor`."""
    begin = after(cursor, tuple[str])
    found = await conn.many(READS.shops, Shop, after=begin[0] if begin else None, limit=limit + 1)
    return paged(found, limit, ["code"])


async def lock_shop(conn: Connection, *, shop_id: UUID) -> Shop | None:
    """A shop as it is, until the transaction ends: two people at one shop wait for each other."""
    return await conn.maybe(READS.lock_shop, Shop, shop_id=shop_id)


async def lock_legal_entity(conn: Connection, *, legal_entity_id: UUID) -> LegalEntity | None:
    """A legal entity as it is, until the transaction ends."""
    return await conn.maybe(READS.lock_legal_entity, LegalEntity, legal_entity_id=legal_entity_id)


async def whose_shop(conn: Connection, shop_id: UUID) -> Whose | None:
    """A shop belongs to itself; None if there is none."""
    return Whose(shop=shop_id) if await shop(conn, shop_id=shop_id) else None


SHOP = Thing("shop", "shop_id", whose_shop, read="settings.read", free=("location",))
