"""The thirty stores: real cities with their coordinates, invented streets. Data only.

`size` is how much a store sells next to the others, `lean` what its customers come for.
"""

from typing import Literal

from msgspec import Struct

Lean = Literal["sea", "rhine", "mountains", "middle"]


class Store(Struct, frozen=True):
    """A store; `size` 1.0 is the average one. Latitude and longitude are those of the city's centre, in degrees."""

    code: str
    city: str
    street: str
    postcode: str
    latitude: float
    longitude: float
    size: float
    lean: Lean
    phone: str = ""

    @property
    def breadth(self) -> float:
        """The share of the assortment that it carries: a large house has more to show."""
        return min(0.75, 0.12 + 0.3 * self.size)


# The first three have numbers in their own city: the Bundesnetzagentur keeps ranges free for film in five cities only.
STORES: tuple[Store, ...] = (
    Store("hamburg", "Hamburg", "Lotsenstieg 1", "20457", 53.5436, 9.9962, 1.6, "sea", "+49 40 66969 100"),
    Store("koeln", "Köln", "Anstoßgasse 9", "50672", 50.9403, 6.9366, 1.5, "rhine", "+49 221 4710 109"),
    Store("muenchen", "München", "Firnweg 27", "80331", 48.1362, 11.5735, 1.7, "mountains", "+49 89 99998 127"),
    Store("berlin", "Berlin", "Zielfotoallee 100", "10117", 52.5186, 13.3904, 1.9, "middle", "+49 30 23125 100"),
    Store("stuttgart", "Stuttgart", "Stäffeleslauf 12", "70173", 48.7784, 9.1800, 1.3, "middle"),
    Store("duesseldorf", "Düsseldorf", "Radschlägergasse 4", "40213", 51.2254, 6.7763, 1.3, "rhine"),
    Store("leipzig", "Leipzig", "Startblockstraße 21", "04109", 51.3397, 12.3731, 1.2, "middle"),
    Store("dortmund", "Dortmund", "Fahnenmeer 9", "44137", 51.5136, 7.4653, 1.2, "rhine"),
    Store("essen", "Essen", "Förderturmlauf 3", "45127", 51.4556, 7.0116, 1.0, "rhine"),
    Store("bremen", "Bremen", "Wellenbrecherweg 8", "28195", 53.0758, 8.8072, 1.0, "sea"),
    Store("dresden", "Dresden", "Elbuferlauf 17", "01067", 51.0504, 13.7373, 1.1, "mountains"),
    Store("hannover", "Hannover", "Rundkursweg 2", "30159", 52.3744, 9.7386, 1.1, "middle"),
    Store("nuernberg", "Nürnberg", "Kletterhallengasse 6", "90402", 49.4521, 11.0767, 1.1, "mountains"),
    Store("bielefeld", "Bielefeld", "Spielmacherstraße 5", "33602", 52.0211, 8.5347, 0.8, "rhine"),
    Store("muenster", "Münster", "Speichenring 14", "48143", 51.9624, 7.6257, 0.9, "rhine"),
    Store("karlsruhe", "Karlsruhe", "Fächerlauf 32", "76133", 49.0094, 8.4044, 0.8, "middle"),
    Store("mannheim", "Mannheim", "Quadratlauf Q 40", "68161", 49.4875, 8.4660, 0.8, "middle"),
    Store("augsburg", "Augsburg", "Wildwassergraben 7", "86150", 48.3668, 10.8987, 0.7, "mountains"),
    Store("kiel", "Kiel", "Segelstieg 11", "24103", 54.3227, 10.1356, 0.8, "sea"),
    Store("freiburg", "Freiburg", "Schauinslandblick 3", "79098", 47.9959, 7.8522, 0.9, "mountains"),
    Store("luebeck", "Lübeck", "Holsteinlauf 19", "23552", 53.8655, 10.6866, 0.6, "sea"),
    Store("erfurt", "Erfurt", "Eisbahnweg 8", "99084", 50.9787, 11.0328, 0.6, "middle"),
    Store("rostock", "Rostock", "Brandungsgasse 5", "18055", 54.0887, 12.1405, 0.6, "sea"),
    Store("kassel", "Kassel", "Hügellauf 24", "34117", 51.3127, 9.4797, 0.6, "middle"),
    Store("saarbruecken", "Saarbrücken", "Grenzlauf 13", "66111", 49.2354, 6.9969, 0.6, "rhine"),
    Store("regensburg", "Regensburg", "Strudelsteg 6", "93047", 49.0134, 12.1016, 0.7, "mountains"),
    Store("wuerzburg", "Würzburg", "Weinberglauf 10", "97070", 49.7913, 9.9534, 0.6, "middle"),
    Store("magdeburg", "Magdeburg", "Handballplatz 7", "39104", 52.1205, 11.6276, 0.6, "middle"),
    Store("aachen", "Aachen", "Dreiländerlauf 3", "52062", 50.7753, 6.0839, 0.6, "rhine"),
    Store("konstanz", "Konstanz", "Seglerkai 2", "78462", 47.6603, 9.1753, 0.6, "mountains"),
)

# What a region buys more or less of than the country, by department.
LEANINGS: dict[Lean, dict[str, float]] = {
    "sea": {"running": 1.4, "swimming": 1.6, "snow": 0.5, "hiking": 0.8},
    "rhine": {"football": 1.6, "team": 1.5, "cycling": 1.4, "snow": 0.4},
    "mountains": {"snow": 1.8, "hiking": 1.6, "outdoor": 1.4, "swimming": 0.7},
    "middle": {},
}
