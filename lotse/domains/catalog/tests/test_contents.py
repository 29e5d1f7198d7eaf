"""How much is in a thing."""

from decimal import Decimal
from typing import Any

import pytest

from lotse.domains.catalog.rules import content_of


@pytest.mark.parametrize(
    ("attributes", "options", "found"),
    [
        ({"content_g": 750}, {}, (Decimal("0.75"), "kg")),
        ({"content_ml": "330"}, {}, (Decimal("0.33"), "l")),
        ({"content_g": 750}, {"content": "1,5 kg"}, (Decimal("1.5"), "kg")),
        ({}, {"content": "6 x 330 ml"}, (Decimal("1.98"), "l")),
        ({}, {"content": "25 m²"}, (Decimal(25), "m2")),
        ({}, {"content": "two pairs"}, None),
        ({"content_g": "a lot"}, {}, None),
        ({"content_g": 0}, {}, None),
        ({"weight_g": 268, "volume_l": 30}, {"size": "42"}, None),
    ],
)
def test_contents(attributes: dict[str, Any], options: dict[str, str], found: tuple[Decimal, str] | None) -> None:
    assert content_of(attributes, options) == found
