"""The engine on a small catalogue of its own: words, typos, compounds, facets, decisions, life of the index."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from lotse.domains.search.contracts import Document, Filters, NoIndex, Question, Steer, Synonyms, Target, Texts
from lotse.domains.search.rules import meanings
from lotse.plugins.search_tantivy.compounds import learnt
from lotse.plugins.search_tantivy.engine import TantivyIndex
from lotse.plugins.search_tantivy.vocabulary import Vocabulary
from lotse.plugins.search_tantivy.words import MAX_WORDS, asked, comparable, fold, stem

SPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def article(name: str, en: str = "", *, kind: str = "", brand: str = "", price: int = 1_000, **facets: str) -> Document:
    texts = {"de": Texts(name, kinds=[kind] if kind else [])} | ({"en": Texts(en)} if en else {})
    sizes = facets.pop("sizes", "").split()
    return Document(
        id=uuid5(SPACE, name),
        texts=texts,
        brand=brand,
        codes=[f"SKU-{len(name)}", "4006381333931"] if name == "Müsli Früchte" else [],
        categories=[kind.lower()] if kind else [],
        facets={**{key: [value] for key, value in facets.items()}, **({"size": sizes} if sizes else {})},
        combinations=[{"size": size, "stock": "yes"} for size in sizes if size != "43"],
        price_minor=price,
        in_stock=True,
        variants=[uuid5(SPACE, f"{name} {size}") for size in sizes],
    )


GOODS = [
    article("Strom 3 Laufschuh Herren", "Strom 3 men's running shoe", kind="Schuhe", colour="red", sizes="42 43"),
    article("Nachtzug Laufschuhe Damen", "Nachtzug women's running shoes", kind="Schuhe", colour="blue", price=2_000),
    article("Grat Wanderschuh", "Grat hiking shoe", kind="Schuhe", colour="red", price=3_000),
    article("Hallenfuchs Hallenschuh", kind="Schuhe", colour="green"),
    article("Lauf Hose", kind="Hosen", colour="blue"),
    article("Wander Hose", kind="Hosen"),
    article("Hallen Ball"),
    article("Müsli Früchte", brand="Haferfunk"),
    article("Apfelsaft naturtrüb"),
    article("Apfel getrocknet"),
    article("Saft Orange"),
    article("Trinkflasche 500 ml"),
    article("T-Shirt weiß", "white t-shirt", colour="white"),
    article("Laktosefreie Milch"),
    article("Nussschale Helm"),
    article("Stadtkopf Fahrradhelm"),
    article("Leuchtturm Fahrradlicht"),
    article("Hochdruckgebiet Standpumpe"),
    article("Rollmops Laufrad"),
    article("Schotterpost Gravelrad"),
    article("Kontor Trekkingrad"),
    article("Speiche Rad"),
]
BY_NAME = {document.texts["de"].name: document.id for document in GOODS}


async def batches(documents: Sequence[Document]) -> AsyncIterator[Sequence[Document]]:
    yield documents[:5]
    yield documents[5:]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> TantivyIndex:
    made = TantivyIndex(tmp_path_factory.mktemp("index") / "shop", ["de", "en"])
    assert made.mark() is None
    assert asyncio.run(made.rebuild(batches(GOODS), "7:x")) == len(GOODS)
    assert made.mark() == "7:x"
    return made


def found(index: TantivyIndex, words: str, language: str = "de", **more: object) -> list[str]:
    question = Question(words=words, language=language, **more)  # type: ignore[arg-type]
    answer = asyncio.run(index.search(question))
    names = {id: name for name, id in BY_NAME.items()}
    return [names[id] for id in answer.ids]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("Laufschuhe Damen", "Nachtzug Laufschuhe Damen"),  # as written
        ("laufschuh herren", "Strom 3 Laufschuh Herren"),  # another form
        ("lauf schuhe damen", "Nachtzug Laufschuhe Damen"),  # apart
        ("herrenlaufschuh", "Strom 3 Laufschuh Herren"),  # more compound than the catalogue
        ("laufschue damen", "Nachtzug Laufschuhe Damen"),  # misspelt
        ("muesli", "Müsli Früchte"),  # umlauts three ways
        ("müsli", "Müsli Früchte"),
        ("musli", "Müsli Früchte"),
        ("apfel saft", "Apfelsaft naturtrüb"),
        ("apfelsäfte", "Apfelsaft naturtrüb"),
        ("500ml trinkflasche", "Trinkflasche 500 ml"),
        ("flasche", "Trinkflasche 500 ml"),  # a head that never stands alone
        ("tshirt", "T-Shirt weiß"),
        ("t-shirts", "T-Shirt weiß"),
        ("weisses t shirt", "T-Shirt weiß"),
        ("haferfunk", "Müsli Früchte"),  # a brand
        ("4006381333931", "Müsli Früchte"),  # a GTIN, with or without leading zeros
        ("04006381333931", "Müsli Früchte"),
        ("milch ohne laktose", "Laktosefreie Milch"),
    ],
)
def test_words_find_what_they_mean(index: TantivyIndex, words: str, first: str):
    assert found(index, words)[:1] == [first]


def test_all_words_must_be_met(index: TantivyIndex):
    assert found(index, "laufschuhe ball") == []
    assert found(index, "laufschuhe ball", any_words=True)


def test_a_head_finds_compounds_of_which_no_other_part_stands_alone(index: TantivyIndex):
    assert set(found(index, "helm")) == set(found(index, "helme")) == {"Nussschale Helm", "Stadtkopf Fahrradhelm"}


@pytest.mark.parametrize(
    ("words", "among"),
    [
        ("regenhose", "Lauf Hose"),
        ("joggingschuhe", "Grat Wanderschuh"),
        ("luftpumpe", "Hochdruckgebiet Standpumpe"),  # an ending of a name alone
        ("rennrad", "Schotterpost Gravelrad"),  # three letters in which many words end
    ],
)
def test_what_a_word_ends_in_is_found_as_one_of_its_words(index: TantivyIndex, words: str, among: str):
    assert found(index, words) == []
    assert among in found(index, words, any_words=True)


def test_letters_that_end_a_word_by_chance_find_nothing(index: TantivyIndex):
    for words in ("qwertzuiop", "einhornstaubsauger", "unterseebooten"):
        assert found(index, words, any_words=True) == []


def test_a_word_is_read_as_its_hyphened_twin(index: TantivyIndex):
    shirts = TantivyIndex(index.folder.parent / "shirts", ["de", "en"])
    asyncio.run(shirts.rebuild(batches([article("Takt Funktionsshirt"), article("Lauf Shirt")]), "1:x"))
    group = Synonyms(UUID(int=1), UUID(int=2), "de", ["t-shirt", "tshirt"], False, datetime(2026, 1, 1, tzinfo=UTC))
    known = meanings([group], "de", comparable)
    total = [
        asyncio.run(shirts.search(Question(words=words, language="de", synonyms=known))).total
        for words in ("t-shirt", "tshirt", "tshirts")
    ]
    assert total[0] == total[1] == total[2] > 0


def test_english_visitors_find_by_their_words_and_by_the_others(index: TantivyIndex):
    assert found(index, "running shoes women", "en")[:1] == ["Nachtzug Laufschuhe Damen"]
    assert found(index, "wanderschuh", "en") == ["Grat Wanderschuh"]


def test_a_correction_is_said_and_can_be_refused(index: TantivyIndex):
    answer = asyncio.run(index.search(Question(words="wanderschue", language="de")))
    assert answer.used == "wanderschuh" and answer.ids == [BY_NAME["Grat Wanderschuh"]]
    assert asyncio.run(index.search(Question(words="wanderschue", language="de", spelled=False))).total == 0


def test_synonyms_come_with_the_question(index: TantivyIndex):
    assert found(index, "sneaker") == []
    known = {comparable("sneaker", "de"): ("laufschuhe",)}
    assert found(index, "sneaker", synonyms=known)
    assert meanings([], "de", comparable) == {}


def test_counts_of_a_facet_leave_its_own_choice_out(index: TantivyIndex):
    question = Question(words="schuhe", language="de", filters=Filters(facets={"colour": ("red",)}))
    answer = asyncio.run(index.search(question))
    colours = next(dict(facet.values) for facet in answer.facets if facet.name == "colour")
    assert answer.total == 2 and colours == {"red": 2, "blue": 1, "green": 1}


@pytest.mark.parametrize(
    "question",
    [
        Question(words="schuhe", language="de", filters=Filters(facets={"colour": ("red",), "size": ("42",)})),
        Question(language="de", filters=Filters(price_from=2_000)),
        Question(words="zahnrad", language="de"),
    ],
    ids=["facets", "prices", "nothing"],
)
def test_counts_by_themselves_are_those_of_the_search(index: TantivyIndex, question: Question):
    answer = asyncio.run(index.search(question))
    assert index.counted(question) == (answer.facets, answer.price)


def test_what_is_found_names_its_variants(index: TantivyIndex):
    answer = asyncio.run(index.search(Question(words="strom", language="de")))
    name = "Strom 3 Laufschuh Herren"
    assert answer.variants == {BY_NAME[name]: [uuid5(SPACE, f"{name} {size}") for size in ("42", "43")]}
    assert index.size() == len(GOODS)


def test_a_correction_is_said_again_when_the_same_is_asked_again(index: TantivyIndex):
    used = [asyncio.run(index.search(Question(words="wanderschue", language="de"))).used for _ in range(2)]
    assert used == ["wanderschuh", "wanderschuh"]


def test_what_is_chosen_must_hold_of_one_variant(index: TantivyIndex):
    def total(**facets: tuple[str, ...]) -> int:
        return asyncio.run(index.search(Question(language="de", filters=Filters(facets=facets)))).total

    assert total(size=("42",), stock=("yes",)) == 1
    assert total(size=("43",), stock=("yes",)) == 0  # 43 is sold out, although the shoe is there in 42


def test_prices_narrow_and_sort(index: TantivyIndex):
    within = Question(language="de", sort="price_down", filters=Filters(price_from=2_000))
    answer = asyncio.run(index.search(within))
    assert answer.ids == [BY_NAME["Grat Wanderschuh"], BY_NAME["Nachtzug Laufschuhe Damen"]]
    assert answer.price == (1_000, 3_000)  # the span that could be chosen


def test_pins_boosts_and_buries(index: TantivyIndex):
    pinned = Steer(pins={1: BY_NAME["Hallen Ball"]})
    assert found(index, "schuhe", steer=pinned)[0] == "Hallen Ball"
    last = Steer(buries=(Target("value", "red", "colour"),))
    assert set(found(index, "schuhe", steer=last)[-2:]) == {"Strom 3 Laufschuh Herren", "Grat Wanderschuh"}
    up = Steer(boosts=(Target("product", str(BY_NAME["Hallenfuchs Hallenschuh"])),))
    assert found(index, "schuhe", steer=up)[0] == "Hallenfuchs Hallenschuh"


def test_pages_with_a_pin_show_everything_once(index: TantivyIndex):
    steer = Steer(pins={3: BY_NAME["Hallen Ball"]})
    pages = [found(index, "schuhe", steer=steer, offset=offset, limit=2) for offset in (0, 2, 4)]
    listed = [name for page in pages for name in page]
    assert len(listed) == len(set(listed)) == 5 and listed[2] == "Hallen Ball"


def test_completions_begin_as_typed_and_find_something(index: TantivyIndex):
    said = asyncio.run(index.complete(Question(words="lauf", language="de", typing=True), 5))
    assert any(one.startswith("laufschuh") for one in said)
    assert asyncio.run(index.complete(Question(words="", language="de"), 5)) == []


def test_no_suggestion_ends_in_a_word_that_says_nothing(tmp_path: Path):
    index = TantivyIndex(tmp_path / "shop", ["de"])
    asyncio.run(index.rebuild(batches([article("Yoga mit Matte")]), "1:x"))
    said = asyncio.run(index.complete(Question(words="yoga m", language="de", typing=True), 5))
    assert said == ["yoga matte"]


def test_what_begins_a_word_is_not_corrected_while_it_is_typed(index: TantivyIndex):
    answer = asyncio.run(index.search(Question(words="laufsch", language="de", typing=True)))
    assert answer.total == 2 and not answer.used
    assert asyncio.run(index.search(Question(words="laufschuj", language="de", typing=True))).used == "laufschuh"


# Few letters, so that most words are near each other: swapped, doubled, left out.
_NEAR = st.text(alphabet="abc", min_size=3, max_size=13)


@settings(max_examples=200, deadline=None)
@given(st.sets(_NEAR, min_size=1, max_size=40), _NEAR)
def test_letters_and_places_leave_out_nothing_that_is_near(known: set[str], typed: str):
    near = {one.form for _, one in Vocabulary("de", ((form, 1) for form in known))._nearest(typed, 100)}  # pyright: ignore[reportPrivateUsage]
    allowed = 1 if len(typed) < 6 else 2 if len(typed) < 11 else 3
    assert near == ({form for form in known if OSA.distance(typed, form) <= allowed} if len(typed) > 3 else set())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=450, max_size=500), st.sampled_from(("a", "ab", "b")))
def test_the_most_used_beginnings_are_found_among_many_and_few(counts: list[int], letters: str):
    forms = [f"{'ab' if number % 2 else 'b'}{number}" for number in range(len(counts))]
    known = Vocabulary("de", zip(forms, counts, strict=True))
    found = [(one.count, one.form) for one in known.beginning(letters, 24)]
    there = sorted((count for form, count in zip(forms, counts, strict=True) if form.startswith(letters)), reverse=True)
    assert [count for count, _ in found] == there[:24]
    assert all(form.startswith(letters) for _, form in found)


def test_what_is_remembered_of_a_word_ends_with_the_state_of_the_index(tmp_path: Path):
    index = TantivyIndex(tmp_path / "shop", ["de"])
    asyncio.run(index.rebuild(batches(GOODS[:3]), "1:x"))
    assert found(index, "zelt") == []
    asyncio.run(index.write([article("Zelt")], [], "2:x"))
    index._looked_at = 0.0  # pyright: ignore[reportPrivateUsage] - as after a twentieth of a second
    assert asyncio.run(index.search(Question(words="zelt", language="de"))).total == 1


@pytest.mark.parametrize(
    ("typed", "said", "first"),
    [
        ("lauffsch", "laufschuh", "Laufschuh"),  # a letter twice
        ("wnaders", "wanderschuh", "Wanderschuh"),  # two changed about
        ("fahrrdh", "fahrradhelm", "Fahrradhelm"),  # one left out
        ("trinkfals", "trinkflasche", "Trinkflasche"),
        ("qxzvw", "", ""),
    ],
)
def test_a_slip_in_what_is_only_begun_leads_on(index: TantivyIndex, typed: str, said: str, first: str):
    question = Question(words=typed, language="de", typing=True)
    assert asyncio.run(index.complete(question, 5))[:1] == ([said] if said else [])
    there = found(index, typed, typing=True)
    assert (first in there[0]) if first else not there
    assert asyncio.run(index.search(question)).used == said


def test_a_slip_in_an_earlier_word_is_mended_while_the_last_is_typed(index: TantivyIndex):
    question = Question(words="nachtzuk lauf", language="de", typing=True)
    assert asyncio.run(index.complete(question, 5))[0].startswith("nachtzug lauf")


def test_what_begins_nearly_so_is_found_among_many():
    vocabulary = Vocabulary("de", [("regenjacke", 3), ("rennrad", 9), ("regal", 5), ("bringen", 9)])
    begun = vocabulary.begun_like("rengen", 5)
    assert begun is not None and begun.mistakes == 1 and [one.form for one in begun.forms] == ["regenjacke"]
    assert vocabulary.begun_like("ren", 5) is None  # anything could be meant
    assert vocabulary.begun_like("gege", 5) is None and vocabulary.begun_like("gegenj", 5) is not None


@given(
    st.lists(st.text("abn", min_size=4, max_size=9), min_size=1, max_size=12), st.text("abn", min_size=6, max_size=9)
)
def test_no_beginning_that_is_near_is_passed_over(forms: list[str], letters: str):
    vocabulary = Vocabulary("en", [(form, 1) for form in forms])
    near = {form: min(OSA.distance(letters, form[:end]) for end in range(len(form) + 1)) for form in vocabulary.known}
    fewest = min(near.values())
    begun = vocabulary.begun_like(letters, 100)
    if fewest <= (1 if len(letters) < 8 else 2):
        assert begun is not None and begun.mistakes == fewest
        assert {stem(one.form, "en") for one in begun.forms} == {
            stem(form, "en") for form, mistakes in near.items() if mistakes == fewest
        }
    else:
        assert begun is None


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=300))
def test_nothing_that_is_typed_is_an_error(index: TantivyIndex, words: str):
    asyncio.run(index.search(Question(words=words, language="de", typing=True)))
    assert len(asked(words, "de")) <= MAX_WORDS


@pytest.mark.parametrize(
    "words", ["x" * 10_000, "(", '"', "a AND b OR", "name:*", "/.*/", "[1 TO 2]", "\0", "+-!{}^~\\", "*"]
)
def test_syntax_of_others_is_only_words(index: TantivyIndex, words: str):
    asyncio.run(index.search(Question(words=words, language="de")))


def test_a_write_is_found_at_once_and_a_broken_index_is_known(tmp_path: Path):
    index = TantivyIndex(tmp_path / "shop", ["de", "en"])
    with pytest.raises(NoIndex):
        asyncio.run(index.search(Question(words="a", language="de")))
    asyncio.run(index.rebuild(batches(GOODS), "1:a"))
    reader = TantivyIndex(tmp_path / "shop", ["de", "en"])
    assert found(reader, "zelt") == []
    before = reader.stamp()
    tent = article("Sternwarte Zelt")
    asyncio.run(index.write([tent], [BY_NAME["Hallen Ball"]], "2:b"))
    fresh = TantivyIndex(tmp_path / "shop", ["de", "en"])  # as another process sees it
    assert asyncio.run(fresh.search(Question(words="zelt", language="de"))).ids == [tent.id]
    assert found(fresh, "hallen ball") == [] and fresh.mark() == "2:b" and fresh.stamp() != before
    assert asyncio.run(fresh.signs([tent.id])) == {tent.id: 0}
    # Another version, other languages, a broken file: build it anew.
    assert TantivyIndex(tmp_path / "shop", ["de"]).mark() is None
    generation = (tmp_path / "shop" / "current").read_text()
    (tmp_path / "shop" / generation / "meta.json").write_text("{")
    assert TantivyIndex(tmp_path / "shop", ["de", "en"]).mark() is None


def test_what_is_due_says_so(tmp_path: Path):
    index = TantivyIndex(tmp_path / "shop", ["de", "en"])
    due = Document(UUID(int=1), {"de": Texts("Bald günstiger")}, due=datetime(2026, 1, 1, tzinfo=UTC))
    asyncio.run(index.rebuild(batches([due]), "1:a"))
    assert asyncio.run(index.due(datetime(2025, 12, 31, tzinfo=UTC))) == []
    assert asyncio.run(index.due(datetime(2026, 1, 2, tzinfo=UTC))) == [due.id]


@given(st.text(min_size=1, max_size=60) | st.text("aeouxäöüéèæœøǣǿß\u0308\u0304", min_size=1, max_size=8))
@example("ǣe")
@example("æe")
@example("saeen")
@example("uèe")
def test_folding_settles(text: str):
    for language in ("de", "en"):
        once = fold(text.lower(), language)
        assert fold(once, language) == once
        assert all(fold(word.form, language) == word.form for word in asked(text, language))


@pytest.mark.parametrize(
    ("one", "other"), [("säen", "saeen"), ("Böen", "boeen"), ("ǣther", "æther"), ("Ä", "A\u0308"), ("ﬀ", "ff")]
)
def test_one_word_in_two_ways_to_write_it_compares_alike(one: str, other: str):
    assert comparable(one, "de") == comparable(other, "de")


def test_compounds_are_split_by_the_catalogue_alone():
    splitter = learnt(
        {"lauf": 3, "schuhe": 5, "laufschuhe": 4, "wanderschuh": 2, "wandern": 2, "schokolade": 90, "laden": 1}
    )
    assert splitter.parts("laufschuhe") == ("lauf", "schuhe")
    assert splitter.parts("schokolade") is None
    assert stem("läuferinnen", "de") == stem("läufer", "de")
