"""A season of trade that has happened: who bought what, when and where, and what came back. Pure, the same for a seed.

It is planned before the goods are delivered, so that deliveries cover what will be sold: what the assortment says lies
somewhere today is what the season leaves there, and what came back on top.

What makes it look like trade: the week (stores closed on Sundays, the web shop busiest then), the hour, the time of the
year by department, regions that lean, a few best sellers and a long tail, the curve of sizes, sizes that ran out, and
a sale that began last week.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from math import cos, exp, pi
from random import Random
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from lotse.plugins.demo_sports import retailer
from lotse.plugins.demo_sports.assortment import WAREHOUSE, Assortment, Product, Variant
from lotse.plugins.demo_sports.people import PEOPLE
from lotse.plugins.demo_sports.stores import LEANINGS, STORES, Store

# Thirteen weeks: every weekday as often as the others.
DAYS = 91
# As many as load in half a minute on two slow cores: 330 a day over web, marketplace and thirty stores.
ORDERS = 30_000

Way = Literal["web", "till", "marketplace"]
Method = Literal["card", "cash", "invoice", "prepayment", "marketplace"]
Happening = Literal["cancelled", "returned", "paid"]

# Of a hundred orders.
_SHARES: dict[Way, float] = {"till": 0.58, "web": 0.32, "marketplace": 0.10}
# Monday to Sunday.
_WEEK: dict[Way, tuple[float, ...]] = {
    "till": (0.85, 0.8, 0.85, 0.95, 1.15, 1.75, 0.0),
    "web": (1.1, 1.0, 0.95, 0.95, 0.85, 0.9, 1.3),
    "marketplace": (1.1, 1.05, 1.0, 1.0, 0.9, 0.85, 1.2),
}
# By the hour of the day, from midnight.
_HOURS: dict[Way, tuple[float, ...]] = {
    "till": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 7, 9, 8, 8, 9, 11, 12, 9, 0, 0, 0, 0, 0),
    "web": (2, 1, 0.5, 0.3, 0.3, 0.5, 1, 2, 3, 4, 5, 5, 6, 5, 5, 5, 6, 6, 7, 9, 11, 10, 7, 4),
    "marketplace": (2, 1, 1, 0.5, 0.5, 1, 1, 2, 3, 4, 5, 5, 6, 6, 5, 5, 5, 6, 7, 8, 9, 8, 6, 4),
}
# The month in which a department sells best, and by how much more than at its worst.
_PEAKS: dict[str, tuple[int, float]] = {
    "snow": (12, 6.0),
    "swimming": (6, 2.5),
    "hiking": (8, 2.2),
    "outdoor": (7, 2.0),
    "cycling": (6, 2.6),
    "running": (4, 1.5),
    "rackets": (6, 1.7),
    "football": (8, 1.6),
    "team": (9, 1.5),
    "fitness": (1, 1.8),
    "nutrition": (1, 1.3),
    "kids": (8, 1.4),
}
# Whom a sale is to falls off so that the first ones buy every week and the last ones hardly ever.
_REGULARS = 550
# From this many days before the end on, prices are reduced and people come for it.
SALE_DAYS = 6
_SALE_RUSH = 1.25


class SoldLine(Struct, frozen=True):
    """Pieces of a variant; `price_minor` is what one cost, gross."""

    sku: str
    quantity: int
    price_minor: int


class Later(Struct, frozen=True):
    """What became of an order: it was `cancelled`, a line of it (from 0) was `returned`, or it was `paid`."""

    what: Happening
    at: datetime
    line: int = 0
    quantity: int = 0


class Sale(Struct, frozen=True):
    """An order of the season. `place` is where the goods left; `person` is who ordered, by place in `PEOPLE`."""

    number: str
    way: Way
    at: datetime
    place: str
    lines: tuple[SoldLine, ...]
    method: Method
    person: int | None
    known: bool
    later: tuple[Later, ...]

    @property
    def goods_minor(self) -> int:
        return sum(line.quantity * line.price_minor for line in self.lines)

    @property
    def id(self) -> UUID:
        """The order's id. Its time is that of the sale and not of the loading, so that lists of orders, which go by
        id, have the season behind whatever is sold while it is loaded; and it is the same at every loading."""
        bits = Random(f"{self.number}:{self.at.isoformat()}").getrandbits(74)
        milliseconds = int(self.at.timestamp() * 1000)
        return UUID(int=milliseconds << 80 | 7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & (1 << 62) - 1)


class Season(Struct, frozen=True):
    """The days of a season, each with its sales in the order in which they happened."""

    days: tuple[tuple[date, tuple[Sale, ...]], ...]

    @property
    def sales(self) -> Iterator[Sale]:
        for _, sales in self.days:
            yield from sales

    def sold(self) -> dict[tuple[str, str], int]:
        """How many pieces of a SKU leave a place in all; what comes back is not taken off."""
        found: dict[tuple[str, str], int] = {}
        for sale in self.sales:
            for line in sale.lines:
                found[line.sku, sale.place] = found.get((line.sku, sale.place), 0) + line.quantity
        return found

    def returned(self) -> dict[tuple[str, str], int]:
        """How many pieces of a SKU come back to the place that they left."""
        found: dict[tuple[str, str], int] = {}
        for sale in self.sales:
            for later in sale.later:
                back: Sequence[tuple[str, int]] = ()
                if later.what == "cancelled":
                    back = [(line.sku, line.quantity) for line in sale.lines]
                elif later.what == "returned":
                    back = [(sale.lines[later.line].sku, later.quantity)]
                for sku, quantity in back:
                    found[sku, sale.place] = found.get((sku, sale.place), 0) + quantity
        return found


def season(goods: Assortment, seed: int, at: datetime, orders: int = ORDERS) -> Season:
    """The season that ends at `at`."""
    random = Random(f"{seed}:season")
    end = at.astimezone(ZoneInfo(retailer.TIMEZONE))
    shelves = Shelves(goods, seed)
    days = [end.date() - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    found: list[tuple[date, tuple[Sale, ...]]] = []
    number = 0
    for back, day in zip(range(DAYS - 1, -1, -1), days, strict=True):
        mood = random.uniform(0.85, 1.15) * (_SALE_RUSH if back <= SALE_DAYS else 1.0)
        moments = sorted(_moments(random, day, mood * orders / DAYS, end))
        sales: list[Sale] = []
        for moment, way in moments:
            number += 1
            sale = _sale(random, shelves, number, moment, way, back, at)
            if sale is not None:
                sales.append(sale)
        found.append((day, tuple(sales)))
    return Season(tuple(found))


def _moments(random: Random, day: date, mean: float, end: datetime) -> Iterator[tuple[datetime, Way]]:
    for way, share in _SHARES.items():
        usual = mean * share * _WEEK[way][day.weekday()]
        count = round(random.gauss(usual, usual**0.5 * 0.5))
        for hour in random.choices(range(24), _HOURS[way], k=max(0, count)):
            local = datetime.combine(day, time(hour), end.tzinfo) + timedelta(seconds=random.randrange(3_600))
            if local < end - timedelta(minutes=2):
                yield local.astimezone(UTC), way


def _sale(
    random: Random, shelves: "Shelves", number: int, moment: datetime, way: Way, back: int, end: datetime
) -> Sale | None:
    store = shelves.store(random) if way == "till" else None
    lines: dict[str, SoldLine] = {}
    for _ in range(random.choices((1, 2, 3, 4), (58, 27, 11, 4))[0]):
        found = shelves.draw(random, store, moment, back)
        if found is not None:
            variant, cheap = found
            price = variant.regular if variant.regular is not None and back > SALE_DAYS else variant.price
            most = random.choices((1, 2, 3), (80, 15, 5))[0] if cheap else 1
            lines[variant.sku] = SoldLine(variant.sku, most, int(price * 100))
    if not lines:
        return None
    person = None if way == "till" else min(int(random.expovariate(1 / _REGULARS)), len(PEOPLE) - 1)
    return _with_later(
        random,
        end,
        Sale(
            number=_number(way, store, moment, number),
            way=way,
            at=moment,
            place=store.code if store else WAREHOUSE,
            lines=tuple(lines.values()),
            method=_method(random, way),
            person=person,
            # Whom the house knows ordered with an account; the others as guests.
            known=way == "web" and person is not None and random.random() < 0.7,
            later=(),
        ),
    )


def _number(way: Way, store: Store | None, moment: datetime, number: int) -> str:
    if store:
        return f"K{number % 4 + 1}_{store.code}-{moment:%y%m%d}-{number:06d}"
    return f"SM24-{7_000_000 + number * 37}" if way == "marketplace" else f"{moment:%y}-{number:06d}"


def _method(random: Random, way: Way) -> Method:
    if way == "marketplace":
        return "marketplace"
    if way == "till":
        return "card" if random.random() < 0.72 else "cash"
    return random.choices(("card", "invoice", "prepayment"), (72, 20, 8))[0]  # type: ignore[return-value]


def _with_later(random: Random, end: datetime, sale: Sale) -> Sale:
    later: list[Later] = []

    def note(what: Happening, after: timedelta, line: int = 0, quantity: int = 0) -> None:
        if sale.at + after < end - timedelta(minutes=1):
            later.append(Later(what, sale.at + after, line, quantity))

    fate = random.random()
    if sale.way != "till" and fate < 0.025:
        note("cancelled", timedelta(minutes=random.randint(4, 300)))
    else:
        if fate < (0.04 if sale.way == "till" else 0.16):
            line = random.randrange(len(sale.lines))
            after = timedelta(days=random.uniform(1.5, 16))
            note("returned", after, line, random.randint(1, sale.lines[line].quantity))
        # One invoice in twelve is not paid by anybody yet.
        if sale.method == "invoice" and random.random() > 0.08:
            note("paid", timedelta(days=random.uniform(2, 17)))
        elif sale.method == "prepayment":
            note("paid", timedelta(hours=random.uniform(9, 90)))
    later.sort(key=lambda one: one.at)
    return Sale(
        sale.number, sale.way, sale.at, sale.place, sale.lines, sale.method, sale.person, sale.known, tuple(later)
    )


class _Rack:
    """Products of a department, to be drawn by how well they sell."""

    def __init__(self, products: Sequence[tuple[Product, float]]) -> None:
        self.products = [product for product, _ in products]
        self._sums = list(accumulate(weight for _, weight in products))

    def draw(self, random: Random) -> Product:
        return self.products[bisect(self._sums, random.random() * self._sums[-1])]


class Shelves:
    """What can be sold where, and how often it is. `back` counts days before the end; at -1 nothing has sold out."""

    def __init__(self, goods: Assortment, seed: int) -> None:
        random = Random(f"{seed}:popularity")
        # Lognormal: a few are sold ten times as often as most.
        fame = {product.slug: exp(random.gauss(0, 0.9)) for product in goods.products}
        self._racks: dict[str, dict[str, _Rack]] = {}
        departments = dict.fromkeys(product.model[0] for product in goods.products)
        for place in ("", *(store.code for store in STORES)):
            of_place = [product for product in goods.products if not place or place in product.stores]
            racks: dict[str, _Rack] = {}
            for department in departments:
                found = [
                    (product, fame[product.slug] / float(product.variants[0].price) ** 0.35)
                    for product in of_place
                    if product.model[0] == department
                ]
                if found:
                    racks[department] = _Rack(found)
            self._racks[place] = racks
        # What lies nowhere now was sold out some day of the season; of what is scarce the last ones go slowly.
        self._sold_out: dict[str, int] = {}
        self._sizes: dict[str, list[float]] = {}
        for product in goods.products:
            self._sizes[product.slug] = list(accumulate(variant.share for variant in product.variants))
            for variant in product.variants:
                if not variant.stock:
                    self._sold_out[variant.sku] = random.randint(8, 60)
        self._fame = fame
        self._products = goods.products
        self._stores = list(accumulate(store.size for store in STORES))
        self._seasons: dict[tuple[str, int], tuple[list[str], list[float]]] = {}

    def favourites(self) -> Iterator[tuple[Product, Variant]]:
        """Products by how well they sell, the best one first, each with its most wanted variant that is in stock."""
        for product in sorted(self._products, key=lambda one: -self._fame[one.slug]):
            there = [variant for variant in product.variants if variant.stock]
            if there:
                yield product, max(there, key=lambda one: one.share)

    def store(self, random: Random) -> Store:
        return STORES[bisect(self._stores, random.random() * self._stores[-1])]

    def draw(self, random: Random, store: Store | None, moment: datetime, back: int) -> tuple[Variant, bool] | None:
        """A variant, and whether it is cheap enough for several; None if it had sold out by then."""
        racks = self._racks[store.code if store else ""]
        names, sums = self._departments(store, racks, moment)
        product = racks[names[bisect(sums, random.random() * sums[-1])]].draw(random)
        shares = self._sizes[product.slug]
        variant = product.variants[bisect(shares, random.random() * shares[-1])]
        if 0 <= back <= self._sold_out.get(variant.sku, -1):
            return None
        return variant, variant.price < 30

    def _departments(
        self, store: Store | None, racks: dict[str, _Rack], moment: datetime
    ) -> tuple[list[str], list[float]]:
        key = (store.code if store else "", moment.month)
        if key not in self._seasons:
            names = list(racks)
            weights: list[float] = []
            for name in names:
                peak, swing = _PEAKS.get(name, (1, 1.0))
                height = (cos((moment.month - peak) / 6 * pi) + 1) / 2
                leaning = LEANINGS[store.lean].get(name, 1.0) if store else 1.0
                weights.append((1 + (swing - 1) * height) / (1 + (swing - 1) / 2) * leaning)
            self._seasons[key] = names, list(accumulate(weights))
        return self._seasons[key]
