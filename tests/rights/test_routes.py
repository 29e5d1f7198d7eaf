"""Every route, every role, foreign ids: nothing leaks. And the walk itself finds a route that does."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from lotse.domains.orders.queries import ORDER
from lotse.kernel import clock
from lotse.kernel.auth.authenticate import Tokens
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import Right, Thing, declared, needs
from lotse.kernel.auth.roles import Area
from lotse.kernel.db import Database, opened
from lotse.kernel.desk import Desk
from lotse.kernel.desk.desk import running
from lotse.kernel.settings import Settings
from lotse.kernel.tags import Tags
from lotse.testing import Databases, Fresh
from lotse.web import app as web
from lotse.web import staffing
from lotse.web.process import Process
from tests.rights.walk import (
    READING,
    Report,
    Route,
    World,
    ask,
    masked,
    nothing,
    refused,
    routes_of,
    session_of,
    token_of,
    where_of,
    world,
)

ORIGIN = "http://shop.example"

# Who walks: a role, and to what of the first world it is bound.
WALKERS = (
    ("Shop assistant", "location"),
    ("Warehouse", "location"),
    ("Customer service", "shop"),
    ("Controlling", "shop"),
    ("Buying and merchandising", "shop"),
    ("Development and operations", "shop"),
    ("Partner", "party"),
    # Whoever may do everything, but only here.
    ("Owner", "shop"),
    ("Owner", "location"),
    ("Owner", "party"),
)
# What belongs to the installation and to no shop, location or party: it has one rule, who holds the right everywhere.
INSTALLATION = frozenset(
    {"audit", "demo", "events", "imports", "jobs", "ledger", "live", "masters", "media", "roles", "settings"}
    | {"staff", "waiting", "webhooks"}
)


# Lists of things that have not got a dimension: who is bound in it sees them all. Everything else is narrowed.
FREE = {
    # A customer belongs to a shop, and every store serves him.
    "/office/customers": {"location"},
    # Where stores are stands in the shop for everybody.
    "/office/locations": {"shop", "party"},
    "/office/shops": {"location"},
    # Goods lie at a place and belong to a party, whichever shops sell them.
    "/office/stock": {"shop"},
}


def is_free(route: Route, bound: str) -> bool:
    """Whether who is bound in this dimension may read all of what the route is about."""
    where = route.right.where
    if not (route.right.name or "").endswith(".read"):
        return False
    if isinstance(where, Thing):
        return bound in where.free
    if where == "shop":
        return bound == "location"
    return any(route.path.startswith(path) and bound in free for path, free in FREE.items())


class Scene:
    """Both applications on one database, two worlds, a client for each application."""

    def __init__(self, db: Database, ours: World, theirs: World, apps: dict[str, Litestar], fresh: Fresh) -> None:
        self.db = db
        self.ours = ours
        self.theirs = theirs
        self.apps = apps
        self.fresh = fresh
        self.clients = {role: _client(app) for role, app in apps.items()}
        self.routes = [route for role, app in apps.items() for route in routes_of(app, role)]


def _client(app: Litestar) -> httpx.AsyncClient:
    served: Any = app  # Litestar's scope is a narrower type than httpx's
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=served, raise_app_exceptions=False), base_url=ORIGIN)


class Stage(Struct, frozen=True):
    """Both applications on one database. Made once: that takes longer than what most tests here ask of them."""

    db: Database
    desk: Desk
    apps: dict[str, Litestar]


@pytest.fixture(scope="module")
async def stage(anyio_backend: Any, databases: Databases, settings: Settings) -> AsyncIterator[Stage]:
    dsn = databases.migrated()
    async with opened(dsn) as db, running(dsn) as desk:
        await staffing.install(db)
        links, tags = Links(b"s" * 32), Tags()
        apps = {
            "api": web.make_api(Process("api", settings, db, desk, links, tags)),  # type: ignore[arg-type]
            "pages": web.make_pages(Process("pages", settings, db, desk, links, tags)),  # type: ignore[arg-type]
        }
        yield Stage(db, desk, apps)


@pytest.fixture
async def scene(stage: Stage, fresh: Fresh) -> Scene:
    """Worlds of their own for each test."""
    ours, theirs, house = [await world(stage.db, stage.desk, fresh) for _ in range(3)]
    for app in stage.apps.values():
        # Neither world's shop is the one that this address serves: what belongs to that is foreign to both.
        app.state.shop_of = _always(house.shop)
        app.state.shop = (float("inf"), house.shop)
    return Scene(stage.db, ours, theirs, dict(stage.apps), fresh)


def _always(shop: Any) -> Any:
    async def shop_of(_: Any) -> Any:
        return shop

    return shop_of


def _area(ours: World, bound: str) -> Area:
    return {
        "shop": Area(shop_id=ours.shop.id),
        "location": Area(location_id=ours.location_id),
        "party": Area(party_id=ours.party_id),
    }[bound]


async def walk(scene: Scene, routes: list[Route], walkers: list[tuple[str, str]]) -> Report:
    """Try every route with every walker and foreign ids."""
    report = Report(routes=len(routes), roles=len(walkers))
    known = scene.theirs.ids
    for role, bound in walkers:
        token = await token_of(scene.db, scene.fresh, role, _area(scene.ours, bound))
        for route in routes:
            leaks = await _tried(scene, route, token, known, report, free=is_free(route, bound))
            report.leaks += [f"{role} of a {bound}: {leak}" for leak in leaks]
    return report


async def _tried(
    scene: Scene, route: Route, token: str, known: dict[str, Any], report: Report, *, free: bool
) -> list[str]:
    missing = [name for name, kind in route.parameters if name not in known and kind in ("uuid", "int")]
    fillers = dict.fromkeys((name for name, _ in route.parameters), "x")
    absent = nothing(scene.theirs) | {name: nothing(scene.theirs)["order_id"] for name in missing}
    foreign = fillers | {name: absent[name] for name in missing} | known
    if missing and isinstance(route.right.where, Thing):
        report.untried.append(f"{route}: no world has a {missing[0]}")
        return []
    client = scene.clients[route.role]
    address = route.filled(foreign)
    report.tried += 1
    answer = await ask(client, route, address, token, scene.fresh)
    found = [f"{route} breaks: {answer.text[:40]!r}"] if answer.status_code >= 500 else list[str]()
    if free:
        return found
    if scene.theirs.mark in answer.text.lower().replace(scene.theirs.ids["order_id"].hex, ""):
        found.append(f"{route} names what is not theirs ({answer.status_code})")
    if isinstance(route.right.where, Thing):
        if not refused(answer):
            found.append(f"{route} answers {answer.status_code} for a foreign id")
        unknown = route.filled(fillers | absent)
        report.tried += 1
        other = await ask(client, route, unknown, token, scene.fresh)
        if answer.status_code != 403 and masked(answer, address) != masked(other, unknown):
            found.append(
                f"{route} tells what exists: {answer.status_code} for a foreign id, {other.status_code} for none"
            )
    if route.right.where in ("everywhere", "shop") and not refused(answer):
        found.append(f"{route} answers {answer.status_code} to somebody who is bound elsewhere")
    return found


async def _facts(scene: Scene) -> list[tuple[Any, ...]]:
    """What walkers could have changed of the second world."""
    ids = scene.theirs.ids
    async with scene.db.reading() as conn:
        rows = await conn.raw.fetch(
            """
            select 'order', count(*)::text from orders.amendments where order_id = $1
            union all select 'payment', p::text from payments.payments p where id = $2
            union all select 'charge', c::text from payments.charges c where id = $3
            union all select 'pool', p::text from pools.pools p where id = $4
            union all select 'stock', count(*)::text from inventory.stock where location_id = $5
            union all select 'prices', count(*)::text from pricing.prices where shop_id = $6
            union all select 'customer', c::text from customers.customers c where id = $7
            union all select 'withdrawal', w::text from returns.withdrawals w where id = $8
            union all select 'page', p::text from content.pages p where id = $9
            union all select 'drafts', count(*)::text from content.drafts where page_id = $9
            union all select 'mail', m::text from kernel.mails m where id = $10
            union all select 'roles', count(*)::text from kernel.roles
            """,
            *(ids[name] for name in ("order_id", "payment_id", "charge_id", "pool_id", "location_id", "shop_id")),
            *(ids[name] for name in ("customer_id", "withdrawal_id", "page_id", "mail_id")),
        )
    return sorted(tuple(row) for row in rows)


async def test_nothing_leaks(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    before = await _facts(scene)
    report = await walk(scene, scene.routes, list(WALKERS))
    with capsys.disabled():
        print(f"\n{report}", *report.leaks, sep="\n")
    assert "\n".join(report.leaks) == "" and report.untried == []
    assert await _facts(scene) == before
    assert report.tried > 500


async def test_guests_see_none_of_it(scene: Scene) -> None:
    for route in scene.routes:
        ids = dict.fromkeys((name for name, _ in route.parameters), "x") | scene.theirs.ids
        ids |= {
            name: scene.theirs.ids["order_id"]
            for name, kind in route.parameters
            if kind == "uuid" and name not in scene.theirs.ids
        }
        ids |= {name: 1 for name, kind in route.parameters if kind == "int" and name not in scene.theirs.ids}
        answer = await ask(scene.clients[route.role], route, route.filled(ids), None, scene.fresh)
        assert (
            answer.status_code == 401 or refused(answer) or (answer.status_code == 303 and route.method not in READING)
        ), f"{route}: {answer.status_code}"
        assert scene.theirs.mark not in answer.text


async def test_who_is_theirs_is_served(scene: Scene) -> None:
    """The other side: what belongs to the walker's world is answered, so that refusing everything is no way to pass."""
    own = scene.ours.ids
    for role, bound, addresses in [
        ("Shop assistant", "location", ("/api/v1/orders/{order_id}", "/api/v1/payments/{payment_id}")),
        ("Customer service", "shop", ("/api/v1/orders/{order_id}", "/api/v1/charges/{charge_id}")),
        ("Partner", "party", ("/api/v1/orders/{order_id}",)),
    ]:
        token = await token_of(scene.db, scene.fresh, role, _area(scene.ours, bound))
        headers = {"authorization": f"Bearer {token}"}
        for address in addresses:
            answer = await scene.clients["api"].get(address.format(**own), headers=headers)
            assert answer.status_code == 200, (role, address, answer.text)
        listed = await scene.clients["api"].get("/api/v1/orders", headers=headers)
        assert [row["id"] for row in listed.json()["items"]] == [str(own["order_id"])], role


# What the palette may lead anybody to who may read it at all: the catalogue is everybody's, the rest as lists are.
_EVERYBODYS = ("/office/products", "/office/categories", "/office/prices")


async def test_the_palette_leads_to_nothing_foreign(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    """It is open to whoever is signed in, so the walk over declared rights passes it by: each finder narrows by itself.
    Asked as a page and as the palette does, with every word by which somebody could look for a thing of another's."""
    theirs, ours = scene.theirs, scene.ours
    words = [
        theirs.mark,
        theirs.mark[:6],
        f"{theirs.mark.upper()}-1",
        f"{theirs.mark}-1",
        f"{theirs.mark}@example.org",
        f"{theirs.mark} Muster",
        theirs.location,
        theirs.sku,
        str(theirs.ids["order_id"]),
    ]
    foreign = {str(id) for id in theirs.ids.values()}
    tried = 0
    leaks: list[str] = []
    for role, bound in WALKERS:
        signed_in = await session_of(scene.db, scene.fresh, role, _area(ours, bound))
        free = tuple(path for path, dimensions in FREE.items() if bound in dimensions)
        for word in words:
            for part in ({}, {"hx-request": "true"}):
                headers = {"cookie": signed_in, **part}
                answer = await scene.clients["pages"].get("/office/find", params={"q": word}, headers=headers)
                assert answer.status_code == 200, (role, word, answer.text[:200])
                tried += 1
                leaks += [
                    f"{role} of a {bound}: {word} leads to {href}"
                    for href in re.findall(r'href="(/office/[^"]+)"', answer.text)
                    if foreign.intersection(href.partition("?")[0].split("/"))
                    and not href.startswith((*_EVERYBODYS, *free))
                ]
    with capsys.disabled():
        print(f"\nwords x roles tried in the palette: {len(words)} x {len(WALKERS)}, {tried}; leaks: {len(leaks)}")
    assert leaks == []
    # The other side: what is theirs, people find.
    signed_in = await session_of(scene.db, scene.fresh, "Customer service", _area(ours, "shop"))
    for word, id in ((f"{ours.mark.upper()}-1", "order_id"), (f"{ours.mark}@example.org", "customer_id")):
        answer = await scene.clients["pages"].get("/office/find", params={"q": word}, headers={"cookie": signed_in})
        assert str(ours.ids[id]) in answer.text, word
    token = await token_of(scene.db, scene.fresh, "Owner", _area(theirs, "shop"))
    for headers in ({}, {"authorization": f"Bearer {token}"}):
        answer = await scene.clients["pages"].get("/office/find", params={"q": theirs.mark}, headers=headers)
        assert refused(answer) and str(theirs.ids["order_id"]) not in answer.text


async def test_what_asks_for_a_person_lets_nobody_else_in(scene: Scene) -> None:
    """Pages about one's own account declare no right, so the walk passes them by: guests and programs are sent away."""
    token = await token_of(scene.db, scene.fresh, "Owner", _area(scene.ours, "shop"))
    own = [route for role, app in scene.apps.items() for route in routes_of(app, role, personal=True)]
    assert len(own) >= 8
    for route in own:
        address = re.sub(r"\{[^}]+\}", str(scene.ours.ids["order_id"]), route.path)
        for secret in (None, token):
            answer = await ask(scene.clients[route.role], route, address, secret, scene.fresh)
            # A form whose session is over comes back with what was typed; what was done would say so.
            back = answer.status_code == 303 and "done" not in answer.headers["location"]
            assert refused(answer) or back, (route, secret is None, answer.status_code)


async def test_what_a_body_names_is_checked_too(scene: Scene) -> None:
    """A till of one store sells and receives there and nowhere else."""
    token = await token_of(scene.db, scene.fresh, "Shop assistant", _area(scene.ours, "location"))
    for place, status in ((scene.ours, 201), (scene.theirs, 404)):
        headers = {"authorization": f"Bearer {token}", "idempotency-key": scene.fresh.text("key")}
        lines = [{"sku": place.sku, "quantity": 3}]
        receipt = await scene.clients["api"].post(
            "/api/v1/stock/receipts", headers=headers, json={"location": place.location, "lines": lines}
        )
        assert receipt.status_code == status, receipt.text
        sale = {
            "till": "X1",
            "receipt": scene.fresh.text("r"),
            "location": place.location,
            "occurred_at": clock.now().isoformat(),
            "lines": [{"sku": place.sku, "quantity": 1, "gross_minor": 100}],
        }
        headers["idempotency-key"] = scene.fresh.text("key")
        sold = await scene.clients["api"].post("/api/v1/sales", headers=headers, json=sale)
        assert sold.status_code == status, sold.text


async def test_money_goes_back_up_to_a_limit_however_it_is_parted(scene: Scene) -> None:
    from lotse.kernel.auth import roles, tokens
    from lotse.kernel.auth.principal import SYSTEM, Grant

    at = clock.now()
    async with scene.db.transaction() as tx:
        made = await tokens.make(tx, name="service", days=1, actor="system", at=at)
        for grant in (
            Grant("orders.refund", shop_id=scene.ours.shop.id, limit_minor=1000, currency="EUR"),
            Grant("payments.read", shop_id=scene.ours.shop.id),
        ):
            await roles.give_right(tx, holder=roles.Holder(token_id=made.id), grant=grant, by=SYSTEM, at=at)
        await tx.raw.execute("delete from payments.charges where id = $1", scene.ours.ids["charge_id"])
        # Somebody else has agreed that it is owed back.
        await tx.raw.execute(
            "update payments.payments set credited_minor = amount_minor where id = $1", scene.ours.ids["payment_id"]
        )
    address = f"/api/v1/payments/{scene.ours.ids['payment_id']}/refunds"

    async def refund(amount: int, reference: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {made.secret}", "idempotency-key": scene.fresh.text("key")}
        body = {"amount_minor": amount, "reference": reference, "reason": "too small"}
        return await scene.clients["api"].post(address, headers=headers, json=body)

    whole = await refund(1001, "a")
    assert (whole.status_code, whole.json()["type"]) == (403, "urn:lotse:refusal:over-limit"), whole.text
    assert whole.json()["limit_minor"] == 1000
    part = await refund(600, "b")
    assert part.status_code == 201, part.text
    rest = await refund(401, "c")
    assert (rest.status_code, rest.json()["amount_minor"]) == (403, 1001)
    assert (await refund(400, "d")).status_code == 201
    async with scene.db.reading() as conn:
        told = await conn.raw.fetch(
            "select reason, actor, origin_kind from kernel.audit where subject = $1 order by id",
            f"payments.payment:{scene.ours.ids['payment_id']}",
        )
    assert [tuple(row) for row in told] == [("too small", f"token:{made.id}", "api")] * 2


# -- the walk finds what it looks for


@pytest.fixture
def leaky(scene: Scene) -> Iterator[Scene]:
    """The same, and routes as somebody might write them."""
    theirs = scene.theirs

    @get("/leaky/{order_id:uuid}", guards=[needs("orders.read", "common")])
    async def no_guard(order_id: Any) -> str:
        return f"order {order_id} of {theirs.mark}"

    @get("/leaky/list", guards=[needs("orders.read", "narrowed")])
    async def forgets_to_narrow() -> str:
        return f"all orders, also of {theirs.mark}"

    @get("/leaky/pretends", guards=[needs("orders.read", "narrowed")])
    async def narrows_and_shows_all(principal: Principal) -> str:
        principal.within("orders.read")
        return f"all orders, also of {theirs.mark}"

    @get("/leaky/guarded/{order_id:uuid}", guards=[needs("orders.read", ORDER)])
    async def guarded(order_id: Any) -> str:
        return f"order {order_id} of {theirs.mark}"

    @get("/leaky/told/{order_id:uuid}", guards=[needs("orders.read", "narrowed")])
    async def tells_what_exists(principal: Principal, order_id: Any) -> str:
        principal.within("orders.read")
        return "there is one" if str(order_id) == str(theirs.ids["order_id"]) else "there is none"

    async def principal_of(request: Any) -> Principal:
        from lotse.kernel.auth.authenticate import principal_of

        return await principal_of(request)

    app = Litestar(
        [no_guard, forgets_to_narrow, narrows_and_shows_all, guarded, tells_what_exists],
        dependencies={"principal": Provide(principal_of)},
        state=State({"database": scene.db, "tokens": Tokens(), "shop_of": _always(theirs.shop)}),
        after_request=web._refuse_forgotten,  # pyright: ignore[reportPrivateUsage]
        openapi_config=None,
        exception_handlers={Exception: _shown},
    )
    scene.apps["leaky"] = app
    scene.clients["leaky"] = _client(app)
    yield scene


def _shown(_: Any, error: Exception) -> Any:
    from litestar import Response

    return Response(type(error).__name__, status_code=getattr(error, "status", 500), media_type="text/plain")


@pytest.mark.parametrize(
    ("path", "leaks"),
    [
        ("/leaky/{order_id:uuid}", ["names what is not theirs"]),
        # Nothing is shown, but the mistake is.
        ("/leaky/list", ["breaks: 'NotNarrowed'"]),
        ("/leaky/pretends", ["names what is not theirs"]),
        ("/leaky/guarded/{order_id:uuid}", []),
    ],
)
async def test_the_walk_finds_a_leak(leaky: Scene, path: str, leaks: list[str]) -> None:
    routes = [
        route for route in routes_of(leaky.apps["leaky"], "leaky") if route.path == path and route.method == "GET"
    ]
    assert len(routes) == 1
    report = await walk(leaky, routes, [("Shop assistant", "location")])
    assert len(report.leaks) == len(leaks), report.leaks
    assert all(part in leak for part, leak in zip(leaks, report.leaks, strict=True))


# -- what routes declare


def _every_route(settings: Settings) -> list[Route]:
    links, tags = Links(b"s" * 32), Tags()
    process = {name: Process(name, settings, None, None, links, tags) for name in ("api", "pages")}  # type: ignore[arg-type]
    api, pages = web.make_api(process["api"]), web.make_pages(process["pages"])
    return [*routes_of(api, "api"), *routes_of(pages, "pages")]


def thing_of(route: Route) -> str:
    """`orders` of `orders.read`."""
    return (route.right.name or "").partition(".")[0]


def unsaid(routes: list[Route]) -> list[str]:
    """Routes about objects that do not say for which the right must be held."""
    return sorted(
        f"{route}: say for which things, needs(right, THING) or needs(right, 'everywhere')"
        for route in routes
        if route.about_objects and not route.right.said and thing_of(route) not in INSTALLATION
    )


def test_every_route_about_objects_says_whose(settings: Settings) -> None:
    assert unsaid(_every_route(settings)) == []


def test_a_route_that_does_not_say_is_found() -> None:
    def route(guard: Right) -> Route:
        return Route("api", "GET", "/api/v1/things/{thing_id:uuid}", guard, "thing")

    assert len(unsaid([route(needs("things.read"))])) == 1
    assert unsaid([route(needs("things.read", "everywhere")), route(needs("things.read", ORDER))]) == []


def test_things_are_named_by_their_path(settings: Settings) -> None:
    for route in _every_route(settings):
        if isinstance(route.right.where, Thing):
            assert route.right.where.parameter in dict(route.parameters), route


def test_ready_roles_give_rights_that_exist() -> None:
    known = set(web.rights())
    named = {grant.right for role in staffing.ready() for grant in role.grants} - {"*"}
    # Of pages that come with other parts of an installation.
    assert named - known <= {"audit.read", "jobs.read", "jobs.write", "ledger.read", "settings.read", "shops.read"}
    walked = {role for role, _ in WALKERS}
    assert walked == {role.name for role in staffing.ready()}


def test_two_rights_on_one_route_are_a_mistake() -> None:
    @get("/", guards=[needs("a.read"), needs("b.read")])
    async def both() -> None: ...

    assert isinstance(both, HTTPRouteHandler)
    with pytest.raises(ValueError, match="one right"):
        declared(both.guards)


def test_where_is_one_of_few() -> None:
    assert {where_of(Route("api", "GET", "/", needs("a.read", where), "x")) for where in ("common", "shop")} == {
        "common",
        "shop",
    }
