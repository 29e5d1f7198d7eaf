"""A shop to test against: one retailer, one article with stock, and a `lotse up` of real processes around them.

For tests only, of Lotse itself and of retailers' own repositories; it needs httpx, which these have.
"""

import html
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import httpx
from msgspec import Struct

from lotse.domains.catalog.commands import put_products
from lotse.domains.catalog.contracts import PutProduct, PutVariant, StoredProduct, Text
from lotse.domains.checkout.commands import put_shipping
from lotse.domains.inventory.commands import ensure_stock, move_goods, put_locations, serve_shop
from lotse.domains.inventory.contracts import MoveRequest, PutLocation, StockChange, StockKey
from lotse.domains.offers.commands import put_offers
from lotse.domains.offers.contracts import PutOffer
from lotse.domains.parties.commands import put_legal_entity, put_party, put_shop
from lotse.domains.pricing.commands import set_prices
from lotse.domains.pricing.contracts import SetPrice
from lotse.kernel.db import Database, Transaction, opened
from lotse.kernel.desk.desk import running as running_desk
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.web.up import ORDER

if TYPE_CHECKING:
    from lotse.testing import Fresh

# When everything here was made.
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
BY = "test"
# Two busy cores start six processes; nobody waits this long when all is well.
PATIENCE = 240.0
# What is promised is a second.
SHOWN_SECONDS = 20.0
PIECES = 50
# Nothing here speaks TLS, and whoever might pays 50 ms of CPU per client for the machine's certificates.
_PLAIN = False


async def product(tx: Transaction, fresh: "Fresh", *, name: str = "Laufschuh") -> StoredProduct:
    """A product that is shown, with one variant, in German and English; no price, no stock."""
    slug = fresh.text("product")
    wanted = PutProduct(
        slug=slug,
        brand="Kranich",
        texts=(Text("de", name), Text("en", f"{name} (en)")),
        variants=(PutVariant(sku=slug.upper(), options={"size": "42"}),),
    )
    [stored] = await put_products(tx, [wanted], by=BY, at=AT)
    return stored


class Article(Struct, frozen=True):
    """What the trial's shop sells."""

    slug: str
    product_id: UUID
    variant_id: UUID
    offer_id: UUID


async def stock_a_shop(dsn: str) -> Article:
    """Make a shop in an empty database that sells one article for 59.90 euros."""
    async with opened(dsn, role="test", connections=2) as database, running_desk(dsn) as desk:
        async with database.transaction() as tx:
            host = await put_party(tx, kind="organisation", name="Trial GmbH", by=BY, at=AT)
            entity = await put_legal_entity(
                tx,
                code="trial",
                party_id=host,
                name="Trial GmbH",
                country="DE",
                currency="EUR",
                timezone="Europe/Berlin",
                by=BY,
                at=AT,
            )
            shop_id = await put_shop(
                tx,
                code="trial",
                name="Trial",
                legal_entity_id=entity,
                owner_party_id=host,
                languages=["de", "en"],
                currency="EUR",
                country="DE",
                timezone="Europe/Berlin",
                by=BY,
                at=AT,
            )
            place = PutLocation(
                code="warehouse", kind="warehouse", name="Warehouse", country="DE", timezone="Europe/Berlin"
            )
            places = await put_locations(tx, [place], by=BY, at=AT)
            await serve_shop(tx, shop_id=shop_id, location_ids=list(places.values()), by=BY, at=AT)
            await put_shipping(
                tx,
                shop_id=shop_id,
                country="DE",
                price_minor=495,
                free_from_minor=5_000,
                valid_from=AT,
                by=BY,
                at=AT,
            )
            wanted = PutProduct(
                slug="trial-shoe",
                brand="Kranich",
                texts=(Text("de", "Laufschuh"), Text("en", "Running shoe")),
                variants=(PutVariant(sku="TRIAL-42", options={"size": "42"}),),
            )
            [stored] = await put_products(tx, [wanted], by=BY, at=AT)
            [variant] = stored.variant_ids
            [offer] = await put_offers(
                tx, [PutOffer(shop_id=shop_id, variant_id=variant, seller_party_id=host)], by=BY, at=AT
            )
            price = SetPrice(shop_id=shop_id, variant_id=variant, currency="EUR", unit_price=Decimal("59.90"))
            await set_prices(tx, [price], by=BY, at=AT)
            [pool] = await ensure_stock(tx, [StockKey(variant, places["warehouse"], host)], at=AT)
        receipt = MoveRequest(
            document_id=uuid7(), kind="receipt", changes=(StockChange(pool, PIECES),), actor=BY, occurred_at=AT
        )
        await move_goods(desk, request=receipt, key=key_for(BY, "first receipt", receipt))
        return Article(stored.slug, stored.id, variant, offer.id)


class Storefront(Struct, frozen=True):
    """A running shop and what it sells."""

    url: str
    dsn: str
    article: Article
    up: "Running"

    @property
    def slug(self) -> str:
        return self.article.slug

    @asynccontextmanager
    async def database(self) -> AsyncGenerator[Database]:
        """Its database, for commands."""
        async with opened(self.dsn, role="test", connections=2) as database:
            yield database

    def shows(self, path: str, text: str, *, language: str = "de") -> str:
        """A page as soon as it shows a text: pages that are kept follow within a second."""
        until = time.monotonic() + SHOWN_SECONDS
        page = ""
        while time.monotonic() < until:  # each look is a request, so this does not spin
            page = self.page(path, language=language)
            if text in html.unescape(page):
                return page
        raise AssertionError(f"{path} does not show {text!r}:\n{page[-4000:]}")

    def token(self, path: str, name: str) -> str:
        """The value of a design token on a page, as the last of its style sheets says it; empty if none does."""
        sheets = re.findall(r'rel="stylesheet" href="([^"]+)"', self.page(path))
        texts = [httpx.get(self.url + sheet, timeout=PATIENCE, verify=_PLAIN).text for sheet in sheets]
        found = re.findall(rf"{re.escape(name)}:\s*([^;]+);", "\n".join(texts))
        return found[-1] if found else ""

    def page(self, path: str, *, language: str = "de") -> str:
        """A page as a visitor of that language gets it."""
        answer = httpx.get(
            self.url + path,
            headers={"Accept-Language": language},
            follow_redirects=True,
            timeout=PATIENCE,
            verify=_PLAIN,
        )
        assert answer.status_code == 200, f"{path}: {answer.status_code}\n{answer.text[:2000]}"
        return html.unescape(answer.text)


class Shopper:
    """Somebody without scripts who buys: follows links and sends forms, with cookies."""

    def __init__(self, shop: Storefront, *, language: str = "de") -> None:
        self._shop = shop
        self._client = httpx.Client(
            base_url=shop.url,
            timeout=PATIENCE,
            follow_redirects=True,
            headers={"Accept-Language": language},
            verify=_PLAIN,
        )

    def add_to_basket(self, quantity: int = 1) -> str:
        """Put the article into the basket; the page that follows."""
        self._open(f"/p/{self._shop.slug}")
        return self._send("/basket/lines", {"quantity": str(quantity)})

    def checkout(self) -> str:
        """The page where one orders."""
        return self._open("/checkout")

    def order(self, *, payment: str) -> str:
        """Order what is in the basket; the order's page."""
        self.checkout()
        address = {"name": "Ada Lovelace", "street": "Ring 1", "postcode": "20457", "city": "Hamburg", "country": "DE"}
        return self._send("/checkout", {"email": "ada@example.org", "payment": payment, **address})

    def _open(self, path: str) -> str:
        return self._read(self._client.get(path))

    def _send(self, action: str, typed: dict[str, str]) -> str:
        """Fill the form with this action of the page that is open."""
        forms = re.findall(r"<form\b[^>]*>.*?</form>", self._page, re.DOTALL)
        form = next(form for form in forms if f'action="{action}"' in form)
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
        body = {**{name: html.unescape(value) for name, value in hidden.items()}, **typed}
        return self._read(self._client.post(action, data=body, headers={"Sec-Fetch-Site": "same-origin"}))

    def _read(self, answer: httpx.Response) -> str:
        assert answer.status_code == 200, f"{answer.url}: {answer.status_code}\n{answer.text[:2000]}"
        self._page = answer.text
        return html.unescape(answer.text)


@asynccontextmanager
async def storefront(env: dict[str, str], dsn: str) -> AsyncIterator[Storefront]:
    """A shop that runs on an empty database."""
    article = await stock_a_shop(dsn)
    with running({**env, "LOTSE_DATABASE_URL": dsn}, "--no-demo") as up:
        yield Storefront(up.url, dsn, article, up)


# -- real processes


class Running:
    """A `lotse up` with its own LOTSE_HOME on the worker's database."""

    def __init__(self, env: dict[str, str], home: str, port: int, *options: str) -> None:
        self.home = Path(home)
        self.url = f"http://127.0.0.1:{port}"
        self.log = self.home / "up.log"
        self.environment = {**env, "LOTSE_HOME": home, "LOTSE_LOG_FORMAT": "json"}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lotse", "up", "--port", str(port), *options],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def pids(self) -> dict[str, int]:
        """The roles by name, as the operating system sees them."""
        return _children(str(self.home))

    def wait_until(self, what: str, holds: Callable[[], object]) -> None:
        until = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < until, f"not {what}:\n{self.log.read_text()[-4000:]}"
            time.sleep(0.05)  # polls other processes: there is no event to wait for

    def is_ready(self) -> bool:
        try:
            return httpx.get(self.url + "/ready", timeout=5, verify=_PLAIN).json()["ready"]
        except (httpx.HTTPError, ValueError):
            return False


@contextmanager
def running(env: dict[str, str], *options: str, like: Path | None = None) -> Iterator[Running]:
    """One on a free port, ready to be asked; killed with everything it started when the block ends.

    `like`: a LOTSE_HOME of which it gets a copy.
    """
    # Not pytest's tmp_path: the path of a Unix socket may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="lotse-up-") as home:
        if like:
            shutil.copytree(like, home, dirs_exist_ok=True)
        up = Running(env, home, free_port(), *options)
        try:
            up.wait_until("up", lambda: "Lotse is up" in up.log.read_text() or up.process.poll() is not None)
            up.wait_until("ready", up.is_ready)
            yield up
        finally:
            up.process.kill()
            up.process.wait()
            up.wait_until("gone", lambda: not up.pids())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _children(home: str) -> dict[str, int]:
    """The processes of roles whose environment names our home, in one look: it is asked again and again."""
    found: dict[str, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            role = words[-2].decode() if words[-3:-2] == [b"role"] else ""
            if role in ORDER and f"LOTSE_HOME={home}".encode() in (folder / "environ").read_bytes():
                found[role] = int(folder.name)
        except OSError:
            continue  # it ended while we looked
    return {role: found[role] for role in ORDER if role in found}
