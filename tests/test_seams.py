"""What a retailer's own repository may build on is listed by name: nothing undocumented, nothing that is gone."""

import pytest

from lotse.scaffold import seams

PAGE = seams.PAGE.read_text("utf-8")


def test_the_page_lists_every_seam_and_no_other():
    found = seams.differences(PAGE)
    assert not found, "run `python -m lotse.scaffold.seams` (`--drop` for what is gone)\n" + "\n".join(found)


def test_the_page_is_as_it_would_be_written():
    assert seams.page(seams.read(PAGE)) == PAGE, "run `python -m lotse.scaffold.seams`"


def test_every_seam_says_since_when():
    documented = seams.read(PAGE)
    assert documented["Entry points"]["lotse.domains"] == "0.1.0"
    assert documented["Registries"]["lotse.domains.payments.contracts.methods"] == "0.1.0"
    assert all(since for section in documented.values() for since in section.values())


@pytest.mark.parametrize("name", ["product.below", "--beacon", "storefront/layout.html", "pages.slots", "Transaction"])
def test_a_seam_that_the_page_lacks_is_named(name: str):
    without = PAGE.replace(f"`{name}`", "`something_else`")
    found = seams.differences(without)
    assert any(line.startswith(f"undocumented: {name} ") for line in found), found[:3]
    assert any(line.startswith("gone: something_else ") for line in found), found[:3]


def test_the_version_of_what_is_known_stays_and_what_is_gone_waits_for_a_decision():
    told = {"Slots": {"product.below": "0.0.7", "product.gone": "0.0.3"}}
    page = seams.read(seams.page(told))
    assert page["Slots"]["product.below"] == "0.0.7" and page["Slots"]["product.gone"] == "0.0.3"
    assert "product.gone" not in seams.read(seams.page(told, drop=True))["Slots"]


def test_a_slot_without_words_stops_the_list(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(seams.SLOTS, "product.below")
    with pytest.raises(seams.Undescribed, match=r"product\.below"):
        seams.sections()


def test_only_what_is_listed_may_be_imported():
    names = seams.names()
    assert {"lotse.kernel.money.Money", "lotse.kernel.clock", "lotse.domains.catalog.queries.product_by_slug"} <= names
    assert not {"lotse.kernel.migrate", "lotse.domains.catalog.pages", "lotse.kernel.db._pool"} & names
