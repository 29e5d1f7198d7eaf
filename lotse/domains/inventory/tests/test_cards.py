"""What a card says of the stock of its variants."""

from uuid import UUID

import pytest

from lotse.domains.inventory.contracts import Availability, State
from lotse.domains.inventory.pages.shown import Shown, slots


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (["out"], "out"),
        (["low"], "low"),
        (["out", "low"], "low"),
        (["low", "in_stock", "out"], "in_stock"),
    ],
)
def test_a_card_says_the_best_state_of_its_variants(states: list[State], said: str) -> None:
    [card] = [one for one in slots if one.slot == "card.stock"]
    assert card.gist is not None
    assert card.gist([Shown(Availability(UUID(int=n), state, 1, [])) for n, state in enumerate(states)]) == said
