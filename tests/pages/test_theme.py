"""A retailer's own look comes before Lotse's, and the rest stays."""

from pathlib import Path
from types import SimpleNamespace

from lotse.web.storefront import frame
from lotse.web.storefront.brand import Brand, brand_of, put_brand


def test_a_theme_replaces_what_it_has_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "templates" / "storefront").mkdir(parents=True)
    (tmp_path / "templates" / "storefront" / "foot_text.html").write_text("<p>{{ _('Basket') }} of ours</p>")
    words = tmp_path / "locale" / "de" / "LC_MESSAGES"
    words.mkdir(parents=True)
    (words / "lotse.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Basket"\nmsgstr "Körbchen"\n'
    )
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "theme.css").write_text(":root { --beacon: #ff7a00; }")

    static = frame.static_files([tmp_path])
    made = frame.templates(static, [tmp_path])
    assert made.render("storefront/foot_text.html", "de", {}) == "<p>Körbchen of ours</p>"
    brand = {"logo": None, "href": str, "shop": SimpleNamespace(name="Ours")}
    assert "Ours" in made.render("storefront/brand.html", "de", brand)
    assert static.url("theme/theme.css").startswith("/static/theme/theme.css?v=")
    assert static.has("css/tokens.css")


def test_without_a_theme_there_is_only_lotses_look() -> None:
    assert not frame.static_files([]).has("theme/theme.css")


def test_the_brand_is_what_the_file_says_and_a_broken_file_is_none(tmp_path: Path) -> None:
    assert brand_of(tmp_path / "empty") == Brand()
    put_brand(tmp_path, Brand(logo="a.svg"))
    assert brand_of(tmp_path) == Brand(logo="a.svg")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "brand.json").write_text("{")
    assert brand_of(broken) == Brand()
