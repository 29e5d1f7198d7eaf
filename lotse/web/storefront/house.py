"""Pages of the house that a search leads to: those that come with Lotse, and those that staff have published."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from lotse.domains.content import queries as content
from lotse.domains.content.contracts import ListedPage, PageChanged
from lotse.domains.content.rules import address_of, stands_alone
from lotse.domains.inventory import queries as inventory
from lotse.domains.parties.contracts import Shop
from lotse.domains.search.contracts import HousePage, house_pages
from lotse.kernel.db import Connection
from lotse.kernel.pages.i18n import N_
from lotse.kernel.tags import any_of

_CHANGED = (any_of(PageChanged),)


class _Own(Struct, frozen=True):
    path: str
    title: str
    # What people call it, German and English: visitors type either, whatever language they read.
    words: str


_STORES = _Own(
    "/stores",
    N_("Stores and opening hours"),
    "filiale filialen laden geschäft standort öffnungszeiten geöffnet adresse anfahrt abholung abholen "
    "store stores shop location opening hours open address directions pickup",
)
_OWN = (
    _Own(
        "/delivery",
        N_("Delivery and payment"),
        "versand versandkosten porto lieferung lieferkosten lieferzeit lieferbedingungen zustellung "
        "zahlung zahlungsarten zahlungsmöglichkeiten bezahlen rechnung vorkasse paypal kreditkarte lastschrift "
        "gutschein gutscheine geschenkgutschein geschenkkarte "
        "delivery shipping postage payment pay invoice prepayment paypal creditcard voucher vouchers giftcard",
    ),
    _Own(
        "/withdrawal",
        N_("Right of withdrawal"),
        "widerruf widerrufsrecht widerrufsbelehrung rückgabe rückgaberecht rücksendung retoure retouren umtausch "
        "umtauschen zurückgeben zurückschicken erstattung "
        "withdrawal return returns refund refunds exchange",
    ),
    _Own(
        "/withdraw",
        N_("Withdraw from contract"),
        "widerruf widerrufen widerrufsformular stornieren stornierung retoure rücksendung kündigen "
        "withdraw cancel cancellation return",
    ),
    _Own(
        "/account",
        N_("Your account"),
        "konto kundenkonto anmelden anmeldung einloggen login registrieren passwort "
        "bestellung bestellungen bestellstatus sendungsverfolgung sendung paket newsletter "
        "account sign-in register password order orders tracking parcel",
    ),
    _Own("/wishes", N_("Wish list"), "merkliste merkzettel wunschliste favoriten wishlist wishes favourites favorites"),
    _Own(
        "/imprint",
        N_("Imprint"),
        "impressum kontakt anbieter anschrift telefon e-mail kundenservice reklamation beschwerde "
        "imprint contact legal notice support complaint",
    ),
    _Own("/privacy", N_("Privacy"), "datenschutz datenschutzerklärung dsgvo privacy policy gdpr"),
)
_TERMS = _Own(
    "/terms",
    N_("Terms of business"),
    "agb geschäftsbedingungen nutzungsbedingungen garantie gewährleistung terms conditions warranty guarantee",
)


async def pages(
    conn: Connection, *, shop: Shop, language: str, said: Callable[[str], str], at: datetime
) -> tuple[Sequence[HousePage], Sequence[str]]:
    """What a published page stands in for keeps the words that people call it by."""
    languages = content.languages_for(language, shop.language)
    listed = {page.slug: page for page in await content.listed(conn, shop_id=shop.id, languages=languages, at=at)}
    stores = [one for one in await inventory.locations_of_shop(conn, shop_id=shop.id) if one.kind == "store"]
    found: list[HousePage] = []
    if stores:
        places = [word for one in stores for word in (one.name, one.address.city)]
        found.append(HousePage(_STORES.path, said(_STORES.title), _STORES.words.split(), " ".join(places)))
    # Nobody has terms of business before they are written.
    for own in (*_OWN, *([_TERMS] if "terms" in listed else [])):
        page = listed.get(own.path.removeprefix("/"))
        words = (said(own.title), *own.words.split())
        found.append(_written(own.path, page, words, language) if page else HousePage(own.path, words[0], words))
    found += [_written(address_of(slug), page, (), language) for slug, page in listed.items() if stands_alone(slug)]
    return found, _CHANGED


def _written(path: str, page: ListedPage, words: Sequence[str], language: str) -> HousePage:
    return HousePage(path, page.title, words, page.description, page.language if page.language != language else "")


house_pages.register("storefront", pages)
