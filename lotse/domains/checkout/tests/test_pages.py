"""What the checkout's form becomes, and every mistake in it at once."""

import pytest

from lotse.domains.checkout.commands import put_shipping
from lotse.domains.checkout.pages import slots
from lotse.domains.checkout.pages.purchase import purchase_of
from lotse.kernel import clock
from lotse.kernel.pages.forms import FormIncomplete
from lotse.kernel.pages.slots import Ask
from lotse.kernel.refusals import Invalid

GOOD = {
    "email": "ada@example.org",
    "name": "Ada Lovelace",
    "street": "Elbchaussee 1",
    "postcode": "22765",
    "city": "Hamburg",
    "country": "DE",
    "payment": "invoice",
    "total_minor": "4990",
}
BILL = {
    "other_billing": "yes",
    "billing_name": "Lovelace GmbH",
    "billing_street": "Kontorweg 1",
    "billing_postcode": "10115",
    "billing_city": "Berlin",
    "billing_country": "DE",
}


def test_one_address_is_for_goods_and_bill() -> None:
    purchase = purchase_of({**GOOD, "name": "  Ada Lovelace "})
    assert (purchase.contact.billing.name, purchase.contact.delivery) == ("Ada Lovelace", None)
    assert (purchase.method, purchase.total_minor) == ("invoice", 4990)


def test_the_bill_may_have_an_address_of_its_own() -> None:
    contact = purchase_of({**GOOD, **BILL}).contact
    assert contact.billing.name == "Lovelace GmbH"
    assert contact.delivery and contact.delivery.name == "Ada Lovelace"


def test_a_second_address_that_is_not_wanted_is_not_looked_at() -> None:
    typed = {**BILL, "other_billing": "", "billing_postcode": "x"}
    assert purchase_of({**GOOD, **typed}).contact.billing.name == "Ada Lovelace"


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        ({"email": "ada@"}, {"email"}),
        ({"email": ""}, {"email"}),
        ({"postcode": "2276"}, {"postcode"}),
        ({"postcode": "22٧65"}, {"postcode"}),
        ({"country": "Germany"}, {"country"}),
        ({"name": " ", "street": "", "city": "\t"}, {"name", "street", "city"}),
        ({"name": "x" * 121, "payment": ""}, {"name", "payment"}),
        ({**BILL, "billing_postcode": "1", "billing_city": ""}, {"billing_postcode", "billing_city"}),
        ({**BILL, "billing_name": "", "email": "x"}, {"billing_name", "email"}),
    ],
)
def test_every_mistake_is_named_by_its_field(typed: dict[str, str], fields: set[str]) -> None:
    with pytest.raises(FormIncomplete) as refused:
        purchase_of({**GOOD, **typed})
    assert set(refused.value.errors) == fields


@pytest.mark.parametrize("total", ["", "x", "-1", "1.5", "9" * 16, "9" * 5_000])
def test_a_total_that_no_page_showed(total: str) -> None:
    with pytest.raises(Invalid) as refused:
        purchase_of({**GOOD, "total_minor": total})
    assert refused.value.field == "total_minor"


def test_a_postcode_abroad_has_its_own_form() -> None:
    assert purchase_of({**GOOD, "country": "AT", "postcode": "1010"}).contact.billing.postcode == "1010"


async def test_a_kept_page_of_an_article_goes_when_delivery_costs_something_else(store, db) -> None:
    [buying] = [one for one in slots if one.slot == "product.buy"]
    assert buying.standing and buying.look
    ball, shop = await store.article(3), store.shop
    async with db.reading() as connection:
        ask = Ask(shop.id, "en", "EUR", "", (ball.variant_id,), clock.now())
        signs = (await buying.standing(connection, ask)).signs
        assert await buying.look(connection, list(signs)) == signs
    async with db.transaction() as tx:
        now = clock.now()
        await put_shipping(
            tx, shop_id=shop.id, country="DE", price_minor=595, free_from_minor=None, valid_from=now, by="test", at=now
        )
    async with db.reading() as connection:
        assert await buying.look(connection, list(signs)) != signs
