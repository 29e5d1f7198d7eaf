"""Who may do what: the roles that Lotse ships, and what `lotse roles`, `lotse staff` and `lotse token` do about them.

A role is a proposal: once somebody has edited it, it is theirs; until then it grows with Lotse.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from msgspec import Struct

from lotse.domains.inventory import queries as inventory
from lotse.domains.inventory.contracts import UnknownLocation
from lotse.domains.parties import queries as parties
from lotse.domains.parties.contracts import UnknownParty, UnknownShop
from lotse.kernel import clock
from lotse.kernel.auth import roles
from lotse.kernel.auth.principal import ALL, SYSTEM, Grant
from lotse.kernel.auth.roles import Area, Held, Holder, ReadyRole
from lotse.kernel.auth.scopes import dotted
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.money import minor_digits, to_minor
from lotse.kernel.pages.i18n import N_
from lotse.kernel.refusals import Invalid

_LIMIT = re.compile(r"(\d{1,12}(?:\.\d{1,3})?) ?([A-Z]{3})")
_STORE_REFUND_MINOR = 100_00
_SERVICE_REFUND_MINOR = 250_00


def ready(currency: str = "EUR") -> tuple[ReadyRole, ...]:
    """The roles of a retailer. They are given in a store, a shop, for a seller; limits are in this currency."""

    def rights(*names: str, refund: int | None = None) -> tuple[Grant, ...]:
        limited = () if refund is None else (Grant("orders.refund", limit_minor=refund, currency=currency),)
        return (*(Grant(name) for name in names), *limited)

    return (
        ReadyRole("owner", N_("Owner"), N_("Everything, everywhere."), rights(ALL)),
        ReadyRole(
            "shop-assistant",
            N_("Shop assistant"),
            N_("Sells and receives goods in a store, looks up articles and customers. Give it at a location."),
            rights(
                "catalog.read",
                "customers.read",
                "inventory.read",
                "inventory.write",
                "media.read",
                "orders.read",
                "payments.read",
                "pricing.read",
                "sales.write",
                refund=_STORE_REFUND_MINOR,
            ),
        ),
        ReadyRole(
            "customer-service",
            N_("Customer service"),
            N_("Finds orders and customers, cancels, pays back up to a limit."),
            rights(
                "catalog.read",
                "customers.read",
                "customers.write",
                "inventory.read",
                "mail.read",
                "media.read",
                "orders.read",
                "orders.write",
                "payments.read",
                "pricing.read",
                refund=_SERVICE_REFUND_MINOR,
            ),
        ),
        ReadyRole(
            "buyer",
            N_("Buying and merchandising"),
            N_("Articles, pictures, prices; sees what is sold and what is there."),
            rights(
                "catalog.read",
                "catalog.write",
                "content.read",
                "content.write",
                "imports.read",
                "imports.write",
                "inventory.read",
                "live.read",
                "media.read",
                "media.write",
                "offers.read",
                "offers.write",
                "orders.read",
                "pricing.read",
                "pricing.write",
                "search.read",
                "search.write",
                "shops.read",
                "waiting.read",
                "waiting.write",
            ),
        ),
        ReadyRole(
            "warehouse",
            N_("Warehouse"),
            N_("Receives, counts and moves goods. Give it at a location."),
            rights("catalog.read", "inventory.read", "inventory.write", "media.read", "orders.read"),
        ),
        ReadyRole(
            "controller",
            N_("Controlling"),
            N_("Reads orders, money, books, prices and the log of changes; changes nothing."),
            rights(
                "audit.read",
                "catalog.read",
                "inventory.read",
                "ledger.read",
                "live.read",
                "media.read",
                "offers.read",
                "orders.read",
                "payments.read",
                "pricing.read",
                "settings.read",
                "shops.read",
            ),
        ),
        ReadyRole(
            "developer",
            N_("Development and operations"),
            N_("Events, webhooks, imports, jobs, metrics; no money and nothing about customers."),
            rights(
                "catalog.read",
                "demo.act",
                "events.read",
                "imports.read",
                "imports.write",
                "jobs.read",
                "jobs.write",
                "live.read",
                "masters.write",
                "media.read",
                "metrics.read",
                "settings.read",
                "shops.read",
                "waiting.read",
                "waiting.write",
                "webhooks.read",
                "webhooks.write",
            ),
        ),
        ReadyRole(
            "partner",
            N_("Partner"),
            N_("Sees own orders and own stock. Give it for a party."),
            rights("inventory.read", "orders.read", "payments.read"),
        ),
    )


async def install(database: Database) -> list[str]:
    """Put in the ready roles that are missing; the names of those that changed."""
    async with database.transaction() as tx:
        shops = (await parties.shops(tx)).items
        return await roles.put_ready(tx, ready(shops[0].currency if shops else "EUR"), by=SYSTEM, at=clock.now())


# -- the command line


class Given(Struct, frozen=True):
    """What the command line says about something to give: roles or rights, where, and up to what."""

    roles: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
    shop: str = ""
    location: str = ""
    party: str = ""
    limit: str = ""
    reason: str = ""


async def area(conn: Connection, given: Given) -> Area:
    """Codes as ids. Refusals: `UnknownShop`, `UnknownLocation`, `UnknownParty`, `Invalid`."""
    shop = await parties.shop_by_code(conn, code=given.shop) if given.shop else None
    if given.shop and shop is None:
        raise UnknownShop(shop=given.shop)
    location = await inventory.location_by_code(conn, code=given.location) if given.location else None
    if given.location and location is None:
        raise UnknownLocation(location=given.location)
    return Area(shop.id if shop else None, location.id if location else None, await _party(conn, given.party))


async def give(tx: Transaction, holder: Holder, given: Given) -> None:
    """Give roles and rights to an account or a token."""
    at = clock.now()
    reason = given.reason or None
    where = await area(tx, given)
    limit_minor, currency = _limit(given.limit)
    for name in given.roles:
        role_id = await roles.role_named(tx, name=name)
        await roles.give_role(tx, holder=holder, role_id=role_id, where=where, by=SYSTEM, at=at, reason=reason)
    for right in given.rights:
        grant = Grant(dotted(right), where.shop_id, where.location_id, where.party_id, limit_minor, currency)
        await roles.give_right(tx, holder=holder, grant=grant, by=SYSTEM, at=at, reason=reason)


async def take(database: Database, holding_id: UUID, reason: str) -> None:
    """Take something from whoever holds it."""
    async with database.transaction() as tx:
        await roles.take(tx, holding_id=holding_id, by=SYSTEM, at=clock.now(), reason=reason or None)


async def put_role(database: Database, name: str, description: str, wanted: Sequence[str], reason: str) -> None:
    """Make a role, or give the one of this name these rights: each as `orders.refund` or `orders.refund=100EUR`."""
    grants = [_grant(text) for text in wanted]
    async with database.transaction() as tx:
        known = next((role for role in await roles.roles(tx) if role.name == name), None)
        await roles.put_role(
            tx,
            name=name,
            description=description or (known.description if known else ""),
            grants=grants,
            role_id=known.id if known else None,
            by=SYSTEM,
            at=clock.now(),
            reason=reason or None,
        )


async def remove_role(database: Database, name: str, reason: str) -> None:
    """Take a role away that nobody holds."""
    async with database.transaction() as tx:
        role_id = await roles.role_named(tx, name=name)
        await roles.remove_role(tx, role_id=role_id, by=SYSTEM, at=clock.now(), reason=reason or None)


async def all_roles(conn: Connection) -> list[str]:
    """A line per role, then what it gives."""
    lines: list[str] = []
    for role in await roles.roles(conn):
        held = f"held by {role.holders}" if role.holders else "held by nobody"
        lines += [f"{role.name}  ({held})", f"    {', '.join(map(_said, role.grants))}"]
    return lines


async def holdings(conn: Connection, holder: Holder) -> list[str]:
    """A line per thing that somebody holds, with the id to take it by."""
    return [await _line(conn, held) for held in await roles.held_by(conn, holder)]


def unknown_rights(named: Iterable[str], known: Iterable[str]) -> list[str]:
    """Rights that no route asks for: typing errors, which would be found out only by a 403."""
    usable = {ALL, *known, *(grant.right for role in ready() for grant in role.grants)}
    return sorted({dotted(name.partition("=")[0]) for name in named} - usable)


async def _party(conn: Connection, text: str) -> UUID | None:
    if not text:
        return None
    entity = await parties.legal_entity_by_code(conn, code=text)
    if entity is not None:
        return entity.party_id
    try:
        id = UUID(text)
    except ValueError:
        raise Invalid(field="party", rule="the id of a party, or the code of a legal entity") from None
    if await parties.party(conn, party_id=id) is None:
        raise UnknownParty(party_id=id)
    return id


def _limit(text: str) -> tuple[int | None, str | None]:
    """`100EUR` in minor units. Refusal: `Invalid`."""
    if not text:
        return None, None
    found = _LIMIT.fullmatch(text)
    if not found:
        raise Invalid(field="limit", rule="an amount with its currency, e.g. 100EUR")
    return to_minor(Decimal(found[1]), found[2]), found[2]


def _grant(text: str) -> Grant:
    right, _, limit = text.partition("=")
    limit_minor, currency = _limit(limit)
    return Grant(dotted(right), limit_minor=limit_minor, currency=currency)


def _said(grant: Grant) -> str:
    if grant.limit_minor is None or grant.currency is None:
        return grant.right
    amount = Decimal(grant.limit_minor).scaleb(-minor_digits(grant.currency))
    return f"{grant.right} up to {amount} {grant.currency}"


async def _line(conn: Connection, held: Held) -> str:
    where: list[str] = []
    if held.shop_id:
        shop = await parties.shop(conn, shop_id=held.shop_id)
        where.append(f"shop {shop.code if shop else held.shop_id}")
    if held.location_id:
        found = await inventory.locations_by_ids(conn, location_ids=[held.location_id])
        where.append(f"location {found[0].code if found else held.location_id}")
    if held.party_id:
        party = await parties.party(conn, party_id=held.party_id)
        where.append(f"party {party.name if party and party.name else held.party_id}")
    what = held.role_name or _said(Grant(held.right_name or "", limit_minor=held.limit_minor, currency=held.currency))
    return f"{held.id}  {what:30} {', '.join(where) or 'everywhere'}"
