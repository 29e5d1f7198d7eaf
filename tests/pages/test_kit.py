"""Formats, languages, forms, templates and static files."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import pytest
from jinja2 import UndefinedError
from msgspec import Meta, Struct

from lotse.kernel.money import Money
from lotse.kernel.pages.environment import Templates
from lotse.kernel.pages.formatting import filters, locale_of, measured
from lotse.kernel.pages.forms import NOT_A_NUMBER, REQUIRED, TOO_LARGE, TOO_LONG, TOO_SMALL, Form
from lotse.kernel.pages.i18n import accepted, chosen
from lotse.kernel.pages.static import StaticFiles

DE, EN = filters(locale_of("de")), filters(locale_of("en"))
AT = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.5 l", "0,5 l"),
        ("1.75kg", "1,75kg"),
        ("2.4 GHz", "2,4 GHz"),
        ("42.5", "42.5"),
        ("802.11 ac", "802.11 ac"),
        ("Vers. 1.5 m", "Vers. 1.5 m"),
        ("5 l", "5 l"),
        ("", ""),
    ],
)
def test_a_measure_in_data_reads_as_in_the_language(value: str, shown: str) -> None:
    assert measured(value, locale_of("de")) == shown
    assert measured(value, locale_of("en")) == value


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (EN["money"](Money(1999, "EUR")), "€19.99"),
        (DE["money"](123456, "EUR"), "1.234,56\xa0€"),
        (EN["money"](500, "JPY"), "JP¥500"),
        (DE["money"](-5, "EUR"), "-0,05\xa0€"),
        (EN["unit_price"](Decimal("59.950000"), "EUR"), "€59.95"),
        (EN["unit_price"](Decimal("0.001250"), "EUR"), "€0.00125"),
        (DE["quantity"](1200), "1.200"),
        (DE["quantity"](1200, "g"), "1.200\u202fg"),
        (EN["signed"](-3), "\u22123"),
        (EN["signed"](47), "+47"),
        (DE["percent"](Decimal("0.19")), "19\xa0%"),
        (EN["percent"](Decimal("0.055")), "5.5%"),
        (DE["day"](date(2026, 1, 2)), "02.01.2026"),
        # The clocks went forward that night: half past midnight in Berlin, the day after in UTC.
        (DE["moment"](AT, "Europe/Berlin"), "30.03.2026, 00:30"),
        (EN["day"](AT, "Europe/Berlin"), "30 Mar 2026"),
        (EN["listed"](["Germany", "Austria"]), "Germany and Austria"),
        (
            EN["excerpt"]("<h2>A</h2><p>House Ltd<br>Street 1,<br/> Town.<br>Page</p><p>B</p>"),
            "House Ltd, Street 1, Town. Page",
        ),
        (EN["excerpt"](f"<p>{'Words ' * 12}end here. {'More ' * 40}</p>"), f"{'Words ' * 12}end here."),
        (EN["excerpt"](f"<p>{'word, ' * 60}</p>"), f"{'word, ' * 24}word…"),
        (DE["listed"](["Deutschland", "Österreich"]), "Deutschland und Österreich"),
    ],
)
def test_values_read_as_in_the_language(shown: str, expected: str) -> None:
    assert shown == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("fr, en;q=0.5, de;q=0.4", "en"),
        ("de;q=0, en", "en"),
        ("fr", None),
        ("", None),
        ("de;q=nonsense, en;q=0.1", "en"),
        (",".join(["fr"] * 20 + ["en"]), None),
    ],
)
def test_the_browsers_wish_for_a_language(accept: str, expected: str | None) -> None:
    assert accepted(["de", "en"], accept) == expected


def test_the_address_wins_over_the_cookie_and_the_cookie_over_the_browser() -> None:
    assert chosen(["de", "en"], "en", "de", accept="de") == "en"
    assert chosen(["de", "en"], None, "en", accept="de") == "en"
    assert chosen(["de", "en"], "xx", None, accept="en") == "en"
    assert chosen(["de", "en"], None, None, accept="fr") == "de"


class Wanted(Struct, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=5)]
    quantity: Annotated[int, Meta(ge=1, le=99)]
    note: str = ""


@pytest.mark.parametrize(
    ("posted", "errors"),
    [
        ({"name": "Ada", "quantity": "3"}, {}),
        ({"name": "  ", "quantity": "3"}, {"name": REQUIRED}),
        ({"name": "Adalbert", "quantity": "3"}, {"name": TOO_LONG}),
        ({"name": "Ada", "quantity": "three"}, {"quantity": NOT_A_NUMBER}),
        ({"name": "Ada", "quantity": "1e1"}, {"quantity": NOT_A_NUMBER}),
        ({"name": "Ada", "quantity": "0"}, {"quantity": TOO_SMALL}),
        ({"name": "Ada", "quantity": "100"}, {"quantity": TOO_LARGE}),
        ({}, {"name": REQUIRED, "quantity": REQUIRED}),
    ],
)
def test_a_form_shows_every_mistake_at_once_and_keeps_what_was_typed(
    posted: dict[str, str], errors: dict[str, str]
) -> None:
    form = Form.read(posted, Wanted)
    assert {field: error.message for field, error in form.errors.items()} == errors
    assert (form.content is None) == bool(errors)
    assert all(form.value(field) == text.strip() for field, text in posted.items())


def test_a_form_takes_a_mistake_that_only_the_command_saw() -> None:
    form = Form.read({"name": "Ada", "quantity": "3"}, Wanted).with_error("quantity", "Only %(left)s left", left=2)
    assert form.errors["quantity"].values == {"left": 2}
    assert form.content is None


def templates(folder: Path, **files: str) -> Templates:
    for name, text in files.items():
        (folder / f"{name}.html").write_text(text)
    return Templates({"mine": folder})


def test_an_undefined_name_is_an_error_and_text_is_escaped(tmp_path: Path) -> None:
    made = templates(tmp_path, hello="Hello {{ name }}")
    assert made.render("mine/hello.html", "en", {"name": "<b>"}) == "Hello &lt;b&gt;"
    with pytest.raises(UndefinedError):
        made.render("mine/hello.html", "en", {})


def test_a_retailers_theme_and_catalogue_come_first(tmp_path: Path) -> None:
    own, theme, words = tmp_path / "own", tmp_path / "theme", tmp_path / "locale" / "de" / "LC_MESSAGES"
    for folder in (own, theme / "mine", words):
        folder.mkdir(parents=True)
    (own / "page.html").write_text("Lotse: {{ _('Basket') }}")
    (words / "lotse.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Basket"\nmsgstr "Körbchen"\n'
    )
    made = Templates({"mine": own}, catalogues=[tmp_path / "locale"], themes=[theme])
    assert made.render("mine/page.html", "de", {}) == "Lotse: Körbchen"
    assert made.render("mine/page.html", "en", {}) == "Lotse: Basket"
    (theme / "mine" / "page.html").write_text("Theme: {{ _('Basket') }}")
    assert Templates({"mine": own}, themes=[theme]).render("mine/page.html", "en", {}) == "Theme: Basket"


def test_a_static_files_address_changes_with_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a{}")
    first = StaticFiles({"": tmp_path}).url("a.css")
    (tmp_path / "a.css").write_text("b{}")
    assert first.startswith("/static/a.css?v=")
    assert StaticFiles({"": tmp_path}).url("a.css") != first
    with pytest.raises(KeyError):
        StaticFiles({"": tmp_path}).url("missing.css")
    assert StaticFiles({"": tmp_path}).find("../a.css") is None
