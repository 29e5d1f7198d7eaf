"""The first page: which articles stand first is decided, on Lotse's own and on the one that staff made."""

import pytest

from lotse.domains.catalog.contracts import ProductCard
from lotse.kernel.ids import uuid7
from lotse.kernel.pages.deciding import Choice, Noted, deciding
from lotse.web.storefront.content import in_row

CARDS = [ProductCard(uuid7(), name, "active", name, "", "", None, "", []) for name in ("old", "middle", "new")]


@pytest.mark.parametrize(("chosen", "order"), [("own", ["middle", "old", "new"]), ("new", ["new", "middle", "old"])])
def test_an_experiment_orders_a_row(chosen: str, order: list[str]) -> None:
    arranged = [CARDS[1], CARDS[0], CARDS[2]]
    noted = Noted([Choice("home.row", chosen, "k", "a", "u")])
    with deciding(noted):
        assert [card.slug for card in in_row(arranged)] == order
    assert noted.used == {"home.row"}
