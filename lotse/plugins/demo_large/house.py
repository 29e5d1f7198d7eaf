"""Where the goods go: the web shop that is there, or an invented department store where there is none.

The street, the bank and the VAT id are invented as in the other demo: the domain ends in `.example` (RFC 2606), the
numbers have right check digits and belong to nobody.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

from lotse.domains.checkout.commands import put_shipping
from lotse.domains.inventory.commands import put_locations, serve_shop
from lotse.domains.inventory.contracts import PutLocation
from lotse.domains.inventory.queries import locations_of_shop
from lotse.domains.parties.commands import put_legal_entity, put_party, put_shop
from lotse.domains.parties.contracts import BankAccount, PostalAddress
from lotse.domains.parties.queries import shops
from lotse.kernel.db import Database, Transaction

ACTOR: Final = "import:demo-large"
CODE: Final = "alsterkai"
NAME: Final = "Warenhaus Alsterkai"
LEGAL_NAME: Final = "Warenhaus Alsterkai GmbH"
LANGUAGES: Final = ("de", "en")
CURRENCY: Final = "EUR"
COUNTRY: Final = "DE"
TIMEZONE: Final = "Europe/Berlin"
WAREHOUSE: Final = "alsterkai-lager"
# Country, price in cents, and from what value of goods it is free.
_SHIPPING: Final = (("DE", 495, 4_900), ("AT", 995, 15_000))


class WrongShop(Exception):
    """The shop that is there cannot sell these goods."""


class House(Struct, frozen=True):
    """The shop, its owner and the place where the goods lie."""

    shop_id: UUID
    shop_name: str
    party_id: UUID
    location_id: UUID


async def opened(database: Database, *, at: datetime) -> House:
    """The oldest web shop, which is the one that is shown; founded if there is none. Raises `WrongShop`."""
    async with database.transaction() as tx:
        webs = [shop for shop in (await shops(tx)).items if shop.channel == "web"]
        if not webs:
            await _founded(tx, at=at)
            webs = [shop for shop in (await shops(tx)).items if shop.channel == "web"]
        shop = min(webs, key=lambda one: one.id)
        if shop.currency != CURRENCY or not shop.gross:
            raise WrongShop(f"the prices are euros with tax; {shop.name} sells in {shop.currency}")
        served = await locations_of_shop(tx, shop_id=shop.id)
        if served:
            return House(shop.id, shop.name, shop.owner_party_id, served[0].id)
        location_id = await _warehouse(tx, at=at)
        await serve_shop(tx, shop_id=shop.id, location_ids=[location_id], by=ACTOR, at=at)
        return House(shop.id, shop.name, shop.owner_party_id, location_id)


async def _founded(tx: Transaction, *, at: datetime) -> None:
    party_id = await put_party(
        tx,
        kind="organisation",
        name=NAME,
        legal_name=LEGAL_NAME,
        email="moin@alsterkai.example",
        phone="+49 40 66969 300",
        roles=("seller",),
        by=ACTOR,
        at=at,
    )
    entity_id = await put_legal_entity(
        tx,
        code=CODE,
        party_id=party_id,
        name=LEGAL_NAME,
        country=COUNTRY,
        currency=CURRENCY,
        timezone=TIMEZONE,
        vat_id="DE999999987",
        address=PostalAddress(street="Alsterkaje 7", postcode="20354", city="Hamburg", country=COUNTRY),
        bank_account=BankAccount(LEGAL_NAME, "DE28000000000000000823"),
        by=ACTOR,
        at=at,
    )
    shop_id = await put_shop(
        tx,
        code=CODE,
        name=NAME,
        legal_entity_id=entity_id,
        owner_party_id=party_id,
        languages=LANGUAGES,
        currency=CURRENCY,
        country=COUNTRY,
        timezone=TIMEZONE,
        by=ACTOR,
        at=at,
    )
    for country, price_minor, free_from_minor in _SHIPPING:
        await put_shipping(
            tx,
            shop_id=shop_id,
            country=country,
            price_minor=price_minor,
            free_from_minor=free_from_minor,
            valid_from=at,
            by=ACTOR,
            at=at,
        )


async def _warehouse(tx: Transaction, *, at: datetime) -> UUID:
    place = PutLocation(
        code=WAREHOUSE,
        kind="warehouse",
        name="Lager (Bestand abgeleitet)",
        address=PostalAddress(street="Speicherdamm 40", postcode="21129", city="Hamburg", country=COUNTRY),
        country=COUNTRY,
        timezone=TIMEZONE,
        latitude=53.5335,
        longitude=9.8757,
        opening_hours={day: [["06:00", "22:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat")},
    )
    return (await put_locations(tx, [place], by=ACTOR, at=at))[WAREHOUSE]
