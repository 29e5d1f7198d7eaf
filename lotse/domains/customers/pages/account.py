"""A customer's own account: registering, signing in, addresses, consents, one's own data."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from lotse.domains.behaviour.commands import link_party
from lotse.domains.behaviour.rules import objects, visit_of
from lotse.domains.customers import commands, queries
from lotse.domains.customers.contracts import (
    CONSENT_LINK,
    EMAIL_LINK,
    RESET_LINK,
    SESSION_COOKIE,
    WISHES_COOKIE,
    Address,
    NotSignedInHere,
)
from lotse.domains.customers.pages.office import NOT_AN_ADDRESS
from lotse.domains.customers.pages.visitor import cookie_of, guesser_of, language_of, list_of, signed_in, who_asks
from lotse.domains.customers.rules import postcode_like
from lotse.domains.parties.contracts import Shop
from lotse.kernel import privacy
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.rights import public
from lotse.kernel.db import Database
from lotse.kernel.pages.forms import Error, Form, FormIncomplete, checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound

ACCOUNT_REFUSED = {
    "sign-in-failed": N_("Mail address and password do not fit together."),
    "account-taken": N_("There is an account with this mail address already. Sign in with it."),
    "too-many-attempts": N_("Too many attempts. Please wait a moment and try again."),
    "password-common": N_("This password is easy to guess. A few words in a row are better."),
    "invalid": N_("Please check what you entered. A password has at least ten characters."),
    "not-signed-in-here": N_("You were signed out. Please sign in again."),
    "not-the-master": N_("We cannot change this here. Please write to us."),
    "consent-over": N_("This link is used up or too old."),
    "email-change-over": N_("This link is used up or too old."),
    "address-unknown": N_("This address is not there any more."),
    "unknown-product": N_("This product is not there any more."),
    "unknown-variant": N_("This product is not there any more."),
}
EMAIL_REFUSED = {**ACCOUNT_REFUSED, "sign-in-failed": N_("This is not the password of the account.")}
TOO_SHORT = N_("At least ten characters, please.")
SAME_EMAIL = N_("This is the address of your account already.")
OTHER_POSTCODE = N_("A postcode there looks like %(example)s.")
# What was done, said on the page that it led to, by the word in its address.
DONE = {
    "address": N_("The address is saved."),
    "details": N_("Your details are saved."),
    "asked": N_("We sent you a mail. Please follow its link: your consent counts from then on."),
    "confirmed": N_("Thank you: you get our news by e-mail from now on."),
    "consents": N_("Your choice is saved."),
    "email": N_("Your e-mail address is changed, and you are signed out everywhere else."),
    "email_asked": N_("We sent a mail to the new address. It is yours once you follow the link in it."),
    "erased": N_("Your account is erased."),
    "password": N_("Your password is changed. You are signed out everywhere else."),
    "removed": N_("The address is removed."),
}
NO_STORE = {"Cache-Control": "private, no-store"}
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


class Details(Struct, frozen=True):
    """What somebody may change of themselves at once. The mail address they sign in with has a way of its own."""

    own_name: _Line
    own_phone: Annotated[str, Meta(max_length=50)] = ""


class OtherEmail(Struct, frozen=True):
    """What is typed for another mail address."""

    other_email: Annotated[str, Meta(min_length=3, max_length=254, pattern=_EMAIL)]
    email_password: Annotated[str, Meta(min_length=1, max_length=400)]


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
    customer_id = await who_asks(request, database, view.question.at)
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
            done=told if done in ("email", "erased", "confirmed") else "",
            headers=NO_STORE,
        )
    async with database.reading() as conn:
        found = await queries.customer(conn, customer_id=customer_id)
        if found is None:
            raise NotFound(what="customer", id=str(customer_id))
        addresses = await queries.address_book(conn, customer_id=customer_id)
        consents = await queries.consents(conn, customer_id=customer_id)
        asked = await queries.consents_asked(conn, customer_id=customer_id, at=view.question.at)
        login = await queries.login(conn, customer_id=customer_id)
        email_asked = await queries.email_asked(conn, customer_id=customer_id, at=view.question.at)
    await view.ask({"account.orders": [customer_id]})
    return view.show(
        "customers/account.html",
        customer=found,
        email=login.email if login else found.email,
        email_asked=email_asked,
        addresses=addresses,
        news=consents.get("news_mail"),
        news_asked=asked.get("news_mail"),
        form=Form.drafted(draft, TypedAddress),
        countries=_countries(view, shop.country),
        refused=said,
        done=told,
        headers=NO_STORE,
    )


def _countries(view: View, *first: str) -> list[tuple[str, str]]:
    names = cast("dict[str, str]", view.locale.territories)
    return [(code, names.get(code, code)) for code in dict.fromkeys((*first, "DE", "AT", "CH"))]


@post("/account/details", guards=[public], opt={"form": "/account"})
async def edit_details(request: Request[Any, Any, Any], database: Database, at: datetime) -> Redirect:
    """Change one's own name and phone. Refusals: `NotSignedInHere`, `FormIncomplete`, then the command's."""
    customer_id = await signed_in(request, database, at)
    typed = checked(await request.form(), Details)
    async with database.transaction() as tx:
        await commands.edit_own(tx, customer_id=customer_id, name=typed.own_name, phone=typed.own_phone, at=at)
    return Redirect("/account?done=details", status_code=303)


@post("/account/signin", guards=[public], opt={"form": "/account"})
async def sign_in(request: Request[Any, Any, Any], database: Database, at: datetime) -> Redirect:
    """Sign in; a guest's wish list joins theirs. Refusals: `FormIncomplete`, `TooManyAttempts`, `SignInFailed`."""
    form = await request.form()
    typed = checked(form, SigningIn)
    customer_id, token = await commands.sign_in(
        database, email=typed.email.strip(), password=typed.password, guesser=guesser_of(request), at=at
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
        guesser=guesser_of(request),
        at=at,
        language=language_of(form, shop),
    )
    return await _welcome(request, database, customer_id, token, str(form.get("next", "")), at)


async def _welcome(
    request: Request[Any, Any, Any], database: Database, customer_id: UUID, token: str, next: str, at: datetime
) -> Redirect:
    guest = list_of(request)
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
        cookies=[cookie_of(request, SESSION_COOKIE, token, seconds)],
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
    customer_id = await signed_in(request, database, at)
    form = await request.form()
    typed = checked(form, Passwords, messages={"new_password": TOO_SHORT})
    await commands.change_password(
        database,
        customer_id=customer_id,
        old=typed.old_password,
        new=typed.new_password,
        token=request.cookies.get(SESSION_COOKIE, ""),
        at=at,
        language=language_of(form, shop),
    )
    return Redirect("/account?done=password", status_code=303)


@post("/account/email", guards=[public], opt={"form": "/account"})
async def ask_email(request: Request[Any, Any, Any], database: Database, shop: Shop, at: datetime) -> Redirect:
    """Ask for another mail address, in the same words for every one.

    Refusals: `NotSignedInHere`, `FormIncomplete`, then the command's.
    """
    customer_id = await signed_in(request, database, at)
    form = await request.form()
    typed = checked(form, OtherEmail, messages={"other_email": NOT_AN_ADDRESS})
    email = typed.other_email.strip()
    async with database.reading() as conn:
        login = await queries.login(conn, customer_id=customer_id)
    if login is not None and login.email.casefold() == email.casefold():
        raise FormIncomplete(errors={"other_email": Error(SAME_EMAIL)})
    await commands.ask_email(
        database,
        customer_id=customer_id,
        email=email,
        password=typed.email_password,
        at=at,
        language=language_of(form, shop),
    )
    return Redirect("/account?done=email_asked", status_code=303)


@get("/account/email/{token:str}", guards=[public])
async def email_asked(
    request: Request[Any, Any, Any], view: View, database: Database, links: Links, draft: Draft | None, token: str
) -> Response[str]:
    """Where the link of the mail leads. To look changes nothing: mail filters look, too. Refusal: `LinkInvalid`."""
    change_id = links.read(EMAIL_LINK, token)
    customer_id = await who_asks(request, database, view.question.at)
    async with database.reading() as conn:
        found = await queries.email_change(conn, change_id=change_id, at=view.question.at)
    return view.show(
        "customers/email.html",
        status=200 if found else 410,
        asked=found,
        is_here=found is not None and found.customer_id == customer_id,
        token=token,
        refused=refused(view, draft, EMAIL_REFUSED) if found else None,
        headers=NO_STORE,
    )


@post("/account/email/{token:str}", guards=[public], opt={"form": "/account/email/{token}"})
async def change_email(
    request: Request[Any, Any, Any], database: Database, shop: Shop, links: Links, at: datetime, token: str
) -> Redirect:
    """Make it the account's. Refusals: `LinkInvalid`, then the command's."""
    change_id = links.read(EMAIL_LINK, token)
    form = await request.form()
    await commands.change_email(
        database,
        change_id=change_id,
        customer_id=await who_asks(request, database, at),
        password=str(form.get("password", ""))[:400],
        token=request.cookies.get(SESSION_COOKIE, ""),
        guesser=guesser_of(request),
        at=at,
        language=language_of(form, shop),
    )
    return Redirect("/account?done=email", status_code=303)


@get("/account/forgotten", guards=[public])
async def forgotten(
    view: View, draft: Draft | None, sent: Annotated[str, Parameter(max_length=20)] = ""
) -> Response[str]:
    """Ask for a link to a new password; afterwards the same words for everybody."""
    form = Form.drafted(draft, Forgotten)
    said = None if form.errors else refused(view, draft, ACCOUNT_REFUSED)
    is_sent = sent == "yes" and draft is None
    return view.show("customers/forgotten.html", form=form, refused=said, is_sent=is_sent, headers=NO_STORE)


@post("/account/forgotten", guards=[public], opt={"form": "/account/forgotten"})
async def forget_password(request: Request[Any, Any, Any], database: Database, shop: Shop, at: datetime) -> Redirect:
    """Have a link sent, if there is such an account. Refusals: `FormIncomplete`, `TooManyAttempts`."""
    form = await request.form()
    typed = checked(form, Forgotten, messages={"email": NOT_AN_ADDRESS})
    await commands.forget_password(
        database, email=typed.email.strip(), guesser=guesser_of(request), at=at, language=language_of(form, shop)
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
        headers=NO_STORE,
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
        guesser=guesser_of(request),
        at=at,
        language=language_of(form, shop),
    )
    return await _welcome(request, database, customer_id, session, "password", at)


@post("/account/addresses", guards=[public], opt={"form": "/account"})
async def add_address(request: Request[Any, Any, Any], database: Database, at: datetime) -> Redirect:
    """An address that bills and parcels go to from now on. Refusals: `NotSignedInHere`, `FormIncomplete`, `Invalid`."""
    customer_id = await signed_in(request, database, at)
    form = await request.form()
    address = _address_in(form)
    async with database.transaction() as tx:
        kind = "billing" if form.get("kind") == "billing" else "delivery"
        await commands.put_address(tx, customer_id=customer_id, kind=kind, address=address, at=at)
    return Redirect("/account?done=address", status_code=303)


@get("/account/addresses/{address_id:uuid}", guards=[public])
async def address_page(
    request: Request[Any, Any, Any], view: View, database: Database, draft: Draft | None, address_id: UUID
) -> Response[str]:
    """One address, to be changed."""
    customer_id = await who_asks(request, database, view.question.at)
    if customer_id is None:
        return view.go("/account")
    async with database.reading() as conn:
        found = await queries.address(conn, customer_id=customer_id, address_id=address_id)
    if found is None:
        raise NotFound(what="address", id=str(address_id))
    form = Form.drafted(draft, TypedAddress)
    return view.show(
        "customers/address.html",
        address=found,
        form=form,
        countries=_countries(view, found.country),
        refused=None if form.errors else refused(view, draft, ACCOUNT_REFUSED),
        headers=NO_STORE,
    )


@post("/account/addresses/{address_id:uuid}", guards=[public], opt={"form": "/account/addresses/{address_id}"})
async def edit_address(request: Request[Any, Any, Any], database: Database, at: datetime, address_id: UUID) -> Redirect:
    """Change an address. Refusals: `NotSignedInHere`, `FormIncomplete`, then the command's."""
    customer_id = await signed_in(request, database, at)
    address = _address_in(await request.form())
    async with database.transaction() as tx:
        before = await queries.address(tx, customer_id=customer_id, address_id=address_id)
        if before and (before.country, before.postcode) == (address.country, address.postcode):
            address = replace(address, region=before.region)  # the form does not ask for it
        await commands.edit_address(tx, customer_id=customer_id, address_id=address_id, address=address, at=at)
    return Redirect("/account?done=address", status_code=303)


def _address_in(form: Mapping[str, Any]) -> Address:
    """The address that was typed. Refusal: `FormIncomplete`."""
    typed = checked(form, TypedAddress)
    example = postcode_like(typed.country, typed.postcode)
    if example is not None:
        raise FormIncomplete(errors={"postcode": Error(OTHER_POSTCODE, {"example": example})})
    return Address(**asdict(typed))


@post("/account/addresses/{address_id:uuid}/remove", guards=[public], opt={"form": "/account"})
async def remove_address(
    request: Request[Any, Any, Any], database: Database, at: datetime, address_id: UUID
) -> Redirect:
    """Take an address away. Refusal: `NotSignedInHere`."""
    customer_id = await signed_in(request, database, at)
    async with database.transaction() as tx:
        await commands.remove_address(tx, customer_id=customer_id, address_id=address_id, at=at)
    return Redirect("/account?done=removed", status_code=303)


@post("/account/consents", guards=[public], opt={"form": "/account"})
async def consent(request: Request[Any, Any, Any], database: Database, shop: Shop, at: datetime) -> Redirect:
    """Agree to news by mail, which a mail asks to confirm (`again`: once more), or take it back at once.

    Refusals: `NotSignedInHere`, then the command's.
    """
    customer_id = await signed_in(request, database, at)
    form = await request.form()
    async with database.transaction() as tx:
        if form.get("news_mail") != "yes":
            await commands.withdraw_consent(tx, customer_id=customer_id, purpose="news_mail", at=at)
            is_asked = False
        else:
            is_asked = await commands.ask_consent(
                tx,
                customer_id=customer_id,
                purpose="news_mail",
                at=at,
                language=language_of(form, shop),
                again=form.get("again") == "yes",
            )
    return Redirect(f"/account?done={'asked' if is_asked else 'consents'}", status_code=303)


@get("/account/consents/{token:str}", guards=[public])
async def consent_asked(view: View, database: Database, links: Links, draft: Draft | None, token: str) -> Response[str]:
    """Where the link of the mail leads. To look confirms nothing: mail filters look, too. Refusal: `LinkInvalid`."""
    async with database.reading() as conn:
        request_id = links.read(CONSENT_LINK, token)
        found = await queries.consent_request(conn, request_id=request_id, at=view.question.at)
    return view.show(
        "customers/consent.html",
        status=200 if found else 410,
        asked=found,
        token=token,
        refused=refused(view, draft, ACCOUNT_REFUSED) if found else None,
        headers=NO_STORE,
    )


@post("/account/consents/{token:str}", guards=[public], opt={"form": "/account/consents/{token}"})
async def confirm_consent(database: Database, links: Links, at: datetime, token: str) -> Redirect:
    """Say that it is meant. Refusals: `LinkInvalid`, `ConsentOver`."""
    async with database.transaction() as tx:
        await commands.confirm_consent(tx, request_id=links.read(CONSENT_LINK, token), at=at)
    return Redirect("/account?done=confirmed", status_code=303)


@get("/account/export.json", guards=[public])
async def own_export(request: Request[Any, Any, Any], database: Database, at: datetime) -> Response[bytes]:
    """Everything that is kept about oneself (art. 15 and 20 GDPR). Refusal: `NotSignedInHere`."""
    customer_id = await signed_in(request, database, at)
    async with database.snapshot() as conn:
        found = await queries.customer(conn, customer_id=customer_id)
        if found is None:
            raise NotFound(what="customer", id=str(customer_id))
        kept = await privacy.export(conn, party_id=found.party_id)
    body = msgspec.json.format(msgspec.json.encode(kept), indent=2)
    headers = {"Content-Disposition": 'attachment; filename="my-data.json"', **NO_STORE}
    return Response(body, media_type="application/json", headers=headers)


@post("/account/erase", guards=[public], opt={"form": "/account"})
async def own_erasure(request: Request[Any, Any, Any], database: Database, at: datetime) -> Redirect:
    """Erase oneself, as far as the law lets us (art. 17 GDPR); the password says that it is meant.

    Refusals: `NotSignedInHere`, `TooManyAttempts`, `SignInFailed`.
    """
    customer_id = await signed_in(request, database, at)
    password = str((await request.form()).get("password", ""))
    async with database.reading() as conn:
        login = await queries.login(conn, customer_id=customer_id)
        found = await queries.customer(conn, customer_id=customer_id)
    if login is None or found is None:
        raise NotSignedInHere()
    await commands.sign_in(database, email=login.email, password=password, guesser=guesser_of(request), at=at)
    async with database.transaction() as tx:
        await privacy.erase(tx, party_id=found.party_id, actor="customer", at=at)
    response = Redirect("/account?done=erased", status_code=303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response
