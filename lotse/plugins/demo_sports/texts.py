"""The demo house's own pages: terms, about the house, delivery and returns, a guide to sizes, and the first page.

Legal texts are examples, and say so: whoever opens a shop replaces them.
"""

from datetime import datetime
from uuid import UUID

from lotse.domains.content import commands
from lotse.domains.content.contracts import BannerBlock, Block, CategoriesBlock, ProductsBlock, TextBlock, Written
from lotse.domains.content.queries import page_at
from lotse.kernel.db import Database
from lotse.plugins.demo_sports.trade import ACTOR

_EXAMPLE_DE = "> **Muster.** Dieser Text gehört zur Demo und ist keine Rechtsberatung. Bitte ersetzen.\n\n"
_EXAMPLE_EN = "> **Example.** This text belongs to the demo and is no legal advice. Please replace it by your own.\n\n"

_TERMS_DE = (
    _EXAMPLE_DE
    + """## 1. Geltung

Für Bestellungen in diesem Shop gelten diese Bedingungen in der Fassung zum Zeitpunkt der Bestellung. Wir liefern an
Verbraucherinnen und Verbraucher; die Vertragssprache ist Deutsch oder Englisch.

## 2. Vertragsschluss

Mit „Zahlungspflichtig bestellen“ gibst du ein verbindliches Angebot ab. Wir nehmen es mit der Bestellbestätigung an,
die du per Mail bekommst. Sie enthält den Vertragstext; bitte bewahre sie auf.

## 3. Preise und Versand

Alle Preise enthalten die gesetzliche Mehrwertsteuer. Die Versandkosten stehen im Warenkorb, bevor du bestellst.

## 4. Zahlung

Du zahlst auf Rechnung oder im Voraus oder mit den Diensten, die an der Kasse angeboten werden.

## 5. Lieferung

Wir liefern, was vorrätig ist, aus dem Lager oder einer Filiale. Der genannte Liefertag ist geschätzt.

## 6. Eigentum

Die Ware bleibt bis zur vollständigen Bezahlung unser Eigentum.

## 7. Mängel

Es gilt das gesetzliche Mängelhaftungsrecht.
"""
)
_TERMS_EN = (
    _EXAMPLE_EN
    + """## 1. Scope

Orders in this shop are subject to these terms as they stand when you order. We deliver to consumers; contracts are
made in German or English.

## 2. Conclusion of the contract

By pressing “Order and pay” you make a binding offer. We accept it by the confirmation that you get
by mail. It holds the text of the contract; please keep it.

## 3. Prices and delivery

All prices include VAT. The cost of delivery is shown in the basket before you order.

## 4. Payment

You pay by invoice or in advance, or with the services that are offered at the checkout.

## 5. Delivery

We deliver what is in stock, from the warehouse or a store. The day that is named is estimated.

## 6. Title

The goods stay ours until they are paid in full.

## 7. Defects

The statutory rights apply.
"""
)
_ABOUT_DE = """Dreißig Filialen, ein Lager und dieser Shop, überall derselbe Bestand: Was du hier siehst, liegt da.

## Was uns wichtig ist

- **Ausprobieren.** In jeder Filiale dürfen Schuhe laufen, bevor sie mitgehen.
- **Reparieren.** Schlittschuhe, Ski und Räder bringen wir wieder in Form.
- **Sagen, was ist.** Bestand, Preise und Liefertage ohne Sternchen.
"""
_ABOUT_EN = """Thirty stores, one warehouse and this shop, with one stock everywhere: what you see here is really there.

## What matters to us

- **Try it.** In each store you can take shoes for a run before you take them home.
- **Repair it.** We put skates, skis and bikes back into shape.
- **Say what is.** Stock, prices and days of delivery without an asterisk.
"""
_SIZES_DE = """Miss abends, im Stehen, mit den Socken, die du tragen willst. Es zählt der längere Fuß.

| EU | Fußlänge |
|---|---|
| 38 | 24,0 cm |
| 40 | 25,3 cm |
| 42 | 26,6 cm |
| 44 | 27,9 cm |
| 46 | 29,2 cm |

Für Laufschuhe rechne eine Daumenbreite dazu.
"""
_SIZES_EN = """Measure in the evening, standing, in the socks that you want to wear. The longer foot counts.

| EU | foot length |
|---|---|
| 38 | 24.0 cm |
| 40 | 25.3 cm |
| 42 | 26.6 cm |
| 44 | 27.9 cm |
| 46 | 29.2 cm |

For running shoes add the width of a thumb.
"""

_RETURNS_DE = """So kommt deine Bestellung zu dir, und so kommt zurück, was nicht passt.

## Lieferung

- Wir packen am selben Werktag, was bis 14 Uhr bestellt ist, und liefern mit dem Paketdienst in ein bis drei Werktagen.
- Der Liefertag steht schon auf der Seite des Artikels und im Warenkorb. Er ist geschätzt und rechnet mit Feiertagen.
- Was der Versand kostet und ab wann er frei ist, steht unter [Versand und Zahlung](/delivery).

## Zurückgeben

- Du hast **vierzehn Tage** Zeit, ohne Angabe von Gründen: [Vertrag widerrufen](/withdraw) führt zum Formular.
- Leg das Paket in einer [Filiale](/stores) auf den Tresen oder schick es an unser Lager.
- Das Geld kommt auf demselben Weg zurück, auf dem du bezahlt hast.

## Umtauschen

In jeder Filiale, sofort und mit Anprobe. Die Größe, die du brauchst, legen wir dir gern zurück.
"""
_RETURNS_EN = """How your order comes to you, and how what does not fit goes back.

## Delivery

- We pack on the same working day what is ordered by 2 pm; the parcel service brings it within one to three of them.
- The day of delivery is shown on the page of each article and in the basket. It is estimated and knows the holidays.
- What delivery costs, and from when on it is free, is said under [Delivery and payment](/en/delivery).

## Returns

- You have **fourteen days**, without a reason: [Withdraw from contract](/en/withdraw) leads to the form.
- Put the parcel on the counter of a [store](/en/stores), or send it to our warehouse.
- The money comes back the way that you paid.

## Changing sizes

In every store, at once, and you can try them on. We gladly put the size that you need aside for you.
"""

# Slug, then title and words by language.
_PAGES: dict[str, dict[str, tuple[str, str]]] = {
    "terms": {"de": ("Allgemeine Geschäftsbedingungen", _TERMS_DE), "en": ("Terms of business", _TERMS_EN)},
    "about": {"de": ("Über uns", _ABOUT_DE), "en": ("About us", _ABOUT_EN)},
    "returns": {"de": ("Lieferung und Rückgabe", _RETURNS_DE), "en": ("Delivery and returns", _RETURNS_EN)},
    "sizes": {"de": ("Größen und Passform", _SIZES_DE), "en": ("Sizes and fit", _SIZES_EN)},
}


def _home(hero: str) -> dict[str, tuple[str, list[Block]]]:
    """The first page: banner, departments, what is new, the season, and what runners look at."""
    return {
        "de": (
            "Startseite",
            [
                BannerBlock(
                    "Weniger Display. Mehr Gipfel.",
                    "Schuhe, Schichten und Ausrüstung für die nächste Tour. Du siehst vorher, was da ist: online und in"
                    " jeder Filiale.",
                    "Los geht’s mit Laufen",
                    "/c/running",
                    hero,
                ),
                CategoriesBlock("Was hast du vor?"),
                ProductsBlock("Frisch im Regal"),
                BannerBlock(
                    "Raus in den Herbst", "Schuhe mit Grip, Jacken mit Licht.", "Neu im Regal", "/new", "", "beacon"
                ),
                ProductsBlock("Für lange Läufe", "category", "running", count=4),
            ],
        ),
        "en": (
            "First page",
            [
                BannerBlock(
                    "Less screen. More summit.",
                    "Shoes, layers and gear for the next outing. You see what is in stock before you set out: online"
                    " and in each of our stores.",
                    "Start with running",
                    "/c/running",
                    hero,
                ),
                CategoriesBlock("What are you up to?"),
                ProductsBlock("Fresh on the shelf"),
                BannerBlock(
                    "Out into autumn", "Shoes with grip, jackets with light.", "New on the shelf", "/new", "", "beacon"
                ),
                ProductsBlock("For long runs", "category", "running", count=4),
            ],
        ),
    }


async def put_pages(db: Database, shop_id: UUID, *, hero: str = "", at: datetime) -> int:
    """Write the pages that are not there yet; how many. `hero`: the picture of the first page, in the library."""
    made = 0
    for slug, languages in _PAGES.items():
        made += await _put(
            db,
            shop_id,
            slug,
            {language: Written(title, "", [TextBlock(words)]) for language, (title, words) in languages.items()},
            at=at,
        )
    home = {language: Written(title, "", blocks) for language, (title, blocks) in _home(hero).items()}
    return made + await _put(db, shop_id, "home", home, at=at)


async def _put(db: Database, shop_id: UUID, slug: str, pages: dict[str, Written], *, at: datetime) -> bool:
    async with db.transaction() as tx:
        if await page_at(tx, shop_id=shop_id, slug=slug) is not None:
            return False
        page_id = await commands.add_page(tx, shop_id=shop_id, slug=slug, by=ACTOR, at=at)
        for language, written in pages.items():
            await commands.put_draft(tx, page_id=page_id, language=language, written=written, by=ACTOR, at=at)
            await commands.publish(tx, page_id=page_id, language=language, by=ACTOR, at=at)
    return True
