"""Takes the pictures of the README and of the storefront: starts the demo anew, looks at its real pages, writes them to
docs/pictures/.

    uv run scripts/screenshots.py
    uv run scripts/screenshots.py --storefront http://127.0.0.1:8000      (only the shop's, of a demo that runs)

Always the same seed, the same sizes, the same language; what is sold meanwhile differs, as it does. Needs Debian's
`chromium` on the PATH. Takes some two minutes.
"""

import argparse
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SIZE: ViewportSize = {"width": 1440, "height": 900}
# Enough for a table that is full; a fresh start loads ten times as many.
SEASON = "3000"
PATIENCE_SECONDS = 900.0
QUALITY = 78
# Together they stay small enough for everybody's clone.
MOST_BYTES = 2_000_000
PHONE: ViewportSize = {"width": 390, "height": 844}
ARTICLE = "TOL-DEICHLAE2"
PRODUCT = "/en/p/tolvaro-deichlaeufer-2-running-shoe-women"
# The shop as most of its visitors see it: in German.
SHELF = {
    "home": "/",
    "category": "/c/running",
    "product": "/p/tolvaro-strom-3-running-shoe-women",
    "search": "/search?q=laufschuhe",
}
# Nobody, nowhere: the address of the buyer in the pictures.
BUYER = {
    "email": "mia@beispiel.example",
    "name": "Mia Beispiel",
    "street": "Beispielweg 7",
    "postcode": "60311",
    "city": "Frankfurt am Main",
}


@contextmanager
def demo() -> Iterator[tuple[str, str, str]]:
    """Address, log-in and password of a demo of its own."""
    with tempfile.TemporaryDirectory(prefix="lotse-pictures-") as home, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        log = Path(home, "up.log")
        environment = {**os.environ, "LOTSE_HOME": home, "LOTSE_DEMO_ORDERS": SEASON, "LOTSE_LIVE": "busy"}
        with log.open("w") as out:
            up = subprocess.Popen(
                [sys.executable, "-m", "lotse", "up", "--port", str(port)], env=environment, stdout=out, stderr=out
            )
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while not (found := re.search(r"sign in as (\S+), password (\S+)\)", log.read_text())):
                if up.poll() is not None or time.monotonic() > until:
                    sys.exit(f"the demo does not start:\n{log.read_text()[-3000:]}")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}", found[1], found[2]
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait()


def take(page: Page, name: str, *, full: bool = False) -> None:
    """A picture of what is there now."""
    shot = Image.open(io.BytesIO(page.screenshot(full_page=full)))
    path = PICTURES / f"{name}.webp"
    path.parent.mkdir(exist_ok=True)
    shot.save(path, "WEBP", quality=QUALITY, method=6)
    print(f"  {name:34} {shot.width} x {shot.height}, {path.stat().st_size // 1024} kB")


def see(page: Page, name: str) -> None:
    """A page of the shop, from its top, when all of it is there."""
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    take(page, f"storefront/{name}")


def storefront(browser: Browser, url: str) -> None:
    """The shop on a phone and on a desk, by day; what is looked at most also at night. Buys something in between."""
    for form, size, scheme in (("phone", PHONE, "light"), ("desktop", SIZE, "light"), ("dark", PHONE, "dark")):
        context = browser.new_context(
            viewport=size, locale="de-DE", color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
        )
        context.set_default_timeout(180_000)
        page = context.new_page()
        page.goto(url + "/")
        page.get_by_role("button", name="Nur das Notwendige").click()
        for name, path in SHELF.items():
            page.goto(url + path)
            see(page, f"{name}-{form}")
        if form != "dark":
            bought(page, url, form)
        context.close()


def bought(page: Page, url: str, form: str) -> None:
    """Basket, checkout, confirmation and account of somebody who buys."""
    page.goto(url + "/account")
    page.fill("[name=new_name]", BUYER["name"])
    # An address is good for one account; each run makes its own.
    page.fill("[name=new_email]", f"mia-{form}-{time.time_ns()}@beispiel.example")
    page.fill("[name=new_password]", "ein langer weg ans meer")
    page.locator("form[action='/account/register'] button").click()
    page.locator("form[action='/account/signout']").wait_for()
    page.goto(url + SHELF["product"])
    page.locator("form.add button").click()
    page.locator(".added").wait_for()
    page.goto(url + "/basket")
    see(page, f"basket-{form}")
    page.goto(url + "/checkout")
    for field, value in BUYER.items():
        page.fill(f"[name={field}]", value)
    page.locator("[name=city]").blur()
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    see(page, f"checkout-{form}")
    page.locator("form[action='/checkout'] button.tall").click()
    page.wait_for_url("**/order/**")
    see(page, f"confirmation-{form}")
    page.goto(url + "/account")
    see(page, f"account-{form}")


def pictures(page: Page, url: str, login: str, password: str) -> None:
    """All of them. The trade of some moments comes first, so that the live page has something to show."""
    page.goto(url + "/office/live")
    page.fill("#login", login)
    page.fill("#password", password)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/office/live")
    page.locator("#stream li").nth(11).wait_for()
    page.wait_for_function("document.querySelectorAll('.spot.sold').length > 20")
    page.click("#last")
    page.locator("#windows .what").first.wait_for()
    page.click("#both")
    page.locator(".window.won").wait_for()
    page.locator(".window.lost").wait_for()
    page.click("#flash")
    page.locator("#act-flash[data-phase=done]").wait_for()
    page.select_option("#victim", "worker")
    page.click("#kill")
    page.locator("#act-kill[data-phase=running]").wait_for()
    page.locator("#act-kill[data-phase=done]").wait_for()
    box = page.locator(".buttons").bounding_box()
    if box:
        page.set_viewport_size({"width": SIZE["width"], "height": int(box["y"] + box["height"]) + 24})
    take(page, "buttons")
    page.set_viewport_size(SIZE)
    page.locator("#desk-commit:not(:text('–'))").wait_for()
    page.evaluate("document.querySelector('.buttons').remove(); scrollTo(0, 0)")
    page.wait_for_timeout(2_500)  # some dots pulse
    take(page, "live")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("document.querySelector('.map').scrollIntoView({block: 'start'})")
    page.wait_for_timeout(1_500)
    take(page, "live-phone")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(SIZE)
    page.goto(url + "/office/orders")
    page.locator("table tbody tr").first.wait_for()
    take(page, "orders")
    page.goto(f"{url}/office/stock?q={ARTICLE}")
    page.locator("tr[data-row] a[href*='/office/stock/articles/']").first.click()
    page.locator("table.list tbody a[href*='/office/stock/pools/']").first.click()
    page.locator("#why").wait_for()
    take(page, "why")
    # As a visitor sees it who has answered what every visitor is asked.
    page.goto(url + "/en")
    page.get_by_role("button", name="Only what is necessary").click()
    for name, path in {"shop": "/en", "product": PRODUCT}.items():
        page.goto(url + path)
        page.wait_for_load_state("networkidle")
        take(page, name)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--storefront", metavar="URL", help="take only the shop's, of a demo that runs there")
    asked = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("no chromium on the PATH")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        if asked.storefront:
            storefront(browser, asked.storefront.rstrip("/"))
        else:
            with demo() as (url, login, password):
                context = browser.new_context(
                    viewport=SIZE, locale="en-GB", color_scheme="light", reduced_motion="no-preference"
                )
                context.set_default_timeout(180_000)
                pictures(context.new_page(), url, login, password)
                storefront(browser, url)
        browser.close()
    total = sum(path.stat().st_size for path in PICTURES.rglob("*") if path.is_file())
    print(f"  {total // 1024} kB in all")
    if total > MOST_BYTES:
        sys.exit(f"that is more than {MOST_BYTES // 1000} kB")


if __name__ == "__main__":
    main()
