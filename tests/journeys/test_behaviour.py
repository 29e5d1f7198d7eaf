"""Consent, the log and what is never in it, over HTTP at a running shop; the safety of what visitors type."""

import re
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.journeys.conftest import Open

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PATIENCE_SECONDS = 20.0
SCRIPT = "<script>alert(1)</script>"
QUOTED = "\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def visitor(shop: Open) -> Iterator[httpx.Client]:
    """A browser without scripts."""
    headers = {"User-Agent": BROWSER, "Origin": shop.url, "Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=shop.url, headers=headers, timeout=60, follow_redirects=False) as browser:
        yield browser


def rows(shop: Open, query: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(shop.up.environment["LOTSE_DATABASE_URL"]) as conn:
        return conn.execute(query, values).fetchall()  # type: ignore[arg-type]


def awaited(shop: Open, query: str, *values: object) -> list[tuple[object, ...]]:
    """What the log says once it is written: a fraction of a second later."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = rows(shop, query, *values)
        if found or time.monotonic() > until:
            return found
        time.sleep(0.05)  # polls what another process writes: there is no event to wait for


def agree(visitor: httpx.Client, choice: str = "all", **more: str) -> httpx.Response:
    return visitor.post("/consent", data={"choice": choice, "language": "en", **more})


def clicked(**more: object) -> dict[str, object]:
    event = {"type": "clicked", "place": "home", "id": str(uuid4()), "position": 1}
    return {"view": str(uuid4()), "events": [{"event": event, **more}]}


def test_before_consent_nothing_is_stored_and_nobody_is_told_apart(shop: Open, visitor: httpx.Client):
    word = "nobody" + "".join(chr(ord("g") + int(digit, 16)) for digit in uuid4().hex[:8])
    answer = visitor.get("/search", params={"q": f"{word} anna@example.org"})
    assert "lotse_visitor" not in answer.headers.get("set-cookie", "")
    assert "server-timing" not in answer.headers
    found = awaited(
        shop,
        "select visitor, session, bot, body::text from behaviour.events"
        " where kind = 'search_made' and body ->> 'words' like %s",
        f"{word}%",
    )
    assert found
    who, session, bot, body = found[0]
    assert (who, session, bot) == (None, None, "")
    assert "example.org" not in str(body)
    assert "Firefox" not in str(body)
    assert visitor.post("/events", json=clicked()).status_code == 403


def test_refusing_is_as_easy_as_agreeing_and_leaves_no_number(shop: Open, visitor: httpx.Client):
    page = visitor.get("/").text
    banner = page[page.index('id="consent"') : page.index("</section>", page.index('id="consent"'))]
    buttons = re.findall(r'<button class="([^"]+)" type="submit" name="choice" value="(\w+)"', banner)
    assert buttons == [("button", "none"), ("button", "all")]
    assert "checked" not in banner
    assert ".consent[hidden]" in visitor.get("/consent.css").text
    refused = agree(visitor, "none", place="banner")
    assert refused.status_code == 303
    assert re.fullmatch(r"[0-9-]+\.00", visitor.cookies["lotse_consent"])
    assert "lotse_visitor" not in visitor.cookies
    assert visitor.get("/consent.css").text == ""
    # The page is the same for everybody, whatever they chose.
    assert visitor.get("/").text == page


def test_who_agrees_is_known_until_they_take_it_back(shop: Open, visitor: httpx.Client):
    answer = agree(visitor)
    assert answer.status_code == 303
    set_cookies = answer.headers.get_list("set-cookie")
    assert any(one.startswith("lotse_visitor=") and "HttpOnly" in one and "SameSite=lax" in one for one in set_cookies)
    who = visitor.cookies["lotse_visitor"]
    proof = visitor.cookies["lotse_consent"].rpartition(".")[2]
    assert rows(shop, "select measurement, language from behaviour.consents where id = %s", proof) == [(True, "en")]
    viewed = visitor.get("/")
    view = re.search(r'view;desc="([^"]+)"', viewed.headers["server-timing"])
    assert view
    batch = clicked(ms_ago=40)
    assert visitor.post("/events", json={**batch, "view": view[1]}).status_code == 204
    kinds = awaited(
        shop,
        "select kind, source from behaviour.events where visitor = %s and kind = 'clicked' and view = %s",
        who,
        view[1],
    )
    assert kinds == [("clicked", "script")]
    # Another process writes that one: what it still has in memory is deleted by a job.
    assert awaited(shop, "select 1 from behaviour.events where visitor = %s and kind = 'page_viewed'", who)
    agree(visitor, "own", place="page", marketing="yes")
    assert "lotse_visitor" not in visitor.cookies
    assert rows(shop, "select 1 from behaviour.events where visitor = %s", who) == []
    assert visitor.post("/events", json=batch).status_code == 403


@pytest.mark.parametrize("signal", ["Sec-GPC", "DNT"])
def test_a_browser_that_says_no_is_obeyed_and_not_asked(visitor: httpx.Client, signal: str):
    agree(visitor)
    visitor.headers[signal] = "1"
    assert "server-timing" not in visitor.get("/").headers
    assert visitor.get("/consent.css").text == ""
    assert visitor.post("/events", json=clicked()).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"nonsense", 400),
        (b"{}", 422),
        (b'{"view":"x","events":[]}', 422),
        (b'{"view":"019a0000-0000-7000-8000-000000000001","events":[{"event":{"type":"order"}}]}', 422),
        (b" " * 70_000, 400),
    ],
    ids=["no json", "empty", "no id", "unknown event", "large"],
)
def test_what_is_no_event_is_refused_by_name(visitor: httpx.Client, body: bytes, status: int):
    agree(visitor)
    answer = visitor.post("/events", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert answer.json()["type"].startswith("urn:lotse:refusal:")


def test_events_come_from_this_site_only(visitor: httpx.Client):
    agree(visitor)
    other = {"Origin": "https://other.example", "Sec-Fetch-Site": "cross-site"}
    answer = visitor.post("/events", json=clicked(), headers=other)
    assert answer.status_code == 403 and answer.json()["type"] == "urn:lotse:refusal:cross-site"
    assert "set-cookie" not in answer.headers


def test_events_of_staff_need_no_token(shop: Open):
    """A beacon carries none."""
    with httpx.Client(base_url=shop.url, headers={"Origin": shop.url, "Sec-Fetch-Site": "same-origin"}) as staff:
        signed_in = staff.post("/signin", data={"login": shop.login, "password": shop.password})
        assert signed_in.status_code == 303 and signed_in.cookies.get("lotse_staff")
        token = re.search(r'name="_csrf" value="([^"]+)"', staff.get("/consent").text)
        assert token and agree(staff, _csrf=token[1]).cookies.get("lotse_visitor")
        assert staff.post("/events", json=clicked()).status_code == 204


@pytest.mark.parametrize("elsewhere", ["https://other.example/x", "//other.example", "http://127.0.0.1:1/x", ""])
def test_a_choice_leads_nowhere_else(visitor: httpx.Client, elsewhere: str):
    answer = visitor.post("/consent", data={"choice": "none"}, headers={"Referer": elsewhere})
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("typed", [SCRIPT, QUOTED])
def test_nothing_that_a_visitor_types_is_said_as_code(visitor: httpx.Client, typed: str):
    """Every form of the shop, each of its fields filled with a script, and every address that says its words again."""
    bought = visitor.get("/new").text
    product = re.search(r'href="((?:/\w\w)?/p/[^"]+)"', bought)
    assert product
    offer = re.search(r'name="offer_id" value="([^"]+)"', visitor.get(product[1]).text)
    if offer:
        visitor.post("/basket/lines", data={"offer_id": offer[1], "quantity": "1"})
    for path in ("/search", "/stores", "/search/suggest", "/checkout/sum"):
        for name in ("q", "postcode", "near", "country", "sort", "brand", "colour", "after"):
            said = visitor.get(path, params={name: typed})
            assert said.status_code != 500, (path, name)
            assert typed not in said.text, (path, name)
    forms = 0
    for path in (
        "/checkout",
        "/basket",
        "/withdraw",
        "/account",
        "/account/signin",
        "/signin",
        "/consent",
        "/stores",
        "/",
    ):
        page = visitor.get(path, follow_redirects=True)
        for action, method, inside in _forms(page.text):
            fields = {
                name: (value if name in ("_csrf", "key", "basket", "payment", "promise") else typed)
                for name, value in inside
            }
            if method == "post" and not action.startswith("/signout"):
                answer = visitor.post(action or path, data=fields)
                assert answer.status_code != 500, (path, action)
                back = answer.headers.get("location", "")
                assert back.startswith("/") or not back, (path, action)
                assert typed not in answer.text, (path, action)
                if back:
                    shown = visitor.get(back)
                    assert shown.status_code != 500 and typed not in shown.text, (path, action)
                forms += 1
    assert forms >= 4


def _forms(page: str) -> list[tuple[str, str, list[tuple[str, str]]]]:
    found: list[tuple[str, str, list[tuple[str, str]]]] = []
    for form in re.findall(r"<form\b.*?</form>", page, re.DOTALL):
        head = form[: form.index(">")]
        action = re.search(r'action="([^"]*)"', head)
        method = re.search(r'method="(\w+)"', head)
        fields = [
            (name[1], (re.search(r'value="([^"]*)"', tag) or ["", "x"])[1])
            for tag in re.findall(r"<(?:input|textarea|select)\b[^>]*>", form)
            if (name := re.search(r'name="([^"]+)"', tag))
        ]
        found.append((action[1] if action else "", method[1].lower() if method else "get", fields))
    return found


@pytest.mark.parametrize(
    "path", ["/", "/new", "/search?q=schuh", "/basket", "/consent", "/stores", "/signin", "/privacy"]
)
def test_no_page_has_inline_code(visitor: httpx.Client, path: str):
    answer = visitor.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe-inline" not in policy and "object-src 'none'" in policy
    scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", answer.text, re.DOTALL)
    assert all('src="' in head or 'type="application/ld+json"' in head for head, _ in scripts)
    assert not re.search(r"<[a-z][^>]*\s(?:on[a-z]+|style)=[\"']", answer.text)
    assert "<style" not in answer.text


@pytest.mark.parametrize(
    ("path", "place", "first"),
    [
        ("/en", "home.new", 1), ("/en/new", "new", 1), ("/en/c/running", "category", 1),
        ("/en/c/running?page=2", "category", 25), ("/en/search?q=shoe", "search", 1),
        ("/en/search/suggest?q=shoe", "suggest", 1),
    ],
)  # fmt: skip
def test_every_list_has_a_name_and_its_things_have_places(
    visitor: httpx.Client, path: str, place: str, first: int
) -> None:
    """What the script tells of impressions and clicks is read from these."""
    page = visitor.get(path).text
    begin = page.index(f'data-list="{place}"')
    listed = page[begin : page.find("data-list=", begin + 1)]
    places = [int(number) for number in re.findall(r'data-article="[0-9a-f-]{36}" data-position="(\d+)"', listed)]
    assert places and places == list(range(first, first + len(places)))
