"""What nobody types by accident: hostile addresses, query strings, cookies, forms. Never a 500, never code said again.

The forms of the shop, each field filled with a script, are in test_behaviour.py; what the API does with anything at all
is in tests/test_api_fuzz.py.
"""

import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from tests.journeys.conftest import Open

SHOE = "/p/tolvaro-deichlaeufer-2-running-shoe-women"
SCRIPT = "<script>alert(1)</script>"
QUOTED = "\"'><img src=x onerror=alert(1)>"
# Already as it stands in an address, because some of it is no text at all.
VALUES = {
    "script": quote(SCRIPT),
    "quote": quote(QUOTED),
    "address": quote("javascript:alert(1)//https://evil.example"),
    "template": quote("{{ 7*7 }}${7*7}%(x)s{0}"),
    "sql": quote("' or 1=1; drop table kernel.outbox; --"),
    "path": quote("../../../../etc/passwd"),
    "new line": "a%0d%0aSet-Cookie:%20evil=1",
    "nul": "a%00b",
    "no utf-8": "%ff%fe%80",
    "surrogate": "%ed%a0%80",
    "half a sign": "%",
    "signs": quote("\u202eabc\ufeff\U0001f45f\u0301" * 20),
    "operators": quote('+-&&||!(){}[]^"~*?:\\/ AND OR NOT brand:"x" [a TO z] /.*/'),
    "large number": "9" * 400,
    "small number": "-1",
    "no number": "NaN",
    "long": "x" * 10_000,
    "many words": "+".join(f"w{n}" for n in range(1_500)),
    "nothing": "",
}
# Pages and what they read of their address.
READ = {
    "/search": ("q", "sort", "page", "brand", "colour", "price_from", "nofacet"),
    "/search/suggest": ("q",),
    "/c/running": ("sort", "page", "colour", "price_to", "nofacet"),
    SHOE: ("sku",),
    "/stores": ("postcode",),
    "/account": ("next", "done"),
    "/account/forgotten": ("sent",),
    "/withdraw": ("order",),
    "/checkout/sum": ("country", "postcode"),
    "/new": ("page", "after"),
    "/consent": ("done",),
    "/signin": ("next",),
}


@pytest.fixture(scope="module")
def visitor(shop: Open) -> Iterator[httpx.Client]:
    headers = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "en", "User-Agent": "Mozilla/5.0"}
    with httpx.Client(base_url=shop.url, headers=headers, timeout=60) as client:
        yield client


def harmless(answer: httpx.Response) -> str | None:
    """What is wrong with an answer; None if nothing is."""
    where = f"{answer.request.method} {str(answer.request.url)[:200]}"
    if answer.status_code >= 500:
        return f"{where}: {answer.status_code}"
    if SCRIPT in answer.text or QUOTED in answer.text or "onerror=alert(1)>" in answer.text:
        return f"{where}: says code"
    if re.search(r"(href|src|action|content)=[\"']?\s*(0; url=)?javascript:", answer.text):
        return f"{where}: links to code"
    if "evil" in answer.headers.get("set-cookie", "") or "evil" in answer.headers.get("location", ""):
        return f"{where}: {answer.headers}"
    if re.search(r"Traceback|asyncpg|psycopg|File &#34;|/lotse/", answer.text):
        return f"{where}: says how it is made"
    return None


@pytest.mark.parametrize("page", READ)
def test_whatever_stands_behind_the_question_mark(visitor: httpx.Client, page: str) -> None:
    wrong: list[str | None] = []
    for n, value in enumerate(VALUES.values()):
        # Two of the names that it reads: with all of them it would be ten times as slow and find no more.
        for name in {READ[page][n % len(READ[page])], READ[page][-1 - n % len(READ[page])]}:
            wrong.append(harmless(visitor.get(f"{page}?{name}={value}")))
    # The same name often, none at all, and everything at once.
    first = READ[page][0]
    wrong.append(harmless(visitor.get(page + "?" + "&".join(f"{first}={n}" for n in range(500)))))
    wrong.append(harmless(visitor.get(page + "?&&=&=x&;&" + quote(SCRIPT))))
    wrong.append(harmless(visitor.get(page + "?" + "&".join(f"{name}={quote(QUOTED)}" for name in READ[page]))))
    assert not [one for one in wrong if one]


@pytest.mark.parametrize(
    "before",
    [
        "/",
        "/en/",
        "/p/",
        "/c/",
        "/order/",
        "/pay/",
        "/withdrawn/",
        "/account/password/",
        "/account/email/",
        "/basket/added/",
    ],
)
def test_whatever_stands_in_the_path(visitor: httpx.Client, before: str) -> None:
    answers = [visitor.get(before + value) for name, value in VALUES.items() if name != "half a sign"]
    answers += [visitor.get(f"{before}{quote(SCRIPT, safe='')}/withdraw"), visitor.get(f"{before}%2e%2e/%2e%2e/x")]
    assert not [found for answer in answers if (found := harmless(answer))]


def test_whatever_stands_in_a_cookie(visitor: httpx.Client) -> None:
    cookies = (
        "lotse_basket", "lotse_customer", "lotse_wishes", "lotse_draft", "lotse_visitor", "lotse_visit",
        "lotse_language", "lotse_session", "lotse_device", "lotse_consent",
    )  # fmt: skip
    values = (
        SCRIPT.replace(";", ""),
        '"',
        "x" * 3_000,
        "019a0000-0000-7000-8000-000000000001",
        "\xff\xfe",
        "%00",
        "{}",
    )
    wrong: list[str | None] = []
    for value in values:
        header = "; ".join(f"{name}={value}" for name in cookies).encode("latin-1")
        for page in ("/", "/basket", "/checkout", "/account", "/wishes", "/search?q=schuh", "/office"):
            wrong.append(harmless(visitor.get(page, headers=[(b"Cookie", header)])))
    for header in (b"=", b";;;=;", b"lotse_basket", b"\x80\x81=\x82", b"a=b; " * 900 + b"c=d"):
        wrong.append(harmless(visitor.get("/basket", headers=[(b"Cookie", header)])))
    assert not [one for one in wrong if one]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/stores?postcode=2045", None, "Five digits, please"),
        ("/stores?postcode=00000", None, "We do not know this postcode"),
        ("/basket/lines", {"offer_id": SCRIPT, "quantity": "1"}, ""),
        ("/basket/lines", {"offer_id": "019a0000-0000-7000-8000-000000000001", "quantity": "-5"}, ""),
        ("/basket/lines", {"quantity": "9" * 50}, ""),
        ("/checkout", {"basket": "x", "postcode": "abc"}, ""),
        ("/checkout", {}, ""),
        ("/consent", {"choice": SCRIPT, "language": SCRIPT}, ""),
        ("/account/signin", {"email": SCRIPT, "password": "x" * 5_000}, ""),
        ("/account/register", {"new_name": SCRIPT, "new_email": "a@b", "new_password": "\u0000" * 12}, ""),
        ("/account/forgotten", {"email": "x" * 10_000}, "Please enter an e-mail address"),
        ("/account/password/nonsense", {"new_password": "three wet otters sing"}, ""),
        ("/account/email", {"other_email": SCRIPT, "email_password": SCRIPT}, "Please sign in again"),
        ("/account/email/nonsense", {"password": SCRIPT}, ""),
        ("/account/addresses", {"country": "XX"}, "You were signed out"),
        ("/wishes", {"product_id": SCRIPT}, "Please check"),
        ("/wishes/remove", {"product_id": "019a0000-0000-7000-8000-000000000001"}, ""),
        ("/withdraw", {"name": SCRIPT, "order_number": QUOTED, "email": "no address"}, "e-mail address"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_in_words(
    visitor: httpx.Client, path: str, body: dict[str, str] | None, said: str
) -> None:
    answer = visitor.get(path) if body is None else visitor.post(path, data=body)
    assert harmless(answer) is None
    for _ in range(3):
        if answer.status_code != 303:
            break
        answer = visitor.get(answer.headers["location"])
        assert harmless(answer) is None
    assert said in answer.text


def test_other_ways_to_ask_are_refused_by_name(visitor: httpx.Client) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        for path in ("/", "/search", "/checkout", SHOE):
            answer = visitor.request(method, path)
            assert answer.status_code in (204, 400, 404, 405, 501), (method, path, answer.status_code)
    for kind in (
        "application/json",
        "multipart/form-data; boundary=x",
        "text/xml",
        "application/x-www-form-urlencoded",
    ):
        for body in (b"", b"\xff\xfe", b"--x\r\n\r\n", b"a" * 200_000, b"%=&=%"):
            answer = visitor.post("/basket/lines", content=body, headers={"Content-Type": kind})
            assert harmless(answer) is None, (kind, body[:10])
