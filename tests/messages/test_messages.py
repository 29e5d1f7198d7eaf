"""What a shop writes: from real orders, in both languages, once; to nobody who should not hear of it."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Struct

from lotse.domains.customers import commands as accounts
from lotse.domains.customers.contracts import (
    CONSENT_LINK,
    EMAIL_LINK,
    RESET_LINK,
    AccountMade,
    Address,
    ConsentAsked,
    EmailChangeAsked,
    EmailChanged,
    PasswordChanged,
    PasswordForgotten,
)
from lotse.domains.customers.queries import consents_asked, customer, email_asked
from lotse.domains.messages import queries, reactions
from lotse.domains.messages.contracts import (
    AboutAccount,
    AboutAmendment,
    AboutConsent,
    AboutEmail,
    AboutMoney,
    AboutNotice,
    AboutOrder,
    AboutReset,
)
from lotse.domains.messages.rules import is_reachable, is_stale
from lotse.domains.orders.commands import cancel, place
from lotse.domains.orders.contracts import Contact, OrderPlaced, PlaceLine, PlaceRequest, Promised, Source
from lotse.domains.orders.queries import order as read_order
from lotse.domains.payments.contracts import NewPayment
from lotse.domains.pools.commands import open_pools
from lotse.domains.returns.commands import declare
from lotse.domains.returns.contracts import Declare, WithdrawalDeclared
from lotse.domains.returns.queries import withdrawal
from lotse.kernel import clock, privacy
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.notices import SAID
from lotse.kernel.db import Connection, Database
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import key_for
from lotse.kernel.mail import post, writing
from lotse.kernel.mail.contracts import Mail, PiecesMissing, To, Ways, Wording, Written
from lotse.kernel.sql import Statement
from lotse.testing import Fresh
from tests.scene import AT, Place, open_shop

pytestmark = pytest.mark.anyio
WAYS = Ways("https://shop.example", Links(b"x" * 32))
NAME = "Anna <b>Muster</b> [hier](https://evil.example)"
LANGUAGES = ("de", "en")
TO_CUSTOMERS = [mail for mail in queries.mails if mail is not queries.ACCOUNT_NOTICE]


class Sold:
    def __init__(self, place: Place, request: PlaceRequest) -> None:
        self.place, self.request = place, request

    @property
    def id(self) -> UUID:
        return self.request.order_id


async def sold(
    db: Database, desk: Desk, fresh: Fresh, *, method: str = "invoice", email: str = "anna@example.org", **more: Any
) -> Sold:
    """A real order of a real shop."""
    async with db.transaction() as tx:
        where = await open_shop(tx, fresh)
        [pool_id] = await open_pools(tx, count=1)
        await tx.raw.execute("update pools.pools set on_hand = 5 where id = $1", pool_id)
        await tx.raw.execute(
            "insert into pools.movements"
            " (id, pool_id, delta, reason, ref_kind, ref_id, actor, occurred_at, recorded_at)"
            " values ($1, $2, 5, 'received', 'receipt', $1, 'test', $3, $3)",
            fresh.id(), pool_id, AT,
        )  # fmt: skip
    order_id, now = fresh.id(), clock.now()
    address = Address(name=NAME, street="Hafenstraße 1", postcode="20457", city="Hamburg", country="DE")
    line = PlaceLine(
        variant_id=fresh.id(), offer_id=fresh.id(), seller_party_id=where.host, sku=fresh.text("sku"),
        text="Laufschuh & Socken, blau", quantity=2, unit_price=Decimal("19.99"), net_minor=3360, tax_minor=638,
        gross_minor=3998, tax_code="DE-19", tax_rate=Decimal("0.19"), tax_country="DE",
        sources=(Source(pool_id, where.store),),
    )  # fmt: skip
    entity = where.shop.legal_entity_id
    request = PlaceRequest(
        order_id=order_id, shop_id=where.shop.id, channel="web", legal_entity_id=entity, zone="Europe/Berlin",
        currency="EUR", language="de", gross=True, lines=(line,), contact=Contact(email=email, billing=address),
        payment=NewPayment(fresh.id(), "order", order_id, method, entity, "Europe/Berlin", "EUR", 0, now),
        released=method == "invoice", actor="test", placed_at=now, **more,
    )  # fmt: skip
    await place(desk, request=request, key=key_for("test", fresh.text(), b""))
    return Sold(where, request)


def to(sale: Sold, language: str) -> To:
    return To(address="anna@example.org", name=NAME, language=language, shop_id=sale.place.shop.id)


async def wrote(conn: Connection, mail: Mail, about: object, whom: To) -> Written:
    """The mail as its file has it, through the same gate as words of staff."""
    content = await mail.gather(conn, about, whom, WAYS)
    assert content is not None
    wording = writing.file_wording(mail, whom.language)
    writing.checked(wording, mail, content.values)
    return writing.written(mail, wording, content, whom.language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("method", ["invoice", "prepayment"])
async def test_a_confirmation_holds_what_the_law_wants(
    db: Database, desk: Desk, fresh: Fresh, language: str, method: str
):
    sale = await sold(db, desk, fresh, method=method)
    async with db.reading() as conn:
        found = await wrote(conn, queries.ORDER_PLACED, AboutOrder(sale.id), to(sale, language))
    wanted = {
        "de": ("Laufschuh & Socken, blau", "39,98", "6,38", "19\xa0%", "Test GmbH", "Widerrufsrecht", "vierzehn Tagen",
               "Muster-Widerrufsformular", "/withdraw", "Hafenstraße 1"),
        "en": ("Laufschuh & Socken, blau", "39.98", "6.38", "19%", "Test GmbH", "Right of withdrawal", "14 days",
               "Model withdrawal form", "/en/withdraw", "Hafenstraße 1"),
    }[language]  # fmt: skip
    for text in wanted:
        assert text in found.text or text.replace("\xa0", " ") in found.text, text
    assert "Laufschuh &amp; Socken, blau" in found.html
    # The buyer's name is a name in both forms.
    assert "<b>" not in found.html.split('class="words"')[1] and "https://evil.example)" in found.text
    assert 'href="https://evil.example' not in found.html
    assert f"https://shop.example{'' if language == 'de' else '/en'}/order/" in found.text


@pytest.mark.parametrize(
    ("language", "words", "country"),
    [("de", "Lieferung Di., 24. Nov. bis Do., 26. Nov.", "Deutschland"),
     ("en", "Delivery Tuesday 24 Nov to Thursday 26 Nov", "Germany")],
)  # fmt: skip
async def test_a_confirmation_says_by_when_and_where_in_words(
    db: Database, desk: Desk, fresh: Fresh, language: str, words: str, country: str
):
    """The term of delivery as the order's page shows it, and the country's name."""
    window = Promised(date(2026, 11, 24), date(2026, 11, 26), clock.now())
    sale = await sold(db, desk, fresh, promised=window)
    async with db.reading() as conn:
        found = await wrote(conn, queries.ORDER_PLACED, AboutOrder(sale.id), to(sale, language))
    for said in (found.text, found.html):
        assert words in said and country in said
    assert not re.search(r"^\s*DE\s*$", found.text, re.MULTILINE)


@pytest.mark.parametrize("mail", queries.mails, ids=lambda mail: mail.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_without_what_its_mail_must_hold_is_refused(mail: Mail, language: str):
    """Whatever else staff write; and named as they would write it."""
    wording = writing.file_wording(mail, language)
    names = writing.names_in(wording)
    writing.checked(wording, mail, names)
    assert mail.needs
    with pytest.raises(PiecesMissing) as refused:
        writing.checked(Wording(wording.subject, "Hallo\n"), mail, names)
    assert refused.value.pieces == ", ".join(writing.written_as(mail, piece) for piece in mail.needs)
    for piece in mail.needs:
        without = re.sub(rf'{{{{ (part\("{piece}"\)|{piece}) }}}}', "…", wording.body)
        with pytest.raises(PiecesMissing) as refused:
            writing.checked(Wording(wording.subject, without), mail, names)
        assert refused.value.pieces == writing.written_as(mail, piece)


@pytest.mark.parametrize("mail", TO_CUSTOMERS, ids=lambda mail: mail.name)
def test_customers_are_called_du(mail: Mail):
    """As the shop calls them; the instruction on withdrawal stays as the law words it (annexes 1 and 2 EGBGB)."""
    wording = writing.file_wording(mail, "de")
    ours = re.sub(r"(?s)## Widerrufsbelehrung.*?(?=## )", "", wording.body)
    assert not re.search(r"\b(Sie|Ihre?[nmrs]?|Ihnen)\b", f"{wording.subject} {wording.preview} {ours}")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_other_mails_of_an_order(db: Database, desk: Desk, fresh: Fresh, language: str):
    sale = await sold(db, desk, fresh, method="prepayment")
    async with db.reading() as conn:
        about = AboutMoney(sale.id, sale.request.payment.id, 3998, 0)
        received = await wrote(conn, queries.PAYMENT_RECEIVED, about, to(sale, language))
        assert ("auf den Weg" if language == "de" else "on their way") in received.text
        about = AboutMoney(sale.id, sale.request.payment.id, 3000, 998)
        part = await wrote(conn, queries.PAYMENT_RECEIVED, about, to(sale, language))
        assert ("9,98" if language == "de" else "9.98") in part.text
        failed = await wrote(conn, queries.PAYMENT_FAILED, AboutOrder(sale.id), to(sale, language))
        assert ("abgelehnt" if language == "de" else "refused") in failed.text
        done = await cancel(
            desk, conn, order_id=sale.id, reason="not paid in time", actor="test",
            key=key_for("test", fresh.text(), b""), at=clock.now(),
        )  # fmt: skip
        about_it = AboutAmendment(sale.id, done.amendment_id)
        gone = await wrote(conn, queries.ORDER_CANCELLED, about_it, to(sale, language))
        assert ("kein Geld" if language == "de" else "no money") in gone.text
        await wrote(conn, queries.ORDER_AMENDED, about_it, to(sale, language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", SAID)
async def test_notices_to_staff(db: Database, kind: str, language: str):
    async with db.reading() as conn:
        whom = To(address="a@example.org", name="Ada", language=language)
        found = await wrote(conn, queries.ACCOUNT_NOTICE, AboutNotice(UUID(int=1), kind), whom)
    assert (
        len(found.text.strip().split("\n\n")) == 5
    )  # heading, greeting, what happened, what to do, the way, nothing else


async def test_mails_about_an_account_reach_its_owner_only(db: Database, fresh: Fresh):
    async with db.transaction() as tx:
        where = await open_shop(tx, fresh)
    email, now = f"{fresh.text('anna')}@example.org", clock.now()
    customer_id, _ = await accounts.register(
        db, shop_id=where.shop.id, name=NAME, email=email, password="three wet otters sing", guesser=email, at=now
    )
    link = await accounts.forget_password(db, email=email, guesser=email, at=now)
    assert link is not None
    events = (AccountMade(customer_id), PasswordForgotten(customer_id, link, "en"), PasswordChanged(customer_id, "de"))
    reacting = (reactions.on_account_made, reactions.on_password_forgotten, reactions.on_password_changed)
    for event, react in zip(events, reacting, strict=True):
        event_id = fresh.id()
        for at in (now, now, now - timedelta(days=3)):
            async with db.transaction() as tx:
                await react(tx, event, at=at, event_id=event_id)  # type: ignore[arg-type]
    async with db.reading() as conn:
        rows = await post.about(conn, subject=f"customers.customer:{customer_id}")
        assert [(row.mail, row.language, row.address) for row in reversed(rows)] == [
            ("messages.account_made", "de", email),
            ("messages.password_forgotten", "en", email),
            ("messages.password_changed", "de", email),
        ]
        owner = To(address=email, name=NAME, language="de", shop_id=where.shop.id)
        found = await wrote(conn, queries.PASSWORD_FORGOTTEN, AboutReset(customer_id, link), owner)
        assert f"https://shop.example/account/password/{WAYS.links.sign(RESET_LINK, link)}" in found.text
        for mail in (queries.ACCOUNT_MADE, queries.PASSWORD_CHANGED):
            told = await wrote(conn, mail, AboutAccount(customer_id, now), owner)
            assert "https://shop.example/account" in told.text and "/account/password/" not in told.text
        # Sent on by staff to somebody else, it says nothing; nor once the link was used.
        other = To(address="eve@example.org", language="de", shop_id=where.shop.id)
        assert await queries.PASSWORD_FORGOTTEN.gather(conn, AboutReset(customer_id, link), other, WAYS) is None
        example = await queries.PASSWORD_FORGOTTEN.example(conn, where.shop.id)
        assert example is not None and example[0].reset_id != link
    await accounts.reset_password(db, reset_id=link, password="four dry badgers hum", guesser=email, at=now)
    async with db.reading() as conn:
        assert await queries.PASSWORD_FORGOTTEN.gather(conn, AboutReset(customer_id, link), owner, WAYS) is None


async def test_a_consent_is_asked_of_its_own_address_only(db: Database, fresh: Fresh):
    async with db.transaction() as tx:
        where = await open_shop(tx, fresh)
    email, now = f"{fresh.text('anna')}@example.org", clock.now()
    customer_id, _ = await accounts.register(
        db, shop_id=where.shop.id, name=NAME, email=email, password="three wet otters sing", guesser=email, at=now
    )
    async with db.transaction() as tx:
        await accounts.ask_consent(tx, customer_id=customer_id, purpose="news_mail", at=now)
        asked = (await consents_asked(tx, customer_id=customer_id, at=now))["news_mail"]
        await reactions.on_consent_asked(tx, ConsentAsked(customer_id, asked.id, "en"), at=now, event_id=fresh.id())
        [row] = await post.about(tx, subject=f"customers.customer:{customer_id}")
        assert (row.mail, row.language, row.address) == ("messages.consent_asked", "en", email)
        about = AboutConsent(customer_id, asked.id)
        owner = To(address=email, name=NAME, language="de", shop_id=where.shop.id)
        for language in LANGUAGES:
            whom = To(address=email, name=NAME, language=language, shop_id=where.shop.id)
            found = await wrote(tx, queries.CONSENT_ASKED, about, whom)
            assert f"/account/consents/{WAYS.links.sign(CONSENT_LINK, asked.id)}" in found.text
        other = To(address="eve@example.org", language="de", shop_id=where.shop.id)
        assert await queries.CONSENT_ASKED.gather(tx, about, other, WAYS) is None
        example = await queries.CONSENT_ASKED.example(tx, where.shop.id)
        assert example is not None and example[0].request_id != asked.id
        await accounts.confirm_consent(tx, request_id=asked.id, at=now)
        assert await queries.CONSENT_ASKED.gather(tx, about, owner, WAYS) is None


async def test_another_address_is_asked_and_the_former_one_told(db: Database, fresh: Fresh):
    async with db.transaction() as tx:
        where = await open_shop(tx, fresh)
    before, after, taken = (f"{fresh.text(name)}@example.org" for name in ("anna", "muster", "eve"))
    now, password = clock.now(), "three wet otters sing"

    async def account(email: str) -> UUID:
        made = {"name": NAME, "email": email, "password": password, "guesser": email, "at": now}
        return (await accounts.register(db, shop_id=where.shop.id, **made))[0]

    async def asked(email: str) -> UUID:
        await accounts.ask_email(db, customer_id=customer_id, email=email, password=password, at=now, language="en")
        async with db.transaction() as tx:
            change = await email_asked(tx, customer_id=customer_id, at=now)
            assert change
            for _ in range(2):
                event = EmailChangeAsked(customer_id, change.id, "en")
                await reactions.on_email_asked(tx, event, at=now, event_id=change.id)
        return change.id

    async def mails_about(customer: UUID) -> list[tuple[str, str, str | None]]:
        async with db.reading() as conn:
            rows = await post.about(conn, subject=f"customers.customer:{customer}")
        return [(row.mail, row.language, row.address) for row in reversed(rows)]

    customer_id, other_id = await account(before), await account(taken)
    # Only who has the account hears that there is one; and nothing of who asked.
    await asked(taken)
    assert await mails_about(customer_id) == []
    assert await mails_about(other_id) == [("messages.email_taken", "en", taken)]
    link = await asked(after)
    assert await mails_about(customer_id) == [("messages.email_asked", "en", after)]
    about = AboutEmail(customer_id, link)
    async with db.reading() as conn:
        for language in LANGUAGES:
            to = To(address=after, language=language, shop_id=where.shop.id)
            found = await wrote(conn, queries.EMAIL_ASKED, about, to)
            assert f"/account/email/{WAYS.links.sign(EMAIL_LINK, link)}" in found.text and after in found.text
            assert before not in found.text and "Muster" not in found.text, "whose mailbox it is nobody knows yet"
            told = To(address=taken, name="Eve", language=language, shop_id=where.shop.id)
            words = (await wrote(conn, queries.EMAIL_TAKEN, AboutAccount(other_id, now), told)).text
            assert taken in words and before not in words and "/account/email/" not in words
        assert await queries.EMAIL_ASKED.gather(conn, about, To(address=before, language="de"), WAYS) is None
        example = await queries.EMAIL_ASKED.example(conn, where.shop.id)
        assert example is not None and example[0].change_id != link

    await accounts.change_email(
        db, change_id=link, customer_id=customer_id, password="", token="", guesser=before, at=now
    )
    async with db.transaction() as tx:
        event = EmailChanged(customer_id, link, "de")
        for at in (now, now, now - timedelta(days=3)):
            await reactions.on_email_changed(tx, event, at=at, event_id=fresh.id() if at != now else other_id)
        assert await queries.EMAIL_ASKED.gather(tx, about, To(address=after, language="de"), WAYS) is None
        former = To(address=before, name="Anna", language="de", shop_id=where.shop.id)
        notice = await wrote(tx, queries.EMAIL_CHANGED, AboutAccount(customer_id, now), former)
        assert before in notice.text and after not in notice.text
    assert (await mails_about(customer_id))[1:] == [("messages.email_changed", "de", before)]


async def test_what_came_under_a_former_address_is_exported_and_erased(db: Database, fresh: Fresh):
    async with db.transaction() as tx:
        where = await open_shop(tx, fresh)
    before, after, now = f"{fresh.text('anna')}@example.org", f"{fresh.text('anna')}@example.org", clock.now()
    made = {"shop_id": where.shop.id, "name": NAME, "password": "three wet otters sing", "at": now}
    customer_id, _ = await accounts.register(db, email=before, guesser=before, **made)

    async def declared(at: datetime) -> tuple[UUID, UUID]:
        event_id = fresh.id()
        async with db.transaction() as tx:
            what = Declare(name=NAME, order_number=fresh.text("elsewhere"), email=before)
            found = await declare(tx, shop=where.shop, declare=what, way="form", language="de", order_id=None, at=at)
            await reactions.on_withdrawn(tx, WithdrawalDeclared(found.id, None), at=at, event_id=event_id)
        return found.id, event_id

    theirs, mail = await declared(now)
    await accounts.ask_email(db, customer_id=customer_id, email=after, password=made["password"], at=now)
    async with db.reading() as conn:
        change = await email_asked(conn, customer_id=customer_id, at=now)
    assert change
    await accounts.change_email(
        db, change_id=change.id, customer_id=customer_id, password="", token="", guesser=before, at=now
    )
    # Whoever has the former address later is somebody else.
    somebodys, _ = await declared(now + timedelta(hours=1))
    rows = Statement("test", "mails", "select address, name, party_id from kernel.mails where event_id = :event_id")
    async with db.transaction() as tx:
        known = await customer(tx, customer_id=customer_id)
        assert known is not None
        kept = msgspec.json.encode(await privacy.export(tx, party_id=known.party_id)).decode()
        assert str(theirs) in kept and str(somebodys) not in kept and before in kept
        await privacy.erase(tx, party_id=known.party_id, actor="test", at=now)
        assert (await tx.one(rows, MailOf, event_id=mail)).address is None
        emails = [found.email for id in (theirs, somebodys) if (found := await withdrawal(tx, withdrawal_id=id))]
        assert emails == ["", before]


@pytest.mark.parametrize("mail", queries.mails, ids=lambda mail: mail.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mail_has_words_of_its_own_in_both_languages(mail: Mail, language: str):
    wording = writing.file_wording(mail, language)
    assert isinstance(wording, Wording) and wording.subject
    other = writing.file_wording(mail, "en" if language == "de" else "de")
    assert wording.body != other.body
    # What one language may use the other may too.
    assert writing.names_in(wording) == writing.names_in(other)


def event_of(sale: Sold, *, channel: str = "web") -> OrderPlaced:
    return OrderPlaced(sale.id, "1", sale.place.shop.id, channel, None, "EUR", 3998, True, {})


async def test_an_order_is_confirmed_once(db: Database, desk: Desk, fresh: Fresh):
    sale, event_id = await sold(db, desk, fresh), fresh.id()
    for _ in range(2):
        async with db.transaction() as tx:
            await reactions.on_placed(tx, event_of(sale), at=clock.now(), event_id=event_id)
    async with db.reading() as conn:
        rows = await post.about(conn, subject=f"orders.order:{sale.id}")
    # The running consumers of no worker: only ours.
    assert [(row.mail, row.language, row.address) for row in rows] == [
        ("messages.order_placed", "de", "anna@example.org")
    ]


@pytest.mark.parametrize(
    ("email", "channel", "age"),
    [
        ("", "web", timedelta(0)),
        ("anna@post.example", "web", timedelta(0)),
        ("anna@example.org", "till", timedelta(0)),
        ("anna@example.org", "marketplace", timedelta(0)),
        ("anna@example.org", "web", timedelta(days=3)),
    ],
    ids=["no address", "an example", "till", "marketplace", "long ago"],
)
async def test_who_is_not_written_to(db: Database, desk: Desk, fresh: Fresh, email: str, channel: str, age: timedelta):
    sale = await sold(db, desk, fresh, email=email)
    async with db.transaction() as tx:
        event = event_of(sale, channel=channel)
        await reactions.on_placed(tx, event, at=clock.now() - age, event_id=fresh.id())
    async with db.reading() as conn:
        assert await post.about(conn, subject=f"orders.order:{sale.id}") == []


async def test_who_is_erased_is_in_no_mail_any_more(db: Database, desk: Desk, fresh: Fresh):
    """Neither in those that were known to be theirs, nor in those that went to their address."""
    async with db.transaction() as tx:
        where = await open_shop(tx, fresh)
    email, other, now = f"{fresh.text('anna')}@example.org", f"{fresh.text('work')}@example.org", clock.now()
    customer_id, _ = await accounts.register(
        db, shop_id=where.shop.id, name=NAME, email=email, password="three wet otters sing", guesser=email, at=now
    )
    sale = await sold(db, desk, fresh, email=other, customer_id=customer_id)

    async def declared(address: str, about: UUID | None) -> UUID:
        event_id = fresh.id()
        async with db.transaction() as tx:
            order = await read_order(tx, order_id=about) if about else None
            number = order.number if order else fresh.text("elsewhere")
            what = Declare(name=NAME, order_number=number, email=address)
            found = await declare(tx, shop=where.shop, declare=what, way="form", language="de", order_id=about, at=now)
            event = WithdrawalDeclared(found.id, about)
            await reactions.on_withdrawn(tx, event, at=now, event_id=event_id)
        return event_id

    about_order = await declared(other, sale.id)
    by_address = await declared(email.upper(), None)
    somebodys = await declared(f"{fresh.text('eve')}@example.org", sale.id)
    rows = Statement("test", "mails", "select address, name, party_id from kernel.mails where event_id = :event_id")
    async with db.transaction() as tx:
        known = await customer(tx, customer_id=customer_id)
        assert known is not None
        assert (await tx.one(rows, MailOf, event_id=about_order)).party_id == known.party_id
        assert (await tx.one(rows, MailOf, event_id=somebodys)).party_id is None
        await privacy.erase(tx, party_id=known.party_id, actor="test", at=now)
        for event_id in (about_order, by_address):
            left = await tx.one(rows, MailOf, event_id=event_id)
            assert (left.address, left.name) == (None, "")
        assert (await tx.one(rows, MailOf, event_id=somebodys)).address is not None


class MailOf(Struct, frozen=True):
    address: str | None
    name: str
    party_id: UUID | None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("a@example.org", True), ("a@post.example", False), ("a@x.test", False), ("a@localhost", False),
        ("a@x.invalid.", False), ("nobody", False), ("", False), ("a@testing.org", True),
    ],
)  # fmt: skip
def test_who_could_be_there(address: str, expected: bool):
    assert is_reachable(address) is expected


def test_what_is_stale():
    at = datetime(2026, 11, 21, tzinfo=UTC)
    assert not is_stale(at, at + timedelta(days=2))
    assert is_stale(at, at + timedelta(days=2, seconds=1))
