"""The house: who it is, where its places are, who works there, who buys there. All invented.

Cities and postcodes are real, streets and the bank are not. Telephone numbers are from the ranges that the
Bundesnetzagentur keeps free for film and media, e-mail addresses below `.example` (RFC 2606); nobody is called,
written to or paid by mistake.
"""

from typing import Literal

from msgspec import Struct

from lotse.domains.customers.contracts import Address
from lotse.domains.parties.contracts import BankAccount, PostalAddress
from lotse.plugins.demo_sports.stores import STORES, Store
from lotse.plugins.demo_sports.vocabulary import BRANDS

CODE = "wellenkamm"
NAME = "Sporthaus Wellenkamm"
LEGAL_NAME = "Sporthaus Wellenkamm GmbH"
COUNTRY = "DE"
CURRENCY = "EUR"
# Where it delivers: country, price in cents with tax, and from what value of goods on it is free.
SHIPPING: tuple[tuple[str, int, int | None], ...] = (("DE", 495, 6_000), ("AT", 995, 15_000))
TIMEZONE = "Europe/Berlin"
# The first is the one to fall back on.
LANGUAGES = ("de", "en")
# The check digit is right (ISO 7064, mod 11,10); numbers so high have not been given out.
VAT_ID = "DE999999995"
# The check digits are right (ISO 13616); no bank has this bank code.
BANK_ACCOUNT = BankAccount(LEGAL_NAME, "DE50000000000000000815")
EMAIL = "moin@wellenkamm.example"
PHONE = "+49 40 66969 100"
ADDRESS = PostalAddress(street="Lotsenstieg 1", postcode="20457", city="Hamburg", country=COUNTRY)

Hours = dict[str, list[list[str]]]


class Place(Struct, frozen=True):
    """The warehouse or a store."""

    code: str
    kind: Literal["warehouse", "store"]
    name: str
    address: PostalAddress
    phone: str
    latitude: float
    longitude: float
    opening_hours: Hours


class Person(Struct, frozen=True):
    """Somebody on the staff; `key` names them in the demo."""

    key: str
    name: str
    place: str


class Buyer(Struct, frozen=True):
    """A customer. With `company` they buy for a club or a firm."""

    number: str
    name: str
    email: str
    address: Address
    company: str = ""


def _week(weekdays: tuple[str, str], saturday: tuple[str, str] | None) -> Hours:
    hours: Hours = {day: [list(weekdays)] for day in ("mon", "tue", "wed", "thu", "fri")}
    if saturday:
        hours["sat"] = [list(saturday)]
    return hours


def _store(number: int, store: Store) -> Place:
    early, late = ("09:30", "19:00") if store.size < 1 else ("10:00", "20:00")
    return Place(
        store.code,
        "store",
        f"Wellenkamm {store.city}",
        PostalAddress(street=store.street, postcode=store.postcode, city=store.city, country=COUNTRY),
        # Where no numbers are kept free, the house answers with an extension of its own.
        store.phone or f"+49 40 66969 {100 + number}",
        store.latitude,
        store.longitude,
        _week((early, late), (early, "18:00" if store.size < 1 else "20:00")),
    )


# The codes are those that `assortment` gives stock to.
PLACES: tuple[Place, ...] = (
    Place(
        "lager",
        "warehouse",
        "Zentrallager Frankfurt",
        PostalAddress(street="Hochregalring 14", postcode="60314", city="Frankfurt am Main", country=COUNTRY),
        "+49 69 90009 140",
        50.1155,
        8.7210,
        _week(("06:00", "22:00"), ("06:00", "14:00")),
    ),
    *(_store(number, store) for number, store in enumerate(STORES)),
)

# The shops beside the web shop: the tills of each store, and an account on a marketplace that does not exist.
MARKETPLACE = "wellenkamm-sportmarkt24"
MARKETPLACE_NAME = "Sportmarkt24"


def till_shop(place: str) -> str:
    """The code of the shop that a store's tills are."""
    return f"{CODE}-{place}"


STAFF: tuple[Person, ...] = (
    Person("lead", "Frauke Hansohm", "hamburg"),
    Person("buyer", "Emre Aldinger", "hamburg"),
    Person("warehouse", "Danuta Krohmann", "lager"),
    Person("store-koeln", "Till Overrath", "koeln"),
    Person("store-muenchen", "Vroni Achleitner", "muenchen"),
    Person("service", "Samira Boll", "hamburg"),
)

# Makers of the brands; the house makes its own brand itself.
SUPPLIERS = tuple(brand for brand in BRANDS.values() if brand.key != CODE)


def _buyer(number: int, name: str, street: str, postcode: str, city: str, company: str = "") -> Buyer:
    login = name.lower().translate(str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", " ": "."}))
    return Buyer(
        f"WK-{number}",
        name,
        f"{login}@post.example",
        Address(name=name, company=company, street=street, postcode=postcode, city=city, country=COUNTRY),
        company,
    )


CUSTOMERS: tuple[Buyer, ...] = (
    _buyer(10001, "Jule Petersdorff", "Flutsaumweg 3", "22765", "Hamburg"),
    _buyer(10002, "Mats Ohlendiek", "Tideweg 18", "24103", "Kiel"),
    _buyer(10003, "Greta Vahrenkamp", "Moorblick 7", "28203", "Bremen"),
    _buyer(10004, "Aylin Sörgel", "Zielgeradenstraße 44", "50823", "Köln"),
    _buyer(10005, "Bastian Kerpen", "Halbzeitgasse 2", "40476", "Düsseldorf"),
    _buyer(10006, "Ronja Lindwurm", "Bergwertung 11", "81543", "München"),
    _buyer(10007, "Korbinian Moosreiner", "Hüttenaufstieg 5", "83646", "Bad Tölz"),
    _buyer(10008, "Thea Auenwald", "Parkrunde 29", "04107", "Leipzig"),
    _buyer(10009, "Henrik Sandmöller", "Deichkrone 1", "26121", "Oldenburg"),
    _buyer(10010, "Paula Grünbein", "Startnummernweg 8", "70178", "Stuttgart"),
    _buyer(10011, "Cem Yazbeck", "Tribünenstraße 16", "44137", "Dortmund"),
    _buyer(10012, "Lotte Schaumberg", "Kachelufer 21", "10967", "Berlin"),
    _buyer(10013, "Oskar Treppmann", "Steigungsweg 40", "01097", "Dresden"),
    _buyer(10014, "Nele Wattenberg", "Windkante 6", "18055", "Rostock"),
    _buyer(10015, "Ines Radloff", "Nabengasse 13", "48155", "Münster", "RV Speichenglück e. V."),
    _buyer(10016, "Jörg Ballmann", "Eckballweg 4", "30169", "Hannover", "SV Abseits 07 e. V."),
    _buyer(10017, "Dr. Wiebke Tannhof", "Pausenhof 2", "79098", "Freiburg im Breisgau", "Grundschule am Pausenhof"),
    _buyer(10018, "Falk Steinhauer", "Kletterpfad 10", "90402", "Nürnberg"),
)
