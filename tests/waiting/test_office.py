"""The waiting room in the back office: its posts, its plot, its times."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from lotse.kernel import audit, clock
from lotse.kernel.auth import tokens
from lotse.kernel.auth.links import Links
from lotse.kernel.db import Database
from lotse.kernel.desk.socket import DeskClient
from lotse.kernel.pages.forms import FormIncomplete
from lotse.kernel.settings import Settings
from lotse.kernel.tags import Tags
from lotse.kernel.waiting import commands
from lotse.kernel.waiting.commands import Minute
from lotse.kernel.waiting.rules import Room
from lotse.testing import Fresh
from lotse.web import app as web
from lotse.web.process import Process
from lotse.web.waiting.pages import moment, plot
from tests.scene import open_shop
from tests.web.conftest import ORIGIN, at_origin

AT = datetime(2026, 11, 27, 8, 30, 20, tzinfo=UTC)


class Office:
    def __init__(self, client: httpx.AsyncClient, db: Database, name: str) -> None:
        self.client = client
        self.db = db
        self.name = name

    async def post(self, action: str, **typed: str) -> str:
        """Where it leads."""
        answer = await self.client.post(f"/office/waiting/{action}", data={"x": "", **typed})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def room(self) -> Room:
        async with self.db.reading() as conn:
            return await commands.room_of(conn, room=self.name)


@pytest.fixture(scope="module")
def api(settings: Settings, db: Database) -> Litestar:
    """Made once: it takes longer than all that is asked of it here."""
    return web.make_api(Process("api", settings, db, DeskClient(settings.home / "none"), Links(b"s" * 32), Tags()))


@pytest.fixture
async def office(api: Litestar, db: Database, fresh: Fresh) -> AsyncIterator[Office]:
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
        made = await tokens.make(tx, name="test", scopes=["waiting.write"], days=1, actor="system", at=clock.now())
    api.state.shop = (float("inf"), place.shop)
    async with at_origin(api) as client:
        client.headers.update({"Authorization": f"Bearer {made.secret}", "Origin": ORIGIN})
        yield Office(client, db, str(place.shop.id))
        await client.post("/office/waiting/close", data={"x": ""})


async def test_open_watch_set_and_close(office: Office) -> None:
    done = "/office/waiting?done=waiting"
    assert await office.post("limits", per_minute="", most_per_minute="900", pass_minutes="15") == done
    assert await office.post("open", lead="0") == done
    room = await office.room()
    assert (room.mode, room.opens_at, room.per_minute, room.most_per_minute, room.pass_minutes) == (
        "open", None, None, 900, 15,
    )  # fmt: skip
    assert await office.post("limits", per_minute="40", most_per_minute="900", pass_minutes="15") == done
    assert (await office.room()).per_minute == 40
    assert await office.post("watch") == done
    room = await office.room()
    assert room.mode == "automatic" and room.opening  # the line goes on
    assert await office.post("close") == done
    assert (await office.room()).mode == "closed"
    async with office.db.reading() as conn:
        changes = await audit.history(conn, subject=f"kernel.waiting:{office.name}")
    assert [change.new["mode"] for change in changes] == ["closed", "automatic", "open", "open", "closed"]
    assert all(change.actor.startswith("token:") for change in changes)


async def test_a_sale_is_planned_in_the_time_of_the_shop(office: Office) -> None:
    opens = (clock.now() + timedelta(days=30)).replace(hour=8, minute=0, second=0, microsecond=0)
    await office.post("sale", opens=opens.strftime("%Y-%m-%dT%H:%M"), gathers_minutes="45")
    room = await office.room()
    assert room.opens_at and room.begins_at and room.gathering
    assert room.opens_at == moment(opens.strftime("%Y-%m-%dT%H:%M"), "Europe/Berlin")
    assert room.opens_at - room.begins_at == timedelta(minutes=45)


@pytest.mark.parametrize(
    ("action", "typed"),
    [
        ("sale", {"opens": "2020-01-01T08:00", "gathers_minutes": "30"}),
        ("sale", {"opens": "tomorrow", "gathers_minutes": "30"}),
        ("sale", {"opens": "", "gathers_minutes": "30"}),
        ("sale", {"opens": "9999-12-31T23:59", "gathers_minutes": "30"}),
        ("sale", {"opens": "0001-01-01T00:00", "gathers_minutes": "30"}),
        ("limits", {"per_minute": "0", "most_per_minute": "10", "pass_minutes": "20"}),
        ("limits", {"per_minute": "", "most_per_minute": "9" * 30, "pass_minutes": "20"}),
        ("limits", {"per_minute": "", "most_per_minute": "10", "pass_minutes": "a while"}),
        ("open", {"lead": "-1"}),
        ("nothing", {}),
    ],
)
async def test_what_makes_no_sense_comes_back(office: Office, action: str, typed: dict[str, str]) -> None:
    assert await office.post(action, **typed) == "/office/waiting"
    assert (await office.room()).mode == "closed"


async def test_who_may_only_look_may_not_open(office: Office) -> None:
    async with office.db.transaction() as tx:
        made = await tokens.make(tx, name="t", scopes=["waiting.read"], days=1, actor="system", at=clock.now())
    answer = await office.client.post(
        "/office/waiting/open", data={"lead": "0"}, headers={"Authorization": f"Bearer {made.secret}"}
    )
    assert (await office.room()).mode == "closed"
    assert "done=" not in answer.headers.get("location", "")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-27T08:00", datetime(2026, 11, 27, 7, tzinfo=UTC)),
        ("2026-07-01T08:00", datetime(2026, 7, 1, 6, tzinfo=UTC)),
        ("2026-10-25T02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # comes twice: the first one
    ],
)
def test_moments_are_of_the_zone(text: str, utc: datetime) -> None:
    assert moment(text, "Europe/Berlin") == utc


@given(st.text(max_size=30))
def test_no_text_breaks_a_moment(text: str) -> None:
    try:
        assert moment(text, "Europe/Berlin").tzinfo is UTC
    except FormIncomplete as refused:
        assert set(refused.errors) == {"opens"}


@given(st.lists(st.tuples(st.integers(0, 70), st.integers(0, 10**6), st.integers(0, 10**5)), max_size=80))
def test_the_plot_holds_the_last_hour_and_nothing_leaves_it(rows: list[tuple[int, int, int]]) -> None:
    start = AT.replace(second=0) - timedelta(minutes=59)
    minutes = [
        Minute(start + timedelta(minutes=at), waiting, 0, admitted, 0, 0.0, 0.0) for at, waiting, admitted in rows
    ]
    drawn = plot(minutes, AT)
    assert [bar.x for bar in drawn.bars] == list(range(60))
    assert all(0 <= bar.waiting <= 100 and 0 <= bar.admitted <= 100 for bar in drawn.bars)
    shown = {at for at, _, _ in rows if at < 60}
    assert {bar.x for bar in drawn.bars if bar.minute} == shown
