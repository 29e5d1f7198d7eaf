"""Walks every route of api and pages as somebody who is bound to one shop, one store or one seller, and tries the rest.

Two worlds stand side by side, each with a shop, a location, a seller, an article, stock, an order that is paid, a
customer. Whoever walks holds roles in the first; path parameters are filled from the second, and with ids of nothing.
A *leak* is a name of the second world in an answer, an answer that differs from that for nothing, or a change.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct, field

from lotse.domains.customers.commands import put_customers
from lotse.domains.customers.contracts import PutCustomer
from lotse.domains.inventory.commands import ensure_stock, put_locations, serve_shop
from lotse.domains.inventory.contracts import PutLocation, StockKey
from lotse.domains.orders import commands as orders
from lotse.domains.orders.contracts import TillLine, TillSale
from lotse.domains.parties.commands import put_legal_entity, put_party, put_shop
from lotse.domains.parties.contracts import Shop
from lotse.domains.parties.queries import shop as find_shop
from lotse.kernel import clock
from lotse.kernel.auth import roles, sessions, staff, tokens
from lotse.kernel.auth.principal import SYSTEM
from lotse.kernel.auth.rights import Right, Thing, right_of
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.ids import uuid7
from lotse.testing import Fresh
from tests.scene import AT, BY, put_one

PARAMETER = re.compile(r"\{(\w+):(\w+)\}")
READING = frozenset({"GET", "HEAD"})


class World(Struct, frozen=True):
    """Somebody's part of the installation. `mark` stands in every name of it; `ids` are path parameters by name."""

    mark: str
    shop: Shop
    location_id: UUID
    location: str
    party_id: UUID
    sku: str
    ids: dict[str, Any]


class Route(Struct, frozen=True):
    """One address with one method, and what it declares."""

    role: str
    method: str
    path: str
    right: Right
    name: str

    @property
    def parameters(self) -> list[tuple[str, str]]:
        return PARAMETER.findall(self.path)

    @property
    def about_objects(self) -> bool:
        """Whether its path names something that has an id."""
        return any(kind in ("uuid", "int") or name.endswith("_id") for name, kind in self.parameters)

    def filled(self, ids: dict[str, Any]) -> str:
        return PARAMETER.sub(lambda match: str(ids[match[1]]), self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.role}: {self.right!r})"


class Report(Struct):
    """What a walk has tried, and what it found."""

    routes: int = 0
    roles: int = 0
    tried: int = 0
    leaks: list[str] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"routes x roles x foreign ids tried: {self.routes} x {self.roles}, {self.tried} requests; "
            f"leaks: {len(self.leaks)}"
        )


def routes_of(app: Litestar, role: str, *, personal: bool = False) -> Iterator[Route]:
    """Every address of an application that asks for a right; or those that ask only for a person."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if not isinstance(handler, HTTPRouteHandler) or "OPTIONS" in handler.http_methods:
                continue
            right = right_of(handler)
            if right is None or right.is_public or right.personal != personal:
                continue
            # Litestar's own path has lost the parameters' types where it had to; the handler's has not.
            for method in handler.http_methods:
                yield Route(role, str(method), _typed(route), right, handler.handler_name)


def _typed(route: Any) -> str:
    return "/" + "/".join(
        part if isinstance(part, str) else f"{{{part.name}:{part.full.rpartition(':')[2]}}}"
        for part in route.path_components
    )


async def world(db: Database, desk: Desk, fresh: Fresh) -> World:
    """A shop with a store, an article, an order and its payment, all with a mark in their names."""
    mark = f"w{fresh.id().hex[-10:]}"
    async with db.transaction() as tx:
        party = await put_party(tx, kind="organisation", name=f"{mark} GmbH", by=BY, at=AT)
        entity = await put_legal_entity(
            tx,
            code=f"{mark}-entity",
            party_id=party,
            name=f"{mark} GmbH",
            country="DE",
            currency="EUR",
            timezone="Europe/Berlin",
            by=BY,
            at=AT,
        )
        shop_id = await put_shop(
            tx,
            code=f"{mark}-shop",
            name=f"{mark} shop",
            legal_entity_id=entity,
            owner_party_id=party,
            languages=["de", "en"],
            currency="EUR",
            country="DE",
            timezone="Europe/Berlin",
            channel="till",
            by=BY,
            at=AT,
        )
        shop = await find_shop(tx, shop_id=shop_id)
        assert shop
        code = f"{mark}-store"
        place = PutLocation(code=code, kind="store", name=f"{mark} store", country="DE", timezone="Europe/Berlin")
        location_id = (await put_locations(tx, [place], by=BY, at=AT))[code]
        await serve_shop(tx, shop_id=shop_id, location_ids=[location_id], by=BY, at=AT)
        product = await put_one(tx, fresh)
        [variant] = product.variant_ids
        [pool_id] = await ensure_stock(tx, [StockKey(variant, location_id, party)], at=AT)
        customer = PutCustomer(number=f"{mark}-1", shop_id=shop_id, name=f"{mark} Muster", email=f"{mark}@example.org")
        [stored] = await put_customers(tx, [customer], by=BY, at=AT)
    sku = f"{product.slug}-0"
    sale = TillSale(
        till=mark.upper(),
        receipt="1",
        location=code,
        occurred_at=clock.now(),
        lines=(TillLine(sku=sku, quantity=1, gross_minor=1999),),
    )
    async with db.transaction() as tx:
        request = await orders.sale_of_till(tx, shop=shop, sale=sale, actor=BY)
    placed = await orders.sell(desk, request=request, key=orders.till_key(sale))
    ids: dict[str, Any] = {
        "order_id": placed.order_id,
        "payment_id": placed.payment_id,
        "charge_id": await _charge(db, entity, placed.payment_id),
        "pool_id": pool_id,
        "variant_id": variant,
        "product_id": product.id,
        "location_id": location_id,
        "shop_id": shop_id,
        "customer_id": stored.id,
        "party_id": party,
        **await _papers(db, shop_id, placed.order_id, mark),
    }
    return World(mark, shop, location_id, code, party, sku, ids)


async def _papers(db: Database, shop_id: UUID, order_id: UUID, mark: str) -> dict[str, UUID]:
    """A declaration, a page and a mail of a shop."""
    ids = {name: uuid7() for name in ("withdrawal_id", "page_id", "mail_id")}
    async with db.transaction() as tx:
        await tx.raw.execute(
            "insert into returns.withdrawals (id, number, shop_id, order_id, order_number, name, email, what, parts,"
            " way, language, mark, declared_at)"
            " values ($1, $4, $2, $3, '', $4, '', '', '[]', 'order', 'de', '', now())",
            ids["withdrawal_id"],
            shop_id,
            order_id,
            mark,
        )
        await tx.raw.execute(
            "insert into content.pages (id, shop_id, slug, created_by, created_at) values ($1, $2, $3, $4, now())",
            ids["page_id"],
            shop_id,
            mark.lower(),
            BY,
        )
        await tx.raw.execute(
            "insert into kernel.mails (id, mail, event_id, recipient_mark, shop_id, language, payload, address, state,"
            " sent_at, created_at) values ($1, 'messages.order', $1, '', $2, 'de', '{}', $3, 'sent', now(), now())",
            ids["mail_id"],
            shop_id,
            f"{mark}@example.org",
        )
    return ids


async def _charge(db: Database, entity: UUID, payment_id: UUID) -> UUID:
    id = uuid7()
    async with db.transaction() as tx:
        await tx.raw.execute(
            "insert into payments.charges (id, provider, method, purpose, purpose_id, legal_entity_id, zone, currency,"
            " amount_minor, state, authorised_minor, captured_minor, payment_id, expires_at, looked_at, created_at,"
            " changed_at) values ($1, 'simulated', 'card', 'basket', $1, $2, 'Europe/Berlin', 'EUR', 1999, 'captured',"
            " 1999, 1999, $3, now(), now(), now(), now())",
            id,
            entity,
            payment_id,
        )
    return id


def nothing(known: World) -> dict[str, Any]:
    """Ids of things that do not exist, of the same kinds."""
    return {name: 2**62 if isinstance(id, int) else uuid7() for name, id in known.ids.items()}


async def token_of(db: Database, fresh: Fresh, role: str, where: roles.Area) -> str:
    """A token that holds a role in an area."""
    at = clock.now()
    async with db.transaction() as tx:
        made = await tokens.make(tx, name=fresh.text("walker"), days=1, actor=BY, at=at)
        role_id = await roles.role_named(tx, name=role)
        holder = roles.Holder(token_id=made.id)
        await roles.give_role(tx, holder=holder, role_id=role_id, where=where, by=SYSTEM, at=at)
    return made.secret


async def session_of(db: Database, fresh: Fresh, role: str, where: roles.Area) -> str:
    """The cookie of somebody who holds a role in an area."""
    at = clock.now()
    async with db.transaction() as tx:
        staff_id = await staff.add(tx, login=fresh.text("walker"), name="Walker", password_hash=None, actor=BY, at=at)
        role_id = await roles.role_named(tx, name=role)
        await roles.give_role(
            tx, holder=roles.Holder(staff_id=staff_id), role_id=role_id, where=where, by=SYSTEM, at=at
        )
        return f"{sessions.COOKIE}={await sessions.begin(tx, staff_id=staff_id, at=at)}"


async def ask(
    client: httpx.AsyncClient, route: Route, address: str, token: str | None, fresh: Fresh, body: Any = None
) -> httpx.Response:
    """One request, as a browser of the site or a program would send it."""
    headers = {"sec-fetch-site": "same-origin", "accept": "*/*"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    if route.method in READING:
        return await client.request(route.method, address, headers=headers)
    headers["idempotency-key"] = fresh.text("key")
    if route.path.startswith("/api/"):
        return await client.request(route.method, address, headers=headers, json=body or {})
    return await client.request(route.method, address, headers=headers, data=body or {})


def refused(answer: httpx.Response) -> bool:
    """Whether nothing was shown and nothing was done: a 4xx, or the way to sign in."""
    if answer.status_code in (401, 403, 404, 405):
        return True
    return answer.status_code in (302, 303) and answer.headers.get("location", "").startswith("/signin")


def masked(answer: httpx.Response, address: str) -> tuple[int, str]:
    """An answer without what the caller sent and what differs each time."""
    text = answer.text
    for part in address.split("/"):
        if len(part) > 8 or part.isdigit():
            text = re.sub(rf"\b{re.escape(part)}\b", "#", text)
    return answer.status_code, re.sub(r"[0-9a-f-]{36}|[0-9a-f]{32,}|\d{5,}", "#", text)


def where_of(route: Route) -> str:
    """For which things the right must be held: everywhere, common, shop, narrowed, or thing."""
    return "thing" if isinstance(route.right.where, Thing) else str(route.right.where)
