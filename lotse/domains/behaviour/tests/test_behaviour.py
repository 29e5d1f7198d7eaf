"""The log, the proof of a choice, and how both are forgotten."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import uuid4

import asyncpg
import pytest

from lotse.domains.behaviour import commands
from lotse.domains.behaviour.commands import KeptView, View
from lotse.domains.behaviour.contracts import Clicked, PageViewed, PromiseShown, SearchMade, Seen, Shown, Visit
from lotse.domains.behaviour.queries import READS, consent, events_of, export_party, sums
from lotse.kernel import partitions
from lotse.kernel.db import Database
from tests.scene import AT

WORDS = "May we?"


async def told(tx, visit, *events):
    await commands.append(tx, commands.rows([(event, AT) for event in events], visit, source="server", view=uuid4()))


async def agree(tx, **more):
    choice = {"measurement": True, "marketing": False, "words": WORDS, "language": "en", "place": "banner", "at": AT}
    return await commands.choose(tx, **{**choice, **more})


async def test_events_come_back_as_they_were_told(tx):
    visit = Visit(uuid4(), uuid4())
    thing = Shown(uuid4(), 1)
    events = [
        PageViewed("/search", language="de"),
        SearchMade("schuh", 3, [thing], "relevance"),
        Seen("search", [thing]),
        Clicked("search", thing.id, 1),
    ]
    await told(tx, visit, *events)
    assert visit.visitor
    found = await events_of(tx, visitors=[visit.visitor])
    assert [(one.kind, one.version, one.source, one.session) for one in found] == [
        (kind, 1, "server", visit.session) for kind in ("page_viewed", "search_made", "seen", "clicked")
    ]
    assert found[1].body["shown"] == [{"id": str(thing.id), "position": 1}]


async def test_a_row_that_cannot_be_stored_leaves_its_neighbours(db, fresh):
    who = uuid4()
    rows = commands.rows(
        [(PageViewed("/"), AT), (PageViewed("a\0b"), AT), (PageViewed("/new"), AT)], Visit(who), source="server"
    )
    async with db.single() as conn:
        await commands.append(conn, rows)
        assert [one.body["page"] for one in await events_of(conn, visitors=[who])] == ["/", "/new"]


async def test_views_of_kept_pages_are_rows_like_any_other(db, fresh):
    arrives = PromiseShown(AT.date(), AT.date(), uuid4())
    slug, visitor = uuid4().hex, uuid4()
    kept = KeptView([PageViewed("/p/{slug}", slug, "de"), arrives])
    other = commands.rows([(PageViewed("/"), AT)], Visit(visitor), source="server")
    async with db.single() as conn:
        again = AT + timedelta(milliseconds=9)
        gathered = [
            View(kept, "", again),
            *other,
            View(kept, "too fast", AT + timedelta(seconds=1)),
            View(kept, "", AT),
        ]
        await commands.append(conn, gathered)
        found = await conn.raw.fetch(
            "select * from behaviour.events where visitor = $1 or body->>'subject' = $2"
            " or body->>'variant_id' = $3 order by id",
            *(visitor, slug, str(arrives.variant_id)),
        )
    views = [row for row in found if row["visitor"] is None]
    assert [(row["kind"], row["version"], row["source"], row["bot"], row["session"]) for row in views] == [
        (kind, 1, "server", bot, None) for bot in ("", "too fast") for kind in ("page_viewed", "promise_shown")
    ]
    assert views[0]["body"] == {"type": "page_viewed", "page": "/p/{slug}", "subject": slug, "language": "de"}
    assert views[1]["body"]["variant_id"] == str(arrives.variant_id)
    assert [row["times"] for row in views] == [2, 2, 1, 1], "nobody's, at the same moment: they are counted"
    assert [row["at"] for row in views] == [AT, AT, AT + timedelta(seconds=1), AT + timedelta(seconds=1)]
    assert len({row["view"] for row in views}) == 2 and views[0]["view"] == views[1]["view"]
    assert [row["view"].version for row in views] == [7] * 4
    assert [row["visitor"] for row in found if row["visitor"]] == [visitor]


async def test_what_was_written_when_the_line_broke_is_not_written_twice(db, fresh):
    slug = uuid4().hex
    viewed = PageViewed("/p/{slug}", slug)
    gathered = [View(KeptView([viewed]), "", AT), *commands.rows([(viewed, AT)], Visit(), source="server")]
    write = commands.appending(cast("Database", Breaking(db)))
    with pytest.raises(ConnectionResetError):
        await write(gathered)
    await write(gathered)
    async with db.reading() as conn:
        assert await conn.raw.fetchval("select count(*) from behaviour.events where body->>'subject' = $1", slug) == 2


class Breaking:
    """A database whose first answer does not arrive, though all was written."""

    def __init__(self, database):
        self._database, self._broken = database, False

    @asynccontextmanager
    async def single(self):
        async with self._database.single() as conn:
            yield conn
        if not self._broken:
            self._broken = True
            raise ConnectionResetError


async def test_half_a_character_leaves_its_neighbours(db, fresh):
    who = uuid4()
    rows = commands.rows([(PageViewed("\ud800"), AT), (PageViewed("/"), AT)], Visit(who), source="server")
    async with db.single() as conn:
        await commands.append(conn, rows)
        assert [one.body["page"] for one in await events_of(conn, visitors=[who])] == ["/"]


async def test_nobody_has_a_session_without_being_a_visitor(tx):
    with pytest.raises(asyncpg.CheckViolationError):
        await told(tx, Visit(None, uuid4()), PageViewed("/"))


async def test_a_choice_is_proved_with_its_words_and_never_overwritten(tx):
    first = await agree(tx)
    second = await agree(tx, measurement=False, marketing=True, before=first, at=AT + timedelta(days=1))
    assert first.id and second.id
    kept = await consent(tx, consent_id=first.id)
    later = await consent(tx, consent_id=second.id)
    assert kept and (kept.measurement, kept.marketing, kept.decided_at) == (True, False, AT)
    assert later and (later.measurement, later.marketing, later.replaces) == (False, True, first.id)


async def test_a_refusal_is_proved_and_carries_no_number(tx):
    refused = await agree(tx, measurement=False)
    assert refused.id is None
    assert await tx.raw.fetchval("select count(*) from behaviour.consents where not measurement") >= 1


async def test_who_takes_it_back_is_forgotten_also_what_comes_late(tx):
    who, other = uuid4(), uuid4()
    await told(tx, Visit(who), PageViewed("/"))
    await told(tx, Visit(other), PageViewed("/"))
    first = await agree(tx)
    await agree(tx, measurement=False, before=first, visitor=who)
    assert await events_of(tx, visitors=[who]) == []
    await told(tx, Visit(who), PageViewed("/late"))
    assert await commands.forget_rest(tx, at=AT) == 1
    assert await events_of(tx, visitors=[who]) == []
    assert len(await events_of(tx, visitors=[other])) == 1


async def test_a_persons_data_is_exported_and_erased(tx):
    who, party = uuid4(), uuid4()
    assert await export_party(tx, party_id=party) is None
    await told(tx, Visit(who), PageViewed("/"))
    await commands.link_party(tx, visitor=who, party_id=party, at=AT)
    found = await export_party(tx, party_id=party)
    assert found and found.visitors == [who] and len(found.events) == 1
    assert (await commands.erase_party(tx, party_id=party, at=AT)).rows == 1
    assert await export_party(tx, party_id=party) is None
    assert (await commands.erase_party(tx, party_id=party, at=AT)).rows == 0


async def test_old_months_leave_as_a_whole(tx):
    long_ago = datetime(2019, 5, 15, tzinfo=UTC)
    assert await partitions.ensure(tx, "behaviour.events", long_ago)
    assert await commands.drop_months(tx, before=datetime(2019, 5, 31, tzinfo=UTC)) == 0
    assert await commands.drop_months(tx, before=datetime(2019, 6, 1, tzinfo=UTC)) == 1


async def test_programs_are_kept_apart(tx):
    await told(tx, Visit(bot="known crawler"), PageViewed("/"))
    found = await sums(tx, since=datetime.now(UTC) - timedelta(minutes=5))
    assert any(one.bot == "known crawler" and one.events >= 1 for one in found)


async def test_the_look_for_a_visitor_uses_its_index(tx):
    # A table of a few rows is read whole, whatever indexes it has.
    await tx.raw.execute("set local enable_seqscan = off")
    plan = await tx.raw.fetch("explain " + READS.events_of.sql.replace("$1", "array[gen_random_uuid()]"))
    assert any("Index" in row[0] for row in plan)
