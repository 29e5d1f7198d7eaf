"""What people decide: put, overwritten, taken away, refused in the order of checks; products as documents."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from lotse.domains.catalog.commands import put_categories, rename_category
from lotse.domains.catalog.contracts import PutCategory
from lotse.domains.parties.queries import shop as read_shop
from lotse.domains.search.commands import (
    count_asked,
    delete_rule,
    delete_synonyms,
    forget_asked,
    put_rule,
    put_synonyms,
)
from lotse.domains.search.contracts import Asked, PlaceTaken, PutRule, RuleIncomplete, TooFewWords, UnknownRule
from lotse.domains.search.queries import (
    asked_in_vain,
    documents,
    popular,
    products_of_variants,
    rule_rows,
    rules,
    stock_signs,
    synonyms,
)
from lotse.kernel.refusals import Invalid
from tests.scene import AT, BY, open_shop, put_one


@pytest.fixture
async def place(tx, fresh):
    return await open_shop(tx, fresh)


@pytest.fixture
async def pin(tx, fresh, place):
    stored = await put_one(tx, fresh, variants=1)
    return PutRule(
        shop_id=place.shop.id, words="ball", act="pin", target="product", value=str(stored.id), place=1, reason="new"
    )


async def test_a_rule_is_put_overwritten_and_taken_away(tx, place, pin):
    id = await put_rule(tx, pin, comparable="ball", by=BY, at=AT)
    assert await put_rule(tx, replace(pin, id=id, place=2), comparable="ball", by=BY, at=AT) == id
    [found] = await rules(tx, shop_id=place.shop.id, at=AT)
    assert (found.words, found.place, found.reason) == ("ball", 2, "new")
    assert [row.list for row in await rule_rows(tx, shop_id=place.shop.id, language="de")] == ["ball"]
    await delete_rule(tx, id=id, shop_id=place.shop.id, by=BY, at=AT)
    with pytest.raises(UnknownRule):
        await delete_rule(tx, id=id, shop_id=place.shop.id, by=BY, at=AT)


@pytest.mark.parametrize(
    ("refusal", "change", "comparable"),
    [
        (UnknownRule, {"id": "fresh"}, "ball"),
        (RuleIncomplete, {}, ""),
        (RuleIncomplete, {"category": "c"}, "ball"),
        (RuleIncomplete, {"place": None}, "ball"),
        (RuleIncomplete, {"target": "brand"}, "ball"),
        (RuleIncomplete, {"reason": " "}, "ball"),
        (RuleIncomplete, {"value": "no such article"}, "ball"),
        (Invalid, {"valid_from": AT, "valid_to": AT}, "ball"),
        (PlaceTaken, {}, "ball"),
    ],
)
async def test_rules_are_refused_by_name(tx, fresh, pin, refusal, change, comparable):
    if refusal is PlaceTaken:
        await put_rule(tx, pin, comparable=comparable, by=BY, at=AT)
    change = {name: fresh.id() if value == "fresh" else value for name, value in change.items()}
    with pytest.raises(refusal):
        await put_rule(tx, replace(pin, **change), comparable=comparable, by=BY, at=AT)


async def test_rules_follow_a_category_to_its_new_address(tx, fresh, place, pin):
    old, new = fresh.text("old"), fresh.text("new")
    ids = await put_categories(tx, [PutCategory(slug=old, texts=())], by=BY, at=AT)
    listed = replace(pin, words="", category=old)
    await put_rule(tx, listed, comparable="", by=BY, at=AT)
    moved_up = PutRule(
        shop_id=place.shop.id, words="ball", act="boost", target="category", value=old, reason="more of them"
    )
    await put_rule(tx, moved_up, comparable="ball", by=BY, at=AT)
    await rename_category(tx, category_id=ids[old], slug=new, by=BY, at=AT)
    assert [(one.category, one.value) for one in await rules(tx, shop_id=place.shop.id, at=AT)] == [
        (new, pin.value),
        ("", new),
    ]
    rows = await rule_rows(tx, shop_id=place.shop.id, language="de")
    assert {row.list for row in rows} == {f"c/{new}", "ball"} and new in {row.target_label for row in rows}
    # Its places are taken, whatever it was called when they were.
    with pytest.raises(PlaceTaken):
        await put_rule(tx, replace(listed, category=new), comparable="", by=BY, at=AT)


async def test_a_place_is_free_again_after_its_time(tx, pin):
    until = replace(pin, valid_to=AT + timedelta(days=1))
    await put_rule(tx, until, comparable="ball", by=BY, at=AT)
    await put_rule(tx, replace(pin, valid_from=AT + timedelta(days=1)), comparable="ball", by=BY, at=AT)


async def test_synonyms(tx, place):
    put = {"shop_id": place.shop.id, "language": "de", "by": BY, "at": AT}
    id = await put_synonyms(tx, words=["Handy", " Smartphone ", "Handy"], **put)
    [group] = await synonyms(tx, shop_id=place.shop.id)
    assert group.words == ["Handy", "Smartphone"]
    for words, refusal in ((["Handy"], TooFewWords), (["a" * 61, "b"], Invalid)):
        with pytest.raises(refusal):
            await put_synonyms(tx, words=words, id=id, **put)
    await delete_synonyms(tx, id=id, shop_id=place.shop.id, by=BY, at=AT)
    assert await synonyms(tx, shop_id=place.shop.id) == []


async def test_searches_are_counted_and_forgotten(tx, place):
    for found in (3, 0):
        await count_asked(tx, [Asked(place.shop.id, "de", "ball", 2, found)], at=AT)
    [missed] = await asked_in_vain(tx, shop_id=place.shop.id)
    assert (missed.words, missed.asked, missed.found) == ("ball", 4, 0)
    assert await popular(tx, shop_id=place.shop.id, language="de", at_least=1, limit=5) == []
    await forget_asked(tx, before=AT + timedelta(days=1), limit=1_000_000)
    assert await asked_in_vain(tx, shop_id=place.shop.id) == []


async def test_a_product_becomes_a_document(tx, fresh, place):
    stored = await put_one(tx, fresh, variants=2)
    shop = await read_shop(tx, shop_id=place.shop.id)
    assert shop is not None
    [document] = await documents(tx, shop=shop, product_ids=[stored.id], at=AT)
    assert document.id == stored.id and document.texts and len(document.combinations) == 2
    assert not document.in_stock and document.price_minor is None
    assert await stock_signs(tx, shop=shop, product_ids=[stored.id]) == {stored.id: document.sign}
    assert await products_of_variants(tx, variant_ids=stored.variant_ids) == [stored.id]
