"""Who asks, and what they may: tokens, sessions, log-in, forms. Over HTTP, through the same doors as browsers."""

import asyncio
import re
import secrets
import string
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import quote

import argon2
import httpx
import pytest

from lotse.kernel import clock
from lotse.kernel.auth import forms, passwords, sessions, signin, staff, tokens
from lotse.kernel.auth.authenticate import TOKEN_REMEMBERED_SECONDS, Tokens, TokenUnknown
from lotse.kernel.auth.links import LinkInvalid, Links
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal, holding
from lotse.kernel.auth.sessions import COOKIE
from lotse.kernel.auth.visitor import Visitor
from lotse.kernel.db import Database, Transaction
from lotse.kernel.refusals import Invalid
from lotse.kernel.settings import Settings
from lotse.testing import Fresh
from lotse.web import app as web
from lotse.web.process import Process
from tests.web.conftest import at_origin

ONE = "/api/v1/trial/orders/0199a5c0-7d52-7cc1-8f0e-3a1c5f2b9d11"
ORIGIN = "http://shop.example"
PASSWORD = "correct horse battery"
HERE = {"Origin": ORIGIN}


async def token(db: Database, *scopes: str, days: int = 1) -> tokens.Made:
    async with db.transaction() as tx:
        return await tokens.make(tx, name="test", scopes=list(scopes), days=days, actor="system", at=clock.now())


async def account(db: Database, fresh: Fresh, *scopes: str, login: str | None = None) -> str:
    login = login or fresh.email()
    async with db.transaction() as tx:
        await staff.add(
            tx,
            login=login,
            name="Ada",
            password_hash=staff.hashed(PASSWORD),
            scopes=list(scopes),
            actor="system",
            at=clock.now(),
        )
    return login


async def sign_in(api: httpx.AsyncClient, login: str, password: str = PASSWORD, next: str = "") -> httpx.Response:
    return await api.post("/signin", data={"login": login, "password": password, "next": next}, headers=HERE)


async def begun(db: Database, login: str, password: str, at: datetime, address: str = "") -> str:
    """The token of a session begun without a second factor."""
    done = await signin.with_password(db, Settings(), login=login, password=password, visitor=Visitor(address), at=at)
    assert isinstance(done, signin.SignedIn)
    return done.token


# -- tokens


@pytest.mark.parametrize(
    ("scopes", "status"),
    [(("orders.read",), 200), (("*",), 200), (("orders.write",), 403), (("stock.read", "orders.write"), 403)],
)
async def test_a_token_may_what_its_scopes_say(
    api: httpx.AsyncClient, db: Database, scopes: tuple[str, ...], status: int
) -> None:
    made = await token(db, *scopes)
    answer = await api.get(ONE, headers={"Authorization": f"Bearer {made.secret}"})
    assert answer.status_code == status


async def test_a_token_is_kept_only_as_a_hash(db: Database) -> None:
    made = await token(db, "orders.read")
    async with db.reading() as conn:
        rows = await conn.raw.fetch("select to_jsonb(t)::text as row from kernel.tokens t where id = $1", made.id)
    assert made.secret not in rows[0]["row"]


async def test_a_revoked_or_expired_token_is_unknown(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    at = clock.now()
    made, known = await token(db, "orders.read"), Tokens()
    assert (await known.principal(db, made.secret, at)).may("orders.read")
    with pytest.raises(TokenUnknown):
        await known.principal(db, made.secret, at + timedelta(days=2))
    async with db.transaction() as tx:
        await tokens.revoke(tx, id=made.id, actor="system", at=at)
    with pytest.raises(TokenUnknown):
        await Tokens().principal(db, made.secret, at)  # a process that has not just seen it
    later = time.monotonic() + TOKEN_REMEMBERED_SECONDS + 1
    monkeypatch.setattr("time.monotonic", lambda: later)
    with pytest.raises(TokenUnknown):
        await known.principal(db, made.secret, at)


async def test_rights_of_the_old_form_still_count(db: Database) -> None:
    made = await token(db, "orders:read")
    async with db.transaction() as tx:
        held = await tx.raw.fetch("select right_name from kernel.holdings where token_id = $1", made.id)
        assert [row["right_name"] for row in held] == ["orders.read"]
    assert (await Tokens().principal(db, made.secret, clock.now())).may("orders.read")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["all"]}, "scopes"),
        ({"days": 0}, "days"),
        ({"days": 9999}, "days"),
    ],
)
async def test_a_token_that_makes_no_sense_is_refused(tx: Transaction, change: dict[str, object], field: str) -> None:
    given = {"name": "x", "scopes": ["orders.read"], "days": 1, "actor": "system", "at": clock.now(), **change}
    with pytest.raises(Invalid) as refused:
        await tokens.make(tx, **given)  # type: ignore[arg-type]
    assert refused.value.field == field


# -- signing in


async def test_signing_in_and_out(api: httpx.AsyncClient, db: Database, fresh: Fresh) -> None:
    login = await account(db, fresh, "orders.read")
    asked = await api.get(ONE)
    assert asked.status_code == 401
    answer = await sign_in(api, login.upper(), next="/office/orders?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/office/orders?x=1")
    cookie = answer.headers["set-cookie"]
    assert re.search(r"lotse_staff=[^;]{40,}; HttpOnly; Max-Age=\d+; Path=/; SameSite=lax", cookie, re.IGNORECASE)
    assert (await api.get(ONE)).status_code == 200
    async with db.reading() as conn:
        found = await sessions.session_of(db, api.cookies[COOKIE], clock.now())
        assert found and found.login == login
        assert not await conn.raw.fetchval(
            "select 1 from kernel.sessions where token_hash = $1", api.cookies[COOKIE].encode()
        )
    forged = await api.post("/signout", headers=HERE)
    assert (forged.headers["location"], (await api.get(ONE)).status_code) == ("/signin", 200), "still signed in"
    out = await api.post("/signout", data={"_csrf": found.form_token()}, headers=HERE)
    assert out.status_code == 303
    assert (await api.get(ONE, cookies={COOKIE: cookie.split("=")[1].split(";")[0]})).status_code == 401


@pytest.mark.parametrize(
    "next", ["//evil.example", "https://evil.example", "/\\evil.example", "/x\r\nSet-Cookie: a=b", ""]
)
async def test_signing_in_stays_on_this_site(api: httpx.AsyncClient, db: Database, fresh: Fresh, next: str) -> None:
    answer = await sign_in(api, await account(db, fresh, "*"), next=next)
    assert answer.headers["location"] == "/office"


async def test_a_wrong_password_says_no_more_than_an_unknown_login(
    api: httpx.AsyncClient, db: Database, fresh: Fresh
) -> None:
    known = await sign_in(api, await account(db, fresh, "*"), "wrong password")
    unknown = await sign_in(api, fresh.email(), "wrong password")
    for answer in (known, unknown):
        assert (answer.status_code, answer.headers["location"]) == (303, "/signin")
        assert COOKIE not in answer.cookies


async def test_an_account_switched_off_cannot_sign_in_and_its_sessions_end(
    api: httpx.AsyncClient, db: Database, fresh: Fresh
) -> None:
    login = await account(db, fresh, "*")
    await sign_in(api, login)
    assert (await api.get(ONE)).status_code == 200
    async with db.transaction() as tx:
        await staff.change(tx, login=login, active=False, actor="system", at=clock.now())
    assert (await api.get(ONE)).status_code == 401
    assert (await sign_in(api, login)).headers["location"] == "/signin"


async def test_a_new_password_ends_all_sessions(db: Database, fresh: Fresh) -> None:
    login = await account(db, fresh, "*")
    at = clock.now()
    session = await begun(db, login, PASSWORD, at, fresh.text())
    async with db.transaction() as tx:
        await staff.reset(tx, login=login, password_hash=staff.hashed("another good one"), actor="system", at=at)
    assert await sessions.session_of(db, session, at) is None
    with pytest.raises(signin.WrongCredentials):
        await begun(db, login, PASSWORD, at, fresh.text())
    assert await begun(db, login, "another good one", at, fresh.text())


@pytest.mark.parametrize(("idle", "busy_until", "lives"), [
    (timedelta(hours=3), timedelta(), True),
    (sessions.IDLE, timedelta(), False),
    (timedelta(hours=1), sessions.ABSOLUTE - timedelta(hours=2), True),
    (timedelta(hours=3), sessions.ABSOLUTE - timedelta(hours=2), False),
])  # fmt: skip
async def test_a_session_ends_idle_or_absolute(
    db: Database, fresh: Fresh, idle: timedelta, busy_until: timedelta, lives: bool
) -> None:
    at = clock.now()
    session = await begun(db, await account(db, fresh, "*"), PASSWORD, at, fresh.text())
    step = at
    while step + timedelta(hours=3) <= at + busy_until:  # a busy one is seen now and then
        step += timedelta(hours=3)
        assert await sessions.session_of(db, session, step)
    step = max(step, at + busy_until)
    if busy_until:
        assert await sessions.session_of(db, session, step)
    assert bool(await sessions.session_of(db, session, step + idle)) is lives


async def test_a_password_that_changes_while_it_is_compared_begins_no_session(
    db: Database, fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = await account(db, fresh, "*")
    compare = passwords.matches

    async def slowly(known: str | None, password: str) -> bool:
        matches = await compare(known, password)
        async with db.transaction() as tx:
            await staff.reset(
                tx, login=login, password_hash=staff.hashed("another password"), actor="test", at=clock.now()
            )
        return matches

    monkeypatch.setattr(passwords, "matches", slowly)
    with pytest.raises(signin.WrongCredentials):
        await begun(db, login, PASSWORD, clock.now(), fresh.text())


async def test_a_hash_made_with_less_effort_is_renewed(
    db: Database, fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    login, at = await account(db, fresh, "*"), clock.now()
    monkeypatch.setattr(passwords, "_HASHER", argon2.PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    await begun(db, login, PASSWORD, at, fresh.text())
    async with db.reading() as conn:
        kept = await conn.raw.fetchval("select password from kernel.staff where login = $1", login)
    assert kept.startswith("$argon2id$v=19$m=16,t=2,")


async def test_a_taken_login_is_refused(db: Database, fresh: Fresh) -> None:
    login = await account(db, fresh, "*")
    with pytest.raises(staff.LoginTaken):
        await account(db, fresh, "*", login=login.upper())


# -- forms


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Origin": ORIGIN}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
    ],
)
async def test_a_post_comes_from_this_site(api: httpx.AsyncClient, headers: dict[str, str], allowed: bool) -> None:
    answer = await api.post("/trial/form", data={"postcode": "20095"}, headers=headers)
    assert (answer.headers.get("location") == "/trial/thanks") is allowed


async def test_what_another_site_sends_is_kept_nowhere(
    api: httpx.AsyncClient, pages: httpx.AsyncClient, db: Database
) -> None:
    """It would stand in the visitor's own form as if they had typed it."""
    answer = await api.post("/trial/form", data={"street": "Elsewhere 6"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403 and "set-cookie" not in answer.headers
    pages.cookies = api.cookies
    assert (await pages.get("/trial/form")).text == "empty"


UNREADABLE = {
    "no address": ({"Origin": "http://["}, b"", 403),
    "no text": (
        HERE | {"Content-Type": "multipart/form-data; boundary=x"},
        b'--x\r\nContent-Disposition: form-data; name="street"\r\n\r\n\xff\r\n--x--\r\n',
        400,
    ),
    "no charset": (
        HERE | {"Content-Type": "multipart/form-data; boundary=x"},
        b'--x\r\nContent-Disposition: form-data; name="street"\r\nContent-Type: text/plain; charset=nonsense\r\n\r\na'
        b"\r\n--x--\r\n",
        400,
    ),
}


@pytest.mark.parametrize(("headers", "body", "status"), UNREADABLE.values(), ids=UNREADABLE)
async def test_a_post_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = await api.post("/trial/form", content=body, headers=headers)
    assert answer.status_code == status and "set-cookie" not in answer.headers


@pytest.mark.parametrize("thing", ["\u20ac", "a; domain=evil", "a\r\nSet-Cookie: x=1"])
async def test_the_address_of_a_form_stays_within_its_cookie(
    api: httpx.AsyncClient, db: Database, fresh: Fresh, thing: str
) -> None:
    await sign_in(api, await account(db, fresh, "orders.write"))
    answer = await api.post(f"/trial/{quote(thing)}/change", headers=HERE)
    assert answer.status_code == 303 and "x" not in answer.cookies
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("lotse_draft="))
    assert f"Path=/trial/{quote(thing, safe='=:')};" in cookie and "domain" not in cookie.lower().partition("path=")[0]


async def test_a_staff_post_needs_the_sessions_form_token(api: httpx.AsyncClient, db: Database, fresh: Fresh) -> None:
    await sign_in(api, await account(db, fresh, "orders.write"))
    session = await sessions.session_of(db, api.cookies[COOKIE], clock.now())
    other = await sessions.session_of(
        db,
        await begun(db, await account(db, fresh, "*"), PASSWORD, clock.now(), ""),
        clock.now(),
    )
    assert session and other
    refused = {
        name: "lotse_draft="
        in (await api.post("/trial/7/change", data=form, headers=HERE | more)).headers.get("set-cookie", "")
        for name, form, more in [
            ("none", {}, {}),
            ("wrong", {"_csrf": "00" * 64}, {}),
            ("no hex", {"_csrf": "x"}, {}),
            ("another session's", {"_csrf": other.form_token()}, {}),
            ("field", {"_csrf": session.form_token()}, {}),
            ("header", {}, {"X-CSRF-Token": session.form_token()}),
        ]
    }
    assert {name for name, was_refused in refused.items() if not was_refused} == {"field", "header"}


def test_form_tokens_differ_each_time(fresh: Fresh) -> None:
    session = sessions.Session(b"s" * 32, clock.now(), fresh.id(), "a", "A", [], fresh.id())
    made = {session.form_token() for _ in range(10)}
    assert len(made) == 10 and all(session.made(token) for token in made)


async def test_a_refused_form_comes_back_with_what_was_typed(
    api: httpx.AsyncClient, pages: httpx.AsyncClient, db: Database
) -> None:
    answer = await api.post("/trial/form", data={"street": "Große Straße 1", "password": "secret"}, headers=HERE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/trial/form")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "Path=/trial/form" in cookie
    pages.cookies = api.cookies
    assert (await pages.get("/trial/form")).text == "Große Straße 1 postcode False"  # no password was kept
    assert (await pages.get("/trial/other")).text == "empty"  # a draft belongs to one form
    pages.cookies.set("lotse_draft", "guessed")
    assert (await pages.get("/trial/form")).text == "empty"


async def test_a_refused_form_comes_back_whatever_was_typed(api: httpx.AsyncClient, pages: httpx.AsyncClient) -> None:
    answer = await api.post("/trial/form", data={"street": "a\0b", "postcode": "20095"}, headers=HERE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/trial/form")
    pages.cookies = api.cookies
    assert (await pages.get("/trial/form")).text == "a\ufffdb street False"  # what no column holds is marked


async def refusals(process: Process, addresses: list[str], street: Callable[[], str] = str) -> list[bytes]:
    """Post a form that is refused once from each address, one after the other; what the drafts are found by."""
    application, kept = web.make_api(process), []
    for address in addresses:
        async with at_origin(application, address) as browser:
            answer = await browser.post("/trial/form", data={"street": street()}, headers=HERE)
            assert answer.status_code == 303
            kept.append(sha256(browser.cookies["lotse_draft"].encode()).digest())
    return kept


async def left(db: Database, drafts: list[bytes]) -> list[int]:
    """Which of these drafts are there still, by their place in the list."""
    async with db.reading() as conn:
        rows = await conn.raw.fetch("select token_hash from kernel.drafts where token_hash = any($1)", drafts)
    there = {row["token_hash"] for row in rows}
    return [place for place, draft in enumerate(drafts) if draft in there]


@pytest.mark.parametrize(
    ("addresses", "stay"),
    [
        (["10.0.0.1"] * 5, [2, 3, 4]),
        (["10.0.0.2", "10.0.0.3"] * 3, [0, 1, 2, 3, 4, 5]),  # others' drafts push nobody's out
        ([f"2001:db8:0:1::{one}" for one in range(1, 6)], [2, 3, 4]),  # a household draws addresses at will
    ],
    ids=["one client", "two clients", "one network of IPv6"],
)
async def test_a_client_keeps_a_number_of_drafts_and_the_oldest_goes_first(
    trial: None,
    process: Process,
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
    addresses: list[str],
    stay: list[int],
) -> None:
    monkeypatch.setattr(forms, "MOST_DRAFTS", 3)
    assert await left(db, await refusals(process, addresses)) == stay


async def test_a_client_keeps_drafts_of_a_size_together_and_the_last_in_any_case(
    trial: None, process: Process, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "MOST_DRAFT_BYTES", 70_000)
    # Random letters, as the database packs what repeats.
    drafts = await refusals(process, ["10.0.0.4"] * 5, lambda: secrets.token_hex(20_000))
    assert 0 < len(await left(db, drafts)) < 5 and (await left(db, drafts))[-1] == 4
    monkeypatch.setattr(forms, "MOST_DRAFT_BYTES", 10_000)
    drafts += await refusals(process, ["10.0.0.4"], lambda: secrets.token_hex(20_000))
    assert await left(db, drafts) == [5]


async def test_drafts_of_a_client_at_once_are_bounded_as_those_one_after_the_other(
    trial: None, process: Process, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "MOST_DRAFTS", 3)
    kept = await asyncio.gather(*(refusals(process, ["10.0.0.5"]) for _ in range(8)))
    assert len(await left(db, [draft for one in kept for draft in one])) == 3


@pytest.mark.parametrize(
    ("path", "signed_in"),
    [
        ("/trial/office", "/signin?next=/trial/office"),
        ("/trial/office?a=1&b=ä", "/signin?next=/trial/office%3Fa%3D1%26b%3D%25C3%25A4"),
    ],
)
async def test_a_page_for_staff_asks_to_sign_in(pages: httpx.AsyncClient, path: str, signed_in: str) -> None:
    answer = await pages.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, signed_in)


async def test_a_page_that_staff_may_not_see(
    api: httpx.AsyncClient, pages: httpx.AsyncClient, db: Database, fresh: Fresh
) -> None:
    await sign_in(api, await account(db, fresh, "stock.read"))
    pages.cookies = api.cookies
    answer = await pages.get("/trial/office")
    assert answer.status_code == 403 and answer.headers["content-type"].startswith("text/html")


async def test_posts_without_a_view_are_the_apis(pages: httpx.AsyncClient) -> None:
    assert (await pages.post("/trial/form", headers=HERE)).status_code in (404, 405)


async def test_htmx_is_told_to_go_there_itself(api: httpx.AsyncClient) -> None:
    answer = await api.post("/trial/form", headers=HERE | {"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (200, "/trial/form")


# -- signed links


def test_a_signed_link_leads_to_one_thing(fresh: Fresh) -> None:
    links, id = Links(b"k" * 32), fresh.id()
    made = links.sign("order", id)
    assert links.read("order", made) == id
    other = Links(b"x" * 32)
    cases = [(links, "return", made), (other, "order", made)]
    # The last of its 43 signs has two bits that mean nothing.
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    respelled = made[:-1] + alphabet[alphabet.index(made[-1]) ^ 1]
    cases += [(links, "order", text) for text in (made[:-1], "", "ä", made + "A", made + "=", respelled)]
    for reader, purpose, text in cases:
        with pytest.raises(LinkInvalid):
            reader.read(purpose, text)


def test_principals_hold_rights() -> None:
    assert not Principal("guest").may("orders.read")
    assert Principal("token", "1", grants=holding("orders.read")).may("orders.read")
    assert str(Principal("staff", "7")) == "staff:7" and str(Principal("guest")) == "guest"


async def test_who_did_something_is_called_by_name(db: Database, fresh: Fresh) -> None:
    login = await account(db, fresh, "orders.read")
    till = await token(db, "orders.read")
    async with db.reading() as conn:
        id = await conn.raw.fetchval("select id from kernel.staff where login = $1", login)
        unknown = f"staff:{fresh.id()}"
        actors = {f"staff:{id}": "Ada", f"token:{till.id}": "test", unknown: unknown, "staff:x": "staff:x"}
        actors |= {"guest": "guest", "bank": "bank"}
        assert await names_of(conn, actors) == actors
        assert await names_of(conn, []) == {}
