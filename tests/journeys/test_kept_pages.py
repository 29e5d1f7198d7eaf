"""Pages that are kept for everybody show what changes within a second, and nothing that belongs to somebody."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.journeys.conftest import Open
from tests.journeys.test_http import Browser

BALL = "/p/bolzplan-anpfiff-match-football"


@pytest.fixture
def guest(shop: Open) -> Iterator[Browser]:
    made = Browser(shop)
    yield made
    made.client.close()


@pytest.fixture
def staff(shop: Open) -> Iterator[Browser]:
    made = Browser(shop)
    made.open("/signin")
    made.follow(made.fill("/signin", {"login": shop.login, "password": shop.password}))
    yield made
    made.client.close()


def sku_of(page: str) -> str:
    found = re.search(r"Item number</dt><dd>([^<]+)</dd>", page)
    assert found
    return found[1]


def test_a_new_price_is_seen_on_a_page_that_was_kept(guest: Browser, staff: Browser) -> None:
    page = guest.open(BALL)
    assert guest.open(BALL) == page
    staff.open(f"/office/prices?q={sku_of(page)}")
    action = staff.link(r"/office/prices/[0-9a-f-]{36}")
    staff.open(action)
    staff.follow(staff.fill(action, {"price": "77,77", "reason": "Kept pages"}))
    guest.shows(BALL, lambda page: "€77.77" in page)


def test_what_is_sold_out_is_seen_on_a_page_that_was_kept(guest: Browser, staff: Browser) -> None:
    page = guest.open(BALL)
    assert 'name="offer_id"' in page
    variant = f"{BALL}?sku={sku_of(page)}"
    guest.open(variant)
    staff.open(f"/office/stock?q={sku_of(page)}")
    listed = staff.open(staff.link(r"/office/stock/articles/[0-9a-f-]{36}"))
    pools = sorted(set(re.findall(r'"(/office/stock/pools/\d+)"', listed)))
    for pool in pools:
        staff.open(pool)
        staff.follow(staff.fill(f"{pool}/count", {"amount": "0", "note": "Gone"}))
    page = guest.shows(variant, lambda page: "Sold out right now" in page)
    assert 'name="offer_id"' not in page
    staff.open(pools[0])
    staff.follow(staff.fill(f"{pools[0]}/receive", {"amount": "3", "note": "Back"}))
    guest.shows(variant, lambda page: "Only 3 left" in page)


IN_TWO_WAYS = [
    [("Cookie", "lotse_language=%65n")],
    [("Cookie", 'lotse_language="\\145n"')],
    [("Cookie", "lotse_language = en")],
    [("Cookie", "lotse_language\t=en")],
    [("Cookie", "lotse_language=de"), ("Cookie", "x=y")],
    [("Cookie", "lotse_language=de; lotse_language=xx")],
    [("Accept-Language", "de"), ("Accept-Language", "en")],
    [("Accept-Language", "en"), ("Accept-Language", "de")],
]


@pytest.mark.parametrize("headers", IN_TWO_WAYS, ids=str)
def test_nobody_puts_another_language_before_everybody(guest: Browser, headers: list[tuple[str, str]]) -> None:
    """A page is rendered in the language that it is kept for, however a request says two."""
    page = f"{BALL}?cold={uuid4().hex}"  # nobody has asked for it
    guest.client.get(page, headers=headers)
    for language in ("en", "de"):
        guest.client.cookies.clear()
        shown = guest.client.get(page, headers={"Accept-Language": language}).text
        assert f'<html lang="{language}"' in shown


def test_what_staff_see_is_not_what_guests_get(guest: Browser, staff: Browser) -> None:
    shoe = "/p/tolvaro-deichlaeufer-2-running-shoe-women"
    for _ in range(2):
        assert 'name="_csrf"' in staff.open(shoe)
        assert 'name="_csrf"' not in guest.open(shoe)


def test_a_kept_page_speaks_the_language_that_is_asked_for(guest: Browser) -> None:
    for _ in range(2):
        assert 'lang="en"' in guest.open(BALL)
        german = guest.client.get(f"/de{BALL}")
        assert '<html lang="de">' in german.text
        assert german.headers["set-cookie"].startswith("lotse_language=de")
        guest.client.cookies.clear()
    packed = guest.client.get(BALL, headers={"Accept-Encoding": "gzip"})
    plain = guest.client.get(BALL, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert "catalog.ProductChanged:" in plain.headers["surrogate-key"]
