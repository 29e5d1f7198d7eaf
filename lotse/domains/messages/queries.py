"""The mails and news that there are (`mails`, `pushes`), and what each says: read when it is sent."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from msgspec import Struct

from lotse.domains.content.queries import languages_for
from lotse.domains.content.queries import text as text_of_page
from lotse.domains.customers.contracts import CONSENT_LINK, EMAIL_LINK, RESET_LINK, Address, Customer
from lotse.domains.customers.queries import consent_request, customer, email_change, login, newest_account
from lotse.domains.customers.queries import reset as read_reset
from lotse.domains.messages.contracts import (
    AboutAccount,
    AboutAmendment,
    AboutConsent,
    AboutEmail,
    AboutMoney,
    AboutNotice,
    AboutOrder,
    AboutReset,
    AboutWithdrawal,
)
from lotse.domains.messages.rules import greeting_name
from lotse.domains.orders.contracts import ORDER_LINK, Amendment, Line, Order
from lotse.domains.orders.queries import newest_with_contact
from lotse.domains.orders.queries import order as read_order
from lotse.domains.parties.contracts import LegalEntity, Party, Shop
from lotse.domains.parties.queries import legal_entity, party, shop
from lotse.domains.payments.queries import payment, without_provider
from lotse.domains.returns.contracts import WITHDRAWAL_LINK
from lotse.domains.returns.queries import newest_withdrawal, withdrawal
from lotse.domains.returns.rules import is_unsent
from lotse.kernel.auth.notices import SAID
from lotse.kernel.auth.staff import Staff, everybody
from lotse.kernel.db import Connection
from lotse.kernel.mail import post
from lotse.kernel.mail.contracts import Attachment, Content, Mail, Sender, To, Ways
from lotse.kernel.pages.formatting import filters, locale_of
from lotse.kernel.pages.i18n import N_
from lotse.kernel.push import post as devices
from lotse.kernel.push.contracts import Device, News, Push


class House(Struct, frozen=True):
    """Who sells: the shop, its legal entity, and how they are reached."""

    shop: Shop
    entity: LegalEntity
    party: Party | None

    @property
    def lines(self) -> tuple[str, ...]:
        """Name and address, line by line."""
        address = self.entity.address
        return tuple(
            line for line in (self.entity.name, address.street, f"{address.postcode} {address.city}".strip()) if line
        )

    def sender(self, ways: Ways) -> Sender:
        """Who signs: the imprint that business letters need (s. 35a GmbHG, s. 5 DDG) as far as it is known."""
        reach = " · ".join(part for part in (self.party.email, self.party.phone) if part) if self.party else ""
        vat = f"VAT ID {self.entity.vat_id}" if self.entity.vat_id else ""
        imprint = (" · ".join(self.lines), *((reach,) if reach else ()), *((vat,) if vat else ()))
        return Sender(self.shop.name, self.party.email if self.party else "", ways.base, imprint)


async def house_of(conn: Connection, shop_id: UUID) -> House | None:
    """Who sells in a shop."""
    found = await shop(conn, shop_id=shop_id)
    entity = await legal_entity(conn, legal_entity_id=found.legal_entity_id) if found else None
    if found is None or entity is None:
        return None
    return House(found, entity, await party(conn, party_id=entity.party_id))


# -- orders


class ShownLine(Struct, frozen=True):
    """A line as it reads."""

    text: str
    quantity: str
    unit_price: str
    sku: str
    sum: str


class ShownTax(Struct, frozen=True):
    """The tax of a rate as it reads."""

    rate: str
    net: str
    tax: str


async def _order_of(conn: Connection, order_id: UUID) -> tuple[Order, House] | None:
    order = await read_order(conn, order_id=order_id)
    house = await house_of(conn, order.shop_id) if order else None
    return (order, house) if order and house and order.contact else None


def _common(order: Order, house: House, to: To, ways: Ways) -> dict[str, str | bool]:
    said = filters(locale_of(to.language))
    return {
        "name": to.name,
        "number": order.number,
        "shop": house.shop.name,
        "placed": said["moment"](order.placed_at, order.zone, "long"),
        "total": said["money"](order.gross_minor, order.currency),
        "link": ways.to(_path(house.shop, to.language, f"/order/{ways.links.sign(ORDER_LINK, order.id)}")),
        "home": ways.to(_path(house.shop, to.language, "/")),
        "withdrawal_link": ways.to(_path(house.shop, to.language, "/withdraw")),
        "seller": ", ".join(house.lines),
        "email": house.party.email if house.party else "",
        "phone": house.party.phone if house.party else "",
    }


def _path(shop: Shop, language: str, path: str) -> str:
    """An address of the shop in a language."""
    return path if language == shop.language else f"/{language}{path if path != '/' else ''}"


def _lines(order: Order, language: str) -> dict[str, Any]:
    said = filters(locale_of(language))
    goods = [line for line in order.lines if line.kind == "goods"]
    charges = [line for line in order.lines if line.kind != "goods"]
    rates = sorted({line.tax_rate for line in order.lines}, reverse=True)
    return {
        "goods": [_line(line, order.currency, said) for line in goods],
        "charges": [_line(line, order.currency, said) for line in charges],
        "gross": order.gross,
        "net_total": said["money"](order.net_minor, order.currency),
        "order_total": said["money"](order.gross_minor, order.currency),
        "taxes": [_tax(rate, order, said) for rate in rates],
    }


def _line(line: Line, currency: str, said: Mapping[str, Any]) -> ShownLine:
    return ShownLine(
        line.text,
        said["quantity"](line.quantity, line.unit),
        said["unit_price"](line.unit_price, currency),
        line.sku,
        said["money"](line.gross_minor, currency),
    )


def _tax(rate: Decimal, order: Order, said: Mapping[str, Any]) -> ShownTax:
    lines = [line for line in order.lines if line.tax_rate == rate]
    return ShownTax(
        said["percent"](rate),
        said["money"](sum(line.net_minor for line in lines), order.currency),
        said["money"](sum(line.tax_minor for line in lines), order.currency),
    )


def _sides(order: Order, language: str) -> dict[str, Any]:
    """Where it goes and by when (art. 246a EGBGB s. 1(1) no. 7), and to whom the bill."""
    contact = order.contact
    billing = _address(contact.billing, language) if contact else []
    delivery = _address(contact.delivery, language) if contact and contact.delivery else billing
    return {"billing": billing, "delivery": delivery, "promised": None if order.cancelled else order.promised}


def _address(address: Address, language: str) -> list[str]:
    place = f"{address.postcode} {address.city}".strip()
    names = cast("dict[str, str]", locale_of(language).territories)
    country = names.get(address.country, address.country)
    lines = (address.name, address.company, address.street, address.street2, place, country)
    return [line for line in lines if line]


async def _order_placed(conn: Connection, about: AboutOrder, to: To, ways: Ways) -> Content | None:
    found = await _order_of(conn, about.order_id)
    if found is None:
        return None
    order, house = found
    said = filters(locale_of(to.language))
    paid = await payment(conn, payment_id=order.payment_id)
    method = paid.method if paid else ""
    open_minor = paid.open_minor if paid else 0
    account = house.entity.bank_account
    # As they stood when the order was placed: what was agreed on.
    terms = await text_of_page(
        conn,
        shop_id=order.shop_id,
        slug="terms",
        languages=languages_for(to.language, house.shop.language),
        at=order.placed_at,
    )
    values: dict[str, str | bool] = {
        **_common(order, house, to, ways),
        "by_invoice": method == "invoice",
        "in_advance": method == "prepayment",
        "is_paid": open_minor <= 0 or method not in {one.name for one in without_provider()},
        "due": said["day"](paid.due_at, order.zone, "long") if paid else "",
        "iban": _grouped(account.iban),
        "bic": account.bic,
        "account_holder": account.holder or house.entity.name,
        "has_account": bool(account.iban),
        "has_terms": terms is not None,
    }
    parts = {"lines": _lines(order, to.language), "addresses": _sides(order, to.language)}
    named = "AGB.txt" if to.language == "de" else "terms.txt"
    attached = (Attachment(named, terms),) if terms is not None else ()
    return Content(values, house.sender(ways), parts, attached)


def _grouped(iban: str) -> str:
    """As printed: in groups of four."""
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


async def _amended(conn: Connection, about: AboutAmendment, to: To, ways: Ways) -> Content | None:
    found = await _order_of(conn, about.order_id)
    amendment = next((one for one in found[0].amendments if one.id == about.amendment_id), None) if found else None
    if found is None or amendment is None:
        return None
    order, house = found
    said = filters(locale_of(to.language))
    paid = await payment(conn, payment_id=order.payment_id)
    values: dict[str, str | bool] = {
        **_common(order, house, to, ways),
        "amount": said["money"](amendment.gross_minor, order.currency),
        "when": said["moment"](amendment.occurred_at, order.zone, "long"),
        "was_paid": bool(paid and paid.received_minor > 0),
        "unpaid_in_time": amendment.reason == "not paid in time",
    }
    return Content(values, house.sender(ways), {"taken_back": _taken_back(amendment, order.currency, to.language)})


def _taken_back(amendment: Amendment, currency: str, language: str) -> dict[str, Any]:
    said = filters(locale_of(language))
    lines = [
        ShownLine(line.text, said["quantity"](line.quantity), "", line.sku, said["money"](line.gross_minor, currency))
        for line in amendment.lines
    ]
    return {"taken": lines, "taken_total": said["money"](amendment.gross_minor, currency)}


async def _payment_received(conn: Connection, about: AboutMoney, to: To, ways: Ways) -> Content | None:
    found = await _order_of(conn, about.order_id)
    if found is None:
        return None
    order, house = found
    said = filters(locale_of(to.language))
    values: dict[str, str | bool] = {
        **_common(order, house, to, ways),
        "amount": said["money"](about.amount_minor, order.currency),
        "open_amount": said["money"](max(about.open_minor, 0), order.currency),
        "is_settled": about.open_minor <= 0,
        "waited": order.channel != "till" and _waited(order),
    }
    return Content(values, house.sender(ways))


def _waited(order: Order) -> bool:
    """Whether the goods waited for this money: released later than placed, or not yet."""
    return order.released_at is None or order.released_at > order.placed_at


async def _payment_failed(conn: Connection, about: AboutOrder, to: To, ways: Ways) -> Content | None:
    found = await _order_of(conn, about.order_id)
    if found is None:
        return None
    order, house = found
    paid = await payment(conn, payment_id=order.payment_id)
    if paid is None or paid.open_minor <= 0:
        return None  # it came through after all
    said = filters(locale_of(to.language))
    account = house.entity.bank_account
    values: dict[str, str | bool] = {
        **_common(order, house, to, ways),
        "open_amount": said["money"](paid.open_minor, order.currency),
        "iban": _grouped(account.iban),
        "account_holder": account.holder or house.entity.name,
        "has_account": bool(account.iban),
    }
    return Content(values, house.sender(ways))


async def _withdrawal_received(conn: Connection, about: AboutWithdrawal, to: To, ways: Ways) -> Content | None:
    declared = await withdrawal(conn, withdrawal_id=about.withdrawal_id)
    house = await house_of(conn, declared.shop_id) if declared else None
    if declared is None or house is None or not declared.email:
        return None
    order = await read_order(conn, order_id=declared.order_id) if declared.order_id else None
    said = filters(locale_of(to.language))
    zone = house.shop.timezone
    values: dict[str, str | bool] = {
        "name": declared.name,
        "number": declared.number,
        "order_number": declared.order_number,
        "email": declared.email,
        "day": said["day"](declared.declared_at, zone, "full"),
        "moment": said["exact"](declared.declared_at, zone),
        "what": " ".join(declared.what.split()),
        "has_words": bool(declared.what.strip()),
        "is_partial": bool(declared.parts),
        "is_unsent": order is not None and is_unsent(order),
        "shop": house.shop.name,
        "seller": ", ".join(house.lines),
        "link": ways.to(_path(house.shop, to.language, f"/withdrawn/{ways.links.sign(WITHDRAWAL_LINK, declared.id)}")),
    }
    pieces = [(said["quantity"](part.quantity), part.text) for part in declared.parts]
    return Content(values, house.sender(ways), {"pieces": {"pieces": pieces}})


# -- customers' accounts

# What example mails link to: no row has this id, so their link sets nobody's password and confirms nothing.
_NO_RESET = _NO_REQUEST = _NO_CHANGE = UUID(int=0)


async def account_address(conn: Connection, *, customer_id: UUID, language: str) -> To | None:
    """Where somebody with an account is reached: at what they sign in with. None if it is erased."""
    known = await customer(conn, customer_id=customer_id)
    account = await login(conn, customer_id=customer_id)
    house = await house_of(conn, known.shop_id) if known else None
    if known is None or account is None or house is None:
        return None
    return To(
        address=account.email,
        name=greeting_name(known.name),
        language=language or house.shop.language,
        shop_id=known.shop_id,
        party_id=known.party_id,
        about=f"customers.customer:{customer_id}",
    )


async def _account_of(conn: Connection, customer_id: UUID) -> tuple[Customer, House] | None:
    known = await customer(conn, customer_id=customer_id)
    house = await house_of(conn, known.shop_id) if known else None
    return (known, house) if known and house else None


async def _password_forgotten(conn: Connection, about: AboutReset, to: To, ways: Ways) -> Content | None:
    found = await _account_of(conn, about.customer_id)
    if found is None:
        return None
    _, house = found
    expires_at = ways.at
    if about.reset_id != _NO_RESET:
        reset = await read_reset(conn, reset_id=about.reset_id, at=ways.at)
        # Used or too old, or sent on by staff to somebody whose account it is not.
        if reset is None or reset.email.lower() != to.address.lower():
            return None
        expires_at = reset.expires_at
    token = ways.links.sign(RESET_LINK, about.reset_id)
    values: dict[str, str | bool] = {
        "name": to.name,
        "shop": house.shop.name,
        "until": filters(locale_of(to.language))["moment"](expires_at, house.shop.timezone, "long"),
        "link": ways.to(_path(house.shop, to.language, f"/account/password/{token}")),
    }
    return Content(values, house.sender(ways))


async def _consent_asked(conn: Connection, about: AboutConsent, to: To, ways: Ways) -> Content | None:
    found = await _account_of(conn, about.customer_id)
    if found is None:
        return None
    _, house = found
    expires_at = ways.at
    if about.request_id != _NO_REQUEST:
        asked = await consent_request(conn, request_id=about.request_id, at=ways.at)
        # Confirmed, taken back or too old, or sent on by staff to another address, which it would not prove.
        if asked is None or asked.email.lower() != to.address.lower():
            return None
        expires_at = asked.expires_at
    token = ways.links.sign(CONSENT_LINK, about.request_id)
    values: dict[str, str | bool] = {
        "name": to.name,
        "shop": house.shop.name,
        "until": filters(locale_of(to.language))["moment"](expires_at, house.shop.timezone, "long"),
        "link": ways.to(_path(house.shop, to.language, f"/account/consents/{token}")),
    }
    return Content(values, house.sender(ways))


async def _email_asked(conn: Connection, about: AboutEmail, to: To, ways: Ways) -> Content | None:
    found = await _account_of(conn, about.customer_id)
    if found is None:
        return None
    _, house = found
    expires_at = ways.at
    if about.change_id != _NO_CHANGE:
        asked = await email_change(conn, change_id=about.change_id, at=ways.at)
        # Followed, replaced or too old, or sent on by staff to another address, which it would not prove.
        if asked is None or asked.email.lower() != to.address.lower():
            return None
        expires_at = asked.expires_at
    token = ways.links.sign(EMAIL_LINK, about.change_id)
    values: dict[str, str | bool] = {
        "shop": house.shop.name,
        "email": to.address,
        "until": filters(locale_of(to.language))["moment"](expires_at, house.shop.timezone, "long"),
        "link": ways.to(_path(house.shop, to.language, f"/account/email/{token}")),
    }
    return Content(values, house.sender(ways))


async def _account_told(conn: Connection, about: AboutAccount, to: To, ways: Ways) -> Content | None:
    found = await _account_of(conn, about.customer_id)
    if found is None:
        return None
    _, house = found
    forgotten = ways.to(_path(house.shop, to.language, "/account/forgotten"))
    values: dict[str, str | bool] = {
        "name": to.name,
        "shop": house.shop.name,
        "email": to.address,
        "when": filters(locale_of(to.language))["moment"](about.happened_at, house.shop.timezone, "long"),
        "link": ways.to(_path(house.shop, to.language, "/account")),
        "forgotten_link": forgotten,
    }
    return Content(values, house.sender(ways))


# -- news for devices: a line or two, read on a screen that others may see


async def _news(
    conn: Connection, order_id: UUID, device: Device, ways: Ways, title: str, body: str, amount_minor: int | None = None
) -> News | None:
    found = await _order_of(conn, order_id)
    if found is None:
        return None  # erased, or nobody's any more
    order, house = found
    values = {"number": order.number, "shop": house.shop.name}
    if amount_minor is not None:
        values["amount"] = filters(locale_of(device.language))["money"](amount_minor, order.currency)
    path = _path(house.shop, device.language, f"/order/{ways.links.sign(ORDER_LINK, order.id)}")
    # One notice per order on a screen: the newest says where things stand.
    return News(title, body, path, values, tag=f"order-{order.number}")


async def _news_of_order(conn: Connection, about: AboutOrder, device: Device, ways: Ways) -> News | None:
    return await _news(
        conn, about.order_id, device, ways,
        N_("We have received order %(number)s"), N_("Thank you. %(shop)s tells you here how it goes on."),
    )  # fmt: skip


async def _news_of_money(conn: Connection, about: AboutMoney, device: Device, ways: Ways) -> News | None:
    if about.open_minor > 0:
        return await _news(
            conn, about.order_id, device, ways,
            N_("Part of your payment has arrived"), N_("%(amount)s of order %(number)s are still open."),
            about.open_minor,
        )  # fmt: skip
    return await _news(
        conn, about.order_id, device, ways,
        N_("Your payment has arrived"), N_("%(amount)s for order %(number)s. Thank you."), about.amount_minor,
    )  # fmt: skip


async def _news_of_charge(conn: Connection, about: AboutOrder, device: Device, ways: Ways) -> News | None:
    order = await read_order(conn, order_id=about.order_id)
    paid = await payment(conn, payment_id=order.payment_id) if order else None
    if paid is None or paid.open_minor <= 0:
        return None  # it came through after all
    return await _news(
        conn, about.order_id, device, ways,
        N_("A payment did not go through"), N_("%(amount)s of order %(number)s are still open."), paid.open_minor,
    )  # fmt: skip


async def _news_of_taken_back(conn: Connection, about: AboutAmendment, device: Device, ways: Ways) -> News | None:
    order = await read_order(conn, order_id=about.order_id)
    amendment = next((one for one in order.amendments if one.id == about.amendment_id), None) if order else None
    if amendment is None:
        return None
    title, body = _SAID_OF[amendment.kind]
    return await _news(conn, about.order_id, device, ways, title, body, amendment.gross_minor)


_SAID_OF = {
    "cancellation": (N_("Order %(number)s is cancelled"), N_("It is taken back: %(amount)s.")),
    "return": (N_("Your return has arrived"), N_("Of order %(number)s came back: %(amount)s.")),
    "credit": (N_("We credit you something"), N_("%(amount)s for order %(number)s.")),
}


async def _news_of_withdrawal(conn: Connection, about: AboutWithdrawal, device: Device, ways: Ways) -> News | None:
    declared = await withdrawal(conn, withdrawal_id=about.withdrawal_id)
    if declared is None or declared.order_id is None:
        return None
    return await _news(
        conn, declared.order_id, device, ways,
        N_("Your withdrawal has arrived"), N_("It is about order %(number)s. We take care of it."),
    )  # fmt: skip


# -- staff


async def _account_notice(conn: Connection, about: AboutNotice, to: To, ways: Ways) -> Content | None:
    said = SAID.get(about.kind)
    if said is None:
        return None
    return Content(
        {"name": to.name, "link": ways.to("/office/account"), **{_flag(kind): kind == about.kind for kind in SAID}},
        Sender("Lotse", "", ways.base),
    )


def _flag(kind: str) -> str:
    return kind.replace("-", "_")


async def staff_address(conn: Connection, *, staff_id: UUID) -> To | None:
    """Where somebody who works here is reached: a log-in that is a mail address."""
    found: Staff | None = next((one for one in await everybody(conn) if one.id == staff_id), None)
    if found is None or "@" not in found.login:
        return None
    return To(address=found.login, name=greeting_name(found.name), language="en")


# -- examples


async def _example_order(conn: Connection, shop_id: UUID | None) -> tuple[AboutOrder, To] | None:
    found = await _example(conn, shop_id, amended=False)
    return (AboutOrder(found[0].id), found[1]) if found else None


async def _example_amendment(conn: Connection, shop_id: UUID | None) -> tuple[AboutAmendment, To] | None:
    found = await _example(conn, shop_id, amended=True)
    return (AboutAmendment(found[0].id, found[0].amendments[-1].id), found[1]) if found else None


async def _example_money(conn: Connection, shop_id: UUID | None) -> tuple[AboutMoney, To] | None:
    found = await _example(conn, shop_id, amended=False)
    if found is None:
        return None
    order, to = found
    return AboutMoney(order.id, order.payment_id, order.gross_minor, 0), to


async def _example_withdrawal(conn: Connection, shop_id: UUID | None) -> tuple[AboutWithdrawal, To] | None:
    found = await newest_withdrawal(conn, shop_id=shop_id)
    if found is None:
        return None
    to = To(address=found.email, name=found.name, language=found.language, shop_id=found.shop_id)
    return AboutWithdrawal(found.id), to


async def _example_notice(conn: Connection, shop_id: UUID | None) -> tuple[AboutNotice, To] | None:
    found = next(iter(await everybody(conn)), None)
    if found is None:
        return None
    return AboutNotice(found.id, "new-device"), To(address=found.login, name=found.name, language="en")


# When it happened does not matter to an example.
_EXAMPLE_AT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


async def _example_account(conn: Connection, shop_id: UUID | None) -> tuple[AboutAccount, To] | None:
    found = await _example_reset(conn, shop_id)
    return (AboutAccount(found[0].customer_id, _EXAMPLE_AT), found[1]) if found else None


async def _example_consent(conn: Connection, shop_id: UUID | None) -> tuple[AboutConsent, To] | None:
    found = await _example_reset(conn, shop_id)
    return (AboutConsent(found[0].customer_id, _NO_REQUEST), found[1]) if found else None


async def _example_email(conn: Connection, shop_id: UUID | None) -> tuple[AboutEmail, To] | None:
    found = await _example_reset(conn, shop_id)
    return (AboutEmail(found[0].customer_id, _NO_CHANGE), found[1]) if found else None


async def _example_reset(conn: Connection, shop_id: UUID | None) -> tuple[AboutReset, To] | None:
    customer_id = await newest_account(conn, shop_id=shop_id)
    to = await account_address(conn, customer_id=customer_id, language="") if customer_id else None
    return (AboutReset(customer_id, _NO_RESET), to) if customer_id and to else None


async def _example(conn: Connection, shop_id: UUID | None, *, amended: bool) -> tuple[Order, To] | None:
    order_id = await newest_with_contact(conn, shop_id=shop_id, amended=amended)
    order = await read_order(conn, order_id=order_id) if order_id else None
    if order is None or order.contact is None:
        return None
    to = To(
        address=order.contact.email,
        name=greeting_name(order.contact.billing.name),
        language=order.language,
        shop_id=order.shop_id,
        about=f"orders.order:{order.id}",
    )
    return order, to


# -- what the kernel looks for


class StoredMails(Struct, frozen=True):
    """What is kept of mails to a person and of their devices, for their export."""

    mails: list[dict[str, Any]]
    devices: list[dict[str, Any]]


async def export_party(conn: Connection, *, party_id: UUID) -> StoredMails | None:
    """What is kept of mails to a person, and their devices that want news; None if nothing is."""
    found = await post.export_party(conn, party_id=party_id)
    told = await devices.export_party(conn, party_id=party_id)
    return StoredMails(found, told) if found or told else None


ORDER_PLACED = Mail(
    "messages.order_placed",
    N_("Order confirmation"),
    AboutOrder,
    _order_placed,
    _example_order,
    hint=N_("As soon as an order has arrived. The law wants lines, prices, tax, seller, withdrawal and terms in it."),
    parts=("lines", "addresses"),
    # Art. 246a EGBGB s. 1, s. 312f(2) BGB; the instruction on withdrawal says who is told, and where online.
    needs={"number": "", "lines": "", "addresses": "", "seller": "", "withdrawal_link": ""},
)
ORDER_CANCELLED = Mail(
    "messages.order_cancelled",
    N_("Order cancelled"),
    AboutAmendment,
    _amended,
    _example_amendment,
    hint=N_("When an order is cancelled, by the buyer, by staff, or because it was not paid in time."),
    parts=("taken_back",),
    needs={"number": "", "taken_back": ""},
)
ORDER_AMENDED = Mail(
    "messages.order_amended",
    N_("Part of an order taken back"),
    AboutAmendment,
    _amended,
    _example_amendment,
    hint=N_("When goods came back or something is credited."),
    parts=("taken_back",),
    needs={"number": "", "taken_back": ""},
)
PAYMENT_RECEIVED = Mail(
    "messages.payment_received",
    N_("Payment received"),
    AboutMoney,
    _payment_received,
    _example_money,
    hint=N_("When a transfer arrived, for prepaid orders and invoices."),
    needs={"number": "", "amount": "", "open_amount": "not is_settled"},
)
PAYMENT_FAILED = Mail(
    "messages.payment_failed",
    N_("Payment failed"),
    AboutOrder,
    _payment_failed,
    _example_order,
    hint=N_("When a card or wallet was refused after the order was placed."),
    needs={"number": "", "open_amount": "", "link": ""},
)
WITHDRAWAL_RECEIVED = Mail(
    "messages.withdrawal_received",
    N_("Withdrawal received"),
    AboutWithdrawal,
    _withdrawal_received,
    _example_withdrawal,
    hint=N_("At once when somebody withdraws online. The law wants content, day and time of what arrived in it."),
    parts=("pieces",),
    # S. 356a(4) BGB: what was declared, on which day and at what time it arrived.
    needs={
        "number": "",
        "name": "",
        "order_number": "",
        "email": "",
        "moment": "",
        "what": "has_words",
        "pieces": "is_partial",
    },
)
ACCOUNT_MADE = Mail(
    "messages.account_made",
    N_("Welcome"),
    AboutAccount,
    _account_told,
    _example_account,
    hint=N_("When somebody made an account."),
    needs={"email": "", "link": ""},
)
PASSWORD_FORGOTTEN = Mail(
    "messages.password_forgotten",
    N_("Link to a new password"),
    AboutReset,
    _password_forgotten,
    _example_reset,
    hint=N_("When somebody with an account forgot the password. No copy is kept: its link opens the account."),
    needs={"link": "", "until": ""},
    is_secret=True,
)
CONSENT_ASKED = Mail(
    "messages.consent_asked",
    N_("Confirming news by e-mail"),
    AboutConsent,
    _consent_asked,
    _example_consent,
    hint=N_("When somebody wants news by e-mail. No copy is kept: whoever follows its link consents."),
    is_secret=True,
    needs={"link": ""},
)
PASSWORD_CHANGED = Mail(
    "messages.password_changed",
    N_("Password changed"),
    AboutAccount,
    _account_told,
    _example_account,
    hint=N_("After an account got another password, so that its owner hears of it whoever did it."),
    needs={"when": "", "forgotten_link": ""},
)
EMAIL_ASKED = Mail(
    "messages.email_asked",
    N_("Confirming another mail address"),
    AboutEmail,
    _email_asked,
    _example_email,
    hint=N_(
        "To the new address, when somebody wants to change that of their account. No copy is kept: its link does it."
    ),
    is_secret=True,
    needs={"link": "", "until": ""},
)
EMAIL_TAKEN = Mail(
    "messages.email_taken",
    N_("Mail address has an account already"),
    AboutAccount,
    _account_told,
    _example_account,
    hint=N_("When somebody wants the mail address of an account for another one: its owner hears of it, nobody else."),
    needs={"email": "", "link": ""},
)
EMAIL_CHANGED = Mail(
    "messages.email_changed",
    N_("Mail address changed"),
    AboutAccount,
    _account_told,
    _example_account,
    hint=N_("To the former address, after an account got another one, so that its owner hears of it whoever did it."),
    needs={"when": "", "email": ""},
)
ACCOUNT_NOTICE = Mail(
    "messages.account_notice",
    N_("Notice about a staff account"),
    AboutNotice,
    _account_notice,
    _example_notice,
    hint=N_("To people who work here and sign in with a mail address: new browser, changed password, second factor."),
    needs={"link": ""},
)
mails = (
    ORDER_PLACED,
    PAYMENT_RECEIVED,
    PAYMENT_FAILED,
    ORDER_CANCELLED,
    ORDER_AMENDED,
    WITHDRAWAL_RECEIVED,
    ACCOUNT_MADE,
    PASSWORD_FORGOTTEN,
    PASSWORD_CHANGED,
    CONSENT_ASKED,
    EMAIL_ASKED,
    EMAIL_TAKEN,
    EMAIL_CHANGED,
    ACCOUNT_NOTICE,
)

NEWS_OF_ORDER = Push("messages.order_placed", AboutOrder, _news_of_order)
NEWS_OF_MONEY = Push("messages.payment_received", AboutMoney, _news_of_money)
# Somebody has to do something about it.
NEWS_OF_CHARGE = Push("messages.payment_failed", AboutOrder, _news_of_charge, "high")
NEWS_OF_TAKEN_BACK = Push("messages.taken_back", AboutAmendment, _news_of_taken_back)
NEWS_OF_WITHDRAWAL = Push("messages.withdrawal_received", AboutWithdrawal, _news_of_withdrawal)
pushes = (NEWS_OF_ORDER, NEWS_OF_MONEY, NEWS_OF_CHARGE, NEWS_OF_TAKEN_BACK, NEWS_OF_WITHDRAWAL)
