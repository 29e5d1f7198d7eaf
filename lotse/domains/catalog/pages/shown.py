"""What other pages show of articles, and how the palette finds them."""

from uuid import UUID

from lotse.domains.catalog import queries
from lotse.domains.catalog.contracts import VariantCard
from lotse.kernel.db import Connection
from lotse.kernel.pages.finders import MOST_EACH, Finder, Found
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.slots import Answerer, Ask
from lotse.kernel.pages.table import Scope


async def _variant_cards(connection: Connection, ask: Ask) -> dict[UUID, VariantCard]:
    """A variant as it shows in lists of other domains."""
    cards = await queries.variants_by_ids(connection, variant_ids=ask.ids, language=ask.language)
    return {card.id: card for card in cards}


async def _find_articles(conn: Connection, scope: Scope, text: str) -> list[Found]:
    found = await queries.product_rows(conn, language=scope.language, text=text, limit=MOST_EACH)
    return [Found(row.name, f"/office/products/{row.id}", f"{row.brand} {row.slug}".strip()) for row in found.items]


finders = (Finder("articles", N_("Articles"), "products", "catalog.read", _find_articles),)
slots = (
    Answerer("line.picture", "catalog", "catalog/line_picture.html", 150, _variant_cards),
    Answerer("office.variant", "catalog", "catalog/office_variant.html", 150, _variant_cards),
)
