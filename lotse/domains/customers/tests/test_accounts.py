"""Accounts, sessions, wish lists and consents of customers."""

import asyncio
from datetime import timedelta
from uuid import UUID

import argon2
import pytest

from lotse.domains.catalog.contracts import UnknownProduct, UnknownVariant
from lotse.domains.customers import commands
from lotse.domains.customers.contracts import (
    AccountTaken,
    Consent,
    ConsentOver,
    EmailChangeOver,
    ResetOver,
    SignInFailed,
)
from lotse.domains.customers.queries import (
    consents,
    email_asked,
    export_party,
    login,
    reset,
    signed_in,
    wish_list,
    wishes,
)
from lotse.domains.customers.queries import customer as read_customer
from lotse.kernel.auth import passwords
from lotse.kernel.auth.attempts import TooManyAttempts
from lotse.kernel.auth.passwords import PasswordCommon
from lotse.kernel.db import Database, Transaction
from lotse.kernel.refusals import Invalid
from lotse.kernel.sql import Statement
from lotse.testing import Fresh
from tests.scene import AT, open_shop, put_one

GOOD = "three wet otters sing"
EVENTS = Statement("test", "events", "select type from kernel.outbox where key = :key")


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords of tests need no 50 ms and 64 MiB each."""
    monkeypatch.setattr(passwords, "_HASHER", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobody.cache_clear()  # pyright: ignore[reportPrivateUsage]


async def registered(db: Database, fresh: Fresh, email: str, password: str = GOOD) -> tuple[UUID, str]:
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
    return await commands.register(
        db, shop_id=place.shop.id, name="Anna Muster", email=email, password=password, guesser=email, at=AT
    )


async def test_who_registers_is_signed_in_and_can_sign_in_again(db: Database, fresh: Fresh) -> None:
    email = f"{fresh.text('anna')}@example.org"
    customer_id, token = await registered(db, fresh, email)
    async with db.reading() as conn:
        assert await signed_in(conn, token=token, at=AT) == customer_id
        assert await signed_in(conn, token=token, at=AT + commands.SESSION) is None
        assert await signed_in(conn, token=token + "x", at=AT) is None
        assert await signed_in(conn, token=None, at=AT) is None
    again, other = await commands.sign_in(db, email=email.upper(), password=GOOD, guesser="x", at=AT)
    assert again == customer_id
    assert other != token
    async with db.transaction() as tx:
        await commands.sign_out(tx, token=other)
        assert await signed_in(tx, token=other, at=AT) is None
        assert await signed_in(tx, token=token, at=AT) == customer_id


@pytest.mark.parametrize(
    ("email", "password", "refusal"),
    [
        ("", GOOD, Invalid),
        ("no address", GOOD, Invalid),
        ("short@example.org", "short", Invalid),
        ("common@example.org", "passwordpassword", PasswordCommon),
    ],
)
async def test_an_account_needs_an_address_and_a_password(
    db: Database, fresh: Fresh, email: str, password: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await registered(db, fresh, email, password)


async def test_one_address_is_one_account(db: Database, fresh: Fresh) -> None:
    email = f"{fresh.text('anna')}@example.org"
    await registered(db, fresh, email)
    with pytest.raises(AccountTaken):
        await registered(db, fresh, email.upper())


async def test_guessing_is_refused_and_then_slowed(db: Database, fresh: Fresh) -> None:
    email = f"{fresh.text('anna')}@example.org"
    customer, _ = await registered(db, fresh, email)
    for _ in range(commands.ACCOUNT.burst):
        with pytest.raises(SignInFailed):
            await commands.sign_in(db, email=email, password="wrong", guesser=fresh.text("from"), at=AT)
    with pytest.raises(TooManyAttempts):
        await commands.sign_in(db, email=email, password=GOOD, guesser=fresh.text("from"), at=AT)
    later = AT + timedelta(hours=1)
    known, _ = await commands.sign_in(db, email=email, password=GOOD, guesser=fresh.text("from"), at=later)
    assert known == customer
    with pytest.raises(SignInFailed):
        await commands.sign_in(db, email="nobody@example.org", password=GOOD, guesser=fresh.text("from"), at=AT)


async def test_whoever_signs_in_takes_no_place_of_those_who_share_the_address(db: Database, fresh: Fresh) -> None:
    email, guesser = f"{fresh.text('anna')}@example.org", fresh.text("from")
    customer, _ = await registered(db, fresh, email)

    async def tries(password: str) -> UUID:
        return (await commands.sign_in(db, email=email, password=password, guesser=guesser, at=AT))[0]

    for _ in range(commands.ADDRESS.burst + 5):
        assert await tries(GOOD) == customer
    for _ in range(commands.ACCOUNT.burst):
        with pytest.raises(SignInFailed):
            await tries("wrong")
    with pytest.raises(TooManyAttempts):
        await tries(GOOD)


async def test_a_new_password_ends_the_other_sessions(db: Database, fresh: Fresh) -> None:
    email = f"{fresh.text('anna')}@example.org"
    customer_id, first = await registered(db, fresh, email)
    _, here = await commands.sign_in(db, email=email, password=GOOD, guesser="x", at=AT)
    new = "four dry badgers hum"
    with pytest.raises(SignInFailed):
        await commands.change_password(db, customer_id=customer_id, old="wrong", new=new, token=here, at=AT)
    await commands.change_password(db, customer_id=customer_id, old=GOOD, new=new, token=here, at=AT)
    async with db.reading() as conn:
        assert await signed_in(conn, token=first, at=AT) is None
        assert await signed_in(conn, token=here, at=AT) == customer_id


async def asked(db: Database, email: str, **more: str) -> UUID:
    """A link that was sent."""
    found = await commands.forget_password(db, email=email, guesser=email, at=AT, **more)
    assert found is not None
    return found


NEW = "four dry badgers hum"


async def test_a_forgotten_password_is_set_anew_once_and_ends_every_session(db: Database, fresh: Fresh) -> None:
    email = f"{fresh.text('anna')}@example.org"
    customer_id, before = await registered(db, fresh, email)
    link, other = await asked(db, email.upper(), language="de"), await asked(db, email)
    async with db.reading() as conn:
        found = await reset(conn, reset_id=link, at=AT)
        assert found and (found.customer_id, found.email) == (customer_id, email)
    # What cannot be a password uses nothing up.
    for bad, refusal in (("short", Invalid), ("passwordpassword", PasswordCommon)):
        with pytest.raises(refusal):
            await commands.reset_password(db, reset_id=link, password=bad, guesser=email, at=AT)
    who, token = await commands.reset_password(db, reset_id=link, password=NEW, guesser=email, at=AT)
    assert who == customer_id
    async with db.reading() as conn:
        assert await signed_in(conn, token=before, at=AT) is None
        assert await signed_in(conn, token=token, at=AT) == customer_id
        events = await conn.values(EVENTS, key=str(customer_id))
    assert {"customers.AccountMade", "customers.PasswordForgotten", "customers.PasswordChanged"} <= set(events)
    # Neither the same link nor one that was asked for before works any more.
    for used in (link, other, fresh.id()):
        with pytest.raises(ResetOver):
            await commands.reset_password(db, reset_id=used, password=GOOD, guesser=email, at=AT)
    with pytest.raises(SignInFailed):
        await commands.sign_in(db, email=email, password=GOOD, guesser="x", at=AT)
    assert (await commands.sign_in(db, email=email, password=NEW, guesser="x", at=AT))[0] == customer_id


async def test_a_link_ends_after_its_hour_and_when_the_password_changes(db: Database, fresh: Fresh) -> None:
    email = f"{fresh.text('anna')}@example.org"
    customer_id, token = await registered(db, fresh, email)
    late = await asked(db, email)
    with pytest.raises(ResetOver):
        await commands.reset_password(db, reset_id=late, password=NEW, guesser="late", at=AT + commands.RESET)
    await commands.change_password(db, customer_id=customer_id, old=GOOD, new=NEW, token=token, at=AT)
    with pytest.raises(ResetOver):
        await commands.reset_password(db, reset_id=late, password=GOOD, guesser=email, at=AT)


async def test_of_two_who_use_a_link_at_once_one_is_refused(db: Database, fresh: Fresh) -> None:
    email = f"{fresh.text('anna')}@example.org"
    await registered(db, fresh, email)
    links = [await asked(db, email), await asked(db, email)]
    uses = (
        commands.reset_password(db, reset_id=link, password=f"{NEW} {n}", guesser=email, at=AT)
        for n, link in enumerate([*links, *links])
    )
    ended = await asyncio.gather(*uses, return_exceptions=True)
    assert sum(isinstance(one, tuple) for one in ended) == 1
    assert sum(isinstance(one, ResetOver) for one in ended) == 3


async def test_an_unknown_address_is_answered_and_slowed_like_a_known_one(db: Database, fresh: Fresh) -> None:
    known, unknown = f"{fresh.text('anna')}@example.org", f"{fresh.text('nobody')}@example.org"
    await registered(db, fresh, known)
    for email in (known, unknown):
        for _ in range(commands.FORGOTTEN.burst):
            link = await commands.forget_password(db, email=email, guesser=fresh.text("from"), at=AT)
            assert (link is None) == (email == unknown)
        with pytest.raises(TooManyAttempts):
            await commands.forget_password(db, email=email, guesser=fresh.text("from"), at=AT)


async def moving(db: Database, customer_id: UUID, email: str, *, password: str = GOOD) -> UUID:
    """Another address is asked for: the link that is sent to it."""
    await commands.ask_email(db, customer_id=customer_id, email=email, password=password, at=AT)
    async with db.reading() as conn:
        found = await email_asked(conn, customer_id=customer_id, at=AT)
    assert found and found.email == email
    return found.id


async def follow(db: Database, link: UUID, *, by: UUID | None, token: str = "", password: str = "", at=AT) -> UUID:
    """The link of a mail is followed."""
    return await commands.change_email(
        db, change_id=link, customer_id=by, password=password, token=token, guesser=f"{link} {at}", at=at
    )


async def test_another_mail_address_counts_once_its_link_was_followed(db: Database, fresh: Fresh) -> None:
    before, after = f"{fresh.text('anna')}@example.org", f"{fresh.text('anna')}@example.org"
    customer_id, elsewhere = await registered(db, fresh, before)
    _, here = await commands.sign_in(db, email=before, password=GOOD, guesser="x", at=AT)
    for bad, password, refusal in (
        ("nobody", GOOD, Invalid),
        (before.upper(), GOOD, Invalid),
        (after, "wrong", SignInFailed),
    ):
        with pytest.raises(refusal):
            await commands.ask_email(db, customer_id=customer_id, email=bad, password=password, at=AT)
    old_reset = await asked(db, before)
    async with db.transaction() as tx:
        news = {"customer_id": customer_id, "purpose": "news_mail"}
        await commands.ask_consent(tx, **news, at=AT)
        [request] = await tx.values(REQUESTS, id=customer_id)
        await commands.confirm_consent(tx, request_id=request, at=AT)
    mistyped = await moving(db, customer_id, f"{fresh.text('eve')}@example.org")
    link = await moving(db, customer_id, after)
    # Until then nothing has changed; and an earlier wish is over.
    assert (await commands.sign_in(db, email=before, password=GOOD, guesser="x", at=AT))[0] == customer_id
    with pytest.raises(EmailChangeOver):
        await follow(db, mistyped, by=customer_id)
    later = AT + timedelta(hours=1)
    assert await follow(db, link, by=customer_id, token=here, at=later) == customer_id
    async with db.transaction() as tx:
        account, found = await login(tx, customer_id=customer_id), await read_customer(tx, customer_id=customer_id)
        assert account and found and account.email == found.email == after
        assert await signed_in(tx, token=here, at=AT) == customer_id
        assert await signed_in(tx, token=elsewhere, at=AT) is None
        assert await reset(tx, reset_id=old_reset, at=AT) is None, "it went to the former mailbox"
        assert not (await consents(tx, customer_id=customer_id))["news_mail"].given, "it held for the former mailbox"
        assert await commands.ask_consent(tx, **news, at=later)
        kept = await export_party(tx, party_id=found.party_id)
        assert kept
        assert [(one.email, one.former, one.changed_at) for one in kept.email_changes] == [(after, before, later)]
        assert {"customers.EmailChangeAsked", "customers.EmailChanged"} <= set(
            await tx.values(EVENTS, key=str(customer_id))
        )
    for used in (link, fresh.id()):
        with pytest.raises(EmailChangeOver):
            await follow(db, used, by=customer_id)
    with pytest.raises(SignInFailed):
        await commands.sign_in(db, email=before, password=GOOD, guesser="x", at=AT)
    assert (await commands.sign_in(db, email=after, password=GOOD, guesser="x", at=AT))[0] == customer_id
    async with db.transaction() as tx:
        await commands.erase_party(tx, party_id=found.party_id, at=later)
        kept = await export_party(tx, party_id=found.party_id)
        assert kept and kept.email_changes == []


async def test_a_link_in_a_strangers_mailbox_changes_nothing_without_the_password(db: Database, fresh: Fresh) -> None:
    before, after = f"{fresh.text('anna')}@example.org", f"{fresh.text('anna')}@example.org"
    customer_id, token = await registered(db, fresh, before)
    stranger, theirs = await registered(db, fresh, f"{fresh.text('eve')}@example.org", "four dry badgers hum")
    link = await moving(db, customer_id, after)
    for by, password in ((None, ""), (stranger, "four dry badgers hum")):
        with pytest.raises(SignInFailed):
            await follow(db, link, by=by, token=theirs, password=password)
    with pytest.raises(EmailChangeOver):
        await follow(db, link, by=customer_id, at=AT + commands.MOVE)
    await follow(db, link, by=None, password=GOOD)
    async with db.reading() as conn:
        assert await signed_in(conn, token=token, at=AT) is None
        assert await signed_in(conn, token=theirs, at=AT) == stranger


async def test_an_address_with_an_account_is_asked_for_like_any_other(db: Database, fresh: Fresh) -> None:
    one, two = f"{fresh.text('anna')}@example.org", f"{fresh.text('eve')}@example.org"
    customer_id, _ = await registered(db, fresh, one)
    await registered(db, fresh, two)
    free = await moving(db, customer_id, f"{fresh.text('free')}@example.org")
    taken = await moving(db, customer_id, two)
    with pytest.raises(EmailChangeOver):
        await follow(db, free, by=customer_id)
    with pytest.raises(AccountTaken):
        await follow(db, taken, by=customer_id)
    async with db.reading() as conn:
        account = await login(conn, customer_id=customer_id)
        found = await read_customer(conn, customer_id=customer_id)
    assert account and found and account.email == found.email == one, "nothing of it is left"


async def test_nobodys_mailbox_is_filled_with_wishes_for_it(db: Database, fresh: Fresh) -> None:
    wanted = f"{fresh.text('wanted')}@example.org"
    customer_id, _ = await registered(db, fresh, f"{fresh.text('anna')}@example.org")
    await moving(db, customer_id, wanted)
    for _ in range(commands.MOVED.burst - 1):
        other, _ = await registered(db, fresh, f"{fresh.text('anna')}@example.org")
        await moving(db, other, wanted)
    other, _ = await registered(db, fresh, f"{fresh.text('anna')}@example.org")
    with pytest.raises(TooManyAttempts):
        await moving(db, other, wanted)
    for _ in range(commands.MOVED.burst - 1):
        await moving(db, customer_id, f"{fresh.text('more')}@example.org")
    with pytest.raises(TooManyAttempts):
        await moving(db, customer_id, f"{fresh.text('more')}@example.org")


async def test_another_password_ends_the_wish_for_another_address(db: Database, fresh: Fresh) -> None:
    email = f"{fresh.text('anna')}@example.org"
    customer_id, token = await registered(db, fresh, email)
    link = await moving(db, customer_id, f"{fresh.text('eve')}@example.org")
    await commands.change_password(db, customer_id=customer_id, old=GOOD, new=NEW, token=token, at=AT)
    with pytest.raises(EmailChangeOver):
        await follow(db, link, by=customer_id)
    link = await moving(db, customer_id, f"{fresh.text('eve')}@example.org", password=NEW)
    await commands.reset_password(db, reset_id=await asked(db, email), password=GOOD, guesser=email, at=AT)
    with pytest.raises(EmailChangeOver):
        await follow(db, link, by=customer_id)


async def test_of_two_who_follow_a_link_at_once_one_finds_it_used(db: Database, fresh: Fresh) -> None:
    customer_id, _ = await registered(db, fresh, f"{fresh.text('anna')}@example.org")
    link = await moving(db, customer_id, f"{fresh.text('anna')}@example.org")
    ended = await asyncio.gather(*(follow(db, link, by=customer_id) for _ in range(4)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["EmailChangeOver"] * 3 + ["UUID"]


async def test_a_guests_wishes_become_the_customers(db: Database, fresh: Fresh) -> None:
    email = f"{fresh.text('anna')}@example.org"
    customer_id, _ = await registered(db, fresh, email)
    async with db.transaction() as tx:
        one, two = (await put_one(tx, fresh)).id, (await put_one(tx, fresh)).id
        guest = await commands.wish(tx, customer_id=None, list_id=None, product_id=one, at=AT)
        assert await commands.wish(tx, customer_id=None, list_id=guest, product_id=one, at=AT) == guest
        own = await commands.wish(tx, customer_id=customer_id, list_id=guest, product_id=two, at=AT)
        assert own != guest
        await commands.join_wishes(tx, customer_id=customer_id, list_id=guest, at=AT)
        await commands.join_wishes(tx, customer_id=customer_id, list_id=guest, at=AT)
        assert {wish.product_id for wish in await wishes(tx, list_id=own)} == {one, two}
        # Nobody takes a customer's list by knowing its id.
        assert await wish_list(tx, customer_id=None, list_id=own) is None
        await commands.unwish(tx, customer_id=customer_id, list_id=None, product_id=one)
        assert [wish.product_id for wish in await wishes(tx, list_id=own)] == [two]


async def test_a_wish_keeps_what_was_chosen(tx: Transaction, db: Database, fresh: Fresh) -> None:
    customer_id, _ = await registered(db, fresh, f"{fresh.text('anna')}@example.org")
    shoe = await put_one(tx, fresh, variants=2)
    small, large = shoe.variant_ids

    async def wish(by: UUID | None, list_id: UUID | None, **what: UUID) -> UUID:
        return await commands.wish(tx, customer_id=by, list_id=list_id, at=AT, **what)

    own = await wish(customer_id, None, product_id=shoe.id)
    guest = await wish(None, None, product_id=shoe.id)
    for variant_id in (small, large, small):
        await wish(None, guest, variant_id=variant_id)
    await wish(None, guest, product_id=shoe.id)
    chosen = {(shoe.id, small), (shoe.id, large)}
    assert {(one.product_id, one.variant_id) for one in await wishes(tx, list_id=guest)} == chosen
    await commands.join_wishes(tx, customer_id=customer_id, list_id=guest, at=AT)
    assert {(one.product_id, one.variant_id) for one in await wishes(tx, list_id=own)} == chosen
    await commands.unwish(tx, customer_id=customer_id, list_id=None, product_id=shoe.id, variant_id=small)
    found = await read_customer(tx, customer_id=customer_id)
    assert found
    kept = await export_party(tx, party_id=found.party_id)
    assert kept and [(one.product_id, one.variant_id) for one in kept.wishes] == [(shoe.id, large)]
    await commands.erase_party(tx, party_id=found.party_id, at=AT)
    assert await wishes(tx, list_id=own) == []


async def test_only_what_there_is_can_be_wished_for(tx: Transaction) -> None:
    with pytest.raises(UnknownVariant):
        await commands.wish(tx, customer_id=None, list_id=None, variant_id=UUID(int=3), at=AT)
    with pytest.raises(UnknownProduct):
        await commands.wish(tx, customer_id=None, list_id=None, product_id=UUID(int=3), at=AT)


REQUESTS = Statement(
    "test", "requests", "select id from customers.consent_requests where customer_id = :id order by id"
)


async def test_news_are_consented_to_in_the_mailbox_only(tx: Transaction, db: Database, fresh: Fresh) -> None:
    email = f"{fresh.text('anna')}@example.org"
    customer_id, _ = await registered(db, fresh, email)
    news = {"customer_id": customer_id, "purpose": "news_mail"}

    async def holds() -> bool:
        found = (await consents(tx, customer_id=customer_id)).get("news_mail")
        return found is not None and found.given

    assert await commands.ask_consent(tx, **news, at=AT, language="de")
    assert await commands.ask_consent(tx, **news, at=AT), "asked already"
    [first] = await tx.values(REQUESTS, id=customer_id)
    assert (await tx.values(EVENTS, key=str(customer_id))).count("customers.ConsentAsked") == 1
    assert await commands.ask_consent(tx, **news, at=AT + timedelta(hours=1), again=True)
    [_, second] = await tx.values(REQUESTS, id=customer_id)
    assert not await holds()
    for late in (AT + commands.CONFIRM, AT + commands.CONFIRM * 2):
        with pytest.raises(ConsentOver):
            await commands.confirm_consent(tx, request_id=first, at=late)
    at = AT + timedelta(hours=2)
    await commands.confirm_consent(tx, request_id=first, at=at)
    held = (await consents(tx, customer_id=customer_id))["news_mail"]
    assert held == Consent("news_mail", True, at, email, AT), "the proof: which mailbox, asked when, confirmed when"
    # Once it is decided no link decides it again.
    for used in (first, second, fresh.id()):
        with pytest.raises(ConsentOver):
            await commands.confirm_consent(tx, request_id=used, at=at)
    assert not await commands.ask_consent(tx, **news, at=at, again=True), "it holds"
    await commands.withdraw_consent(tx, **news, at=at + timedelta(hours=1))
    assert not await holds()


async def test_what_is_taken_back_no_mail_under_way_brings_back(tx: Transaction, db: Database, fresh: Fresh) -> None:
    customer_id, _ = await registered(db, fresh, f"{fresh.text('anna')}@example.org")
    await commands.ask_consent(tx, customer_id=customer_id, purpose="news_mail", at=AT)
    [under_way] = await tx.values(REQUESTS, id=customer_id)
    await commands.withdraw_consent(tx, customer_id=customer_id, purpose="news_mail", at=AT)
    with pytest.raises(ConsentOver):
        await commands.confirm_consent(tx, request_id=under_way, at=AT)


async def test_a_mailbox_is_not_filled_with_questions(tx: Transaction, db: Database, fresh: Fresh) -> None:
    customer_id, _ = await registered(db, fresh, f"{fresh.text('anna')}@example.org")
    for _ in range(commands.ASKED.burst):
        await commands.ask_consent(tx, customer_id=customer_id, purpose="news_mail", at=AT, again=True)
    with pytest.raises(TooManyAttempts):
        await commands.ask_consent(tx, customer_id=customer_id, purpose="news_mail", at=AT, again=True)
    with pytest.raises(SignInFailed):
        await commands.ask_consent(tx, customer_id=fresh.id(), purpose="news_mail", at=AT)


async def test_consents_are_kept_each_time_they_change(tx: Transaction, db: Database, fresh: Fresh) -> None:
    customer_id, _ = await registered(db, fresh, f"{fresh.text('anna')}@example.org")
    news = {"customer_id": customer_id, "purpose": "news_mail"}
    await commands.withdraw_consent(tx, **news, at=AT)
    await commands.ask_consent(tx, **news, at=AT)
    [request_id] = await tx.values(REQUESTS, id=customer_id)
    await commands.confirm_consent(tx, request_id=request_id, at=AT)
    for hours in (1, 2):
        await commands.withdraw_consent(tx, **news, at=AT + timedelta(hours=hours))
    await commands.ask_consent(tx, **news, at=AT + timedelta(hours=3))
    found = await read_customer(tx, customer_id=customer_id)
    assert found
    kept = await export_party(tx, party_id=found.party_id)
    assert kept
    assert [one.given for one in kept.consents] == [True, False]
    assert len(kept.consent_requests) == 1
    for command in (commands.ask_consent, commands.withdraw_consent):
        with pytest.raises(Invalid):
            await command(tx, customer_id=customer_id, purpose="everything", at=AT)
    await commands.erase_party(tx, party_id=found.party_id, at=AT)
    assert await consents(tx, customer_id=customer_id) == {}
    assert await tx.values(REQUESTS, id=customer_id) == []


async def test_what_no_mailbox_confirmed_does_not_hold(tx: Transaction, db: Database, fresh: Fresh) -> None:
    customer_id, _ = await registered(db, fresh, f"{fresh.text('anna')}@example.org")
    await tx.raw.execute(
        "insert into customers.consents (customer_id, purpose, decided_at, given) values ($1, 'news_mail', $2, true)",
        customer_id,
        AT,
    )
    assert not (await consents(tx, customer_id=customer_id))["news_mail"].given
    assert await commands.ask_consent(tx, customer_id=customer_id, purpose="news_mail", at=AT)
