"""What a template says on every page alike is worked out when it is compiled, and says the same as before."""

from pathlib import Path

import pytest
from markupsafe import Markup

from lotse.kernel.pages.environment import Templates

GERMAN = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

msgid "Save 10 %% <now>"
msgstr "Jetzt 10 %% <sparen>"

msgid "Hello %(name)s"
msgstr "Hallo %(name)s"
"""


def templates(folder: Path, **texts: str) -> tuple[Templates, list[str]]:
    asked: list[str] = []

    def address(name: str) -> str:
        asked.append(name)
        return {"a.css": "/a.css?v=1&w=2"}[name]

    own = folder / "own"
    own.mkdir()
    for name, text in texts.items():
        (own / f"{name}.html").write_text(text)
    catalogue = folder / "locale" / "de" / "LC_MESSAGES"
    catalogue.mkdir(parents=True)
    (catalogue / "lotse.po").write_text(GERMAN)
    made = Templates({"own": own}, catalogues=[folder / "locale"], constants={"address": address})
    return made, asked


def test_a_constant_is_asked_once_and_escaped_as_ever(tmp_path: Path) -> None:
    made, asked = templates(tmp_path, page='<a href="{{ address("a.css") }}">{{ _("Save 10 %% <now>") }}</a>')
    shown = [made.render("own/page.html", "de", {}) for _ in range(3)]
    assert shown == ['<a href="/a.css?v=1&amp;w=2">Jetzt 10 % <sparen></a>'] * 3
    assert asked == ["a.css"]
    assert made.render("own/page.html", "en", {}).endswith("Save 10 % <now></a>")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{{ _("Hello %(name)s", name=who) }}', "Hallo &lt;Ada&gt;"),
        ("{% trans %}Save 10 % <now>{% endtrans %}", "Jetzt 10 % <sparen>"),
        ("{{ address(which) }}", "/a.css?v=1&amp;w=2"),
        ("""<i{{ " bold" if not who }}{{ ' at="&"' | safe if who }}>""", '<i at="&">'),
        ('{% set address = own %}{{ address("a.css") }}', "mine"),
        ('{% macro address(name) %}macro {{ name }}{% endmacro %}{{ address("a.css") }}', "macro a.css"),
        ('{% if false %}{{ address("absent") }}{% endif %}there', "there"),
        ('{{ href(who, *more, class="a") }}, {{ href("b", x=1) }}', "&lt;Ada&gt; 1 2 class, b x"),
    ],
)
def test_what_depends_on_the_page_is_left_to_it(tmp_path: Path, text: str, shown: str) -> None:
    made, _ = templates(tmp_path, page=text)
    values = {
        "who": "<Ada>",
        "which": "a.css",
        "own": lambda name: "mine",
        "more": [1, 2],
        "href": lambda path, *more, **query: " ".join([path, *map(str, more), *query]),
    }
    assert made.render("own/page.html", "de", values) == shown


def test_words_from_data_are_escaped_though_they_were_markup_once(tmp_path: Path) -> None:
    made, _ = templates(tmp_path, page="{{ what | said }}")
    assert made.render("own/page.html", "de", {"what": Markup("<b>")}) == "<b>"
    assert made.render("own/page.html", "de", {"what": "<b>"}) == "&lt;b&gt;"


def test_a_constant_that_has_no_answer_fails_when_it_is_shown(tmp_path: Path) -> None:
    made, _ = templates(tmp_path, page='{{ address("absent") }}')
    with pytest.raises(KeyError):
        made.render("own/page.html", "en", {})
