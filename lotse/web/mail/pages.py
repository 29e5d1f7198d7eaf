"""Pages about mails: the list, one mail as it was sent, its words with a preview of a real example."""

from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Annotated, Any, cast
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.parties.contracts import Shop
from lotse.domains.parties.queries import shops, shops_by_ids
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.ids import uuid7
from lotse.kernel.mail import post as mails
from lotse.kernel.mail import texts, writing
from lotse.kernel.mail.contracts import (
    BrokenTemplate,
    Edited,
    Mail,
    MailRow,
    NoAddress,
    NoExample,
    PiecesMissing,
    Ways,
    Wording,
)
from lotse.kernel.mail.message import is_address
from lotse.kernel.mail.post import MAIL
from lotse.kernel.mail.sender import standing
from lotse.kernel.pages.forms import Form, checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.table import Action, Column, Nothing, Option, Preset, Scope, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid
from lotse.kernel.settings import Settings, base_of
from lotse.web.storefront.frame import own_name

MAILS, TEXTS = "/office/mails", "/office/mail-texts"
# What a mail shows is shown alone: nothing runs, nothing is fetched but pictures of ours, nobody else frames it.
_ALONE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
    "Cache-Control": "private, no-store",
}

STATES = {
    "waiting": Option(N_("waits"), "warn"),
    "sending": Option(N_("on its way"), "warn"),
    "handing": Option(N_("on its way"), "warn"),
    "sent": Option(N_("sent"), "good"),
    "failed": Option(N_("not sent"), "bad"),
    "bounced": Option(N_("came back"), "bad"),
    "unsure": Option(N_("not certain"), "bad"),
    "cancelled": Option(N_("not needed")),
}
REFUSED = {
    "still-under-way": N_("This mail is still on its way. Please wait for its end."),
    "address-erased": N_("The address of this mail was erased. Nobody knows any more where it went."),
    "no-address": N_("Please enter an e-mail address like anna@example.org."),
    "no-example": N_("There is nothing yet that this mail could tell of. Make an order first."),
    "broken-template": N_("This text cannot be used: %(field)s, line %(line)s: %(reason)s."),
    "pieces-missing": N_("This mail must also show: %(pieces)s."),
    "invalid": N_("This does not look right: %(rule)s."),
}


# -- the table


def _within(scope: Scope) -> dict[str, Any]:
    columns = scope.within(by=("shop",)).columns()
    return {name: columns[name] for name in ("everything", "in_shops")}


class Listed(MailRow, frozen=True):
    """A row of the table. `title` is that of its kind, a message id."""

    title: str = ""
    shop: str = ""


async def _named(conn: Connection, scope: Scope, rows: list[Listed]) -> list[Listed]:
    known = writing.installed()
    names = {
        shop.id: shop.name for shop in await shops_by_ids(conn, shop_ids={row.shop_id for row in rows if row.shop_id})
    }
    return [
        replace(
            row,
            title=known[row.mail].title if row.mail in known else row.mail,
            shop=names.get(row.shop_id, "") if row.shop_id else "",
        )
        for row in rows
    ]


TABLE = Table(
    name="kernel.mails",
    path=MAILS,
    title=N_("Mails"),
    icon="bell",
    right="mail.read",
    where="narrowed",
    statement=mails.SQL.mail_table,
    params=_within,
    row=Listed,
    key="id",
    label="subject",
    row_path=MAILS + "/{}",
    order="-id",
    fill=_named,
    columns=(
        Column("address", N_("Recipient"), link=True, phone="title", empty=N_("erased")),
        Column("title", N_("Kind"), template="mail/cell_title.html"),
        Column("subject", N_("Subject"), template="mail/cell_subject.html"),
        Column("state", N_("State"), kind="choice", filter="choice", options=STATES),
        Column("created_at", N_("Asked for"), kind="moment", filter="range"),
        Column("sent_at", N_("Sent"), kind="moment", shown=False),
        Column("tries", N_("Tries"), kind="number", shown=False),
        Column("error", N_("What was said"), shown=False),
        Column("shop", N_("Shop"), shown=False),
        Column("is_trial", N_("Test"), kind="flag", shown=False),
    ),
    search=Search(
        "(t.address is not null and lower(t.address) like lower(:begins) || '%')",
        lambda text: {"begins": text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")},
        N_("Mail address begins with …"),
    ),
    presets=(
        Preset(N_("To look at"), "state=failed&state=bounced&state=unsure"),
        Preset(N_("Waiting"), "state=waiting"),
    ),
    actions=(Action(N_("E-mail templates"), TEXTS, "mail.write", "edit"),),
    nothing=Nothing(
        N_("No mails yet"),
        N_("Confirmations of orders, payments and withdrawals are listed here as soon as the first one is asked for."),
    ),
)


# -- one mail


class Sent(Struct, frozen=True):
    """A mail as it was sent, taken apart for the page."""

    sender: str
    to: str
    date: str
    text: str
    has_page: bool
    files: list[str]


def _sent(raw: bytes) -> Sent:
    message = cast("EmailMessage", message_from_bytes(raw, policy=policy.default))
    plain, page = message.get_body(("plain",)), message.get_body(("html",))
    return Sent(
        str(message["From"] or ""),
        str(message["To"] or ""),
        str(message["Date"] or ""),
        str(plain.get_content()) if plain is not None else "",
        page is not None,
        [one.get_filename() or "" for one in message.iter_attachments()],
    )


class Again(Struct, frozen=True):
    """Where a mail is sent again; empty: where it went."""

    address: Annotated[str, Meta(max_length=254)]


@get("/office/mails/{mail_id:uuid}", guards=[needs("mail.read", MAIL)])
async def office_mail(
    view: View, database: Database, principal: Principal, draft: Draft | None, mail_id: UUID
) -> Response[str]:
    """What became of a mail, and what it said."""
    async with database.reading() as conn:
        row = await mails.read(conn, mail_id=mail_id)
        raw = await mails.copy_of(conn, mail_id=mail_id)
        others = [one for one in await mails.about(conn, subject=row.about) if one.id != row.id] if row.about else []
        whose = await mails.whose(conn, mail_id)
    known = writing.installed()
    return view.show(
        "mail/mail.html",
        mail=row,
        title=known[row.mail].title if row.mail in known else row.mail,
        titles={name: one.title for name, one in known.items()},
        sent=_sent(raw) if raw else None,
        others=others,
        states=STATES,
        order_id=row.about.removeprefix("orders.order:") if row.about.startswith("orders.order:") else "",
        form=Form.drafted(draft, Again),
        refused=refused(view, draft, REFUSED),
        may_write=whose is not None and principal.covers("mail.write", whose.freed(MAIL.free)),
        headers={"Cache-Control": "private, no-store"},
    )


@get("/office/mails/{mail_id:uuid}/view", guards=[needs("mail.read", MAIL)])
async def office_mail_view(database: Database, mail_id: UUID) -> Response[str]:
    """The mail as its reader saw it, for a frame."""
    async with database.reading() as conn:
        await mails.read(conn, mail_id=mail_id)
        raw = await mails.copy_of(conn, mail_id=mail_id)
    message = cast("EmailMessage", message_from_bytes(raw or b"", policy=policy.default))
    page = message.get_body(("html",)) if raw else None
    body = str(page.get_content()) if page is not None else ""
    return Response(body, media_type="text/html", headers=_ALONE)


@get("/office/mails/{mail_id:uuid}/mail.eml", guards=[needs("mail.read", MAIL)])
async def office_mail_file(database: Database, mail_id: UUID) -> Response[bytes]:
    """The mail byte for byte."""
    async with database.reading() as conn:
        await mails.read(conn, mail_id=mail_id)
        raw = await mails.copy_of(conn, mail_id=mail_id)
    headers = {"Content-Disposition": f'attachment; filename="{mail_id}.eml"', "Cache-Control": "private, no-store"}
    return Response(raw or b"", media_type="message/rfc822", headers=headers)


@post(
    "/office/mails/{mail_id:uuid}/again",
    guards=[needs("mail.write", MAIL)],
    opt={"form": "/office/mails/{mail_id}"},
)
async def send_again(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, mail_id: UUID
) -> Redirect:
    """Send a mail again, perhaps to a better address. Refusals: as `mails.send_again`."""
    typed = checked(await request.form(), Again)
    async with database.transaction() as tx:
        id = await mails.send_again(
            tx, mail_id=mail_id, address=typed.address.strip() or None, by=str(principal), at=at
        )
    return Redirect(f"{MAILS}/{id}?done=mail_again", status_code=303)


# -- words


class Target(Struct, frozen=True):
    """Which words: of which shop (empty: of all) in which language."""

    shop: UUID | None
    language: str


class Typed(Struct, frozen=True):
    """Words as they are typed."""

    subject: Annotated[str, Meta(max_length=400)]
    preview: Annotated[str, Meta(max_length=400)]
    body: Annotated[str, Meta(max_length=40_000)]

    @property
    def wording(self) -> Wording:
        body = self.body.replace("\r\n", "\n").strip() + "\n"
        return Wording(self.subject.strip(), body, self.preview.strip())


class Sample(Typed, frozen=True):
    """Words with an address to try them out."""

    address: Annotated[str, Meta(max_length=254)]


def _target(request: Request[Any, Any, Any], shop: Shop) -> Target:
    """What the address says: `?in=de&of=<shop>`. Refusal: `Invalid`."""
    language = request.query_params.get("in") or shop.language
    if language not in {*shop.languages, "en"}:
        raise Invalid(field="in", rule="a language of the shop")
    chosen = request.query_params.get("of", "")
    try:
        return Target(UUID(chosen) if chosen else None, language)
    except ValueError:
        raise Invalid(field="of", rule="the id of a shop") from None


def _address(mail: Mail, target: Target) -> str:
    return f"{TEXTS}/{mail.name}?in={target.language}" + (f"&of={target.shop}" if target.shop else "")


def _ways(settings: Settings, links: Links) -> Ways:
    return Ways(base_of(settings), links)


@get("/office/mail-texts", guards=[needs("mail.write")])
async def office_texts(view: View, database: Database, shop: Shop, settings: Settings) -> Response[str]:
    """Which mails there are, and which of them staff have worded."""
    async with database.reading() as conn:
        edited = await texts.edited(conn)
        trouble = await mails.trouble(conn)
    by_mail: dict[str, list[Edited]] = {}
    for one in edited:
        if one.wording is not None:
            by_mail.setdefault(one.mail, []).append(one)
    return view.show(
        "mail/texts.html",
        mails=list(writing.installed().values()),
        edited=by_mail,
        trouble=trouble,
        languages_of=[(code, own_name(code)) for code in shop.languages],
        standing=standing(settings),
        is_folder=settings.mail_smtp is None,
    )


@get("/office/mail-texts/{mail_name:str}", guards=[needs("mail.write")])
async def office_text(
    view: View,
    request: Request[Any, Any, Any],
    database: Database,
    shop: Shop,
    settings: Settings,
    links: Links,
    principal: Principal,
    draft: Draft | None,
    mail_name: str,
    version: Annotated[UUID | None, Parameter(query="version")] = None,
) -> Response[str]:
    """Edit the words of a mail in one language, beside a real example."""
    mail, target, ways = texts.known(mail_name), _target(request, shop), _ways(settings, links)
    async with database.reading() as conn:
        chosen = await texts.current(conn, mail, shop_id=target.shop, language=target.language)
        history = await texts.history(conn, mail, shop_id=target.shop, language=target.language)
        example = await texts.example_of(
            conn, mail, shop_id=target.shop or shop.id, language=target.language, ways=ways
        )
        every_shop = (await shops(conn)).items
        names = await names_of(conn, (one.created_by for one in history))
        older = await texts.version(conn, text_id=version) if version else None
    form = Form.drafted(draft, Sample)
    wording = older.wording if older and older.wording else chosen.wording
    if not form.typed:
        form = Form({"subject": wording.subject, "preview": wording.preview, "body": wording.body})
    return view.show(
        "mail/text.html",
        mail=mail,
        target=target,
        address=_address(mail, target),
        chosen=chosen,
        older=older,
        own=next(iter(history), None),
        history=history,
        names=names,
        form=form,
        refused=refused(view, draft, REFUSED, fields=False),
        values=dict(example[1].values) if example else dict.fromkeys(writing.names_in(chosen.wording), ""),
        has_example=example is not None,
        shops_of=[(str(one.id), one.name) for one in every_shop],
        languages_of=[(code, own_name(code)) for code in shop.languages],
        login=principal.name if is_address(principal.name) else "",
    )


@post(
    "/office/mail-texts/{mail_name:str}", guards=[needs("mail.write")], opt={"form": "/office/mail-texts/{mail_name}"}
)
async def save_text(
    request: Request[Any, Any, Any],
    database: Database,
    shop: Shop,
    settings: Settings,
    links: Links,
    principal: Principal,
    at: datetime,
    mail_name: str,
) -> Redirect:
    """Make typed words those of the next mail. Refusals: `UnknownMail`, `BrokenTemplate`, `PiecesMissing`."""
    mail, target = texts.known(mail_name), _target(request, shop)
    typed = checked(await request.form(), Typed)
    async with database.transaction() as tx:
        await texts.put(
            tx,
            mail,
            typed.wording,
            shop_id=target.shop,
            language=target.language,
            ways=_ways(settings, links),
            by=str(principal),
            at=at,
        )
    return Redirect(_address(mail, target) + "&done=mail_text", status_code=303)


@post("/office/mail-texts/{mail_name:str}/reset", guards=[needs("mail.write")])
async def reset_text(
    request: Request[Any, Any, Any],
    database: Database,
    shop: Shop,
    settings: Settings,
    links: Links,
    principal: Principal,
    at: datetime,
    mail_name: str,
) -> Redirect:
    """The words that came with Lotse (or the theme) again."""
    mail, target = texts.known(mail_name), _target(request, shop)
    async with database.transaction() as tx:
        await texts.put(
            tx,
            mail,
            None,
            shop_id=target.shop,
            language=target.language,
            ways=_ways(settings, links),
            by=str(principal),
            at=at,
        )
    return Redirect(_address(mail, target) + "&done=mail_text", status_code=303)


@post(
    "/office/mail-texts/{mail_name:str}/try",
    guards=[needs("mail.write")],
    opt={"form": "/office/mail-texts/{mail_name}"},
)
async def try_text(
    request: Request[Any, Any, Any],
    database: Database,
    shop: Shop,
    settings: Settings,
    links: Links,
    at: datetime,
    mail_name: str,
) -> Redirect:
    """Send what is typed, with a real example, to an address. Refusals: `NoAddress`, `NoExample`, `BrokenTemplate`,
    `PiecesMissing`."""
    mail, target = texts.known(mail_name), _target(request, shop)
    typed = checked(await request.form(), Sample)
    if not is_address(typed.address.strip()):
        raise NoAddress(address=typed.address[:200])
    ways = _ways(settings, links)
    async with database.transaction() as tx:
        shop_id = target.shop or shop.id
        await texts.preview(tx, mail, typed.wording, shop_id=shop_id, language=target.language, ways=ways)
        found = await mail.example(tx, shop_id)
        if found is None:
            raise NoExample(mail=mail.name)
        payload, to = found
        to = replace(
            to, address=typed.address.strip(), language=target.language, shop_id=shop_id, party_id=None, about=""
        )
        await mails.enqueue(tx, mail, payload, to=to, event_id=uuid7(), at=at, wording=typed.wording, is_trial=True)
    return Redirect(_address(mail, target) + "&done=mail_tried", status_code=303)


@post("/office/mail-texts/{mail_name:str}/preview", guards=[needs("mail.write")], status_code=200)
async def preview_text(
    view: View,
    request: Request[Any, Any, Any],
    database: Database,
    shop: Shop,
    settings: Settings,
    links: Links,
    mail_name: str,
) -> Response[str]:
    """What is typed, as it would be read; or why it cannot be, with the line. For the frame beside the form."""
    mail, target = texts.known(mail_name), _target(request, shop)
    form = await request.form()
    typed = Form.read(form, Typed).content
    try:
        if typed is None:
            raise BrokenTemplate(field="body", line=0, reason="it is too long")
        async with database.reading() as conn:
            found = await texts.preview(
                conn,
                mail,
                typed.wording,
                shop_id=target.shop or shop.id,
                language=target.language,
                ways=_ways(settings, links),
            )
    except BrokenTemplate as broken:
        body = view.render("mail/broken.html", broken=broken)
    except PiecesMissing as lacks:
        body = view.render("mail/broken.html", broken=None, lacks=lacks)
    except NoExample:
        body = view.render("mail/broken.html", broken=None)
    else:
        is_plain = form.get("as") == "plain"
        body = view.render("mail/plain.html", found=found) if is_plain else found.html
    return Response(body, media_type="text/html", headers=_ALONE)


routes = (
    *table_routes(TABLE),
    office_mail,
    office_mail_view,
    office_mail_file,
    send_again,
    office_texts,
    office_text,
    save_text,
    reset_text,
    try_text,
    preview_text,
)
tables = (TABLE,)
places = (Place(MAILS, N_("Mails"), "bell", "m", "mail.read", "customers", 40),)
