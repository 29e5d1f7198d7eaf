"""The kinds of product: how they are called, sized, drawn and cared for, and which facts their texts tell.

A sentence's `{names}` are filled from the facts of a model; a model that lacks one fails the tests.
"""

# ruff: noqa: E501 - a sentence is one thing: it is read and translated whole

from typing import Literal

from msgspec import Struct

from lotse.plugins.demo_sports.vocabulary import Words

Section = Literal["shoes", "clothing", "equipment", "food", "reading"]


class Kind(Struct, frozen=True):
    """`sizes` names a run of `SIZES`, or with a `*` one per audience (`shoe_*`: `shoe_m`, `shoe_w` ...)."""

    key: str
    noun: Words
    section: Section
    drawing: str
    sizes: str
    care: str
    facts: tuple[Words, ...]


KINDS: dict[str, Kind] = {}


def _kind(
    key: str, de: str, en: str, section: Section, sizes: str, care: str, *facts: tuple[str, str], drawing: str = ""
) -> None:
    sentences = tuple(Words(*fact) for fact in facts)
    KINDS[key] = Kind(key, Words(de, en), section, drawing or key, sizes, care, sentences)


# -- shoes

_kind(
    "running_shoe",
    "Laufschuh",
    "running shoe",
    "shoes",
    "shoe_*",
    "shoe",
    (
        "Die Sprengung beträgt {drop_mm} mm bei {stack_mm} mm Sohlenhöhe unter der Ferse; ein Schuh in Größe 42 wiegt {weight_g} g.",
        "The drop is {drop_mm} mm with {stack_mm} mm of stack under the heel; one shoe in EU 42 weighs {weight_g} g.",
    ),
    (
        "Die Zwischensohle aus {foam} trägt nach unserer Erfahrung {range_km} km, bevor sie merklich nachlässt.",
        "In our experience the midsole of {foam} lasts {range_km} km before it noticeably softens.",
    ),
    (
        "Er fällt normal aus; zwischen zwei Größen empfehlen wir die größere.",
        "It fits true to size; between two sizes take the larger one.",
    ),
)
_kind(
    "race_shoe",
    "Wettkampfschuh",
    "racing shoe",
    "shoes",
    "shoe_*",
    "shoe",
    (
        "{stack_mm} mm Schaum, {drop_mm} mm Sprengung und eine {plate} bringen {weight_g} g auf die Waage.",
        "{stack_mm} mm of foam, {drop_mm} mm of drop and a {plate} tip the scales at {weight_g} g.",
    ),
    (
        "Gebaut für Wettkämpfe und schnelle Einheiten; nach rund {range_km} km verliert der Schaum seinen Druck.",
        "Made for racing and fast sessions; after about {range_km} km the foam loses its spring.",
    ),
)
_kind(
    "trail_shoe",
    "Trailschuh",
    "trail shoe",
    "shoes",
    "shoe_*",
    "shoe",
    (
        "{lug_mm} mm tiefe Stollen greifen auf {ground}; die Sprengung beträgt {drop_mm} mm, das Gewicht {weight_g} g in Größe 42.",
        "Lugs {lug_mm} mm deep bite on {ground}; the drop is {drop_mm} mm, the weight {weight_g} g in EU 42.",
    ),
    (
        "Eine Zehenkappe aus Gummi und eine dünne Steinplatte im Vorfuß schützen vor Wurzeln und Kanten.",
        "A rubber toe cap and a thin rock plate in the forefoot shield against roots and edges.",
    ),
)
_kind(
    "football_boot",
    "Fußballschuh",
    "football boot",
    "shoes",
    "shoe_*",
    "shoe",
    (
        "{studs} feste Nocken für {ground}, Obermaterial aus {upper}, {weight_g} g in Größe 42.",
        "{studs} moulded studs for {ground}, an upper of {upper}, {weight_g} g in EU 42.",
    ),
    (
        "Der asymmetrische Schaft lässt die Schusszone frei von Nähten.",
        "The asymmetric collar keeps the striking zone free of seams.",
    ),
)
_kind(
    "indoor_shoe",
    "Hallenschuh",
    "indoor shoe",
    "shoes",
    "shoe_*",
    "shoe",
    (
        "Die abriebfeste, nicht färbende Gummisohle ist für alle Hallenböden zugelassen; {weight_g} g in Größe 42.",
        "The hard-wearing, non-marking rubber sole is allowed on every indoor floor; {weight_g} g in EU 42.",
    ),
    (
        "Ein Drehpunkt unter dem Ballen und {drop_mm} mm Sprengung helfen bei schnellen Richtungswechseln.",
        "A pivot under the ball of the foot and a {drop_mm} mm drop help in quick changes of direction.",
    ),
    drawing="court_shoe",
)
_kind(
    "tennis_shoe",
    "Tennisschuh",
    "tennis shoe",
    "shoes",
    "shoe_*",
    "shoe",
    (
        "Das Fischgrätprofil ist für {court} ausgelegt und läuft an der Innenseite als Rutschschutz hoch.",
        "The herringbone tread is made for {court} and wraps up the inner side to protect when sliding.",
    ),
    (
        "{weight_g} g in Größe 42, {drop_mm} mm Sprengung, sechs Monate Sohlengarantie unseres Hauses.",
        "{weight_g} g in EU 42, {drop_mm} mm drop, six months of sole guarantee by our house.",
    ),
    drawing="court_shoe",
)
_kind(
    "hiking_boot",
    "Wanderstiefel",
    "hiking boot",
    "shoes",
    "shoe_*",
    "leather",
    (
        "Der Schaft aus {upper} mit wasserdichter Membran ist {shaft_cm} cm hoch; das Paar wiegt {weight_g} g in Größe 42.",
        "The shaft of {upper} with a waterproof membrane is {shaft_cm} cm high; the pair weighs {weight_g} g in EU 42.",
    ),
    (
        "Kategorie {grade}: {terrain}. Die Sohle lässt sich beim Schuster erneuern.",
        "Category {grade}: {terrain}. A cobbler can renew the sole.",
    ),
)
_kind(
    "hiking_shoe",
    "Wanderschuh",
    "hiking shoe",
    "shoes",
    "shoe_*",
    "shoe",
    (
        "Flacher Schnitt, {lug_mm} mm Profil, Obermaterial aus {upper}; das Paar wiegt {weight_g} g in Größe 42.",
        "Low cut, {lug_mm} mm of tread, an upper of {upper}; the pair weighs {weight_g} g in EU 42.",
    ),
    (
        "Für Wege und leichte Steige mit Tagesgepäck bis acht Kilogramm.",
        "For paths and easy trails with a day's load of up to eight kilograms.",
    ),
    drawing="trail_shoe",
)
_kind(
    "cycling_shoe",
    "Radschuh",
    "cycling shoe",
    "shoes",
    "shoe_u",
    "shoe",
    (
        "Sohle aus {sole} mit Steifigkeit {stiffness} von 12, Aufnahme für {cleat}, zwei Drehverschlüsse.",
        "Sole of {sole} with stiffness {stiffness} of 12, mounts for {cleat}, two dials.",
    ),
    (
        "{weight_g} g je Schuh in Größe 42; die Platten sind nicht enthalten.",
        "{weight_g} g per shoe in EU 42; cleats are not included.",
    ),
)
_kind(
    "slides",
    "Badeschlappe",
    "pool slide",
    "shoes",
    "shoe_u",
    "rinse",
    (
        "Fußbett aus geschäumtem EVA, {weight_g} g je Paar, rutschhemmende Sohle für nasse Fliesen.",
        "Footbed of foamed EVA, {weight_g} g per pair, a sole that grips on wet tiles.",
    ),
    (
        "Fällt etwas größer aus: Wer zwischen zwei Größen liegt, nimmt die kleinere.",
        "Runs a little large: between two sizes take the smaller one.",
    ),
)
_kind(
    "kids_shoe",
    "Kinder-Sportschuh",
    "kids' sports shoe",
    "shoes",
    "shoe_k",
    "shoe",
    (
        "Zwei Klettbänder über elastischen Schnürsenkeln: Das Kind zieht sie allein an. Die Sohle färbt nicht ab.",
        "Two straps over elastic laces: children put them on by themselves. The sole leaves no marks.",
    ),
    (
        "Die Einlegesohle ist herausnehmbar und zeigt, ob noch {room_mm} mm zum Wachsen Platz sind.",
        "The insole comes out and shows whether {room_mm} mm are left to grow.",
    ),
)
_kind(
    "ski_boot",
    "Skischuh",
    "ski boot",
    "shoes",
    "mondo",
    "wipe",
    (
        "Flex {flex}, Leisten {last_mm} mm, vier Schnallen aus Aluminium, Gehmodus mit 30 Grad Rotation.",
        "Flex {flex}, last {last_mm} mm, four aluminium buckles, a walk mode with 30 degrees of rotation.",
    ),
    (
        "Sohlen nach ISO 23223; der Innenschuh wird in unseren Filialen kostenlos thermisch angepasst.",
        "Soles to ISO 23223; our stores heat-mould the liner free of charge.",
    ),
)

# -- clothing

_SET_IN = (
    "Flachnähte an Schulter und Achsel scheuern auch nach zwei Stunden nicht.",
    "Flat seams at shoulder and armpit do not chafe even after two hours.",
)
_kind(
    "tshirt",
    "Funktionsshirt",
    "training shirt",
    "clothing",
    "wear_*",
    "wash30",
    (
        "Das Gewebe aus {material} wiegt {gsm} g/m² und trocknet am Körper in etwa {dry_min} Minuten.",
        "The fabric of {material} weighs {gsm} g/m² and dries on the body in about {dry_min} minutes.",
    ),
    _SET_IN,
)
_kind(
    "longsleeve",
    "Langarmshirt",
    "long-sleeved shirt",
    "clothing",
    "wear_*",
    "wash30",
    (
        "{material}, {gsm} g/m², Daumenlöcher und ein Rückenteil, das {back_cm} cm länger geschnitten ist.",
        "{material}, {gsm} g/m², thumb loops and a back cut {back_cm} cm longer.",
    ),
    _SET_IN,
)
_kind(
    "baselayer",
    "Unterhemd",
    "base layer",
    "clothing",
    "wear_*",
    "wool",
    (
        "{material} mit {gsm} g/m², Faserstärke {micron} Mikrometer: kratzt nicht und wärmt auch feucht.",
        "{material} at {gsm} g/m², fibres of {micron} microns: does not itch and warms even when damp.",
    ),
    (
        "Die Wolle stammt von Farmen, die ohne Mulesing arbeiten.",
        "The wool comes from farms that work without mulesing.",
    ),
)
_kind(
    "tank",
    "Basketballtrikot",
    "basketball shirt",
    "clothing",
    "wear_*",
    "wash40",
    (
        "Netzgewebe aus {material}, {gsm} g/m², tiefe Armausschnitte, auf Wunsch mit Vereinsdruck.",
        "Mesh of {material}, {gsm} g/m², deep armholes, printed for your club on request.",
    ),
)
_kind(
    "jersey",
    "Trikot",
    "jersey",
    "clothing",
    "wear_*",
    "wash40",
    (
        "{material}, {gsm} g/m²; die Seiten sind aus Netz, der Kragen ist doppelt gelegt.",
        "{material}, {gsm} g/m²; the sides are mesh, the collar is doubled.",
    ),
    (
        "Nachkaufgarantie für Vereine: Diese Farben bleiben mindestens drei Saisons im Programm.",
        "A promise to clubs: these colours stay in the range for at least three seasons.",
    ),
)
_kind(
    "polo",
    "Tennispolo",
    "tennis polo",
    "clothing",
    "wear_*",
    "wash30",
    (
        "Piqué aus {material}, {gsm} g/m², UPF {upf}: Auch ein langer Satz in der Mittagssonne ist kein Problem.",
        "Piqué of {material}, {gsm} g/m², UPF {upf}: a long set in the midday sun is no problem.",
    ),
)
_kind(
    "fleece",
    "Fleecejacke",
    "fleece jacket",
    "clothing",
    "wear_*",
    "wash30",
    (
        "{gsm} g/m² aus {material}; innen angeraut, außen glatt, damit eine Jacke darüber gleitet.",
        "{gsm} g/m² of {material}; brushed inside, smooth outside, so that a jacket slides over it.",
    ),
    (
        "Zwei Handtaschen, eine Brusttasche, Kinnschutz am Reißverschluss.",
        "Two hand pockets, a chest pocket, a chin guard at the zip.",
    ),
)
_kind(
    "hoody",
    "Trainingsjacke",
    "training jacket",
    "clothing",
    "wear_*",
    "wash40",
    (
        "{material}, {gsm} g/m², durchgehender Reißverschluss, Bündchen aus Rippstrick.",
        "{material}, {gsm} g/m², full zip, ribbed cuffs.",
    ),
)
_kind(
    "shell_jacket",
    "Regenjacke",
    "rain jacket",
    "clothing",
    "wear_*",
    "shell",
    (
        "{layers} Lagen, Wassersäule {column_mm} mm, Atmungsaktivität {mvtr} g/m² in 24 Stunden, alle Nähte verschweißt.",
        "{layers} layers, {column_mm} mm water column, breathability {mvtr} g/m² in 24 hours, all seams taped.",
    ),
    (
        "Die Jacke wiegt {weight_g} g in Größe M, ist frei von PFAS und verschwindet in der eigenen Tasche.",
        "The jacket weighs {weight_g} g in size M, is free of PFAS and packs into its own pocket.",
    ),
)
_kind(
    "vest",
    "Weste",
    "vest",
    "clothing",
    "wear_*",
    "wash30",
    (
        "Die Füllung aus {fill} wärmt den Rumpf, die Arme bleiben frei; {weight_g} g in Größe M.",
        "The fill of {fill} warms the torso and leaves the arms free; {weight_g} g in size M.",
    ),
)
_kind(
    "down_jacket",
    "Daunenjacke",
    "down jacket",
    "clothing",
    "wear_*",
    "down",
    (
        "{fill_g} g Daune mit {cuin} cuin Bauschkraft, aus Betrieben ohne Lebendrupf, {weight_g} g in Größe M.",
        "{fill_g} g of {cuin} cuin down, never live-plucked, {weight_g} g in size M.",
    ),
    (
        "Komforttemperatur {comfort} °C bei ruhiger Bewegung über einem Langarmshirt.",
        "Comfortable down to {comfort} °C in easy motion over a long-sleeved shirt.",
    ),
)
_kind(
    "ski_jacket",
    "Skijacke",
    "ski jacket",
    "clothing",
    "wear_*",
    "shell",
    (
        "Wassersäule {column_mm} mm, Isolierung {fill}, Schneefang, Skipasstasche am Ärmel, Kapuze über Helm.",
        "{column_mm} mm water column, {fill} insulation, snow skirt, pass pocket on the sleeve, hood over helmet.",
    ),
    (
        "Ein Ortungsreflektor in Ärmel und Kragen hilft der Bergrettung bei der Suche.",
        "Search reflectors in sleeve and collar help mountain rescue to find you.",
    ),
)
_kind(
    "ski_pants",
    "Skihose",
    "ski trousers",
    "clothing",
    "wear_*",
    "shell",
    (
        "Wassersäule {column_mm} mm, Kantenschutz aus {edge}, Belüftung an der Innenseite der Schenkel.",
        "{column_mm} mm water column, edge guards of {edge}, vents along the inner thigh.",
    ),
)
_kind(
    "bike_jersey",
    "Radtrikot",
    "cycling jersey",
    "clothing",
    "wear_*",
    "wash30",
    (
        "{material}, {gsm} g/m², durchgehender Zipper, drei Rückentaschen und eine vierte mit Reißverschluss.",
        "{material}, {gsm} g/m², full zip, three back pockets and a zipped fourth.",
    ),
    (
        "Ein Silikonband im Saum hält das Trikot in gebeugter Haltung an seinem Platz.",
        "A silicone gripper in the hem keeps the jersey in place when you lean forward.",
    ),
)
_kind(
    "bib_shorts",
    "Trägerhose",
    "bib shorts",
    "clothing",
    "wear_*",
    "wash30",
    (
        "Polster mit drei Dichten, {pad_mm} mm stark, ausgelegt für {hours} Stunden im Sattel; {material}.",
        "A pad of three densities, {pad_mm} mm thick, made for {hours} hours in the saddle; {material}.",
    ),
)
_kind(
    "sports_bra",
    "Sport-BH",
    "sports bra",
    "clothing",
    "wear_w",
    "wash30",
    (
        "Halt {support}, {material}; das breite Unterbrustband verteilt den Druck ohne Bügel.",
        "{support} support, {material}; the broad band spreads the load without wires.",
    ),
)
_kind(
    "trousers",
    "Wanderhose",
    "hiking trousers",
    "clothing",
    "wear_*",
    "wash30",
    (
        "{material}, {gsm} g/m², vorgeformte Knie, ein Zwickel im Schritt und {pockets} Taschen, davon zwei mit Reißverschluss.",
        "{material}, {gsm} g/m², shaped knees, a gusset and {pockets} pockets, two of them zipped.",
    ),
    (
        "Die Beine lassen sich über dem Knöchel mit Druckknöpfen enger stellen.",
        "Snaps above the ankle narrow the legs.",
    ),
)
_kind(
    "track_pants",
    "Trainingshose",
    "track pants",
    "clothing",
    "wear_*",
    "wash40",
    (
        "{material}, {gsm} g/m², Reißverschluss an der Wade, damit sie über den Schuh passt.",
        "{material}, {gsm} g/m², calf zips, so that they pull on over shoes.",
    ),
)
_kind(
    "tights",
    "Lauftight",
    "running tights",
    "clothing",
    "wear_*",
    "wash30",
    (
        "{material}, {gsm} g/m², blickdicht auch in der Hocke, Schlüsselfach im Bund und Handytasche am Oberschenkel.",
        "{material}, {gsm} g/m², opaque even in a squat, a key pocket in the waistband and a phone pocket on the thigh.",
    ),
    ("Reflexdruck an beiden Waden, sichtbar bis {seen_m} m.", "Reflective print on both calves, seen from {seen_m} m."),
)
_kind(
    "shorts",
    "Shorts",
    "shorts",
    "clothing",
    "wear_*",
    "wash30",
    (
        "{material}, {gsm} g/m², Innenslip und {inseam_cm} cm Schrittlänge in Größe M.",
        "{material}, {gsm} g/m², a liner and an inseam of {inseam_cm} cm in size M.",
    ),
)
_kind(
    "board_shorts",
    "Badeshorts",
    "swim shorts",
    "clothing",
    "wear_m",
    "rinse",
    (
        "{material}, nach dem Baden in {dry_min} Minuten trocken, Kordelzug und Tasche mit Abfluss.",
        "{material}, dry {dry_min} minutes after the swim, drawcord and a draining pocket.",
    ),
)
_kind(
    "socks",
    "Sportsocken",
    "sports socks",
    "clothing",
    "socks",
    "wash40",
    (
        "{material}; links und rechts verschieden gestrickt, Polster an Ferse und Ballen, {pairs} Paar.",
        "{material}; knitted left and right, padded at heel and ball, {pairs} pairs.",
    ),
)
_kind(
    "cap",
    "Laufkappe",
    "running cap",
    "clothing",
    "head",
    "wash30",
    (
        "{weight_g} g leicht, Schweißband innen, Verschluss hinten verstellbar, UPF {upf}.",
        "Only {weight_g} g, a sweatband inside, adjustable at the back, UPF {upf}.",
    ),
)
_kind(
    "beanie",
    "Strickmütze",
    "knitted hat",
    "clothing",
    "one",
    "wool",
    ("{material}, innen ein Band aus Fleece über den Ohren.", "{material}, with a fleece band over the ears inside."),
)
_kind(
    "gloves",
    "Winterhandschuhe",
    "winter gloves",
    "clothing",
    "gloves",
    "wash30",
    (
        "{material}, wärmt bis {comfort} °C, Zeigefinger und Daumen bedienen Bildschirme.",
        "{material}, warm down to {comfort} °C, index finger and thumb work touch screens.",
    ),
)
_kind(
    "keeper_gloves",
    "Torwarthandschuhe",
    "goalkeeper gloves",
    "equipment",
    "gloves",
    "wipe",
    (
        "Haftschaum von {foam_mm} mm, Schnitt {cut}; vor dem Spiel anfeuchten, dann greift er am besten.",
        "{foam_mm} mm of grip latex, {cut} cut; wet before the match for the best grip.",
    ),
)
_kind(
    "swimsuit",
    "Badeanzug",
    "swimsuit",
    "clothing",
    "wear_w",
    "rinse",
    (
        "{material}, chlorbeständig über {hours} Stunden im Becken, {back}.",
        "{material}, chlorine-proof for {hours} hours in the pool, {back}.",
    ),
)
_kind(
    "kids_overall",
    "Regenoverall",
    "rain overall",
    "clothing",
    "small_k",
    "shell",
    (
        "Wassersäule {column_mm} mm, Reflexstreifen rundum, abnehmbare Fußschlaufen, Namensfeld innen.",
        "{column_mm} mm water column, reflective bands all round, removable foot straps, a name label inside.",
    ),
)

# -- balls and rackets

_BALL = (
    "Ventil mit doppelter Dichtung; eine Nadel liegt bei. Empfohlener Druck {bar} bar.",
    "Valve with a double seal; a needle is included. Recommended pressure {bar} bar.",
)
_kind(
    "football",
    "Fußball",
    "football",
    "equipment",
    "ball",
    "ball",
    (
        "{panels} Felder, {bond}, Karkasse aus {carcass}; Größe 5 misst 68 bis 70 cm im Umfang.",
        "{panels} panels, {bond}, a carcass of {carcass}; size 5 is 68 to 70 cm around.",
    ),
    _BALL,
)
_kind(
    "handball",
    "Handball",
    "handball",
    "equipment",
    "ball_hand",
    "ball",
    (
        "Griffige Oberfläche, {panels} Felder, {bond}; auch ohne Harz gut zu fassen.",
        "A tacky surface, {panels} panels, {bond}; easy to hold even without resin.",
    ),
    _BALL,
)
_kind(
    "basketball",
    "Basketball",
    "basketball",
    "equipment",
    "ball_basket",
    "ball",
    ("Obermaterial {cover}, tiefe Rillen, für {ground}.", "Cover of {cover}, deep channels, for {ground}."),
    _BALL,
)
_kind(
    "volleyball",
    "Volleyball",
    "volleyball",
    "equipment",
    "ball_5",
    "ball",
    (
        "{panels} Felder mit Wabenstruktur, {weight_g} g, für {ground}.",
        "{panels} panels with a honeycomb grain, {weight_g} g, for {ground}.",
    ),
    _BALL,
)
_kind(
    "tennis_racket",
    "Tennisschläger",
    "tennis racket",
    "equipment",
    "grip",
    "wipe",
    (
        "Kopf {head_cm2} cm², Saitenbild {pattern}, {weight_g} g unbespannt, Balance {balance_mm} mm.",
        "Head {head_cm2} cm², string pattern {pattern}, {weight_g} g unstrung, balance {balance_mm} mm.",
    ),
    (
        "Der Rahmen ist {beam_mm} mm stark; empfohlene Besaitung {tension} kg. Wir bespannen auf Wunsch am selben Tag.",
        "The beam is {beam_mm} mm; recommended tension {tension} kg. On request we string it the same day.",
    ),
)
_kind(
    "padel_racket",
    "Padelschläger",
    "padel racket",
    "equipment",
    "one",
    "wipe",
    (
        "Form {shape}, Kern aus {core}, Schlagfläche aus {face}, {weight_g} g bei {thick_mm} mm Stärke.",
        "{shape} shape, core of {core}, face of {face}, {weight_g} g at {thick_mm} mm thickness.",
    ),
)
_kind(
    "badminton_racket",
    "Badmintonschläger",
    "badminton racket",
    "equipment",
    "one",
    "wipe",
    (
        "{weight_g} g, Balance {balance_mm} mm, Schaft {flex}, bespannt mit {tension} kg.",
        "{weight_g} g, balance {balance_mm} mm, {flex} shaft, strung at {tension} kg.",
    ),
)
_kind(
    "table_tennis_bat",
    "Tischtennisschläger",
    "table tennis bat",
    "equipment",
    "one",
    "wipe",
    (
        "Holz mit {plies} Furnieren, Schwamm {sponge_mm} mm; Tempo {speed}, Effet {spin}, Kontrolle {control} von 100.",
        "Blade of {plies} plies, {sponge_mm} mm sponge; speed {speed}, spin {spin}, control {control} of 100.",
    ),
)
_kind(
    "tennis_balls",
    "Tennisbälle",
    "tennis balls",
    "equipment",
    "one",
    "wipe",
    (
        "{count} Bälle in der Druckdose, Filz mit {wool} % Wolle, für {court}.",
        "{count} balls in a pressurised can, felt with {wool} % wool, for {court}.",
    ),
)
_kind(
    "shin_guards",
    "Schienbeinschoner",
    "shin guards",
    "equipment",
    "guard",
    "wipe",
    (
        "Schale aus {cup}, {weight_g} g je Paar in Größe M, geprüft nach EN 13061.",
        "Shell of {cup}, {weight_g} g per pair in size M, tested to EN 13061.",
    ),
)

# -- hiking, camping, travelling

_kind(
    "backpack",
    "Rucksack",
    "backpack",
    "equipment",
    "pack",
    "wipe",
    (
        "{material}, {weight_g} g in der kleineren Größe, Rücken {back}, Trinksystemfach und Regenhülle.",
        "{material}, {weight_g} g in the smaller size, {back} back, a hydration sleeve and a rain cover.",
    ),
    (
        "Getestet mit {load_kg} kg: So viel trägt sich auf Dauer noch bequem.",
        "Tested at {load_kg} kg: that much still carries in comfort.",
    ),
)
_kind(
    "duffel",
    "Sporttasche",
    "sports bag",
    "equipment",
    "bag",
    "wipe",
    (
        "{material}, belüftetes Schuhfach, nasse Sachen haben ein eigenes Fach; trägt sich auch auf dem Rücken.",
        "{material}, a vented shoe compartment, a pocket of its own for wet things; also carries on the back.",
    ),
)
_kind(
    "tent",
    "Kuppelzelt",
    "dome tent",
    "equipment",
    "person",
    "tent",
    (
        "Außenzelt {column_mm} mm, Boden {floor_mm} mm Wassersäule, Gestänge aus {poles}; steht in {minutes} Minuten.",
        "Fly {column_mm} mm, floor {floor_mm} mm water column, poles of {poles}; pitched in {minutes} minutes.",
    ),
    (
        "Die Ausführung für zwei Personen wiegt {weight_g} g und misst gepackt {packed}.",
        "The two-person version weighs {weight_g} g and packs to {packed}.",
    ),
)
_kind(
    "sleeping_bag",
    "Schlafsack",
    "sleeping bag",
    "equipment",
    "one",
    "air",
    (
        "Komfort {comfort} °C, Grenze {limit} °C nach EN ISO 23537, Füllung {fill}, {weight_g} g.",
        "Comfort {comfort} °C, limit {limit} °C to EN ISO 23537, fill {fill}, {weight_g} g.",
    ),
    (
        "Für Menschen bis {height_cm} cm; linke und rechte Reißverschlüsse lassen sich koppeln.",
        "For people up to {height_cm} cm; two bags can be zipped together.",
    ),
)
_kind(
    "sleeping_mat",
    "Isomatte",
    "sleeping mat",
    "equipment",
    "one",
    "air",
    (
        "{thick_cm} cm dick, R-Wert {r_value}, {weight_g} g, gepackt so groß wie eine Trinkflasche.",
        "{thick_cm} cm thick, R-value {r_value}, {weight_g} g, packed as small as a bottle.",
    ),
)
_kind(
    "headlamp",
    "Stirnlampe",
    "head torch",
    "equipment",
    "one",
    "wipe",
    (
        "{lumen} Lumen, {reach_m} m Reichweite, {hours} Stunden auf mittlerer Stufe, {ip}; lädt über USB-C.",
        "{lumen} lumens, {reach_m} m reach, {hours} hours on medium, {ip}; charges by USB-C.",
    ),
)
_kind(
    "stove",
    "Gaskocher",
    "gas stove",
    "equipment",
    "one",
    "wipe",
    (
        "{watt} Watt, kocht einen Liter in {minutes} Minuten, {weight_g} g; der Topf mit {litre} l gehört dazu.",
        "{watt} watts, boils a litre in {minutes} minutes, {weight_g} g; a {litre} l pot is included.",
    ),
)
_kind(
    "poles",
    "Wanderstöcke",
    "trekking poles",
    "equipment",
    "pole",
    "wipe",
    (
        "{material}, {weight_g} g das Paar, Griff aus Kork, Klemmen, die sich mit Handschuhen bedienen lassen.",
        "{material}, {weight_g} g the pair, cork grips, clamps that work with gloves on.",
    ),
)
_kind(
    "watch",
    "Sportuhr",
    "sports watch",
    "equipment",
    "one",
    "wipe",
    (
        "GPS auf zwei Frequenzen, {hours} Stunden Aufzeichnung, wasserdicht bis {atm} bar, {weight_g} g mit Band.",
        "Dual-frequency GPS, {hours} hours of recording, waterproof to {atm} bar, {weight_g} g with strap.",
    ),
    (
        "Karten und Trainingsdaten bleiben auf der Uhr: Ein Konto ist nicht nötig.",
        "Maps and training stay on the watch: no account is needed.",
    ),
    drawing="compass_watch",
)

# -- snow

_kind(
    "skis",
    "Alpinski",
    "alpine skis",
    "equipment",
    "ski",
    "edge",
    (
        "Taillierung {sidecut} mm, Radius {radius_m} m bei 170 cm, Kern aus {core}, mit Bindung Z {din}.",
        "Sidecut {sidecut} mm, radius {radius_m} m at 170 cm, core of {core}, with binding DIN {din}.",
    ),
    (
        "Die Bindung stellen wir nach ISO 11088 auf Gewicht, Alter und Sohlenlänge ein.",
        "We set the binding to ISO 11088 by weight, age and sole length.",
    ),
)
_kind(
    "xc_skis",
    "Langlaufski",
    "cross-country skis",
    "equipment",
    "xc",
    "edge",
    ("Für {style}, {weight_g} g das Paar bei 190 cm, {base}.", "For {style}, {weight_g} g the pair at 190 cm, {base}."),
)
_kind(
    "snowboard",
    "Snowboard",
    "snowboard",
    "equipment",
    "board",
    "edge",
    (
        "Form {shape}, Flex {flex} von 10, Kern aus {core}, Bindung mit zwei Ratschen.",
        "{shape} shape, flex {flex} of 10, core of {core}, binding with two ratchets.",
    ),
)
_kind(
    "ski_goggles",
    "Skibrille",
    "ski goggles",
    "equipment",
    "one",
    "wipe",
    (
        "Doppelscheibe, Filterkategorie {category}, {tint}; passt über die meisten Korrekturbrillen.",
        "Double lens, filter category {category}, {tint}; fits over most glasses.",
    ),
)
_kind(
    "ski_helmet",
    "Skihelm",
    "ski helmet",
    "equipment",
    "helmet",
    "helmet",
    (
        "{weight_g} g in Größe M, Belüftung verstellbar, Ohrpolster abnehmbar, geprüft nach EN 1077 Klasse {grade}.",
        "{weight_g} g in size M, adjustable vents, removable ear pads, tested to EN 1077 class {grade}.",
    ),
)
_kind(
    "sledge",
    "Rodelschlitten",
    "sledge",
    "equipment",
    "one",
    "wipe",
    (
        "{material}, {length_cm} cm lang, trägt {load_kg} kg, Kufen mit Stahl beschlagen.",
        "{material}, {length_cm} cm long, carries {load_kg} kg, runners shod with steel.",
    ),
)

# -- cycling

_kind(
    "trekking_bike",
    "Trekkingrad",
    "trekking bicycle",
    "equipment",
    "frame",
    "chain",
    (
        "Rahmen aus {frame}, {gears} Gänge, {brakes}, {weight_kg} kg mit Schutzblech, Gepäckträger und Licht nach StVZO.",
        "{frame} frame, {gears} gears, {brakes}, {weight_kg} kg with mudguards, rack and lights to German road rules.",
    ),
    (
        "Zulässiges Gesamtgewicht {load_kg} kg. Wir liefern fahrfertig eingestellt.",
        "Permitted total weight {load_kg} kg. Delivered ready to ride.",
    ),
)
_kind(
    "gravel_bike",
    "Gravelrad",
    "gravel bicycle",
    "equipment",
    "frame",
    "chain",
    (
        "Rahmen aus {frame}, {gears} Gänge, {brakes}, Reifenfreiheit bis {tyre_mm} mm, {weight_kg} kg in Größe M.",
        "{frame} frame, {gears} gears, {brakes}, clearance for {tyre_mm} mm tyres, {weight_kg} kg in size M.",
    ),
    (
        "Zulässiges Gesamtgewicht {load_kg} kg. Ösen für Taschen an Gabel und Rahmen.",
        "Permitted total weight {load_kg} kg. Mounts for bags on fork and frame.",
    ),
)
_kind(
    "kids_bike",
    "Laufrad",
    "balance bike",
    "equipment",
    "one",
    "wipe",
    (
        "Für Kinder ab {inseam_cm} cm Innenbeinlänge, {weight_kg} kg, Luftreifen, Lenker mit Prallschutz.",
        "For children from an inseam of {inseam_cm} cm, {weight_kg} kg, air tyres, padded handlebar.",
    ),
)
_kind(
    "bike_helmet",
    "Fahrradhelm",
    "cycling helmet",
    "equipment",
    "helmet",
    "helmet",
    (
        "{weight_g} g in Größe M, {vents} Öffnungen, Schutz gegen Rotationskräfte, geprüft nach EN 1078.",
        "{weight_g} g in size M, {vents} vents, protection against rotational forces, tested to EN 1078.",
    ),
)
_kind(
    "bike_light",
    "Fahrradlicht-Set",
    "bicycle light set",
    "equipment",
    "one",
    "wipe",
    (
        "Vorn {lux} Lux, hinten mit Bremslicht, {hours} Stunden auf voller Stufe, zugelassen nach StVZO.",
        "{lux} lux in front, brake light behind, {hours} hours at full power, approved for German roads.",
    ),
)
_kind(
    "bottle",
    "Trinkflasche",
    "drinking bottle",
    "equipment",
    "bottle",
    "rinse",
    (
        "{material}, frei von Bisphenol A, spülmaschinenfest, passt in jeden Halter mit 74 mm.",
        "{material}, free of bisphenol A, dishwasher-safe, fits any 74 mm cage.",
    ),
)
_kind(
    "bike_lock",
    "Faltschloss",
    "folding lock",
    "equipment",
    "one",
    "wipe",
    (
        "{length_cm} cm Umfang, {links} Glieder aus gehärtetem Stahl, {weight_g} g, Stufe {grade} von 15.",
        "{length_cm} cm around, {links} links of hardened steel, {weight_g} g, level {grade} of 15.",
    ),
)
_kind(
    "pump",
    "Standpumpe",
    "floor pump",
    "equipment",
    "one",
    "wipe",
    (
        "Bis {bar} bar, Manometer mit {gauge_mm} mm, Kopf für alle Ventile.",
        "Up to {bar} bar, a {gauge_mm} mm gauge, a head for all valves.",
    ),
)

# -- water

_kind(
    "swim_goggles",
    "Schwimmbrille",
    "swimming goggles",
    "equipment",
    "one",
    "rinse",
    (
        "Scheiben {tint}, {fog}, drei Nasenstege, weiche Silikondichtung, UV 400.",
        "{tint} lenses, {fog}, three nose bridges, soft silicone seals, UV 400.",
    ),
)
_kind(
    "swim_cap",
    "Badekappe",
    "swimming cap",
    "equipment",
    "one",
    "rinse",
    (
        "{material}, {weight_g} g, ziept nicht und hält {hair}.",
        "{material}, {weight_g} g, does not pull and holds {hair}.",
    ),
)
_kind(
    "fins",
    "Trainingsflossen",
    "training fins",
    "equipment",
    "fin",
    "rinse",
    (
        "Blatt {blade_cm} cm, {material}: kurze, schnelle Schläge wie im Wettkampf.",
        "A {blade_cm} cm blade, {material}: short, quick kicks as in a race.",
    ),
)
_kind(
    "kickboard",
    "Schwimmbrett mit Pull-Boje",
    "kickboard and pull buoy",
    "equipment",
    "one",
    "rinse",
    (
        "Geschlossenporiger Schaum, {length_cm} cm, {weight_g} g; nimmt kein Wasser auf.",
        "Closed-cell foam, {length_cm} cm, {weight_g} g; takes up no water.",
    ),
)
_kind(
    "towel",
    "Sporthandtuch",
    "sports towel",
    "equipment",
    "towel",
    "wash40",
    (
        "{material}, {gsm} g/m², nimmt das {times}-fache seines Gewichts auf, Aufhänger am Rand.",
        "{material}, {gsm} g/m², takes up {times} times its weight, a loop at the edge.",
    ),
)

# -- training

_kind(
    "mat",
    "Yogamatte",
    "yoga mat",
    "equipment",
    "one",
    "wipe",
    (
        "{material}, {thick_mm} mm stark, {length_cm} cm lang, rutschfest auch bei feuchten Händen.",
        "{material}, {thick_mm} mm thick, {length_cm} cm long, grips even with damp hands.",
    ),
)
_kind(
    "dumbbell",
    "Kurzhanteln (Paar)",
    "dumb-bells (pair)",
    "equipment",
    "dumbbell",
    "wipe",
    (
        "Kern aus {core}, Hülle aus {cover}; die sechseckige Form rollt nicht weg. Gewicht je Hantel wie angegeben.",
        "Core of {core}, coat of {cover}; the hexagon does not roll. Weight per bell as stated.",
    ),
)
_kind(
    "kettlebell",
    "Kettlebell",
    "kettlebell",
    "equipment",
    "kettlebell",
    "wipe",
    (
        "Aus einem Stück gegossen, Griff {handle_mm} mm, {finish}; Gewicht auf 2 % genau.",
        "Cast in one piece, {handle_mm} mm handle, {finish}; weight within 2 %.",
    ),
)
_kind(
    "bands",
    "Widerstandsbänder (3 Stück)",
    "resistance bands (set of 3)",
    "equipment",
    "one",
    "wipe",
    (
        "Drei Stärken von {from_kg} bis {to_kg} kg Zug, {material}.",
        "Three strengths from {from_kg} to {to_kg} kg of pull, {material}.",
    ),
)
_kind(
    "roller",
    "Faszienrolle",
    "foam roller",
    "equipment",
    "one",
    "wipe",
    (
        "{length_cm} cm lang, {diameter_cm} cm Durchmesser, Härte {hardness}, belastbar bis {load_kg} kg.",
        "{length_cm} cm long, {diameter_cm} cm across, {hardness} hardness, takes up to {load_kg} kg.",
    ),
    drawing="foam_roller",
)
_kind(
    "rope",
    "Springseil",
    "skipping rope",
    "equipment",
    "one",
    "wipe",
    (
        "{length_cm} cm, kürzbar, Kugellager in beiden Griffen, Seil aus {material}.",
        "{length_cm} cm, can be shortened, ball bearings in both handles, rope of {material}.",
    ),
    drawing="jump_rope",
)
_kind(
    "gym_ball",
    "Gymnastikball",
    "exercise ball",
    "equipment",
    "ballsize",
    "wipe",
    (
        "Platzsicher bis {load_kg} kg, {material}, mit Pumpe; der richtige Durchmesser lässt die Knie rechtwinklig.",
        "Burst-resistant up to {load_kg} kg, {material}, pump included; at the right size your knees are at right angles.",
    ),
)
_kind(
    "ab_wheel",
    "Bauchroller",
    "ab roller",
    "equipment",
    "one",
    "wipe",
    (
        "{width_cm} cm breites Rad, Lauf auf Kugellagern, Kniematte liegt bei.",
        "A {width_cm} cm wide wheel on ball bearings, a knee mat is included.",
    ),
)

# -- food and reading: reduced rate of VAT (UStG s.12(2) no. 1, annex 2)

_kind(
    "powder",
    "Pulver",
    "powder",
    "food",
    "one",
    "food",
    (
        "{content_g} g, {servings} Portionen mit je {protein_g} g Eiweiß und {kcal} kcal; {source}.",
        "{content_g} g, {servings} servings with {protein_g} g of protein and {kcal} kcal each; {source}.",
    ),
    drawing="powder_tub",
)
_kind(
    "bar",
    "Riegel (12 Stück)",
    "bars (box of 12)",
    "food",
    "one",
    "food",
    (
        "12 Riegel zu {bar_g} g mit je {carbs_g} g Kohlenhydraten und {kcal} kcal; {source}.",
        "12 bars of {bar_g} g with {carbs_g} g of carbohydrate and {kcal} kcal each; {source}.",
    ),
    drawing="energy_bar",
)
_kind(
    "gel",
    "Energiegel (10 Stück)",
    "energy gels (box of 10)",
    "food",
    "one",
    "food",
    (
        "10 Beutel zu {gel_g} g mit je {carbs_g} g Kohlenhydraten im Verhältnis {ratio}, {caffeine}.",
        "10 sachets of {gel_g} g with {carbs_g} g of carbohydrate at a ratio of {ratio}, {caffeine}.",
    ),
    drawing="energy_gel",
)
_kind(
    "tablets",
    "Brausetabletten",
    "effervescent tablets",
    "food",
    "one",
    "food",
    (
        "20 Tabletten, je {sodium_mg} mg Natrium und {magnesium_mg} mg Magnesium auf 500 ml Wasser, ohne Zucker.",
        "20 tablets, each {sodium_mg} mg of sodium and {magnesium_mg} mg of magnesium for 500 ml of water, no sugar.",
    ),
)
_kind(
    "book",
    "Buch",
    "book",
    "reading",
    "one",
    "none",
    ("{pages} Seiten, {format}, von {author}; mit {extra}.", "{pages} pages, {format}, by {author}; with {extra}."),
)
_kind(
    "magazine",
    "Zeitschrift",
    "magazine",
    "reading",
    "one",
    "none",
    (
        "{pages} Seiten, erscheint {rhythm}; in diesem Heft: {topic}.",
        "{pages} pages, published {rhythm}; in this issue: {topic}.",
    ),
)
