"""Customers in the back office: the table, one customer, changes by hand, what is kept about them and its erasure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from lotse.domains.behaviour.commands import link_party
from lotse.domains.behaviour.rules import objects, visit_of
from lotse.domains.catalog.contracts import SHOWN
from lotse.domains.catalog.queries import product_cards
from lotse.domains.customers import commands, queries
from lotse.domains.customers.contracts import (
    RESET_LINK,
    SESSION_COOKIE,
    WISHES_COOKIE,
    Address,
    CustomerRow,
    EditCustomer,
    NotSignedInHere,
)
from lotse.domains.customers.queries import CUSTOMER
from lotse.domains.customers.rules import edit_of, is_email, postcode_like
from lotse.domains.parties.contracts import Shop
from lotse.domains.parties.queries import shops_by_ids
from lotse.kernel import privacy
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.auth.visitor import guesser
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.editing import Editor, same_version, shown, typed_in
from lotse.kernel.pages.finders import Finder, Found
from lotse.kernel.pages.forms import Error, Form, FormIncomplete, checked, refused
from lotse.kernel.pages.history import history_of
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.slots import Answerer, Ask, Standing
from lotse.kernel.pages.table import Column, Field, Nothing, Scope, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid, NotFound

NOT_AN_ADDRESS = N_("This is no mail address.")
NOT_THE_NUMBER = N_("Type the customer's number to confirm.")


def _within(scope: Scope) -> dict[str, Any]:
    columns = scope.within(by=("shop",), free=("location",)).columns()
    return {name: columns[name] for name in ("everything", "in_shops")}


async def _named(conn: Connection, scope: Scope, rows: list[CustomerRow]) -> list[CustomerRow]:
    """Rows with names and mail addresses."""
    names = await queries.named(conn, party_ids=[row.party_id for row in rows])
    return [
        replace(row, name=one.name, email=one.email, phone=one.phone) if (one := names.get(row.party_id)) else row
        for row in rows
    ]


CUSTOMERS = Table(
    name="customers.customers",
    path="/office/customers",
    title=N_("Customers"),
    icon="people",
    right="customers.read",
    where="narrowed",
    statement=queries.READS.customer_table,
    params=_within,
    row=CustomerRow,
    key="id",
    label="number",
    row_path="/office/customers/{}",
    order="-id",
    fill=_named,
    columns=(
        Column("name", N_("Name"), link=True, phone="title", empty=N_("erased or unknown")),
        Column("number", N_("Number"), kind="code"),
        Column("email", N_("Mail")),
        Column("phone", N_("Telephone"), shown=False),
        # What upper domains know of them.
        Column("orders", N_("Orders"), kind="number", slot="office.customer.orders"),
        Column("bought", N_("Bought in all"), kind="money", slot="office.customer.bought"),
        Column("last", N_("Last order"), slot="office.customer.last"),
        Column("customer_group", N_("Price group"), kind="code", filter="equals"),
        Column("created_at", N_("Since"), kind="moment", filter="range"),
    ),
    search=Search(
        "((t.number ~>=~ :begins and t.number ~<~ (:begins || chr(1114111)))"
        " or t.party_id in (select f.party_id from parties.find(:begins, :at_most) f))",
        queries.begins,
        N_("Number, name or mail address"),
    ),
    nothing=Nothing(
        N_("No customers yet"),
        N_(
            "Whoever orders with an account, or comes with an import, is listed here. Guests are found by their orders."
        ),
    ),
)


async def _find(conn: Connection, scope: Scope, typed: str) -> list[Found]:
    """For the command palette."""
    shops = scope.principal.within("customers.read", by=("shop",), free=("location",)).shops
    found = await queries.found(conn, text=typed, shop_ids=shops, limit=6)
    return [
        Found(
            named.name if named else row.number,
            f"/office/customers/{row.id}",
            " · ".join(part for part in (row.number, named.email if named else "") if part),
        )
        for row, named in found
    ]


class Erasing(Struct, frozen=True):
    """What is typed to erase somebody: their number, so that nobody does it in passing."""

    number: Annotated[str, Meta(min_length=1, max_length=40)]


LABELS = {
    "name": N_("Name"),
    "email": N_("Mail"),
    "phone": N_("Telephone"),
    "customer_group": N_("Price group"),
}


class Edited(EditCustomer, frozen=True, kw_only=True):
    """What is typed to change a customer, and why."""

    reason: Annotated[str, Meta(min_length=1, max_length=300)]


def _check(typed: Edited) -> dict[str, str]:
    return {} if not typed.email or is_email(typed.email) else {"email": NOT_AN_ADDRESS}


EDITOR = Editor(
    Edited,
    (
        *(Field(name, label, required=name == "name") for name, label in LABELS.items()),
        Field("reason", N_("Reason")),
    ),
    check=_check,
)


@get("/office/customers/{customer_id:uuid}", guards=[needs("customers.read", CUSTOMER)])
async def office_customer(
    view: View, database: Database, principal: Principal, draft: Draft | None, customer_id: UUID
) -> Response[str]:
    """One customer: how they are reached, what they bought, who changed what, what may be erased."""
    async with database.reading() as conn:
        found = await queries.customer(conn, customer_id=customer_id)
        if found is None:
            raise NotFound(what="customer", id=str(customer_id))
        addresses = await queries.addresses(conn, customer_id=customer_id)
        shops = await shops_by_ids(conn, shop_ids=[found.shop_id])
        changes = await history_of(conn, f"customers.customer:{customer_id}")
        whose = await queries.whose(conn, customer_id)
    await view.ask({"office.customer": [customer_id]})
    mine = CUSTOMER.free
    return view.show(
        "customers/office_customer.html",
        customer=found,
        addresses=addresses,
        shop_name=shops[0].name if shops else "",
        changes=changes,
        labels=LABELS,
        editing=shown(EDITOR, view, draft, now=edit_of(found)),
        form=Form.drafted(draft, Erasing),
        may_write=whose is not None and principal.covers("customers.write", whose.freed(mine)),
        may_erase=whose is not None and principal.covers("customers.erase", whose.freed(mine)),
        headers={"Cache-Control": "private, no-store"},
    )


@post(
    "/office/customers/{customer_id:uuid}",
    guards=[needs("customers.write", CUSTOMER)],
    opt={"form": "/office/customers/{customer_id}"},
)
async def edit(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, customer_id: UUID
) -> Redirect:
    """Change a customer by hand. Refusals: `FormIncomplete`, `UnknownCustomer`, `ChangedMeanwhile`.

    No key: the version that the form carries lets a second press find its work done.
    """
    form = await request.form()
    typed = typed_in(EDITOR, form)
    async with database.transaction() as tx:
        same_version(EDITOR, form, now=edit_of(await commands.locked_customer(tx, customer_id=customer_id)))
        await commands.edit_customer(
            tx, customer_id=customer_id, edited=typed, by=str(principal), reason=typed.reason, at=at
        )
    return Redirect(f"/office/customers/{customer_id}?done=saved", status_code=303)


@get("/office/customers/{customer_id:uuid}/export.json", guards=[needs("customers.erase", CUSTOMER)])
async def export(database: Database, customer_id: UUID) -> Response[bytes]:
    """Everything that is kept about the person (art. 15 and 20 GDPR), for them."""
    async with database.snapshot() as conn:
        found = await queries.customer(conn, customer_id=customer_id)
        if found is None:
            raise NotFound(what="customer", id=str(customer_id))
        kept = await privacy.export(conn, party_id=found.party_id)
    body = msgspec.json.format(msgspec.json.encode(kept), indent=2)
    headers = {
        "Content-Disposition": f'attachment; filename="customer-{customer_id}.json"',
        "Cache-Control": "private, no-store",
    }
    return Response(body, media_type="application/json", headers=headers)


@post(
    "/office/customers/{customer_id:uuid}/erase",
    guards=[needs("customers.erase", CUSTOMER)],
    opt={"form": "/office/customers/{customer_id}"},
)
async def erase(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, customer_id: UUID
) -> Redirect:
    """Erase what names the person, as far as the law lets us (art. 17 GDPR). Again does no harm.

    Refusals: `FormIncomplete`, `NotFound`.
    """
    typed = checked(await request.form(), Erasing)
    async with database.transaction() as tx:
        found = await queries.customer(tx, customer_id=customer_id)
        if found is None:
            raise NotFound(what="customer", id=str(customer_id))
        if typed.number.strip() != found.number:
            raise FormIncomplete(errors={"number": Error(NOT_THE_NUMBER)})
        await privacy.erase(tx, party_id=found.party_id, actor=str(principal), at=at)
    return Redirect(f"/office/customers/{customer_id}?done=erased", status_code=303)


# -- the customer's own account

ACCOUNT_REFUSED = {
    "sign-in-failed": N_("Mail address and password do not fit together."),
    "account-taken": N_("There is an account with this mail address already. Sign in with it."),
    "too-many-attempts": N_("Too many attempts. Please wait a moment and try again."),
    "password-common": N_("This password is easy to guess. A few words in a row are better."),
    "invalid": N_("Please check what you entered. A password has at least ten characters."),
    "not-signed-in-here": N_("You were signed out. Please sign in again."),
    "unknown-product": N_("This product is not there any more."),
}
TOO_SHORT = N_("At least ten characters, please.")
OTHER_POSTCODE = N_("A postcode there looks like %(example)s.")
# What was done, said on the page that it led to, by the word in its address.
DONE = {
    "address": N_("The address is saved."),
    "consents": N_("Your choice is saved."),
    "erased": N_("Your account is erased."),
    "password": N_("Your password is changed. You are signed out everywhere else."),
    "removed": N_("The address is removed."),
}
_NO_STORE = {"Cache-Control": "private, no-store"}
_EMAIL = r"^\s*[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+\s*$"
_Line = Annotated[str, Meta(min_length=1, max_length=120)]
# Where a sign-in may lead; anything else leads to the account.
_NEXT = {"checkout": "/checkout", "wishes": "/wishes", "password": "/account?done=password"}


class SigningIn(Struct, frozen=True):
    """What is typed to sign in."""

    email: Annotated[str, Meta(min_length=3, max_length=254)]
    password: Annotated[str, Meta(min_length=1, max_length=400)]


class Registering(Struct, frozen=True):
    """What is typed to make an account."""

    new_name: _Line
    new_email: Annotated[str, Meta(min_length=3, max_length=254, pattern=_EMAIL)]
    new_password: Annotated[str, Meta(min_length=10, max_length=200)]


class TypedAddress(Struct, frozen=True):
    """An address of the account."""

    name: _Line
    street: _Line
    postcode: Annotated[str, Meta(min_length=1, max_length=20)]
    city: Annotated[str, Meta(min_length=1, max_length=100)]
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")]
    company: Annotated[str, Meta(max_length=120)] = ""
    street2: Annotated[str, Meta(max_length=120)] = ""


class Forgotten(Struct, frozen=True):
    """Whose password is forgotten."""

    email: Annotated[str, Meta(min_length=3, max_length=254, pattern=_EMAIL)]


class NewPassword(Struct, frozen=True):
    """What is typed where a link has led."""

    new_password: Annotated[str, Meta(min_length=10, max_length=200)]


class Passwords(Struct, frozen=True):
    """What is typed for a new password."""

    old_password: Annotated[str, Meta(min_length=1, max_length=400)]
    new_password: Annotated[str, Meta(min_length=10, max_length=200)]


async def _who(request: Request[Any, Any, Any], database: Database, at: datetime) -> UUID | None:
    """The customer who is signed in, or None."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    async with database.reading() as conn:
        return await queries.signed_in(conn, token=token, at=at)


async def _customer(request: Request[Any, Any, Any], database: Database, at: datetime) -> UUID:
    """The customer who is signed in. Refusal: `NotSignedInHere`."""
    found = await _who(request, database, at)
    if found is None:
        raise NotSignedInHere()
    return found


@get("/account", guards=[public])
async def account(
    request: Request[Any, Any, Any],
    view: View,
    database: Database,
    shop: Shop,
    draft: Draft | None,
    next: Annotated[str, Parameter(max_length=20)] = "",
    done: Annotated[str, Parameter(max_length=20)] = "",
) -> Response[str]:
    """The account: orders, addresses, consents, what is kept; for who is not signed in the ways in."""
    customer_id = await _who(request, database, view.question.at)
    said = refused(view, draft, ACCOUNT_REFUSED)
    told = view.text(DONE[done]) if done in DONE and draft is None else ""
    if customer_id is None:
        sign_in, new = Form.drafted(draft, SigningIn), Form.drafted(draft, Registering)
        # A form that was refused comes back without the page's question mark: where it leads to comes with it.
        next = next or new.value("next", "")
        return view.show(
            "customers/sign_in.html",
            sign_in=sign_in,
            new=new,
            next=next,
            refused=said,
            done=told if done == "erased" else "",
            headers=_NO_STORE,
        )
    async with database.reading() as conn:
        found = await queries.customer(conn, customer_id=customer_id)
        if found is None:
            raise NotFound(what="customer", id=str(customer_id))
        addresses = await queries.addresses(conn, customer_id=customer_id)
        consents = await queries.consents(conn, customer_id=customer_id)
    await view.ask({"account.orders": [customer_id]})
    names = cast("dict[str, str]", view.locale.territories)
    return view.show(
        "customers/account.html",
        customer=found,
        addresses=addresses,
        news=consents.get("news_mail"),
        form=Form.drafted(draft, TypedAddress),
        countries=[(code, names.get(code, code)) for code in dict.fromkeys((shop.country, "DE", "AT", "CH"))],
        refused=said,
        done=told,
        headers=_NO_STORE,
    )


@post("/account/signin", guards=[public], opt={"form": "/account"})
async def sign_in(request: Request[Any, Any, Any], database: Database, at: datetime) -> Redirect:
    """Sign in; a guest's wish list joins theirs. Refusals: `FormIncomplete`, `TooManyAttempts`, `SignInFailed`."""
    form = await request.form()
    typed = checked(form, SigningIn)
    customer_id, token = await commands.sign_in(
        database, email=typed.email.strip(), password=typed.password, guesser=_guesser(request), at=at
    )
    return await _welcome(request, database, customer_id, token, str(form.get("next", "")), at)


@post("/account/register", guards=[public], opt={"form": "/account"})
async def register(request: Request[Any, Any, Any], database: Database, shop: Shop, at: datetime) -> Redirect:
    """Make an account. Refusals: `FormIncomplete`, `TooManyAttempts`, `Invalid`, `PasswordCommon`, `AccountTaken`."""
    form = await request.form()
    typed = checked(form, Registering, messages={"new_email": NOT_AN_ADDRESS, "new_password": TOO_SHORT})
    customer_id, token = await commands.register(
        database,
        shop_id=shop.id,
        name=typed.new_name.strip(),
        email=typed.new_email.strip(),
        password=typed.new_password,
        guesser=_guesser(request),
        at=at,
        language=_language(form, shop),
    )
    return await _welcome(request, database, customer_id, token, str(form.get("next", "")), at)


async def _welcome(
    request: Request[Any, Any, Any], database: Database, customer_id: UUID, token: str, next: str, at: datetime
) -> Redirect:
    guest = _list_of(request)
    if guest is not None:
        async with database.transaction() as tx:
            await commands.join_wishes(tx, customer_id=customer_id, list_id=guest, at=at)
    # Who agreed to measurement is known by their number from here on: for the export and erasure of their data.
    told = {name: request.headers.get(name, "") for name in ("sec-gpc", "dnt")}
    visitor = visit_of(request.cookies, objects(told)).visitor
    if visitor is not None:
        async with database.transaction() as tx:
            found = await queries.customer(tx, customer_id=customer_id)
            if found is not None:
                await link_party(tx, visitor=visitor, party_id=found.party_id, at=at)
    seconds = int(commands.SESSION.total_seconds())
    response = Redirect(
        _NEXT.get(next, "/account"),
        status_code=303,
        cookies=[_cookie(request, SESSION_COOKIE, token, seconds)],
    )
    response.delete_cookie(WISHES_COOKIE, path="/")
    return response


@post("/account/signout", guards=[public], opt={"form": "/account"})
async def sign_out(request: Request[Any, Any, Any], database: Database) -> Redirect:
    """End this session."""
    async with database.transaction() as tx:
        await commands.sign_out(tx, token=request.cookies.get(SESSION_COOKIE, ""))
    response = Redirect("/", status_code=303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


@post("/account/password", guards=[public], opt={"form": "/account"})
async def change_password(request: Request[Any, Any, Any], database: Database, shop: Shop, at: datetime) -> Redirect:
    """A new password. Refusals: `NotSignedInHere`, `FormIncomplete`, then the command's."""
    customer_id = await _customer(request, database, at)
    form = await request.form()
    typed = checked(form, Passwords, messages={"new_password": TOO_SHORT})
    await commands.change_password(
        database,
        customer_id=customer_id,
        old=typed.old_password,
        new=typed.new_password,
        token=request.cookies.get(SESSION_COOKIE, ""),
        at=at,
        language=_language(form, shop),
    )
    return Redirect("/account?done=password", status_code=303)


@get("/account/forgotten", guards=[public])
async def forgotten(
    view: View, draft: Draft | None, sent: Annotated[str, Parameter(max_length=20)] = ""
) -> Response[str]:
    """Ask for a link to a new password; afterwards the same words for everybody."""
    form = Form.drafted(draft, Forgotten)
    said = None if form.errors else refused(view, draft, ACCOUNT_REFUSED)
    is_sent = sent == "yes" and draft is None
    return view.show("customers/forgotten.html", form=form, refused=said, is_sent=is_sent, headers=_NO_STORE)


@post("/account/forgotten", guards=[public], opt={"form": "/account/forgotten"})
async def forget_password(request: Request[Any, Any, Any], database: Database, shop: Shop, at: datetime) -> Redirect:
    """Have a link sent, if there is such an account. Refusals: `FormIncomplete`, `TooManyAttempts`."""
    form = await request.form()
    typed = checked(form, Forgotten, messages={"email": NOT_AN_ADDRESS})
    await commands.forget_password(
        database, email=typed.email.strip(), guesser=_guesser(request), at=at, language=_language(form, shop)
    )
    return Redirect("/account/forgotten?sent=yes", status_code=303)


@get("/account/password/{token:str}", guards=[public])
async def new_password(view: View, database: Database, links: Links, draft: Draft | None, token: str) -> Response[str]:
    """Where the link of the mail leads. To look uses nothing up: mail filters look, too. Refusal: `LinkInvalid`."""
    async with database.reading() as conn:
        found = await queries.reset(conn, reset_id=links.read(RESET_LINK, token), at=view.question.at)
    form = Form.drafted(draft, NewPassword)
    return view.show(
        "customers/new_password.html",
        status=200 if found else 410,
        reset=found,
        token=token,
        form=form,
        refused=None if form.errors or not found else refused(view, draft, ACCOUNT_REFUSED),
        headers=_NO_STORE,
    )


@post("/account/password/{token:str}", guards=[public], opt={"form": "/account/password/{token}"})
async def reset_password(
    request: Request[Any, Any, Any], database: Database, shop: Shop, links: Links, at: datetime, token: str
) -> Redirect:
    """Set the new password. Refusals: `LinkInvalid`, `FormIncomplete`, then the command's."""
    reset_id = links.read(RESET_LINK, token)
    form = await request.form()
    typed = checked(form, NewPassword, messages={"new_password": TOO_SHORT})
    customer_id, session = await commands.reset_password(
        database,
        reset_id=reset_id,
        password=typed.new_password,
        guesser=_guesser(request),
        at=at,
        language=_language(form, shop),
    )
    return await _welcome(request, database, customer_id, session, "password", at)


@post("/account/addresses", guards=[public], opt={"form": "/account"})
async def add_address(request: Request[Any, Any, Any], database: Database, at: datetime) -> Redirect:
    """An address that bills and parcels go to from now on. Refusals: `NotSignedInHere`, `FormIncomplete`, `Invalid`."""
    customer_id = await _customer(request, database, at)
    form = await request.form()
    typed = checked(form, TypedAddress)
    example = postcode_like(typed.country, typed.postcode)
    if example is not None:
        raise FormIncomplete(errors={"postcode": Error(OTHER_POSTCODE, {"example": example})})
    address = Address(**asdict(typed))
    async with database.transaction() as tx:
        kind = "billing" if form.get("kind") == "billing" else "delivery"
        await commands.put_address(tx, customer_id=customer_id, kind=kind, address=address, at=at)
    return Redirect("/account?done=address", status_code=303)


@post("/account/addresses/{address_id:uuid}/remove", guards=[public], opt={"form": "/account"})
async def remove_address(
    request: Request[Any, Any, Any], database: Database, at: datetime, address_id: UUID
) -> Redirect:
    """Take an address away. Refusal: `NotSignedInHere`."""
    customer_id = await _customer(request, database, at)
    async with database.transaction() as tx:
        await commands.remove_address(tx, customer_id=customer_id, address_id=address_id, at=at)
    return Redirect("/account?done=removed", status_code=303)


@post("/account/consents", guards=[public], opt={"form": "/account"})
async def consent(request: Request[Any, Any, Any], database: Database, at: datetime) -> Redirect:
    """Agree to news by mail, or take it back. Refusal: `NotSignedInHere`."""
    customer_id = await _customer(request, database, at)
    given = (await request.form()).get("news_mail") == "yes"
    async with database.transaction() as tx:
        await commands.decide_consent(tx, customer_id=customer_id, purpose="news_mail", given=given, at=at)
    return Redirect("/account?done=consents", status_code=303)


@get("/account/export.json", guards=[public])
async def own_export(request: Request[Any, Any, Any], database: Database, at: datetime) -> Response[bytes]:
    """Everything that is kept about oneself (art. 15 and 20 GDPR). Refusal: `NotSignedInHere`."""
    customer_id = await _customer(request, database, at)
    async with database.snapshot() as conn:
        found = await queries.customer(conn, customer_id=customer_id)
        if found is None:
            raise NotFound(what="customer", id=str(customer_id))
        kept = await privacy.export(conn, party_id=found.party_id)
    body = msgspec.json.format(msgspec.json.encode(kept), indent=2)
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"', **_NO_STORE}
    return Response(body, media_type="application/json", headers=headers)


@post("/account/erase", guards=[public], opt={"form": "/account"})
async def own_erasure(request: Request[Any, Any, Any], database: Database, at: datetime) -> Redirect:
    """Erase oneself, as far as the law lets us (art. 17 GDPR); the password says that it is meant.

    Refusals: `NotSignedInHere`, `TooManyAttempts`, `SignInFailed`.
    """
    customer_id = await _customer(request, database, at)
    password = str((await request.form()).get("password", ""))
    async with database.reading() as conn:
        login = await queries.login(conn, customer_id=customer_id)
        found = await queries.customer(conn, customer_id=customer_id)
    if login is None or found is None:
        raise NotSignedInHere()
    await commands.sign_in(database, email=login.email, password=password, guesser=_guesser(request), at=at)
    async with database.transaction() as tx:
        await privacy.erase(tx, party_id=found.party_id, actor="customer", at=at)
    response = Redirect("/account?done=erased", status_code=303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


# -- the wish list


@get("/wishes", guards=[public])
async def wishes(request: Request[Any, Any, Any], view: View, database: Database, draft: Draft | None) -> Response[str]:
    """What somebody wished for, with or without an account."""
    customer_id = await _who(request, database, view.question.at)
    async with database.reading() as conn:
        own = await queries.wish_list(conn, customer_id=customer_id, list_id=_list_of(request))
        ids = await queries.wishes(conn, list_id=own) if own else []
        cards = await product_cards(conn, product_ids=ids, language=view.language) if ids else []
    shown = [card for card in cards if card.state in SHOWN]
    variants = [id for card in shown for id in card.variant_ids]
    await view.ask({"card.offer": variants, "card.stock": variants})
    return view.show(
        "customers/wishes.html",
        cards=shown,
        is_guest=customer_id is None,
        refused=refused(view, draft, ACCOUNT_REFUSED),
        headers=_NO_STORE,
    )


@post("/wishes", guards=[public], opt={"form": "/wishes"})
async def wish(request: Request[Any, Any, Any], database: Database, at: datetime) -> Response[Any]:
    """Put a product on the list. Refusals: `Invalid`, `UnknownProduct`."""
    product_id = _product_id(await request.form())
    customer_id = await _who(request, database, at)
    async with database.transaction() as tx:
        own = await commands.wish(tx, customer_id=customer_id, list_id=_list_of(request), product_id=product_id, at=at)
    kept = int(commands.LISTS_KEPT.total_seconds())
    cookies = [_cookie(request, WISHES_COOKIE, str(own), kept)] if customer_id is None else []
    return Redirect("/wishes", status_code=303, cookies=cookies)


@post("/wishes/remove", guards=[public], opt={"form": "/wishes"})
async def unwish(request: Request[Any, Any, Any], database: Database, at: datetime) -> Redirect:
    """Take a product off the list. Refusal: `Invalid`."""
    product_id = _product_id(await request.form())
    customer_id = await _who(request, database, at)
    async with database.transaction() as tx:
        await commands.unwish(tx, customer_id=customer_id, list_id=_list_of(request), product_id=product_id)
    return Redirect("/wishes", status_code=303)


def _product_id(form: Mapping[str, Any]) -> UUID:
    try:
        return UUID(str(form.get("product_id")))
    except ValueError:
        raise Invalid(field="product_id", rule="a UUID") from None


def _list_of(request: Request[Any, Any, Any]) -> UUID | None:
    try:
        return UUID(request.cookies.get(WISHES_COOKIE, ""))
    except ValueError:
        return None


def _language(form: Mapping[str, Any], shop: Shop) -> str:
    """What the page was read in; empty for the shop's own."""
    language = str(form.get("language", ""))
    return language if language in shop.languages else ""


def _guesser(request: Request[Any, Any, Any]) -> str:
    return guesser(request.client.host if request.client else "")


def _cookie(request: Request[Any, Any, Any], name: str, value: str, seconds: int) -> Cookie:
    # No script and no other site gets it.
    return Cookie(
        name,
        value=value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.scope["scheme"] == "https",
    )


async def _wishable(_: Connection, ask: Ask) -> Mapping[UUID, UUID]:
    """Every product can be wished for."""
    return {id: id for id in ask.ids}


async def _always(_: Connection, __: Ask) -> Standing:
    return Standing()


routes = (
    *table_routes(CUSTOMERS),
    office_customer,
    edit,
    export,
    erase,
    account,
    sign_in,
    register,
    sign_out,
    change_password,
    forgotten,
    forget_password,
    new_password,
    reset_password,
    add_address,
    remove_address,
    consent,
    own_export,
    own_erasure,
    wishes,
    wish,
    unwish,
)
slots = (Answerer("product.wish", "customers", "customers/product_wish.html", 200, _wishable, _always),)
tables = (CUSTOMERS,)
places = (Place("/office/customers", N_("Customers"), "people", "c", "customers.read", "customers", 10),)
finders = (Finder("customers", N_("Customers"), "people", "customers.read", _find, budget_ms=400),)
