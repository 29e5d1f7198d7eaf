"""The words of the assortment: colours, flavours, size runs, materials, care, brands. German and English."""

from msgspec import Struct


class Words(Struct, frozen=True):
    """The same in German and English."""

    de: str
    en: str

    def in_(self, language: str) -> str:
        """`de` or `en`."""
        return self.de if language == "de" else self.en


class Colour(Struct, frozen=True):
    """What it is called and how it is drawn."""

    name: Words
    paint: str


class Size(Struct, frozen=True):
    """`share` is how often it sells next to the run's other sizes; the curve of stock follows it."""

    label: str
    share: float


class Brand(Struct, frozen=True):
    """An invented brand and its invented maker.

    The maker's names and addresses stand where Regulation (EU) 2023/988, Art. 19 wants them beside an offer.
    """

    key: str
    name: str
    maker: str
    street: str
    postcode: str
    city: str
    country: str

    @property
    def email(self) -> str:
        """An address below `.example` (RFC 2606): nobody's."""
        return f"safety@{self.key}.example"


COLOURS: dict[str, Colour] = {
    "jet": Colour(Words("Tiefschwarz", "Jet black"), "#23272e"),
    "graphite": Colour(Words("Graphit", "Graphite"), "#4a5058"),
    "stone": Colour(Words("Steingrau", "Stone grey"), "#8d949b"),
    "fog": Colour(Words("Nebelgrau", "Fog grey"), "#c3c9ce"),
    "white": Colour(Words("Kreideweiß", "Chalk white"), "#f1f0ec"),
    "night": Colour(Words("Nachtblau", "Midnight blue"), "#1d3557"),
    "royal": Colour(Words("Königsblau", "Royal blue"), "#1f4e9c"),
    "sky": Colour(Words("Himmelblau", "Sky blue"), "#6aa5d8"),
    "petrol": Colour(Words("Petrol", "Petrol"), "#1f6f78"),
    "teal": Colour(Words("Türkis", "Teal"), "#2a9d8f"),
    "mint": Colour(Words("Minze", "Mint"), "#8fd3bd"),
    "forest": Colour(Words("Waldgrün", "Forest green"), "#2f6b4f"),
    "moss": Colour(Words("Moos", "Moss"), "#6f7d43"),
    "lime": Colour(Words("Limette", "Lime"), "#b7cf3f"),
    "lemon": Colour(Words("Zitrone", "Lemon"), "#f0d24a"),
    "sun": Colour(Words("Sonnengelb", "Sun yellow"), "#f2b134"),
    "orange": Colour(Words("Signalorange", "Signal orange"), "#f28c38"),
    "coral": Colour(Words("Koralle", "Coral"), "#ef6a57"),
    "red": Colour(Words("Zinnober", "Vermilion"), "#c8372d"),
    "wine": Colour(Words("Weinrot", "Wine red"), "#7a2338"),
    "berry": Colour(Words("Beere", "Berry"), "#a83268"),
    "rose": Colour(Words("Altrosa", "Dusty rose"), "#dd92ae"),
    "lilac": Colour(Words("Flieder", "Lilac"), "#a993d1"),
    "plum": Colour(Words("Pflaume", "Plum"), "#6c4a8e"),
    "sand": Colour(Words("Sand", "Sand"), "#d8c4a0"),
    "clay": Colour(Words("Terrakotta", "Terracotta"), "#b5704a"),
    "cocoa": Colour(Words("Kakaobraun", "Cocoa brown"), "#6b4a3a"),
}

# Food comes in flavours instead of colours; each is drawn in its own paint.
FLAVOURS: dict[str, Colour] = {
    "chocolate": Colour(Words("Schokolade", "Chocolate"), "#6b4a3a"),
    "vanilla": Colour(Words("Vanille", "Vanilla"), "#e8d49a"),
    "berries": Colour(Words("Waldbeere", "Forest berries"), "#8c2f63"),
    "citrus": Colour(Words("Zitrone", "Lemon"), "#f0d24a"),
    "orange-peel": Colour(Words("Orange", "Orange"), "#f0913c"),
    "apple": Colour(Words("Apfel-Zimt", "Apple and cinnamon"), "#8fae4a"),
    "nut": Colour(Words("Haselnuss", "Hazelnut"), "#b0825a"),
    "plain": Colour(Words("Neutral", "Unflavoured"), "#d9dcd6"),
}


def _run(text: str) -> tuple[Size, ...]:
    """`"40:4 41:8"` as sizes with their shares."""
    pairs = [part.rpartition(":") for part in text.split()]
    return tuple(Size(label.replace("_", " "), float(share)) for label, _, share in pairs)


# Shares follow the usual bell of each run; their sum does not matter.
SIZES: dict[str, tuple[Size, ...]] = {
    "shoe_m": _run("40:5 41:9 42:15 43:18 44:17 45:13 46:8 47:4"),
    "shoe_w": _run("36:6 37:11 38:17 39:19 40:15 41:9 42:5"),
    "shoe_u": _run("37:6 38:9 39:11 40:12 41:12 42:14 43:14 44:12 45:8 46:5"),
    "shoe_k": _run("28:8 29:9 30:11 31:12 32:13 33:12 34:11 35:9 36:8"),
    "wear_m": _run("S:12 M:26 L:29 XL:19 XXL:9"),
    "wear_w": _run("XS:11 S:24 M:28 L:20 XL:10"),
    "wear_u": _run("XS:6 S:18 M:28 L:26 XL:15 XXL:7"),
    "wear_k": _run("116:12 128:18 140:22 152:20 164:14"),
    "small_k": _run("92:14 98:18 104:20 110:18 116:14"),
    "socks": _run("35-38:18 39-42:32 43-46:28 47-49:8"),
    "gloves": _run("6:8 7:18 8:26 9:24 10:14"),
    "head": _run("S:20 M:34 L:24"),
    "helmet": _run("52-56:20 55-59:34 58-62:22"),
    "helmet_k": _run("48-52:22 50-54:26"),
    "ball": _run("3:8 4:14 5:36"),
    "ball_5": _run("5:30"),
    "ball_hand": _run("1:12 2:20 3:22"),
    "ball_basket": _run("5:10 6:18 7:30"),
    "grip": _run("L1:10 L2:26 L3:28 L4:14"),
    "ski": _run("156:12 163:24 170:28 177:18"),
    "xc": _run("180:12 190:22 200:24 206:12"),
    "board": _run("150:16 155:24 160:20"),
    "mondo": _run("25.5:14 26.5:20 27.5:24 28.5:18 29.5:10"),
    "frame": _run("S:10 M:22 L:24 XL:12"),
    "pole": _run("110:12 115:18 120:22 125:18 130:10"),
    "guard": _run("S:16 M:28 L:22"),
    "fin": _run("36-37:12 38-39:20 40-41:22 42-43:18 44-45:10"),
    "dumbbell": _run("2_kg:22 4_kg:24 6_kg:20 8_kg:16 10_kg:14 12_kg:8"),
    "kettlebell": _run("8_kg:22 12_kg:26 16_kg:22 20_kg:12 24_kg:8"),
    "pack": _run("24_l:20 32_l:24"),
    "pack_k": _run("8_l:20 12_l:18"),
    "trek": _run("45_l:16 60_l:18"),
    "bag": _run("35_l:20 55_l:22 75_l:10"),
    "bottle": _run("0.5_l:24 0.75_l:30"),
    "person": _run("2:24 3:18 4:10"),
    "ballsize": _run("55_cm:16 65_cm:26 75_cm:16"),
    "towel": _run("50x100:20 80x150:24"),
    "one": _run(":1"),
}

CARE: dict[str, Words] = {
    "wash30": Words(
        "Bei 30 °C im Feinwaschgang waschen, ohne Weichspüler und ohne Trockner: Beide verkleben die Fasern, die den "
        "Schweiß nach außen leiten.",
        "Machine wash at 30 °C on a gentle cycle, without softener or tumble dryer: both clog the fibres that carry "
        "sweat outwards.",
    ),
    "wash40": Words(
        "Bei 40 °C mit ähnlichen Farben waschen und auf links trocknen, damit der Aufdruck lange hält.",
        "Wash at 40 °C with similar colours and dry inside out, so that the print lasts.",
    ),
    "wool": Words(
        "Im Wollwaschgang bei 30 °C waschen oder über Nacht lüften; Merinowolle nimmt kaum Gerüche an.",
        "Wash on a wool cycle at 30 °C or air overnight; merino hardly takes on smells.",
    ),
    "shell": Words(
        "Reißverschlüsse schließen, bei 30 °C mit Flüssigwaschmittel waschen und danach 20 Minuten warm trocknen: "
        "Wärme weckt die Imprägnierung wieder auf.",
        "Close the zips, wash at 30 °C with liquid detergent and dry warm for 20 minutes: heat revives the water "
        "repellency.",
    ),
    "down": Words(
        "Mit Daunenwaschmittel bei 30 °C waschen und mit zwei Tennisbällen im Trockner auf niedriger Stufe auflockern.",
        "Wash at 30 °C with down detergent and tumble on low with two tennis balls to restore the loft.",
    ),
    "shoe": Words(
        "Nach dem Einsatz Einlegesohle herausnehmen, mit Papier ausstopfen und fern der Heizung trocknen; nie in die "
        "Waschmaschine.",
        "After use take out the insole, stuff with paper and dry away from heaters; never put them in the washing "
        "machine.",
    ),
    "leather": Words(
        "Trocken abbürsten, das Leder zweimal im Jahr wachsen und langsam trocknen lassen; die Sohle lässt "
        "sich erneuern.",
        "Brush off when dry, wax the leather twice a year and let it dry slowly; the sole can be replaced.",
    ),
    "wipe": Words(
        "Mit einem feuchten Tuch abwischen und trocken lagern.",
        "Wipe with a damp cloth and store dry.",
    ),
    "ball": Words(
        "Mit lauwarmem Wasser reinigen, nicht dauerhaft in der Sonne lagern und den Druck alle zwei Wochen prüfen.",
        "Clean with lukewarm water, keep out of lasting sun and check the pressure every two weeks.",
    ),
    "edge": Words(
        "Nach dem Tag abtrocknen, Kanten alle fünf Skitage nachschleifen und den Belag im Frühjahr dick eingewachst "
        "weglegen.",
        "Dry after the day, sharpen the edges every five days of use and store with a thick coat of wax in spring.",
    ),
    "chain": Words(
        "Kette alle 200 km reinigen und ölen; die erste Durchsicht nach 300 km ist in unseren Filialen inbegriffen.",
        "Clean and oil the chain every 200 km; the first check after 300 km is included at our stores.",
    ),
    "rinse": Words(
        "Nach Chlor- oder Salzwasser mit klarem Wasser ausspülen und im Schatten trocknen.",
        "Rinse with clear water after chlorine or salt and dry in the shade.",
    ),
    "helmet": Words(
        "Nur mit Wasser und milder Seife reinigen. Nach jedem Sturz und spätestens nach fünf Jahren ersetzen.",
        "Clean with water and mild soap only. Replace after any crash, and after five years at the latest.",
    ),
    "air": Words(
        "Nach jeder Tour auslüften und locker gelagert aufbewahren, nicht im Packsack.",
        "Air after every trip and store loosely, not in the stuff sack.",
    ),
    "tent": Words(
        "Nur trocken einpacken; Nähte einmal im Jahr nachversiegeln und Heringe von Erde befreien.",
        "Pack away dry only; reseal the seams once a year and clean the pegs.",
    ),
    "food": Words(
        "Kühl und trocken lagern, nach dem Öffnen gut verschließen. Ersetzt keine ausgewogene Ernährung.",
        "Store cool and dry, close well after opening. No substitute for a balanced diet.",
    ),
    "none": Words("", ""),
}

# Names were coined for this demo from syllables; none is meant to be anybody's trade mark.
BRANDS: dict[str, Brand] = {
    brand.key: brand
    for brand in (
        Brand("tolvaro", "Tolvaro", "Tolvaro Laufwerkstatt GmbH", "Schrittmachergasse 12", "89073", "Ulm", "DE"),
        Brand("bolzplan", "Bolzplan", "Bolzplan Ballfabrik KG", "Eckfahnenstraße 4", "45879", "Gelsenkirchen", "DE"),
        Brand("saitenwind", "Saitenwind", "Saitenwind Rackets GmbH", "Grundlinienweg 40", "76133", "Karlsruhe", "DE"),
        Brand("fernhang", "Fernhang", "Fernhang Bergausrüstung GmbH", "Gratweg 7", "87561", "Oberstdorf", "DE"),
        Brand("firnquist", "Firnquist", "Firnquist Skibau AG", "Pulverhang 3", "6020", "Innsbruck", "AT"),
        Brand("radovelt", "Radovelt", "Radovelt Zweiradbau GmbH", "Kettenschlossweg 21", "48143", "Münster", "DE"),
        Brand("brackwind", "Brackwind", "Brackwind Wassersport GmbH", "Kachelzählerweg 9", "24103", "Kiel", "DE"),
        Brand("hantorra", "Hantorra", "Hantorra Trainingsgeräte GmbH", "Hebelsatzstraße 16", "44135", "Dortmund", "DE"),
        Brand("nebelhain", "Nebelhain", "Nebelhain Outdoor GmbH", "Tropfsteig 5", "37412", "Herzberg am Harz", "DE"),
        Brand("zwergenspurt", "Zwergenspurt", "Zwergenspurt GmbH", "Hüpfkastengasse 2", "99084", "Erfurt", "DE"),
        Brand(
            "dreierfeld", "Dreierfeld", "Dreierfeld Hallensport GmbH", "Siebenmeterweg 7", "39104", "Magdeburg", "DE"
        ),
        Brand("haferfunk", "Haferfunk", "Haferfunk Sportnahrung GmbH", "Speicherzeile 30", "28195", "Bremen", "DE"),
        Brand("seitenstich", "Seitenstich", "Seitenstich Verlag GmbH", "Umblätterweg 11", "04109", "Leipzig", "DE"),
        Brand("wellenkamm", "Wellenkamm", "Sporthaus Wellenkamm GmbH", "Lotsenstieg 1", "20457", "Hamburg", "DE"),
    )
}
