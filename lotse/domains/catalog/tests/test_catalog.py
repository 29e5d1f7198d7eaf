"""The catalogue against real PostgreSQL: commands by table, pages as readers see them."""

import asyncio

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lotse.domains.catalog.commands import (
    change_state,
    change_variant_state,
    put_categories,
    put_products,
    put_texts,
    rename,
    rename_category,
    set_successor,
)
from lotse.domains.catalog.contracts import (
    CategoryCycle,
    CategorySlugTaken,
    CategoryText,
    GtinTaken,
    InvalidGtin,
    MoveNotAllowed,
    NoSuccessor,
    NotReadyToSell,
    PutCategory,
    PutPicture,
    PutProduct,
    PutVariant,
    SkuTaken,
    SlugTaken,
    Text,
    UnknownCategory,
    UnknownProduct,
    UnknownVariant,
)
from lotse.domains.catalog.queries import (
    READS,
    category_by_slug,
    category_slugs,
    category_tree,
    product,
    product_by_slug,
    product_cards,
    product_for_edit,
    product_rows,
    products_in_category,
    search_simple,
    successor,
    variant_by_gtin,
    variant_by_sku,
    variants_by_ids,
)
from lotse.kernel.media.commands import NewMedium
from lotse.kernel.media.commands import put as put_media
from lotse.kernel.media.contracts import UnknownMedia
from lotse.kernel.paging import BadCursor
from lotse.kernel.refusals import Invalid
from tests.scene import AT, BY, put_one

PICTURE_A = "a" * 64 + "-1200x1200.svg"
PICTURE_B = "b" * 64 + "-1200x1200.svg"


@pytest.fixture(autouse=True)
async def in_the_library(tx):
    """Rows of the library, whose bytes nobody asks for here."""
    new = [NewMedium(name, "drawing", "image/svg+xml", 100, 1200, 1200, "") for name in (PICTURE_A, PICTURE_B)]
    await put_media(tx, [(one, None) for one in new], by=BY, at=AT)


@pytest.fixture
async def tree(tx, fresh):
    """shoes > trail, shoes > road, tents; slugs by their short names."""
    slugs = {name: fresh.text(name) for name in ("shoes", "trail", "road", "tents")}
    parents = {"trail": "shoes", "road": "shoes"}
    ids = await put_categories(
        tx,
        [
            PutCategory(
                slug=slug,
                parent=slugs.get(parents.get(name, "")),
                texts=(CategoryText("de", f"{name} de"), CategoryText("en", f"{name} en", "about")),
            )
            for name, slug in slugs.items()
        ],
        by=BY,
        at=AT,
    )
    return {name: (slug, ids[slug]) for name, slug in slugs.items()}


@pytest.fixture
def good(fresh, tree):
    slug = fresh.text("product")
    return PutProduct(
        slug=slug,
        brand="Kranich",
        attributes={"weight_g": 240, "tags": ["trail", "wet"], "vegan": True},
        texts=(Text("de", "Laufschuh Albatros", "Leicht.", "Lang."), Text("en", "Albatros running shoe")),
        variants=(
            PutVariant(sku=f"{slug}-42", gtin=fresh.gtin(), options={"size": "42", "colour": "blue"}),
            PutVariant(sku=f"{slug}-43", options={"size": "43", "colour": "red"}),
        ),
        categories=(tree["trail"][0], tree["tents"][0]),
        pictures=(PutPicture(media=PICTURE_A, alt={"de": "Seite"}), PutPicture(media=PICTURE_B, colour="red")),
    )


async def events(tx) -> list[tuple[str, str]]:
    return [tuple(row) for row in await tx.raw.fetch("select type, key from kernel.outbox order by id")]


# -- putting products


async def test_a_product_page_shows_all_of_it(tx, good, tree):
    [stored] = await put_products(tx, [good], by=BY, at=AT)
    page = await product_by_slug(tx, slug=good.slug, language="de")
    assert page
    assert (page.id, page.name, page.summary, page.language) == (stored.id, "Laufschuh Albatros", "Leicht.", "de")
    assert page.attributes == good.attributes
    assert [(variant.sku, variant.gtin) for variant in page.variants] == [(v.sku, v.gtin) for v in good.variants]
    assert [variant.id for variant in page.variants] == stored.variant_ids
    assert [(picture.media, picture.alt) for picture in page.pictures] == [
        (PICTURE_A, "Seite"),
        (PICTURE_B, "Laufschuh Albatros"),
    ]
    assert [step.slug for step in page.path] == [tree["shoes"][0], tree["trail"][0]]


@pytest.mark.parametrize(
    ("language", "shown"), [("de", "de"), ("de-AT", "de"), ("en-GB", "en"), ("fr", "en"), ("\ufffd", "en")]
)
async def test_texts_fall_back(tx, good, language, shown):
    await put_products(tx, [good], by=BY, at=AT)
    page = await product_by_slug(tx, slug=good.slug, language=language)
    assert page
    assert page.language == shown


async def test_the_same_again_changes_and_reports_nothing(tx, good):
    first = await put_products(tx, [good], by=BY, at=AT)
    told = await events(tx)
    audited = await tx.raw.fetchval("select count(*) from kernel.audit")
    assert await put_products(tx, [good], by=BY, at=AT.replace(year=2027)) == first
    assert await events(tx) == told
    assert await tx.raw.fetchval("select count(*) from kernel.audit") == audited


@pytest.mark.parametrize(
    "change",
    [
        {"brand": "Other"},
        {"attributes": {}},
        {"texts": (Text("de", "Anders"),)},
        {"categories": ()},
        {"pictures": (PutPicture(media=PICTURE_A),)},
    ],
)
async def test_whatever_changes_is_reported_once(tx, good, change):
    [stored] = await put_products(tx, [good], by=BY, at=AT)
    before = await events(tx)
    await put_products(tx, [msgspec.structs.replace(good, **change)], by=BY, at=AT)
    assert (await events(tx))[len(before) :] == [("catalog.ProductChanged", str(stored.id))]


async def test_what_is_not_said_stays(tx, good, tree):
    await put_products(tx, [good], by=BY, at=AT)
    before = await product_by_slug(tx, slug=good.slug, language="de")
    bare = PutProduct(slug=good.slug, brand=good.brand, attributes=good.attributes, state="draft")
    await put_products(tx, [bare], by=BY, at=AT)
    assert await product_by_slug(tx, slug=good.slug, language="de") == before


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"slug": "Not a slug"}, Invalid),
        ({"tax_class": "Full!"}, Invalid),
        ({"brand": "x" * 101}, Invalid),
        ({"pictures": (PutPicture(media="c" * 64 + ".svg"),)}, UnknownMedia),
        ({"brand": "nul\0"}, Invalid),
        ({"attributes": {"a": "nul\0"}}, Invalid),
        ({"texts": (Text("de", ""),)}, Invalid),
        ({"texts": (Text("not a language", "x"),)}, Invalid),
        ({"texts": (Text("de", "x"), Text("de", "y"))}, Invalid),
        ({"variants": (PutVariant(sku=" blank"),)}, Invalid),
        ({"variants": (PutVariant(sku="same"), PutVariant(sku="same"))}, Invalid),
        ({"variants": (PutVariant(sku="a", gtin="96385074"), PutVariant(sku="b", gtin="000096385074"))}, Invalid),
        ({"variants": (PutVariant(sku="a", gtin="96385075"),)}, InvalidGtin),
        ({"categories": ("there-is-no-such",)}, UnknownCategory),
        ({"texts": ()}, NotReadyToSell),
        ({"variants": ()}, NotReadyToSell),
        ({"variants": (PutVariant(sku="draft", state="draft"),)}, NotReadyToSell),
    ],
)
async def test_what_a_put_refuses(tx, good, change, refusal):
    with pytest.raises(refusal):
        await put_products(tx, [msgspec.structs.replace(good, **change)], by=BY, at=AT)


async def test_a_draft_may_be_unfinished(tx, fresh):
    slug = fresh.text("draft")
    await put_products(tx, [PutProduct(slug=slug, state="draft")], by=BY, at=AT)
    assert await product_by_slug(tx, slug=slug, language="de") is None
    draft = await product_by_slug(tx, slug=slug, language="de", everything=True)
    assert draft
    assert draft.name == slug


async def test_a_sku_never_moves_to_another_product(tx, good, fresh):
    await put_products(tx, [good], by=BY, at=AT)
    thief = msgspec.structs.replace(good, slug=fresh.text("thief"), variants=(PutVariant(sku=good.variants[0].sku),))
    with pytest.raises(SkuTaken) as refused:
        await put_products(tx, [thief], by=BY, at=AT)
    assert refused.value == SkuTaken(sku=good.variants[0].sku, product=thief.slug)


async def test_a_gtin_names_one_variant_also_with_leading_zeros(tx, good, fresh):
    await put_products(tx, [good], by=BY, at=AT)
    gtin = good.variants[0].gtin
    thief = msgspec.structs.replace(
        good, slug=fresh.text("thief"), variants=(PutVariant(sku=fresh.text("sku"), gtin=f"0{gtin}"),)
    )
    with pytest.raises(GtinTaken) as refused:
        await put_products(tx, [thief], by=BY, at=AT)
    assert refused.value == GtinTaken(gtin=gtin, sku=good.variants[0].sku)


async def test_a_gtin_taken_at_the_same_moment_is_refused_and_not_a_bug(db, fresh):
    gtin = fresh.gtin()

    async def put(slug: str) -> str:
        wanted = PutProduct(slug=slug, texts=(Text("de", "x"),), variants=(PutVariant(sku=slug, gtin=gtin),))
        try:
            async with db.transaction() as tx:
                await put_products(tx, [wanted], by=BY, at=AT)
        except GtinTaken:
            return "taken"
        return "stored"

    outcomes = await asyncio.gather(*(put(fresh.text("race")) for _ in range(4)))
    assert sorted(outcomes) == ["stored", "taken", "taken", "taken"]


async def test_two_imports_in_opposite_order_do_not_deadlock(db, fresh):
    slugs = [fresh.text("import") for _ in range(30)]

    async def put(order: list[str]) -> None:
        wanted = [
            PutProduct(slug=slug, brand=order[0], texts=(Text("de", "x"),), variants=(PutVariant(sku=slug),))
            for slug in order
        ]
        async with db.transaction() as tx:
            await put_products(tx, wanted, by=BY, at=AT)

    await asyncio.gather(put(slugs), put(slugs[::-1]), put(slugs))


# -- lives and addresses


@pytest.mark.parametrize(
    ("way", "refusal"),
    [
        (["phase_out", "active", "archived", "draft", "active"], None),
        (["active"], None),
        (["draft"], MoveNotAllowed),
        (["archived", "active"], MoveNotAllowed),
        (["archived", "phase_out"], MoveNotAllowed),
    ],
)
async def test_a_products_life(tx, good, way, refusal):
    [stored] = await put_products(tx, [good], by=BY, at=AT)
    for state in way[:-1]:
        await change_state(tx, product_ids=[stored.id], state=state, by=BY, at=AT)
    if refusal is None:
        await change_state(tx, product_ids=[stored.id], state=way[-1], by=BY, at=AT)
        found = await product(tx, product_id=stored.id, language="de", everything=True)
        assert found
        assert found.state == way[-1]
    else:
        with pytest.raises(refusal):
            await change_state(tx, product_ids=[stored.id], state=way[-1], by=BY, at=AT)


async def test_moves_are_all_or_none(tx, good, fresh):
    [stored] = await put_products(tx, [good], by=BY, at=AT)
    [draft] = await put_products(tx, [PutProduct(slug=fresh.text("draft"), state="draft")], by=BY, at=AT)
    with pytest.raises(UnknownProduct):
        await change_state(tx, product_ids=[stored.id, fresh.id()], state="archived", by=BY, at=AT)
    with pytest.raises(MoveNotAllowed):
        await change_state(tx, product_ids=[stored.id, draft.id], state="phase_out", by=BY, at=AT)
    with pytest.raises(NotReadyToSell):
        await change_state(tx, product_ids=[draft.id], state="active", by=BY, at=AT)
    found = await product(tx, product_id=stored.id, language="de")
    assert found
    assert found.state == "active"


async def test_a_put_does_not_move_a_product(tx, good):
    [stored] = await put_products(tx, [good], by=BY, at=AT)
    await change_state(tx, product_ids=[stored.id], state="archived", by=BY, at=AT)
    await put_products(tx, [good], by=BY, at=AT)
    assert await product_by_slug(tx, slug=good.slug, language="de") is None


async def test_a_variant_that_is_archived_is_not_sold(tx, good, fresh):
    [stored] = await put_products(tx, [good], by=BY, at=AT)
    await change_variant_state(tx, variant_ids=stored.variant_ids[:1], state="archived", by=BY, at=AT)
    found = await variants_by_ids(tx, variant_ids=stored.variant_ids, language="de")
    assert [card.sellable for card in found] == [False, True]
    page = await product_by_slug(tx, slug=good.slug, language="de")
    assert page
    assert [variant.id for variant in page.variants] == stored.variant_ids[1:]
    with pytest.raises(UnknownVariant):
        await change_variant_state(tx, variant_ids=[fresh.id()], state="archived", by=BY, at=AT)
    with pytest.raises(MoveNotAllowed):
        await change_variant_state(tx, variant_ids=stored.variant_ids[:1], state="active", by=BY, at=AT)


async def test_old_addresses_lead_to_the_product(tx, good, fresh):
    [stored] = await put_products(tx, [good], by=BY, at=AT)
    second, third = fresh.text("second"), fresh.text("third")
    await rename(tx, product_id=stored.id, slug=second, by=BY, at=AT)
    await rename(tx, product_id=stored.id, slug=third, by=BY, at=AT)
    for slug in (good.slug, second, third):
        found = await product_by_slug(tx, slug=slug, language="de")
        assert found
        assert (found.id, found.slug) == (stored.id, third)
    await rename(tx, product_id=stored.id, slug=good.slug, by=BY, at=AT)  # back again
    other = await put_one(tx, fresh)
    with pytest.raises(SlugTaken):
        async with tx.raw.transaction():
            await rename(tx, product_id=other.id, slug=good.slug, by=BY, at=AT)
    with pytest.raises(Invalid):
        await rename(tx, product_id=other.id, slug="No Address", by=BY, at=AT)
    # What something new takes leads to the new thing, renamed or made; the rest stays.
    await rename(tx, product_id=other.id, slug=second, by=BY, at=AT)
    [new] = await put_products(tx, [PutProduct(slug=third, state="draft")], by=BY, at=AT)
    for slug, id in ((good.slug, stored.id), (second, other.id), (third, new.id), (other.slug, other.id)):
        found = await product_by_slug(tx, slug=slug, language="de", everything=True)
        assert found and found.id == id
    assert await tx.raw.fetch(READS.check_former_slugs.sql) == []
    with pytest.raises(UnknownProduct):
        await rename(tx, product_id=fresh.id(), slug=fresh.text("slug"), by=BY, at=AT)


async def test_what_is_archived_has_a_successor(tx, fresh):
    one, two, three, four = [await put_one(tx, fresh) for _ in range(4)]

    async def follow(old, by) -> None:
        await set_successor(tx, product_id=old.id, successor_id=by.id if by else None, by=BY, at=AT)

    async def archive(*products) -> None:
        await change_state(tx, product_ids=[one.id for one in products], state="archived", by=BY, at=AT)

    before = len(await events(tx))
    await follow(one, two)
    await follow(one, two)
    assert (await events(tx))[before:] == [("catalog.ProductChanged", str(one.id))]
    await archive(one, two)
    assert await successor(tx, product_id=one.id) is None, "gone, and what followed it, too"
    await follow(two, three)
    await archive(four)
    for old, by, reason in (
        (three, three, "itself"),
        (three, one, "circle"),
        (three, two, "circle"),
        (three, four, "archived"),
    ):
        with pytest.raises(NoSuccessor) as refusal:
            async with tx.raw.transaction():
                await follow(old, by)
        assert refusal.value.reason == reason
    await follow(four, one)  # archived itself, but something lives at the end
    for old in (one, two, four):
        assert await successor(tx, product_id=old.id) == three.slug
    with pytest.raises(UnknownProduct):
        await set_successor(tx, product_id=one.id, successor_id=fresh.id(), by=BY, at=AT)
    await follow(two, None)
    assert await successor(tx, product_id=four.id) is None


async def test_old_addresses_lead_to_the_category(tx, good, tree, fresh):
    first, id = tree["trail"]
    second, third = fresh.text("second"), fresh.text("third")
    before = len(await events(tx))
    for slug in (second, third, first, third):  # and back, and forth again
        await rename_category(tx, category_id=id, slug=slug, by=BY, at=AT)
    assert (await events(tx))[before:] == [("catalog.CategoryChanged", str(id))] * 4
    assert await category_slugs(tx, slugs=[first, second, third, "nothing"]) == dict.fromkeys(
        (first, second, third), third
    )
    for slug, refusal in ((tree["road"][0], CategorySlugTaken), ("No Address", Invalid)):
        with pytest.raises(refusal):
            async with tx.raw.transaction():
                await rename_category(tx, category_id=id, slug=slug, by=BY, at=AT)
    with pytest.raises(UnknownCategory):
        await rename_category(tx, category_id=fresh.id(), slug=fresh.text("slug"), by=BY, at=AT)
    # Whoever still says the old name means the same category, once.
    put = msgspec.structs.replace(good, categories=(first, third, tree["tents"][0]))
    [stored] = await put_products(tx, [put], by=BY, at=AT)
    edited = await product_for_edit(tx, product_id=stored.id)
    assert edited and edited.categories == [third, tree["tents"][0]]
    # What something new takes leads to the new thing.
    made = await put_categories(tx, [PutCategory(slug=first, texts=())], by=BY, at=AT)
    await rename_category(tx, category_id=tree["road"][1], slug=second, by=BY, at=AT)
    assert await category_slugs(tx, slugs=[first, second]) == {first: first, second: second}
    found = await category_by_slug(tx, slug=first, language="de")
    assert found and found.id == made[first]
    assert await tx.raw.fetch(READS.check_former_category_slugs.sql) == []


async def test_words_are_written_by_language(tx, good, fresh):
    [stored] = await put_products(tx, [good], by=BY, at=AT)
    await put_texts(tx, product_id=stored.id, texts=[Text("fr", "Chaussure")], by=BY, at=AT)
    page = await product_by_slug(tx, slug=good.slug, language="fr-CH")
    assert page
    assert page.name == "Chaussure"
    with pytest.raises(UnknownProduct):
        await put_texts(tx, product_id=fresh.id(), texts=[Text("fr", "x")], by=BY, at=AT)


# -- lists and searches


async def test_a_category_shows_what_is_in_it_and_below_once(tx, good, tree):
    [stored] = await put_products(tx, [good], by=BY, at=AT)
    for name, expected in (("shoes", [stored.id]), ("trail", [stored.id]), ("road", []), ("tents", [stored.id])):
        page = await products_in_category(tx, category_id=tree[name][1], language="de")
        assert [card.id for card in page.items] == expected
    await change_state(tx, product_ids=[stored.id], state="archived", by=BY, at=AT)
    assert (await products_in_category(tx, category_id=tree["shoes"][1], language="de")).items == []


async def test_lists_page_without_a_gap(tx, good, tree, fresh):
    wanted = [
        PutProduct(
            slug=fresh.text("p"),
            texts=(Text("de", "x"),),
            variants=(PutVariant(sku=fresh.text("sku")),),
            categories=(tree["road"][0],),
        )
        for _ in range(7)
    ]
    stored = await put_products(tx, wanted, by=BY, at=AT)
    seen, cursor = [], None
    while True:
        page = await products_in_category(tx, category_id=tree["shoes"][1], language="de", cursor=cursor, limit=3)
        seen += [card.id for card in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [product.id for product in stored][::-1]
    with pytest.raises(BadCursor):
        await products_in_category(tx, category_id=tree["shoes"][1], language="de", cursor="rubbish")


async def test_a_card_says_what_sells(tx, good):
    [stored] = await put_products(tx, [good], by=BY, at=AT)
    [card] = await product_cards(tx, product_ids=[stored.id], language="en")
    assert (card.name, card.media, card.variant_ids) == ("Albatros running shoe", PICTURE_A, stored.variant_ids)


async def test_searching(tx, good, fresh):
    [stored] = await put_products(tx, [good], by=BY, at=AT)
    gtin = good.variants[0].gtin
    for text, found in [
        ("albatros lauf", True),
        ("ALBA", True),
        ("batros", False),
        ("albatros zelt", False),
        (good.variants[0].sku.upper(), True),
        (gtin, True),
        (f"0{gtin}", True),
        ("%", False),
        ("_", False),
        ("", False),
        ("' | !:* \\ \0", False),
    ]:
        ids = [card.id for card in await search_simple(tx, text=text, language="de", limit=200)]
        assert (stored.id in ids) == found, text


async def test_one_variant_by_what_a_scanner_or_a_list_says(tx, good):
    [stored] = await put_products(tx, [good], by=BY, at=AT)
    by_gtin = await variant_by_gtin(tx, gtin=f"0{good.variants[0].gtin}", language="de")
    by_sku = await variant_by_sku(tx, sku=good.variants[1].sku, language="de")
    assert by_gtin
    assert by_sku
    assert [by_gtin.id, by_sku.id] == stored.variant_ids
    # The picture of the variant's colour, else the one of no colour.
    assert (by_gtin.media, by_sku.media) == (PICTURE_A, PICTURE_B)
    assert await variant_by_gtin(tx, gtin="not digits", language="de") is None
    assert await variant_by_sku(tx, sku="nul\0", language="de") is None


async def test_the_back_office_finds_by_state_and_text(tx, good, fresh):
    [stored] = await put_products(tx, [good], by=BY, at=AT)
    found = await product_rows(tx, language="de", text=good.variants[0].sku)
    assert [(row.id, row.variants, row.state) for row in found.items] == [(stored.id, 2, "active")]
    assert (await product_rows(tx, language="de", state="draft", text=good.variants[0].sku)).items == []


# -- the tree


async def test_the_tree_counts_what_is_shown_below(tx, good, tree):
    await put_products(tx, [good], by=BY, at=AT)
    ids = {id: name for name, (_, id) in tree.items()}
    found = {ids[node.id]: node for node in await category_tree(tx, language="en") if node.id in ids}
    assert {name: (node.products, node.depth) for name, node in found.items()} == {
        "shoes": (1, 0),
        "trail": (1, 1),
        "road": (0, 1),
        "tents": (1, 0),
    }
    assert found["trail"].name == "trail en"


async def test_a_category_page_knows_its_way_and_its_children(tx, tree):
    shoes = await category_by_slug(tx, slug=tree["shoes"][0], language="en-GB")
    trail = await category_by_slug(tx, slug=tree["trail"][0], language="fr")
    assert shoes
    assert trail
    assert (shoes.name, shoes.description, shoes.language) == ("shoes en", "about", "en")
    assert [child.slug for child in shoes.children] == [tree["trail"][0], tree["road"][0]]
    assert [step.slug for step in trail.path] == [tree["shoes"][0], tree["trail"][0]]
    assert await category_by_slug(tx, slug="there-is-no-such", language="en") is None


async def test_a_branch_moves_with_all_below(tx, tree):
    await put_categories(tx, [PutCategory(slug=tree["shoes"][0], parent=tree["tents"][0], texts=())], by=BY, at=AT)
    trail = await category_by_slug(tx, slug=tree["trail"][0], language="en")
    assert trail
    assert [step.slug for step in trail.path] == [tree[name][0] for name in ("tents", "shoes", "trail")]


async def test_a_category_cannot_stand_below_itself(tx, tree):
    with pytest.raises(CategoryCycle):
        await put_categories(tx, [PutCategory(slug=tree["shoes"][0], parent=tree["trail"][0], texts=())], by=BY, at=AT)


async def test_the_parent_must_be_there(tx, fresh):
    with pytest.raises(UnknownCategory):
        await put_categories(tx, [PutCategory(slug=fresh.text("c"), parent="there-is-no-such", texts=())], by=BY, at=AT)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12))
async def test_no_series_of_moves_makes_a_cycle(tx, tree, moves):
    """Also past the command: the constraints alone refuse, whatever is written."""
    nodes = list(tree.values())
    for child, parent in moves:
        savepoint = tx.raw.transaction()
        await savepoint.start()
        try:
            await tx.raw.execute(
                "update catalog.categories set parent_id = p.id, parent_depth = p.depth"
                " from catalog.categories p where catalog.categories.id = $1 and p.id = $2",
                nodes[child][1],
                nodes[parent][1],
            )
        except asyncpg.IntegrityConstraintViolationError:
            await savepoint.rollback()
        else:
            await savepoint.commit()
        below_itself = await tx.raw.fetchval(
            "with recursive up as (select id as start, parent_id from catalog.categories where id = any($1)"
            " union all select up.start, c.parent_id from up join catalog.categories c on c.id = up.parent_id"
            " where up.parent_id <> up.start) select count(*) from up where parent_id = start",
            [id for _, id in nodes],
        )
        assert below_itself == 0


async def test_nothing_disagrees(tx, good):
    await put_products(tx, [good], by=BY, at=AT)
    for statement in READS:
        if statement.name.startswith("check_"):
            found = await tx.raw.fetch(statement.sql)
            assert [row for row in found if good.slug in row["subject"]] == []
