"""One's own account, staff, roles and the audit log over HTTP: both roles in this process, one browser before them."""

import re
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from pyotp.totp import TOTP

from lotse.kernel import clock
from lotse.kernel.auth import passwords, roles, sessions, staff
from lotse.kernel.auth.principal import SYSTEM, Grant
from lotse.kernel.auth.roles import Holder
from lotse.kernel.auth.sessions import COOKIE
from lotse.kernel.db import Database
from lotse.kernel.ids import uuid7
from lotse.testing import Fresh
from tests.scene import open_shop
from tests.web.conftest import ORIGIN, at_origin

PASSWORD = "correct horse battery"


class Browser:
    """Asks api and pages as the front does, with one jar of cookies."""

    def __init__(self, api: httpx.AsyncClient, pages: httpx.AsyncClient, db: Database) -> None:
        self.api, self.pages, self.db = api, pages, db
        pages._cookies = api.cookies  # its setter makes a copy  # pyright: ignore[reportPrivateUsage]

    async def get(self, path: str, status: int = 200) -> str:
        answer = await self.pages.get(path, headers={"Accept-Language": "en"})
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.headers} {answer.text[-2000:]}"
        return answer.text if status < 300 or status >= 400 else answer.headers["location"]

    async def post(self, path: str, **typed: Any) -> httpx.Response:
        session = await sessions.session_of(self.db, self.api.cookies.get(COOKIE) or "", clock.now())
        if session:
            typed["_csrf"] = session.form_token()
        answer = await self.api.post(path, data=typed, headers={"Origin": ORIGIN})
        if answer.status_code in (404, 405):
            answer = await self.pages.post(path, data=typed, headers={"Origin": ORIGIN, "Accept-Language": "en"})
        return answer

    async def goes(self, path: str, **typed: Any) -> str:
        """Where a post leads."""
        answer = await self.post(path, **typed)
        assert answer.status_code == 303, f"{path}: {answer.status_code} {answer.text[-2000:]}"
        return answer.headers["location"]

    async def signs_in(self, login: str, password: str = PASSWORD) -> str:
        return await self.goes("/signin", login=login, password=password, next="/office/account")


@pytest.fixture
async def browser(whole_api: Litestar, whole_pages: Litestar, db: Database, fresh: Fresh) -> AsyncIterator[Browser]:
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
    whole_api.state.shop = whole_pages.state.shop = (float("inf"), place.shop)
    async with at_origin(whole_api) as api, at_origin(whole_pages) as pages:
        yield Browser(api, pages, db)


async def account(db: Database, fresh: Fresh, *rights: str) -> tuple[UUID, str]:
    login = fresh.email()
    async with db.transaction() as tx:
        id = await staff.add(
            tx,
            login=login,
            name="Ada",
            password_hash=passwords.hashed(PASSWORD),
            scopes=rights,
            actor="system",
            at=clock.now(),
        )
    return id, login


def code(secret: str, steps: int = 0) -> str:
    return TOTP(secret).generate_otp(int(time.time()) // 30 + steps)


def secret_in(page: str) -> str:
    return re.findall(r'<code class="secret">([^<]+)<', page)[0].replace(" ", "")


async def test_ones_own_second_factor_from_set_up_to_off(browser: Browser, db: Database, fresh: Fresh) -> None:
    _, login = await account(db, fresh)
    assert await browser.get("/office/account", 303) == "/signin?next=/office/account"
    assert await browser.signs_in(login) == "/office/account"
    assert "Set up a second factor" in await browser.get("/office/account")
    secret = secret_in(await browser.get("/office/account/factor"))
    assert await browser.goes("/office/account/factor", code=code(secret), password="wrong") == "/office/account/factor"
    assert "This is not your password." in await browser.get("/office/account/factor")
    shown = await browser.post("/office/account/factor", code=code(secret), password=PASSWORD)
    codes = re.findall(r"<li><code>([a-z2-7-]{19})</code></li>", shown.text)
    assert len(codes) == 10 and shown.headers["cache-control"] == "no-store"

    assert await browser.goes("/signout") == "/signin"
    assert await browser.signs_in(login) == "/signin/code"
    assert "Signing in as Ada" in await browser.get("/signin/code")
    assert await browser.get("/office/account", 303) == "/signin?next=/office/account", "half is not in"
    assert await browser.goes("/signin/code", code="000000") == "/signin/code"
    assert "This code is wrong" in await browser.get("/signin/code")
    assert await browser.goes("/signin/code", code=codes[0]) == "/office/account"
    page = await browser.get("/office/account")
    assert "9 recovery codes are left." in page and "A recovery code was used to sign in." in page

    renewed = await browser.post("/office/account/factor/codes", which="factor", code=codes[1])
    assert renewed.status_code == 200
    assert await browser.goes("/office/account/factor/off", which="factor", code="1") == "/office/account"
    new = re.findall(r"<li><code>([a-z2-7-]{19})</code></li>", renewed.text)
    assert await browser.goes("/office/account/factor/off", which="factor", code=new[0]) == (
        "/office/account?done=factor-off"
    )


async def test_ones_own_password_and_sessions(browser: Browser, db: Database, fresh: Fresh) -> None:
    id, login = await account(db, fresh)
    await browser.signs_in(login)
    here = browser.api.cookies[COOKIE]
    browser.api.cookies.delete("lotse_device")
    await browser.signs_in(login)
    assert here != browser.api.cookies[COOKIE]
    new = "three cows in the rain"
    typed = {"which": "password", "old_password": PASSWORD, "new_password": new}
    assert await browser.goes("/office/account/password", **typed, again_password="x") == "/office/account"
    assert "The two are not the same." in await browser.get("/office/account")
    assert await browser.goes("/office/account/password", **typed, again_password=new) == (
        "/office/account?done=password"
    )
    page = await browser.get("/office/account?done=password")
    assert "Your password is changed." in page and "this one" in page
    assert await browser.goes("/office/account/sessions/end") == "/office/account?done=sessions"
    session = await sessions.session_of(db, browser.api.cookies[COOKIE], clock.now())
    assert session and session.staff_id == id
    assert await browser.goes(f"/office/account/sessions/{session.id}/end") == "/office/account?done=session"
    assert await browser.get("/office/account", 303) == "/signin?next=/office/account"


async def test_staff_from_the_first_password_to_a_lost_phone(browser: Browser, db: Database, fresh: Fresh) -> None:
    _, login = await account(db, fresh, "*")
    async with db.transaction() as tx:
        grant = Grant("orders.read")
        role_id = await roles.put_role(tx, name=fresh.text(), grants=[grant], by=SYSTEM, at=clock.now())
    await browser.signs_in(login)
    assert login in await browser.get(f"/office/staff?q={login}")
    await browser.get("/office/staff/new")
    grace = fresh.email()
    made = await browser.post("/office/staff/new", name="Grace", login=grace, role=str(role_id))
    assert made.status_code == 200
    password = re.findall(r'id="first-password">([^<]+)<', made.text)[0]
    her_page = re.findall(r'href="(/office/staff/[0-9a-f-]{36})"', made.text)[0]
    # By name, by the role that is held, by what is missing; the table opens with those who can sign in.
    for query in (f"q={grace}", f"roles={role_id}", f"roles={role_id}&has_factor=no&active=yes", "all=yes&q=" + grace):
        assert grace in await browser.get(f"/office/staff?{query}"), query
    for query in (f"q={grace}&active=no", f"q={grace}&roles={uuid7()}", f"q={grace}&roles=none"):
        assert "Nothing fits" in await browser.get(f"/office/staff?{query}"), query
    file = await browser.get(f"/office/staff/export.csv?roles={role_id}")
    assert len(file.splitlines()) == 2 and grace in file
    assert "Grace" in await browser.get(her_page)
    assert await browser.goes("/office/staff/new", name="Grace", login=grace) == "/office/staff/new"
    assert "This log-in is taken." in await browser.get("/office/staff/new")

    hers = Browser(at_origin(browser.api._transport.app), at_origin(browser.pages._transport.app), db)  # type: ignore[attr-defined]
    assert await hers.signs_in(grace, password) == "/office/account"
    secret = secret_in(await hers.get("/office/account/factor"))
    await hers.post("/office/account/factor", code=code(secret), password=password)
    assert "You may not see this" in await hers.get("/office/staff", 403)

    assert await browser.goes(f"{her_page}/factor", reason="") == her_page
    assert "Please say why" in await browser.get(her_page)
    assert await browser.goes(f"{her_page}/factor", reason="phone lost") == f"{her_page}?done=factor"
    assert await hers.get("/office/account", 303) == "/signin?next=/office/account"
    assert await browser.goes(f"{her_page}/switch", active="", reason="left us") == f"{her_page}?done=off"
    assert "left us" in await browser.get(her_page)
    assert await hers.signs_in(grace, password) == "/signin"

    entry = re.findall(r'href="(/office/audit/[0-9a-f-]{36})">changed</a> – phone lost', await browser.get(her_page))[0]
    page = await browser.get(entry)
    assert "second_factor" in page and "phone lost" in page and "<del>" in page


async def test_nobody_manages_who_may_do_more(browser: Browser, db: Database, fresh: Fresh) -> None:
    owner, _ = await account(db, fresh, "*")
    _, login = await account(db, fresh, "staff.read", "staff.write")
    await browser.signs_in(login)
    page = f"/office/staff/{owner}"
    assert await browser.goes(f"{page}/switch", active="", reason="because") == page
    assert "You may manage only what you may do yourself." in await browser.get(page)
    assert await browser.goes(f"{page}/factor", reason="because") == page
    assert await browser.goes(f"{page}/sessions/end") == page


async def test_a_role_is_made_changed_given_and_taken_away(browser: Browser, db: Database, fresh: Fresh) -> None:
    id, login = await account(db, fresh, "*")
    await browser.signs_in(login)
    name = fresh.text()
    await browser.get("/office/roles/new")
    rights = {"right": ["orders.read", "orders.refund", ""], "limit": ["", "99,50", ""], "currency": ["", "EUR", ""]}
    places = {key: ["", "", ""] for key in ("shop", "location", "party")}
    made = await browser.goes("/office/roles/new", name=name, description="", second_factor="yes", **rights, **places)
    page = made.partition("?")[0]
    role_id = UUID(page.rpartition("/")[2])
    async with db.reading() as conn:
        role = await roles.role(conn, role_id=role_id)
    assert role and role.grants == [
        Grant("orders.read"),
        Grant("orders.refund", limit_minor=9_950, currency="EUR"),
    ]
    shown = await browser.get(page)
    assert 'value="99.50"' in shown and re.search(r'name="second_factor" value="yes" checked', shown)
    assert f"/office/roles/{role_id}" in await browser.get(f"/office/roles?q={name}")
    assert name in await browser.get(f"/office/roles?q={name}&second_factor=yes")
    assert "Nothing fits" in await browser.get(f"/office/roles?q={name}&second_factor=no")
    assert name in await browser.get(f"/office/roles/export.csv?q={name}")

    assert await browser.goes(page, name=name, seen_at="2020-01-01T00:00:00Z", **rights, **places) == page
    assert "Somebody else has changed this role meanwhile." in await browser.get(page)
    wrong = {**rights, "limit": ["", "much", ""]}
    assert await browser.goes(page, name=name, **wrong, **places) == page
    assert "an amount in EUR" in await browser.get(page)

    assert await browser.goes(f"/office/staff/{id}/give", role=str(role_id)) == f"/office/staff/{id}?done=given"
    assert await browser.goes(f"{page}/remove") == page
    assert "Somebody holds this role." in await browser.get(page)
    async with db.reading() as conn:
        held = next(one for one in await roles.held_by(conn, Holder(id)) if one.role_id == role_id)
    assert await browser.goes(f"/office/staff/{id}/take", holding=str(held.id)) == f"/office/staff/{id}?done=taken"
    assert await browser.goes(f"{page}/remove") == "/office/roles?done=removed"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?kind=kernel.staff",
        "?recorded_at.from=2026-01-01",
        "?recorded_at.from=never",
        "?actor=system",
        "?kind=none.such",
    ],
)
async def test_the_log_is_filtered(browser: Browser, db: Database, fresh: Fresh, query: str) -> None:
    id, login = await account(db, fresh, "audit.read")
    await browser.signs_in(login)
    page = await browser.get(f"/office/audit{query}")
    assert ("Nothing fits" in page) is (query == "?kind=none.such")
    assert str(id) in await browser.get(f"/office/audit?subject=kernel.staff:{id}")
