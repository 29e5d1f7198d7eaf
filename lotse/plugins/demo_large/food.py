"""Food: Open Food Facts as a table of GTIN, name, ingredients and what is in 100 g.

The source has no departments: an article's is read from the words of its name, and said to be derived.
"""

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from lotse.domains.catalog.contracts import InvalidGtin
from lotse.domains.catalog.rules import checked_gtin
from lotse.plugins.demo_large import derive, files, words
from lotse.plugins.demo_large.article import Article, Place, RowProblem

ROOT: Final = Place("food", {"de": "Lebensmittel", "en": "Food and drink"})
# Per 100 g or 100 ml; `alcohol` is percent by volume.
_NUTRIENTS: Final = {
    "fat": "fat_per_100_g",
    "saturated_fat": "saturated_fat_per_100_g",
    "carbohydrate": "carbohydrate_per_100_g",
    "sugar": "sugar_per_100_g",
    "fibre": "fibre_per_100_g",
    "protein": "protein_per_100_g",
    "salt": "salt_per_100_g",
    "alcohol": "alcohol_percent",
}
# What stands before the ingredients on a label.
_INGREDIENTS: Final = {
    "de": "Zutaten", "en": "Ingredients", "fr": "Ingrédients", "es": "Ingredientes", "it": "Ingredienti",
    "nl": "Ingrediënten",
}  # fmt: skip
_FRONT: Final = re.compile(r"/front_([a-z]{2})\.")
# The first digits of a GTIN of Germany are a company's, as far as one can tell without GS1's list.
_COMPANY: Final = 8


class Group(Struct, frozen=True):
    """A department of food. `level` is the price per kilogram or litre, `typical` the usual package in g or ml."""

    slug: str
    de: str
    en: str
    tax_class: str
    level: Decimal
    typical: int
    words: re.Pattern[str]

    @property
    def place(self) -> Place:
        return Place(f"food-{self.slug}", {"de": self.de, "en": self.en})


def _group(slug: str, de: str, en: str, level: str, typical: int, told: str, tax_class: str = "reduced") -> Group:
    return Group(slug, de, en, tax_class, Decimal(level), typical, re.compile(told))


# Drinks are taxed at the standard rate, milk, coffee and tea at the reduced one (Annex 2 UStG no. 4, 12, 35).
# The first that fits counts: what a thing is made with comes after what it is.
GROUPS: Final = (
    _group("baby", "Babynahrung", "Baby food", "9", 190,
           r"\b(?:baby|hipp|alete|bebivita|milupa|aptamil|folgemilch|anfangsmilch|bébé|kindermilch)\w*|gl[äa]schen"),
    _group("pets", "Tierbedarf", "Pets", "6", 400, r"hunde|katzen|\b(?:cat|dog|chat|chien)\b|whiskas|pedigree|frolic"),
    _group("supplements", "Nahrungsergänzung und Sport", "Supplements and sports", "28", 500,
           r"protein(?!brot)|prot[ée]ine|whey|vitamin|magnesium|zink\b|creatin|bcaa|tablet|kapsel|g[ée]lules|spiruli|"
           r"omega|collagen|nahrungserg"),
    _group("beer", "Bier", "Beer", "3.2", 500,
           r"\bbi[eè]re?\b|\bbeer\b|pils|weizen(?:bier)?\b|weissbier|weißbier|radler|\bbräu|lager|hefe-?weiz|kölsch|"
           r"\bmärzen|bockbier", "standard"),
    _group("wine", "Wein und Sekt", "Wine and sparkling wine", "8", 750,
           r"\bwein\b|\w+wein\b(?<!schwein)|\bwine\b|\bvin\b|sekt\b|prosecco|champagn|riesling|spätburgunder|merlot|"
           r"chardonnay|grauburgunder|dornfelder|aperitif|glühwein", "standard"),
    _group("spirits", "Spirituosen", "Spirits", "19", 700,
           r"vodka|wodka|\brum\b|whisk|\bgin\b|lik[öo]r|liqueur|schnaps|kornbrand|obstler|jägermeister|weinbrand|cognac",
           "standard"),
    _group("juice", "Säfte und Nektare", "Juices and nectars", "2.2", 1000,
           r"saft\b|säfte|\bjus\b|juice|nektar|nectar|smoothie|\bsuc\b|succo|schorle|mostobst", "standard"),
    _group("soft-drinks", "Limonaden und Wasser", "Soft drinks and water", "1.3", 1000,
           r"limonade|limo\b|cola\b|fanta|sprite|spezi\b|eistee|ice tea|ic[eé]d? ?t[eh]|\btonic|mineralwasser|"
           r"\bwasser\b|\beau\b|\bwater\b|energy drink|red bull|drink\b|boisson|schweppes|bionade|mate\b|isoton|capri",
           "standard"),
    _group("tea", "Tee", "Tea", "32", 60, r"tee\b|\bth[ée]s?\b|\btea\b|infusion|rooibos|kräutertee|matcha|kamille"),
    _group("coffee", "Kaffee und Kakao", "Coffee and cocoa", "14", 500,
           r"kaffee|caf[ée]\b|coffee|espresso|cappuccino|latte|kakao|cacao|cocoa|senseo|trinkschoko|crema\b"),
    _group("ice", "Eis", "Ice cream", "6", 500, r"\beis\b|eiscreme|glace|ice cream|sorbet|stieleis|magnum\b|cornetto"),
    _group("frozen", "Tiefkühlkost und Fertiggerichte", "Frozen food and ready meals", "7", 400,
           r"pizza|lasagn|pommes|frites|flammkuchen|fischst|tiefk|surgel|eintopf|suppe\b|soupe|soup\b|potage|bouillon|"
           r"brühe|gratin|auflauf|risotto|ravioli|tortellini|maultaschen|knödel|klöße|spätzle|gericht|pfanne|burger|"
           r"falafel|terrine|fertig|menü"),
    _group("fish", "Fisch", "Fish", "16", 200,
           r"fisch|lachs|thun|hering|matjes|makrel|forelle|garnel|shrimp|saumon|thon\b|salmon|tuna|sardin|kabeljau|"
           r"seelachs|krabben|crevett|poisson|surimi|anchov"),
    _group("sausage", "Wurst und Fleisch", "Sausages and meat", "13", 200,
           r"wurst|würst|schinken|salami|fleisch|hähnchen|huhn|pute|puten|rind|schwein|speck|jambon|saucis|poulet|"
           r"chicken|ham\b|bacon|filet|lyoner|mortadella|leberk|frikadell|boulette|dinde|turkey|beef|jerky|sausage|"
           r"aufschnitt|mett|bratwurst|lapin|canard|ente\b|chorizo|prosciutto|geflügel"),
    _group("plant-based", "Vegetarisch und vegan", "Vegetarian and vegan", "12", 200,
           r"tofu|tempeh|seitan|vegan|veggie|vegetar|végé|soja|soya|hafer-?drink|mandel-?drink|haferdrink"),
    _group("spreads", "Aufstriche, Honig und Konfitüre", "Spreads, honey and jam", "8", 340,
           r"honig|miel\b|honey|marmelad|konfit|confiture|fruchtaufstrich|gelee|aufstrich|tartin|nutella|nuss-?nougat|"
           r"erdnuss(?:butter|mus)|beurre de cac|mus\b|sirup|agave|sirop|brotaufstrich|pflaumenmus"),
    _group("cheese", "Käse", "Cheese", "14", 200,
           r"käse|kaese|\bkas\b|fromage|cheese|gouda|emmental|mozzarella|camembert|brie\b|feta|hirtenk|parmesan|parmigi|"
           r"tilsit|edamer|cheddar|frischk|quark|mascarpone|ricotta|halloumi|pecorino|butterk|raclette|gruy"),
    _group("dairy", "Milch, Joghurt und Butter", "Milk, yoghurt and butter", "3.4", 500,
           r"milch|milk\b|\blait\b|joghurt|jogurt|yogh?urt|yaourt|butter\b|beurre|sahne|\bcr[eè]me\b|schmand|kefir|"
           r"pudding|dessert|skyr|mousse|grieß|almighurt|buttermilch|rahm|molke|creme\b|ghee"),
    _group("eggs", "Eier", "Eggs", "5", 600, r"\beier?\b|\beggs?\b|\boeufs?\b|freiland"),
    _group("bread", "Brot und Backwaren", "Bread and baked goods", "5", 500,
           r"brot|bröt|pain\b|bread|toast|knäcke|zwieback|baguette|brezel|laugen|croissant|kuchen|torte|gâteau|cake|"
           r"pumpernickel|semmel|wrap|tortilla|bagel|stollen|berliner|donut|muffin|waffel|gaufre|brioche|galette"),
    _group("cereals", "Müsli und Frühstück", "Cereals and breakfast", "6", 500,
           r"müsli|muesli|musli|granola|flocken|flakes|cereal|porridge|crunchy|haferfl|hafer\b|flocons|pops\b"),
    _group("chocolate", "Schokolade und Pralinen", "Chocolate and pralines", "13", 100,
           r"schoko|choco|kuvert|praline|marzipan|nougat|trüffel|milka|ritter sport|toffif|knoppers|hanuta|lindt|"
           r"merci\b|osterhase|weihnachtsm|zartbitter|vollmilch|kakaocreme"),
    _group("sweets", "Süßigkeiten", "Sweets", "9", 200,
           r"bonbon|gummi|lakritz|haribo|katjes|trolli|kaugummi|chewing|lolli|caramel|karamell|fruchtgummi|drops|brause|"
           r"candy|pastill|marshmallow|sweets|süß(?:es|igkeit)"),
    _group("biscuits", "Kekse und Riegel", "Biscuits and bars", "9", 200,
           r"keks|biscuit|cookie|gebäck|riegel|\bbar\b|barre|leibniz|lebkuchen|spekulat|plätzchen|cracker|sablé|corny|"
           r"printen|butterg|oblaten|makrone|schnitte"),
    _group("crisps", "Chips und Knabbereien", "Crisps and snacks", "10", 150,
           r"chips|crisps|flips|salzst|snack|popcorn|erdnüsse|nacho|sticks|pringl|studenten|knabber"),
    _group("nuts", "Nüsse, Kerne und Trockenfrüchte", "Nuts, seeds and dried fruit", "17", 200,
           r"nüsse|nuss\b|nuts?\b|noix|mandel|cashew|pistaz|haselnu|walnu|kerne|saat(?:en)?\b|samen|seeds|rosinen|"
           r"datteln|getrocknet|trocken|feigen|goji|cranberr|amande|chia|sesam|dattes|raisins"),
    _group("pasta-rice", "Nudeln, Reis und Hülsenfrüchte", "Pasta, rice and pulses", "3.6", 500,
           r"nudel|pasta|spaghett|penne|fusilli|pâtes|reis\b|\brice\b|\briz\b|linsen|lentil|bohnen|beans|kichererb|"
           r"erbsen|couscous|bulgur|quinoa|polenta|hirse|tagliatell|macc?aron|haricots|hülsen|noodl|nouill|gnocchi"),
    _group("baking", "Backen und Mehl", "Baking and flour", "3", 500,
           r"mehl|farine|flour|backpulver|hefe\b|zucker|sucre|sugar|vanill|backmisch|stärke|puddingpulver|teig|süßstoff|"
           r"xylit|stevia|levure"),
    _group("oil-spices", "Öle, Saucen und Gewürze", "Oils, sauces and spices", "11", 250,
           r"öl\b|oil\b|huile|essig|vinai|vinegar|sauce|soße|sosse|ketchup|senf|mayo|dressing|pesto|gewürz|pfeffer|salz|"
           r"\bsel\b|curry|paprika(?:pulver)?|kräuter|spice|moutarde|dip\b|remoulade|chutney|tomatenmark|zimt|marinade"),
    _group("tinned", "Konserven und Eingelegtes", "Tinned and pickled food", "5", 400,
           r"gurken|cornich|sauerkraut|rotkohl|oliven|olives|konserve|dose\b|eingelegt|mais\b|maïs|tomaten|champignon|"
           r"artischo|kapern|apfelmus|compote|ananas|pfirsich|peper|antipasti"),
    _group("fruit-vegetables", "Obst und Gemüse", "Fruit and vegetables", "4", 500,
           r"obst|gemüse|apfel|äpfel|banan|birne|beere|kirsch|trauben|orange|zitron|möhre|karott|kartoffel|zwiebel|salat|"
           r"spinat|brokkoli|paprika|tomate|pomme|légume|fruit|mango|fraise|carott|rote bete|kürbis|spargel|pilze|"
           r"mandarin|melone|ingwer|avocado"),
)  # fmt: skip
OTHER: Final = _group("other", "Weitere Lebensmittel", "Other groceries", "8", 250, "")


def group_of(name: str) -> Group:
    """The department of an article, by its name."""
    lower = name.lower()
    return next((group for group in GROUPS if group.words.search(lower)), OTHER)


class Food:
    """See `article.Source`."""

    name = "openfoodfacts_de"
    folder = "openfoodfacts_de"
    pattern = "*.parquet"

    def rows(self, path: Path) -> Iterator[tuple[int, dict[str, Any] | RowProblem]]:
        return files.parquet(path, ("gtin", "name"), ("ingredients", "image", *_NUTRIENTS))

    def article(self, row: int, columns: dict[str, Any], left_out: list[tuple[str, str]]) -> Article:
        given = words.clean(columns["gtin"])
        gtin = _gtin(given)
        name = words.name_of(columns["name"], gtin, "name")
        ingredients = _ingredients(columns.get("ingredients"), left_out)
        front = _FRONT.search(words.clean(columns.get("image")))
        language = words.language_of(name, ingredients, _hint(front))
        group = group_of(name)
        content = words.content_of(name)
        amount = None
        base, options = name, {}
        attributes: dict[str, str | int | float | bool | list[str]] = {}
        if content:
            amount, unit, said = content
            base, options = words.without(name, said), {"content": words.amount_text(amount, unit)}
            attributes[f"content_{unit}"] = amount
        attributes |= _nutrients(columns, left_out)
        description = f"{_INGREDIENTS.get(language, _INGREDIENTS['en'])}: {ingredients}" if ingredients else ""
        return Article(
            source=self.name,
            row=row,
            key=gtin,
            sku=f"OFF-{gtin}",
            gtin=gtin,
            # Only packages of one maker can be sizes of one product.
            group=f"off {gtin.zfill(14)[1 : 1 + _COMPANY]} {base.lower()}" if content else "",
            group_name=base,
            options=options,
            name=name,
            language=language,
            description=description,
            brand=words.brand_in(name),
            tax_class=group.tax_class,
            path=(ROOT, group.place),
            attributes=attributes,
            price_level=derive.packed(group.level, amount, group.typical),
            derived=("price", "stock", "category"),
        )


def _gtin(given: str) -> str:
    if not given:
        raise RowProblem("gtin", "a GTIN")
    try:
        return checked_gtin(given, f"OFF-{given}")
    except InvalidGtin as refusal:
        raise RowProblem("gtin", refusal.rule, given[:40]) from None


def _hint(front: re.Match[str] | None) -> str:
    """The language that the front of the package was photographed in; German where nobody did: all are of Germany."""
    return front[1] if front and front[1] not in ("xx", "zu") else "de"


def _ingredients(value: Any, left_out: list[tuple[str, str]]) -> str:
    # Allergens stand between underscores in the source.
    text = words.clean(value).replace("_", "")
    if len(text) > words.LONGEST_TEXT - 100:
        left_out.append(("ingredients", f"at most {words.LONGEST_TEXT - 100} characters"))
        return ""
    return text


def _nutrients(columns: dict[str, Any], left_out: list[tuple[str, str]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for column, attribute in _NUTRIENTS.items():
        value = columns.get(column)
        if value is None:
            continue
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not 0 <= number <= 100:
            left_out.append((column, f"0 to 100 in 100 g, not {words.clean(value)[:40]}"))
        else:
            # The source's binary floats: 1.2000000476837158 is 1.2.
            found[attribute] = round(number, 2)
    return found
