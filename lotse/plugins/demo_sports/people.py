"""Who buys at the demo retailer: invented people in real towns. Names and streets are put together by a fixed rule."""

from lotse.domains.customers.contracts import Address

_FIRST = (
    *("Anneke", "Bjarne", "Carla", "Deniz", "Eliza", "Finn", "Gesine", "Hanno", "Imke", "Jannis", "Katja", "Leif"),
    *("Mareike", "Nils", "Oda", "Pauline", "Quirin", "Rieke", "Sönke", "Tabea", "Uwe", "Valeska", "Wiebke", "Yusuf"),
    *("Aenne", "Bela", "Corinna", "Dorian", "Elif", "Fabian", "Gundula", "Henner", "Ines", "Jasper", "Kira", "Lasse"),
    *("Malte", "Nuria", "Ole", "Philine", "Rasmus", "Swantje", "Thies", "Ulrike", "Vincent", "Wenke", "Yara", "Zeno"),
    *("Zoe", "Alma", "Bruno", "Clara", "Dilan", "Emil", "Frieda", "Goran", "Hedda", "Ilja", "Jonna", "Karim", "Levin"),
)
_LAST = (
    *("Abendroth", "Birkenfeld", "Dornbusch", "Eschenau", "Federkiel", "Grotewohl", "Hagenkamp", "Immenhof", "Jarchow"),
    *("Kiebitz", "Lindenau", "Marwede", "Nordhaus", "Ohlsdorf", "Petermann", "Quast", "Rabenstein", "Sandkuhl"),
    *("Achtersand", "Brookmann", "Ellerbrink", "Fliederau", "Gezeiter", "Heckenrath", "Inselmann", "Kranichfeld"),
    *("Leuchtmann", "Moorkamp", "Nebelung", "Ostermoor", "Pappelbaum", "Querfeld", "Reetmeier", "Seegras", "Strandner"),
    *("Tiefensee", "Uhlenhorst", "Vossberg", "Wiesengrund", "Zabelberg"),
)
_STREETS = (
    *("Ahornblick", "Brückenlauf", "Dünenweg", "Eulengasse", "Fährstieg"),
    *("Gartenkehre", "Heidesprung", "Kirschallee", "Mühlensteg", "Rosenzeile"),
)
_TOWNS = (
    *(("22303", "Hamburg"), ("10437", "Berlin"), ("80799", "München"), ("50674", "Köln"), ("60316", "Frankfurt")),
    *(("70176", "Stuttgart"), ("40219", "Düsseldorf"), ("04229", "Leipzig"), ("44139", "Dortmund"), ("45130", "Essen")),
    *(("28203", "Bremen"), ("01099", "Dresden"), ("30161", "Hannover"), ("90419", "Nürnberg"), ("24105", "Kiel")),
    *(("79100", "Freiburg"), ("55116", "Mainz"), ("18057", "Rostock"), ("34119", "Kassel"), ("99096", "Erfurt")),
    *(("37073", "Göttingen"), ("26122", "Oldenburg"), ("38100", "Braunschweig"), ("54290", "Trier")),
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def _made(number: int) -> tuple[str, str, Address]:
    first, last = _FIRST[number % len(_FIRST)], _LAST[(number * 7 + number // len(_FIRST)) % len(_LAST)]
    postcode, town = _TOWNS[number * 11 % len(_TOWNS)]
    street = f"{_STREETS[number * 3 % len(_STREETS)]} {number % 47 + 1}"
    name = f"{first} {last}"
    login = f"{first}.{last}".lower().translate(_UMLAUTS)
    return (
        f"WK-{20_001 + number}",
        f"{login}{number}@post.example",
        Address(name=name, street=street, postcode=postcode, city=town, country="DE"),
    )


# Customer's number, e-mail, address. As many as a house of this size knows: some order every week, most once or twice.
PEOPLE: tuple[tuple[str, str, Address], ...] = tuple(_made(number) for number in range(1_800))
