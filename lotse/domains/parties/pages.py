"""Shops and the companies behind them in the back office: what they are, and what may be changed of them."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Meta, Struct

from lotse.domains.parties import commands, queries
from lotse.domains.parties.contracts import BankAccount, Channel, LegalEntity, PostalAddress, Shop, ShopListing
from lotse.domains.parties.queries import SHOP
from lotse.domains.parties.rules import check_country, check_language, check_timezone
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.money import UnknownCurrency, minor_digits
from lotse.kernel.pages.editing import Editor, same_version, shown, typed_in
from lotse.kernel.pages.forms import NOT_ALLOWED, Error, FormIncomplete
from lotse.kernel.pages.history import history_of
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.slots import Answerer, Ask
from lotse.kernel.pages.table import Action, Column, Field, Nothing, Option, Scope, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid, NotFound

CHANNELS = {
    "web": Option(N_("web shop")),
    "till": Option(N_("till")),
    "marketplace": Option(N_("marketplace")),
    "agent": Option(N_("agent")),
    "desk": Option(N_("customer service")),
    "api": Option(N_("API")),
}
REFUSED = {
    "invalid-iban": N_("This is no IBAN. Please check its digits."),
    "invalid-vat-id": N_("This is no VAT id of the country."),
    "invalid": N_("One of the fields does not look right. Please check it."),
}


def _within(scope: Scope) -> dict[str, Any]:
    columns = scope.within(by=("shop",), free=("location",)).columns()
    return {name: columns[name] for name in ("everything", "in_shops")}


SHOPS = Table(
    name="parties.shops",
    path="/office/shops",
    title=N_("Shops and channels"),
    icon="store",
    right="settings.read",
    where="narrowed",
    statement=queries.READS.shop_table,
    params=_within,
    row=ShopListing,
    key="id",
    label="code",
    row_path="/office/shops/{}",
    order="code",
    columns=(
        Column("name", N_("Name"), link=True, phone="title"),
        Column("code", N_("Code"), kind="code", sort=True, filter="begins"),
        Column("channel", N_("Channel"), kind="choice", filter="choice", options=CHANNELS),
        Column("legal_entity", N_("Legal entity")),
        Column("languages", N_("Languages")),
        Column("currency", N_("Currency"), kind="code", filter="equals"),
        Column("country", N_("Country"), kind="code"),
        Column("gross", N_("Prices with tax"), kind="flag", shown=False),
        Column("timezone", N_("Time zone"), shown=False),
    ),
    search=Search(
        "(lower(t.name) like '%' || lower(:words) || '%' or t.code like lower(:words) || '%')",
        lambda text: {"words": text.replace("%", "").replace("_", "")},
        N_("Name or code"),
    ),
    actions=(Action(N_("New shop"), "/office/shops/new", "settings.write", "plus"),),
    nothing=Nothing(
        N_("No shops yet"),
        N_("A shop is a place to sell with its own address, look and assortment."),
        Action(N_("New shop"), "/office/shops/new", "settings.write", "plus"),
    ),
)


class EditShop(Struct, frozen=True):
    """What is typed to change a shop. `languages`: codes with commas, the first is the one to fall back on."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    languages: Annotated[str, Meta(min_length=2, max_length=200)]
    timezone: Annotated[str, Meta(min_length=1, max_length=64)]


def languages_of(text: str) -> list[str]:
    """`de, en` as codes."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _check_shop(typed: EditShop) -> dict[str, str]:
    wrong: dict[str, str] = {}
    try:
        for language in languages_of(typed.languages):
            check_language(language, "languages")
    except Invalid:
        wrong["languages"] = NOT_ALLOWED
    if not languages_of(typed.languages):
        wrong["languages"] = NOT_ALLOWED
    try:
        check_timezone(typed.timezone, "timezone")
    except Invalid:
        wrong["timezone"] = NOT_ALLOWED
    return wrong


SHOP_EDITOR = Editor(
    EditShop,
    (
        Field("name", N_("Name")),
        Field("languages", N_("Languages"), hint=N_("Codes with commas; the first speaks when no other fits.")),
        Field("timezone", N_("Time zone"), hint=N_("Decides what today is.")),
    ),
    check=_check_shop,
    refusals=REFUSED,
)


_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
NOT_A_CODE = N_("Small letters, digits and hyphens, beginning with a letter or digit.")
CODE_TAKEN = N_("Another one has this code.")
NOT_A_CURRENCY = N_("Three letters of a currency, like EUR.")
NO_COMPANY = N_("A shop needs a company that owes the tax. Make that first, under Settings.")


class NewShop(EditShop, frozen=True, kw_only=True):
    """What is typed to make a shop. `company` is the code of the legal entity that sells there and owes the tax."""

    code: Annotated[str, Meta(min_length=1, max_length=63)]
    channel: Channel
    company: Annotated[str, Meta(min_length=1, max_length=63)]
    currency: Annotated[str, Meta(min_length=3, max_length=3)]
    country: Annotated[str, Meta(min_length=2, max_length=2)]
    gross: Literal["yes", "no"] = "yes"


def _check_form(typed: Any) -> dict[str, str]:
    """What both forms of something new have: a code, a country, a currency, a zone."""
    wrong: dict[str, str] = {} if _CODE.fullmatch(typed.code) else {"code": NOT_A_CODE}
    for name, check in (("country", check_country), ("timezone", check_timezone)):
        try:
            check(getattr(typed, name), name)
        except Invalid:
            wrong[name] = NOT_ALLOWED
    try:
        minor_digits(typed.currency)
    except UnknownCurrency:
        wrong["currency"] = NOT_A_CURRENCY
    return wrong


def _new_shop(entities: Sequence[LegalEntity]) -> Editor[NewShop]:
    """The form of a new shop: its company is one of those that there are, and what they have is what it begins with."""
    first = entities[0] if entities else None
    return Editor(
        NewShop,
        (
            Field("name", N_("Name")),
            Field("code", N_("Code"), hint=N_("Names it in addresses, files and the API, for ever: my-shop.")),
            Field("channel", N_("Channel"), kind="choice", options={c: one.label for c, one in CHANNELS.items()}),
            Field("company", N_("Legal entity"), kind="choice", options={one.code: one.name for one in entities}),
            Field("languages", N_("Languages"), value="de", hint=SHOP_EDITOR.fields[1].hint),
            Field("currency", N_("Currency"), value=first.currency if first else "EUR"),
            Field("country", N_("Country"), value=first.country if first else "DE", hint=N_("Two letters, like DE.")),
            Field("timezone", N_("Time zone"), value=first.timezone if first else "Europe/Berlin"),
            Field(
                "gross",
                N_("Prices with tax"),
                kind="choice",
                options={"yes": N_("yes"), "no": N_("no")},
                hint=N_("How prices are typed and shown: with tax for consumers, without for business customers."),
            ),
        ),
        check=lambda typed: _check_form(typed) | _check_shop(typed),
        refusals=REFUSED,
    )


class EditEntity(Struct, frozen=True):
    """What is typed to change a company: what stands on invoices, and where buyers transfer to."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    vat_id: Annotated[str, Meta(max_length=40)] = ""
    street: Annotated[str, Meta(max_length=200)] = ""
    postcode: Annotated[str, Meta(max_length=20)] = ""
    city: Annotated[str, Meta(max_length=100)] = ""
    holder: Annotated[str, Meta(max_length=200)] = ""
    iban: Annotated[str, Meta(max_length=42)] = ""
    bic: Annotated[str, Meta(max_length=11)] = ""


ENTITY_EDITOR = Editor(
    EditEntity,
    (
        Field("name", N_("Name")),
        Field("vat_id", N_("VAT id"), required=False),
        Field("street", N_("Street"), required=False),
        Field("postcode", N_("Postcode"), required=False),
        Field("city", N_("City"), required=False),
        Field("holder", N_("Account holder"), required=False),
        Field("iban", N_("IBAN"), required=False, hint=N_("Buyers who pay in advance transfer to it.")),
        Field("bic", N_("BIC"), required=False),
    ),
    refusals=REFUSED,
)


class NewEntity(EditEntity, frozen=True, kw_only=True):
    """What is typed to make a company that sells."""

    code: Annotated[str, Meta(min_length=1, max_length=63)]
    country: Annotated[str, Meta(min_length=2, max_length=2)]
    currency: Annotated[str, Meta(min_length=3, max_length=3)]
    timezone: Annotated[str, Meta(min_length=1, max_length=64)]


NEW_ENTITY = Editor(
    NewEntity,
    (
        Field("name", N_("Name"), hint=N_("As the commercial register has it; it stands on invoices.")),
        Field("code", N_("Code"), hint=NOT_A_CODE),
        Field("country", N_("Country"), value="DE", hint=N_("Two letters, like DE.")),
        Field("currency", N_("Currency"), value="EUR", hint=N_("Its books are kept in it.")),
        Field(
            "timezone", N_("Time zone"), value="Europe/Berlin", hint=N_("Decides in which month something is booked.")
        ),
        *ENTITY_EDITOR.fields[1:],
    ),
    check=_check_form,
    refusals=REFUSED,
)
LABELS = {field.name: field.label for field in (*SHOP_EDITOR.fields, *ENTITY_EDITOR.fields)} | {
    "address": N_("Address"),
    "bank_account": N_("Bank account"),
}


def _edit_of(shop: Shop) -> EditShop:
    return EditShop(shop.name, ", ".join(shop.languages), shop.timezone)


def _entity_of(entity: LegalEntity) -> EditEntity:
    address, account = entity.address, entity.bank_account
    return EditEntity(
        entity.name,
        entity.vat_id,
        address.street,
        address.postcode,
        address.city,
        account.holder,
        account.iban,
        account.bic,
    )


@get("/office/shops/new", guards=[needs("settings.write")])
async def new_shop(view: View, database: Database, draft: Draft | None) -> Response[str]:
    """The form of a new shop."""
    async with database.reading() as conn:
        entities = await queries.legal_entities(conn)
    editing = shown(_new_shop(entities), view, draft)
    return view.show("parties/office_new_shop.html", editing=editing, entities=entities)


@post("/office/shops/new", guards=[needs("settings.write")], opt={"form": "/office/shops/new"})
async def make_shop(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime
) -> Redirect:
    """Make a shop. It sells once places serve it and articles are offered and priced in it.

    Refusals: `FormIncomplete`, then those of `put_shop`. A code that exists is a mistake here.
    """
    form = await request.form()
    async with database.transaction() as tx:
        typed = typed_in(_new_shop(await queries.legal_entities(tx)), form)
        entity = await queries.legal_entity_by_code(tx, code=typed.company)
        if entity is None:
            raise FormIncomplete(errors={"company": Error(NO_COMPANY)})
        if await queries.shop_by_code(tx, code=typed.code):
            raise FormIncomplete(errors={"code": Error(CODE_TAKEN)})
        made = await commands.put_shop(
            tx,
            code=typed.code,
            name=typed.name,
            legal_entity_id=entity.id,
            owner_party_id=entity.party_id,
            languages=languages_of(typed.languages),
            currency=typed.currency,
            country=typed.country,
            timezone=typed.timezone,
            channel=typed.channel,
            gross=typed.gross == "yes",
            by=str(principal),
            at=at,
        )
    return Redirect(f"/office/shops/{made}?done=saved", status_code=303)


@get("/office/shops/{shop_id:uuid}", guards=[needs("settings.read", SHOP)])
async def office_shop(
    view: View, database: Database, principal: Principal, draft: Draft | None, shop_id: UUID
) -> Response[str]:
    """One shop: what it sells in, for whom, from where; who changed what."""
    async with database.reading() as conn:
        found = await queries.shop(conn, shop_id=shop_id)
        if found is None:
            raise NotFound(what="shop", id=str(shop_id))
        entity = await queries.legal_entity(conn, legal_entity_id=found.legal_entity_id)
        owner = await queries.party(conn, party_id=found.owner_party_id)
        changes = await history_of(conn, f"parties.shop:{found.code}")
    await view.ask({"office.shop": [shop_id]})
    return view.show(
        "parties/office_shop.html",
        one=found,
        entity=entity,
        owner=owner,
        channels=CHANNELS,
        changes=changes,
        labels=LABELS,
        editing=shown(SHOP_EDITOR, view, draft, now=_edit_of(found)),
        may_write=principal.may_everywhere("settings.write"),
    )


@post("/office/shops/{shop_id:uuid}", guards=[needs("settings.write")], opt={"form": "/office/shops/{shop_id}"})
async def edit_shop(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, shop_id: UUID
) -> Redirect:
    """Change a shop. Refusals: `FormIncomplete`, `NotFound`, `ChangedMeanwhile`, then those of `put_shop`."""
    form = await request.form()
    typed = typed_in(SHOP_EDITOR, form)
    async with database.transaction() as tx:
        found = await queries.lock_shop(tx, shop_id=shop_id)
        if found is None:
            raise NotFound(what="shop", id=str(shop_id))
        same_version(SHOP_EDITOR, form, now=_edit_of(found))
        await commands.put_shop(
            tx,
            code=found.code,
            name=typed.name,
            legal_entity_id=found.legal_entity_id,
            owner_party_id=found.owner_party_id,
            languages=languages_of(typed.languages),
            currency=found.currency,
            country=found.country,
            timezone=typed.timezone,
            channel=found.channel,
            gross=found.gross,
            by=str(principal),
            at=at,
        )
    return Redirect(f"/office/shops/{shop_id}?done=saved", status_code=303)


@get("/office/settings", guards=[needs("settings.read")])
async def office_settings(view: View, database: Database, principal: Principal) -> Response[str]:
    """The companies behind the shops: what stands on invoices and where money goes."""
    async with database.reading() as conn:
        entities = await queries.legal_entities(conn)
    may_write = principal.may_everywhere("settings.write")
    return view.show("parties/office_settings.html", entities=entities, may_write=may_write)


@get("/office/settings/companies/new", guards=[needs("settings.write")])
async def new_entity(view: View, draft: Draft | None) -> Response[str]:
    """The form of a new company."""
    return view.show("parties/office_new_entity.html", editing=shown(NEW_ENTITY, view, draft))


@post(
    "/office/settings/companies/new", guards=[needs("settings.write")], opt={"form": "/office/settings/companies/new"}
)
async def make_entity(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime
) -> Redirect:
    """Make a company that sells, with its party. Refusals: `FormIncomplete`, then those of `put_legal_entity`."""
    typed = typed_in(NEW_ENTITY, await request.form())
    async with database.transaction() as tx:
        if await queries.legal_entity_by_code(tx, code=typed.code):
            raise FormIncomplete(errors={"code": Error(CODE_TAKEN)})
        by = str(principal)
        party_id = await commands.put_party(
            tx, kind="organisation", name=typed.name, legal_name=typed.name, roles=("seller",), by=by, at=at
        )
        made = await commands.put_legal_entity(
            tx,
            code=typed.code,
            party_id=party_id,
            name=typed.name,
            country=typed.country,
            currency=typed.currency,
            timezone=typed.timezone,
            vat_id=typed.vat_id,
            address=PostalAddress(typed.street, typed.postcode, typed.city, "", typed.country),
            bank_account=BankAccount(typed.holder, typed.iban, typed.bic),
            by=by,
            at=at,
        )
    return Redirect(f"/office/settings/companies/{made}?done=saved", status_code=303)


@get("/office/settings/companies/{entity_id:uuid}", guards=[needs("settings.read")])
async def office_entity(
    view: View, database: Database, principal: Principal, draft: Draft | None, entity_id: UUID
) -> Response[str]:
    """One company."""
    async with database.reading() as conn:
        found = await queries.legal_entity(conn, legal_entity_id=entity_id)
        if found is None:
            raise NotFound(what="legal entity", id=str(entity_id))
        changes = await history_of(conn, f"parties.legal_entity:{found.code}")
    return view.show(
        "parties/office_entity.html",
        entity=found,
        changes=changes,
        labels=LABELS,
        editing=shown(ENTITY_EDITOR, view, draft, now=_entity_of(found)),
        may_write=principal.may_everywhere("settings.write"),
    )


@post(
    "/office/settings/companies/{entity_id:uuid}",
    guards=[needs("settings.write")],
    opt={"form": "/office/settings/companies/{entity_id}"},
)
async def edit_entity(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, entity_id: UUID
) -> Redirect:
    """Change a company. Refusals: `FormIncomplete`, `NotFound`, `ChangedMeanwhile`; then as `put_legal_entity`."""
    form = await request.form()
    typed = typed_in(ENTITY_EDITOR, form)
    async with database.transaction() as tx:
        found = await queries.lock_legal_entity(tx, legal_entity_id=entity_id)
        if found is None:
            raise NotFound(what="legal entity", id=str(entity_id))
        same_version(ENTITY_EDITOR, form, now=_entity_of(found))
        await commands.put_legal_entity(
            tx,
            code=found.code,
            party_id=found.party_id,
            name=typed.name,
            country=found.country,
            currency=found.currency,
            timezone=found.timezone,
            vat_id=typed.vat_id,
            address=PostalAddress(
                typed.street, typed.postcode, typed.city, found.address.region, found.address.country or found.country
            ),
            bank_account=BankAccount(typed.holder, typed.iban, typed.bic),
            by=str(principal),
            at=at,
        )
    return Redirect(f"/office/settings/companies/{entity_id}?done=saved", status_code=303)


async def _entities(connection: Connection, ask: Ask) -> dict[UUID, list[LegalEntity]]:
    """All companies, for pages of lower domains that choose one: the same for every id."""
    found = await queries.legal_entities(connection)
    return dict.fromkeys(ask.ids, found)


routes = (
    *table_routes(SHOPS),
    new_shop,
    make_shop,
    office_shop,
    edit_shop,
    office_settings,
    new_entity,
    make_entity,
    office_entity,
    edit_entity,
)
tables = (SHOPS,)
places = (
    Place("/office/shops", N_("Shops and channels"), "store", "h", "settings.read", "system", 5),
    Place("/office/settings", N_("Settings"), "gear", "e", "settings.read", "system", 6),
)
slots = (Answerer("office.legal_entities", "parties", "parties/legal_entities.html", 150, _entities),)
