"""Mails over a real SMTP server that refuses, hangs up, keeps silent; a worker that dies; the queue's promises."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from lotse.kernel.ids import uuid7
from lotse.kernel.mail import post, texts
from lotse.kernel.mail.contracts import AddressErased, BrokenTemplate, NoAddress, StillUnderWay, To, Ways, Wording
from lotse.kernel.mail.folder import Folder
from lotse.kernel.mail.message import composed, is_address, mail_of, message_id
from lotse.kernel.mail.sender import DEAD_AFTER, GIVEN_UP_AFTER, Sender, over_smtp, transport_of
from tests.mail.conftest import AT, GREETING, LINKS, Greeting, Mailbox, Office

pytestmark = pytest.mark.anyio
MINUTE = timedelta(minutes=1)
WAYS = Ways("https://shop.example", LINKS)


async def test_a_mail_arrives_whole(office: Office, server: Mailbox):
    id = await office.put()
    assert await office.sender().round(AT) == 1
    [arrived] = server.arrived
    row = await office.row(id)
    assert (row.state, row.subject, row.sent_at, row.error) == ("sent", "Your order 4711", AT, "")
    assert arrived["Subject"] == "Your order 4711"
    assert arrived["To"] == "Anna Müller <anna@example.org>"
    assert arrived["Reply-To"] == "Sports house <help@example.org>"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert mail_of(arrived["Message-ID"]) == id
    plain, page = arrived.get_body(("plain",)), arrived.get_body(("html",))
    assert plain is not None and "Ball & net  11,90 €" in plain.get_content()
    assert page is not None and "Ball &amp; net" in page.get_content()
    assert [one.get_filename() for one in arrived.iter_attachments()] == ["terms.txt"]
    async with office.base.reading() as conn:
        assert await post.copy_of(conn, mail_id=id) is not None


async def test_an_event_sends_one_mail_however_often_it_is_replayed(office: Office, server: Mailbox):
    event_id = office.fresh.id()
    ids = []
    for address in ("anna@example.org", "ANNA@example.org", "ben@example.org"):
        async with office.base.transaction() as tx:
            to = To(address=address, language="en")
            ids.append(await post.enqueue(tx, GREETING, Greeting("1"), to=to, event_id=event_id, at=AT))
    assert [id is None for id in ids] == [False, True, False]
    assert await office.sender().round(AT) == 2
    assert await office.sender().round(AT + MINUTE) == 0
    assert len(server.arrived) == 2


@pytest.mark.parametrize(
    ("fault", "state", "error", "arrived"),
    [
        ("450", "waiting", "450 no such luck", 0),
        ("550", "failed", "550 no such luck", 0),
        ("451", "waiting", "451 no such luck", 0),
        ("554", "failed", "554 no such luck", 0),
        # The server had it all and hung up before it answered.
        ("drop", "unsure", "SMTPServerDisconnected", 1),
    ],
)
async def test_what_the_server_says_is_noted(
    office: Office, server: Mailbox, fault: str, state: str, error: str, arrived: int
):
    server.faults = [fault]
    first, second = await office.put(), await office.put("ben@example.org")
    await office.sender().round(AT)
    rows = {row.id: row for row in (await office.row(first), await office.row(second))}
    [row] = [row for row in rows.values() if row.state != "sent"]
    assert (row.state, row.error[: len(error)]) == (state, error)
    # The fault of one is no fault of the other.
    assert len(server.arrived) == 1 + arrived
    if state == "waiting":
        await office.sender().round(AT + 2 * MINUTE)
        assert (await office.row(row.id)).state == "sent"
    else:
        await office.sender().round(AT + timedelta(days=1))
        assert (await office.row(row.id)).state == state


async def test_a_retry_sends_the_same_bytes(office: Office, server: Mailbox):
    server.faults = ["451"]
    id = await office.put()
    await office.sender().round(AT)
    async with office.base.reading() as conn:
        before = await post.copy_of(conn, mail_id=id)
    await office.sender().round(AT + 2 * MINUTE)
    async with office.base.reading() as conn:
        assert await post.copy_of(conn, mail_id=id) == before
    assert (await office.row(id)).tries == 2


async def test_a_server_that_keeps_silent_leaves_it_open(office: Office, server: Mailbox):
    server.faults = ["silent"]
    id = await office.put()
    await office.sender(answer_seconds=0.2).round(AT)
    assert (await office.row(id)).state == "unsure"
    server.silent.clear()


async def test_again_instead_of_asking(office: Office, server: Mailbox):
    server.faults = ["drop"]
    id = await office.put()
    url = f"smtp://127.0.0.1:{server.port}"
    sender = Sender(office.base, over_smtp(url), replace(office.settings, mail_unsure="again"), LINKS)
    await sender.round(AT)
    assert (await office.row(id)).state == "waiting"
    await sender.round(AT + 2 * MINUTE)
    assert [mail_of(one["Message-ID"]) for one in server.arrived] == [id, id]


async def test_a_server_that_is_away_costs_no_mail(office: Office, server: Mailbox):
    ids = [await office.put(), await office.put("ben@example.org")]
    away = Sender(office.base, over_smtp("smtp://127.0.0.1:9"), office.settings, LINKS, draw=lambda: 0.5)
    for minutes in range(0, 600, 10):
        await away.round(AT + minutes * MINUTE)
    rows = [await office.row(id) for id in ids]
    assert {row.state for row in rows} == {"waiting"}
    assert all(row.due_at and row.due_at <= AT + 610 * MINUTE for row in rows)
    await office.sender().round(AT + 620 * MINUTE)
    assert len(server.arrived) == 2


async def test_after_four_days_it_is_given_up(office: Office, server: Mailbox):
    server.faults = ["450"]
    id = await office.put(at=AT - GIVEN_UP_AFTER)
    await office.sender().round(AT)
    row = await office.row(id)
    assert row.state == "failed" and row.error.startswith("given up after 4 days")


async def test_a_worker_that_died_before_it_handed_over_sent_nothing(office: Office, server: Mailbox):
    id = await office.put()
    async with office.base.transaction() as tx:  # as a worker does, which then is killed
        await tx.values(post.SQL.claim, at=AT, limit=10)
    sender = office.sender()
    assert await sender.recover(AT + MINUTE) == 0  # it may still be at work
    assert await sender.recover(AT + DEAD_AFTER + MINUTE) == 1
    await sender.round(AT + DEAD_AFTER + MINUTE)
    assert (await office.row(id)).state == "sent"
    assert len(server.arrived) == 1


async def test_a_worker_killed_in_the_gap_never_sends_twice(office: Office, server: Mailbox):
    """The server has the message; the worker dies before the answer."""
    server.faults = ["silent"]
    id = await office.put()
    task = asyncio.create_task(office.sender(answer_seconds=60).round(AT))
    await server.silent.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await office.row(id)).state == "handing"
    later = AT + DEAD_AFTER + MINUTE
    sender = office.sender()
    assert await sender.recover(later) == 1
    assert await sender.round(later) == 0
    row = await office.row(id)
    assert row.state == "unsure" and "on the wire" in row.error
    assert len(server.arrived) == 1
    # A person decides.
    async with office.base.transaction() as tx:
        again = await post.send_again(tx, mail_id=id, by="staff:1", at=later)
    await sender.round(later)
    assert (await office.row(again)).state == "sent"


async def test_who_was_taken_for_dead_sends_no_more(office: Office, server: Mailbox):
    """A worker whose lock fell without its noticing: the note before the wire stops it."""
    id = await office.put()
    sender = office.sender()
    prepare = sender._prepared

    async def slow(mail, at):
        done = await prepare(mail, at)
        await office.sender().recover(AT + DEAD_AFTER + MINUTE)
        return done

    sender._prepared = slow
    await sender.round(AT)
    assert server.arrived == []
    await office.sender().round(AT + DEAD_AFTER + MINUTE)
    assert len(server.arrived) == 1 and (await office.row(id)).state == "sent"


async def test_into_a_folder_it_is_exact(office: Office):
    settings = replace(office.settings, mail_smtp=None)
    sender = Sender(office.base, transport_of(settings), settings, LINKS)
    done, lost = await office.put(), await office.put("ben@example.org")
    async with office.base.transaction() as tx:
        await tx.values(post.SQL.claim, at=AT, limit=10)
        for id in (done, lost):
            await tx.execute(post.SQL.hand, id=id, subject="x", at=AT)
    folder = Folder(settings.home / "mail")
    await folder.hand(done, b"the mail")  # and then the worker died
    later = AT + DEAD_AFTER + MINUTE
    assert await sender.recover(later) == 2
    assert [(await office.row(id)).state for id in (done, lost)] == ["sent", "waiting"]
    await sender.round(later)
    assert folder.path_of(done).read_bytes() == b"the mail"
    assert b"ben@example.org" in folder.path_of(lost).read_bytes()
    assert (folder.path_of(lost).stat().st_mode & 0o077, folder.path_of(lost).parent.stat().st_mode & 0o077)[1] == 0


@pytest.mark.parametrize("address", ["nobody", "a b@example.org", "a@b@c", "", "x\r\nBcc: y@example.org"])
async def test_what_is_no_address_fails_by_itself(office: Office, server: Mailbox, address: str):
    id = await office.put(address)
    await office.sender().round(AT)
    row = await office.row(id)
    assert row.state == ("failed" if address else "cancelled")
    assert server.arrived == []


async def test_nothing_to_say_is_not_said(office: Office, server: Mailbox):
    id = await office.put(silent=True)
    await office.sender().round(AT)
    assert (await office.row(id)).state == "cancelled" and server.arrived == []


async def test_again_is_a_mail_of_its_own(office: Office, server: Mailbox):
    id = await office.put()
    async with office.base.transaction() as tx:
        with pytest.raises(StillUnderWay):
            await post.send_again(tx, mail_id=id, by="staff:1", at=AT)
    await office.sender().round(AT)
    async with office.base.transaction() as tx:
        with pytest.raises(NoAddress):
            await post.send_again(tx, mail_id=id, address="no", by="staff:1", at=AT)
        again = await post.send_again(tx, mail_id=id, address="new@example.org", by="staff:1", at=AT)
    await office.sender().round(AT)
    assert server.arrived[-1]["To"] == "Anna Müller <new@example.org>"
    assert (await office.row(again)).again_of == id


async def test_what_names_a_person_is_forgotten(office: Office, server: Mailbox):
    id = await office.put()
    await office.sender().round(AT)
    from lotse.kernel import clock

    async with office.base.transaction() as tx:
        assert await post.forget(tx, before=clock.now() - timedelta(days=1), limit=100) == 0
        assert await post.forget(tx, before=clock.now() + MINUTE, limit=1000) >= 1
        assert await post.copy_of(tx, mail_id=id) is None
    row = await office.row(id)
    assert (row.address, row.name, row.subject, row.state) == (None, "", "", "sent")
    async with office.base.transaction() as tx:
        with pytest.raises(AddressErased):
            await post.send_again(tx, mail_id=id, by="staff:1", at=AT)


async def test_an_erased_person_gets_nothing_any_more(office: Office, server: Mailbox):
    party = office.fresh.id()
    async with office.base.transaction() as tx:
        to = To(address="anna@example.org", name="Anna", language="en", party_id=party)
        id = await post.enqueue(tx, GREETING, Greeting("1"), to=to, event_id=office.fresh.id(), at=AT)
        assert len(await post.export_party(tx, party_id=party)) == 1
        assert await post.erase_party(tx, party_id=party) == 1
    await office.sender().round(AT)
    assert id is not None and (await office.row(id)).state == "cancelled" and server.arrived == []


async def test_words_of_staff_hold_per_shop_and_language(office: Office, server: Mailbox):
    shop = office.fresh.id()
    async with office.base.transaction() as tx:

        async def put(subject: str | None, shop_id=None):
            wording = None if subject is None else Wording(subject, "Hello {{ name }}\n")
            return await texts.put(
                tx, GREETING, wording, shop_id=shop_id, language="en", ways=WAYS, by="staff:1", at=AT
            )

        async def subject(shop_id=None, language="en"):
            chosen = await texts.current(tx, GREETING, shop_id=shop_id, language=language)
            return chosen.wording.subject

        assert await subject() == "Your order {{ number }}"
        assert await put("All {{ number }}") is not None
        assert await put("All {{ number }}") is None  # nothing changed
        assert (await subject(), await subject(shop)) == ("All {{ number }}", "All {{ number }}")
        await put("Mine {{ number }}", shop)
        assert (await subject(), await subject(shop)) == ("All {{ number }}", "Mine {{ number }}")
        assert await subject(shop, "de") == "Your order {{ number }}"
        await put(None, shop)
        assert await subject(shop) == "All {{ number }}"
        with pytest.raises(BrokenTemplate):
            await put("{{ wrong }}")
        assert len(await texts.history(tx, GREETING, shop_id=shop, language="en")) == 2
        await put(None)


async def test_words_that_fail_give_way_to_the_files(office: Office, server: Mailbox):
    """A name that the code no longer knows: the mail goes out all the same, and staff see why."""
    async with office.base.transaction() as tx:
        text_id = uuid7()
        await tx.execute(
            texts.SQL.put_text, id=text_id, mail=GREETING.name, shop_id=None, language="en",
            wording={"subject": "Hi {{ former }}", "body": "x"}, created_by="staff:1", at=AT,
        )  # fmt: skip
    await office.put()
    await office.sender().round(AT)
    assert server.arrived[-1]["Subject"] == "Your order 4711"
    async with office.base.transaction() as tx:
        version = await texts.version(tx, text_id=text_id)
        assert version.problem.startswith("subject, line 1: 'former' is undefined")
        await texts.put(tx, GREETING, None, shop_id=None, language="en", ways=WAYS, by="staff:1", at=AT)


@pytest.mark.parametrize("address", ["anna@example.org", "a.b+c@ex-ample.co.uk", "anna@müller.de", "o'neil@example.ie"])
def test_addresses(address: str):
    assert is_address(address)


NO_ADDRESSES = (
    *("", "a", "@x.de", "a@", "a@b@c", "a b@c.de", "a\n@b.de", ".a@b.de", "a..b@c.de", "a@-b.de", "<a@b.de>"),
    *("jürgen@example.de", "a@" + "x" * 260, "a@b.c\x01", "a\x7f@b.de"),
)


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_what_is_no_address(text: str):
    assert not is_address(text)


def test_a_header_cannot_be_smuggled_in():
    from lotse.kernel.mail.contracts import Sender as From
    from lotse.kernel.mail.contracts import Written

    id = uuid7()
    raw = composed(
        id,
        to=To(address="anna@example.org", name="Anna\r\nBcc: x@example.org", language="en"),
        sender=From("Shop\nX: y"),
        sender_address="shop@example.org",
        written=Written("Hi\r\nBcc: y@example.org", "<p>x</p>", "x"),
        at=AT,
    )
    assert b"\nBcc:" not in raw and b"\nX: y" not in raw
    assert message_id(id, "shop@example.org").encode() in raw
