"""What the simulated provider's page says to the buyer."""

import pytest
from msgspec.structs import replace

from lotse.plugins.pay_simulated.book import Book
from lotse.plugins.pay_simulated.payment_page import payment


@pytest.mark.parametrize(
    ("language", "currency", "amount_minor", "said"),
    [
        ("de", "EUR", 11995, "119,95\N{NO-BREAK SPACE}€"),
        ("de-DE", "EUR", 123456, "1.234,56\N{NO-BREAK SPACE}€"),
        ("en", "EUR", 11995, "€119.95"),
        ("en", "JPY", 1200, "¥1,200"),
        ("fr", "EUR", 11995, "€119.95"),
    ],
)
def test_amounts_are_written_as_the_page_is(tmp_path, language, currency, amount_minor, said):
    book = Book(tmp_path / "psp.sqlite")
    with book.changing():
        book.bury("one")
    charge = book.charge("one")
    assert charge
    shown = replace(charge, language=language, currency=currency, amount_minor=amount_minor, status="pending")
    assert f'<p class="sum">{said}</p>' in payment(shown, code="", wrong=False)
