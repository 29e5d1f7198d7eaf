"""A retailer's own look comes before Lotse's, and the rest stays."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from lotse.domains.messages.queries import ORDER_CANCELLED, ORDER_PLACED
from lotse.kernel.mail import writing
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


def test_a_theme_changes_one_block_of_what_lies_beneath(tmp_path: Path) -> None:
    (tmp_path / "templates" / "storefront").mkdir(parents=True)
    text = '{% extends "lotse/storefront/layout.html" %}{% block title %}Ours{% endblock %}'
    (tmp_path / "templates" / "storefront" / "layout.html").write_text(text)
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "tokens.css").write_text(":root { --beacon: #ff7a00; }")
    (tmp_path / "static" / "icon.svg").write_text("<svg/>")
    static = frame.static_files([tmp_path])
    made = frame.templates(static, [tmp_path])
    shop = SimpleNamespace(name="Ours", gross=True)
    values = {
        "shop": shop,
        "languages": [],
        "part": lambda *_: "",
        "frame": (),
        "href": str,
        "base": "",
        "csrf": "",
        "path": "/",
    }
    page = made.render("storefront/layout.html", "en", values)
    assert "<title>Ours</title>" in page and "/static/css/shop.css" in page
    assert page.index("css/shop.css") < page.index("theme/tokens.css")
    assert static.url("theme/icon.svg") in page and "icon.svg?v=" in page and "/static/icon.svg" not in page


def test_the_office_takes_the_tokens_and_its_own_style(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    for name in ("tokens.css", "theme.css", "office.css"):
        (tmp_path / "static" / name).write_text(":root { --beacon: #ff7a00; }")
    made = frame.templates(frame.static_files([tmp_path]), [tmp_path])
    for template in ("backoffice/layout.html", "backoffice/door.html"):
        source = made.environment("en").loader.get_source(made.environment("en"), template)[0]  # type: ignore[union-attr]
        assert "theme/tokens.css" in source and "theme/office.css" in source and "theme/theme.css" not in source


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


def test_a_theme_words_a_mail_and_shows_a_block_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file each: what it does not have comes from Lotse."""
    theme = tmp_path / "our_theme"
    for folder in ("messages/mail", "mail", "content/block"):
        (theme / "templates" / folder).mkdir(parents=True)
    (theme / "__init__.py").write_text("")
    (theme / "templates" / "messages" / "mail" / "order_placed_de.txt").write_text(
        "Subject: Ahoi {{ number }}\n\nDa.\n"
    )
    (theme / "templates" / "content" / "block" / "text.html").write_text("<section>ours: {{ piece }}</section>")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(writing, "entry_points", lambda group: [SimpleNamespace(name="ours", value="our_theme")])
    writing.templates.cache_clear()
    try:
        assert writing.file_wording(ORDER_PLACED, "de").subject == "Ahoi {{ number }}"
        assert "number" in writing.file_wording(ORDER_PLACED, "en").body
        assert writing.file_wording(ORDER_CANCELLED, "de").subject != "Ahoi {{ number }}"
    finally:
        monkeypatch.undo()
        writing.templates.cache_clear()  # the others' mails are Lotse's again
    made = frame.templates(frame.static_files([theme]), [theme])
    assert made.render("content/block/text.html", "de", {"piece": "x"}) == "<section>ours: x</section>"
    beneath = made.environment("de").get_template("lotse/content/block/text.html").filename
    assert beneath is not None and not beneath.startswith(str(theme))


def test_a_font_has_one_address_for_pages_and_style_sheets() -> None:
    # A page asks for it before the style sheet does: by two addresses it would be fetched twice.
    static = frame.static_files([])
    sheet = static.find("css/shop.css")
    assert sheet is not None
    asked = static.url("vendor/archivo-latin.woff2").removeprefix("/static/")
    assert f'url("../{asked}")' in sheet.content.decode()


@pytest.mark.parametrize(
    ("name", "accept", "packing"),
    [
        ("css/shop.css", "gzip, deflate, br, zstd", "zstd"),
        ("css/shop.css", "gzip, deflate, br", "br"),
        ("css/shop.css", "gzip", "gzip"),
        ("css/shop.css", "", ""),
        ("css/shop.css", "br;q=0", ""),
        ("icon.svg", "br", ""),  # too small to gain anything
        ("vendor/archivo-latin.woff2", "br", ""),  # packed already
    ],
)
def test_texts_are_packed_as_the_browser_asks(name: str, accept: str, packing: str) -> None:
    static = frame.static_files([])
    file = static.find(name)
    assert file is not None
    content, chosen = static.sent(file, accept.encode())
    assert chosen == packing
    assert (len(content) < len(file.content) / 2) if packing else (content == file.content)
    # Once per packing, not per request.
    assert static.sent(file, accept.encode())[0] is content


def test_a_page_waits_for_one_sheet_and_one_script_and_two_small_fonts() -> None:
    # What a phone loads before it shows anything; Lighthouse's figures in docs/guides/storefront.md hang on it.
    static = frame.static_files([])
    sheet, script = static.find("css/shop.css"), static.find("js/storefront.js")
    assert sheet is not None and script is not None
    assert len(static.sent(sheet, b"br")[0]) < 13_000
    assert len(static.sent(script, b"br")[0]) < 8_000
    assert b"/*" not in sheet.content
    fonts = [static.find(f"vendor/archivo-{name}.woff2") for name in ("latin", "latin-wide")]
    assert sum(len(font.content) for font in fonts if font) < 45_000


def test_each_width_of_the_typeface_has_common_and_rare_letters() -> None:
    # Faces of another range are not looked into: headings would be set in whatever the machine has.
    sheet = frame.static_files([]).find("css/tokens.css")
    assert sheet is not None
    faces = re.findall(r"@font-face \{(.+?)\}", sheet.content.decode(), re.DOTALL)
    stretches = [re.findall(r"font-stretch: ([^;]+);", face)[0] for face in faces]
    rare = ["latin-ext" in face for face in faces]
    assert sorted(zip(stretches, rare, strict=True)) == [
        ("111% 125%", False), ("111% 125%", True), ("62% 110%", False), ("62% 110%", True),
    ]  # fmt: skip
