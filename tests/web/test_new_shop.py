"""A company, a shop and where it sells from, made in the back office by their forms."""

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar
from msgspec import Struct

from lotse.domains.inventory.queries import locations_of_shop
from lotse.domains.parties.queries import legal_entity_by_code, shop_by_code
from lotse.kernel import clock
from lotse.kernel.auth import tokens
from lotse.kernel.db import Database
from lotse.testing import Fresh
from tests.scene import Place, open_shop
from tests.web.conftest import ORIGIN, at_origin

RIGHTS = ["settings.read", "settings.write", "inventory.read", "inventory.write"]


class Office(Struct, frozen=True):
    place: Place
    posts: httpx.AsyncClient
    pages: httpx.AsyncClient

    async def post(self, path: str, **typed: str) -> httpx.Response:
        return await self.posts.post(path, data=typed)


@pytest.fixture
async def office(whole_api: Litestar, whole_pages: Litestar, db: Database, fresh: Fresh) -> AsyncIterator[Office]:
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
        made = await tokens.make(tx, name="test", scopes=RIGHTS, days=1, actor="system", at=clock.now())
    whole_api.state.shop = whole_pages.state.shop = (float("inf"), place.shop)
    async with at_origin(whole_api) as posts, at_origin(whole_pages) as pages:
        for client in (posts, pages):
            client.headers.update({"Authorization": f"Bearer {made.secret}", "Origin": ORIGIN})
        yield Office(place, posts, pages)


async def test_from_nothing_to_a_shop_that_places_serve(office: Office, db: Database, fresh: Fresh) -> None:
    code = fresh.text("house")
    company = {"code": code, "name": "Neues Haus GmbH", "country": "DE", "currency": "EUR", "timezone": "Europe/Berlin"}
    assert (await office.pages.get("/office/settings/companies/new")).status_code == 200
    made = await office.post("/office/settings/companies/new", **company, city="Kiel")
    assert made.status_code == 303 and "done=saved" in made.headers["location"], made.text
    shop = {**company, "name": "Neuer Laden", "company": code, "channel": "web", "languages": "de, en", "gross": "no"}
    form = await office.pages.get("/office/shops/new")
    assert form.status_code == 200 and "Neues Haus GmbH" in form.text
    made = await office.post("/office/shops/new", **shop)
    assert made.status_code == 303 and "done=saved" in made.headers["location"], made.text
    async with db.reading() as conn:
        entity, stored = await legal_entity_by_code(conn, code=code), await shop_by_code(conn, code=code)
    assert entity and stored and entity.address.city == "Kiel"
    assert (stored.legal_entity_id, stored.owner_party_id) == (entity.id, entity.party_id)
    assert (stored.languages, stored.channel, stored.gross) == (["de", "en"], "web", False)

    path = f"/office/shops/{stored.id}/locations"
    shown = await office.pages.get(path)
    assert shown.status_code == 200 and f"rank.{office.place.store}" in shown.text
    ranks = {f"rank.{office.place.warehouse}": "20", f"rank.{office.place.store}": "10"}
    assert (await office.post(path, **ranks)).status_code == 303
    async with db.reading() as conn:
        order = [one.id for one in await locations_of_shop(conn, shop_id=stored.id)]
    assert order == [office.place.store, office.place.warehouse]
    assert "Sells from" in (await office.pages.get(f"/office/shops/{stored.id}?language=en")).text


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("/office/shops/new", {"code": "Not A Code"}),
        ("/office/shops/new", {"code": "house", "company": "nobody"}),
        ("/office/shops/new", {"currency": "XYZ"}),
        ("/office/shops/new", {"country": "Deutschland"}),
        ("/office/shops/new", {"channel": "pigeon"}),
        ("/office/settings/companies/new", {"timezone": "Mars/Olympus"}),
        ("/office/settings/companies/new", {"vat_id": "DE1"}),
        ("/office/settings/companies/new", {"iban": "DE00"}),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_made(
    office: Office, db: Database, fresh: Fresh, path: str, typed: dict[str, str]
) -> None:
    code = fresh.text("house")
    whole = {
        "code": code,
        "name": "Haus",
        "country": "DE",
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "company": "nobody",
        "channel": "web",
        "languages": "de",
        "gross": "yes",
    }
    answer = await office.post(path, **{**whole, **typed})
    assert "done=" not in answer.headers.get("location", "") and answer.status_code in (303, 409, 422)
    async with db.reading() as conn:
        assert await shop_by_code(conn, code=code) is None and await legal_entity_by_code(conn, code=code) is None


async def test_a_rank_is_a_number_and_a_place_is_there(office: Office, fresh: Fresh) -> None:
    path = f"/office/shops/{office.place.shop.id}/locations"
    for rank in ({f"rank.{office.place.store}": "first"}, {f"rank.{fresh.id()}": "1"}, {"rank.x": "1"}):
        assert "done=" not in (await office.post(path, **rank)).headers.get("location", "")
