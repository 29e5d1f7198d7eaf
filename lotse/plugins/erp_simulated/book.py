"""The books of the simulated ERP, and the wire that spoils what it sends. Knows no clock and no network."""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct


class Faults(Struct, frozen=True, forbid_unknown_fields=True):
    """Shares from 0 to 1, per message that it sends or gets."""

    repeat: float = 0.0  # sent twice
    reorder: float = 0.0  # sent after a later one
    delay: float = 0.0  # sent some rounds later
    lose: float = 0.0  # taken, but it did not hear so: sent again
    fail: float = 0.0  # a webhook is answered with 500, and nothing was taken
    forget: float = 0.0  # a webhook is taken, and answered with 500 all the same


class FaultsUnreadable(ValueError):
    """One line that says what is wrong."""


def parsed(text: str) -> Faults:
    """`repeat=0.2,delay=0.1`. Raises `FaultsUnreadable`."""
    given: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.partition("=")
        try:
            given[name.strip()] = float(number) if number else 1.0
        except ValueError:
            raise FaultsUnreadable(f"{part}: a fault reads name=0.1") from None
        if not 0 <= given[name.strip()] <= 1:
            raise FaultsUnreadable(f"{part}: a share is from 0 to 1")
    try:
        return msgspec.convert(given, Faults)
    except msgspec.ValidationError as error:
        raise FaultsUnreadable(f"{error}; there are: {', '.join(Faults.__struct_fields__)}") from None


class File(Struct, frozen=True):
    """A message to Lotse: rows of a kind. `key` names it: sent again it is the same file."""

    key: str
    kind: str
    rows: tuple[dict[str, Any], ...]

    def key_of(self, run: str) -> str:
        """The Idempotency-Key: the same for this file, another for that of another run."""
        return f"{run}-{self.key}"

    def body(self) -> bytes:
        """JSON lines."""
        return b"".join(msgspec.json.encode(row) + b"\n" for row in self.rows)


class Book:
    """What the ERP knows: articles with prices, and what lies on its shelf (the truth, whoever took it)."""

    def __init__(self) -> None:
        self.articles: dict[str, dict[str, Any]] = {}
        self.prices: dict[str, str] = {}
        self._shelf: defaultdict[str, list[tuple[datetime, int]]] = defaultdict(list)
        # What it heard of orders, each message once.
        self.heard: set[str] = set()
        self.orders: dict[str, dict[str, Any]] = {}
        self.sold: Counter[str] = Counter()
        self._files = 0

    def change_article(self, sku: str, at: datetime, **fields: Any) -> File:
        """Say something about an article."""
        self.articles[sku] = {**self.articles.get(sku, {}), **fields}
        return self._file("articles", {"sku": sku, **self.articles[sku], "changed_at": at})

    def change_price(self, sku: str, price: str, at: datetime) -> File:
        """Another price, at once."""
        self.prices[sku] = price
        return self._file("prices", {"sku": sku, "price": price, "changed_at": at})

    def shelve(self, sku: str, delta: int, at: datetime) -> None:
        """Goods came, went, broke: the shelf is as it is."""
        self._shelf[sku].append((at, delta))

    def on_shelf(self, sku: str, at: datetime) -> int:
        """What lay there at a moment."""
        return sum(delta for moment, delta in self._shelf[sku] if moment <= at)

    def count(self, sku: str, location: str, at: datetime) -> File:
        """Go and count."""
        row = {"sku": sku, "location": location, "quantity": self.on_shelf(sku, at), "counted_at": at}
        return self._file("stock", row)

    def hear(self, message_id: str, event: Mapping[str, Any]) -> bool:
        """Take a webhook; False if it was taken before."""
        if message_id in self.heard:
            return False
        self.heard.add(message_id)
        if event["type"] == "orders.Placed":
            data = event["data"]
            self.orders[data["order_id"]] = data
            self.sold.update(data.get("variants", {}))
        return True

    def _file(self, kind: str, *rows: dict[str, Any]) -> File:
        self._files += 1
        return File(f"erp-{self._files}", kind, rows)


class Wire:
    """Between the ERP and Lotse: `send` puts a file on it, `due` says what arrives in a round."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self.faults = faults
        self._random = random.Random(seed)
        self._waiting: list[tuple[int, File]] = []
        self._round = 0

    def rolls(self, fault: str) -> bool:
        """Whether a fault happens now."""
        return self._random.random() < getattr(self.faults, fault)

    def send(self, file: File) -> None:
        """Put a file on the wire, perhaps twice, perhaps late."""
        for _ in range(2 if self.rolls("repeat") else 1):
            late = self._random.randint(2, 6) if self.rolls("delay") else 1 if self.rolls("reorder") else 0
            self._waiting.append((self._round + late, file))

    def due(self) -> list[File]:
        """What arrives in this round, in a wrong order now and then."""
        now = [file for due, file in self._waiting if due <= self._round]
        self._waiting = [(due, file) for due, file in self._waiting if due > self._round]
        if self.rolls("reorder"):
            self._random.shuffle(now)
        self._round += 1
        return now

    @property
    def is_empty(self) -> bool:
        return not self._waiting
