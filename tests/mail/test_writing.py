"""Words become mails: what may stand in them, what is refused with its line, and that values stay what they are."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from lotse.kernel.mail import writing
from lotse.kernel.mail.contracts import BrokenTemplate, Content, PiecesMissing, Sender, Wording
from tests.mail.conftest import GREETING

SENDER = Sender("Sports house", imprint=("Sports house GmbH",))
NAMES = {"number": "4711", "name": "Anna", "link": "https://shop.example/order/4711", "prepaid": True}
PARTS = {"lines": {"lines": [("Ball & net", "11,90 €")]}}


def wrote(body: str, subject: str = "Order", **values: str | bool) -> tuple[str, str, str]:
    content = Content({**NAMES, **values}, SENDER, PARTS)
    found = writing.written(GREETING, Wording(subject, body), content, "en")
    return found.subject, found.html, found.text


def test_a_mail_reads_well_in_both_forms():
    wording = writing.file_wording(GREETING, "de")  # there is none in German: English
    writing.checked(wording, GREETING, NAMES)
    found = writing.written(GREETING, wording, Content(NAMES, SENDER, PARTS), "en")
    assert found.subject == "Your order 4711"
    assert '<p class="button"><strong><a href="https://shop.example/order/4711">Look at your order</a>' in found.html
    assert "Ball &amp; net" in found.html and "\ue000" not in found.html
    assert found.text.split("\n\n")[:2] == ["Thank you, Anna\n===============", "Your order 4711 is here. Please pay."]
    assert "Ball & net  11,90 €" in found.text
    assert "Look at your order: https://shop.example/order/4711" in found.text
    assert "- keep this mail\n- tell your friends" in found.text
    assert found.text.endswith("-- \nSports house GmbH\n")


@pytest.mark.parametrize(
    ("subject", "body", "field", "line", "said"),
    [
        ("", "x", "subject", 0, "empty"),
        ("x", " \n", "body", 0, "empty"),
        ("x" * 201, "x", "subject", 0, "at most"),
        ("x\ny", "x", "subject", 1, "one line"),
        ("x", "a\n{{ number", "body", 2, "unexpected"),
        ("x", "a\n\n{% if prepaid %}", "body", 3, "end of template"),
        ("x", "a\n{{ total }}", "body", 2, "there is no name “total”"),
        ("x", "a\n{% for x in name %}{% endfor %}", "body", 2, "loops"),
        ("x", "{% include 'secrets' %}", "body", 1, "other templates"),
        ("x", "{{ name.__class__ }}", "body", 1, "points"),
        ("x", "{{ name['x'] }}", "body", 1, "brackets"),
        ("x", "{{ name | upper }}", "body", 1, "filters"),
        ("x", "{{ 'x' * 99999999 }}", "body", 1, "not possible"),
        ("x", "{% set name = 1 %}", "body", 1, "set"),
        ("x", "{{ name() }}", "body", 1, "only part"),
        ("x", "{{ part('wrong') }}", "body", 1, "the parts here are: lines"),
        ("x", "{{ part }}", "body", 1, "write part"),
        ("{{ part('lines') }}", "x", "subject", 1, "the parts here are: none"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line(subject: str, body: str, field: str, line: int, said: str):
    with pytest.raises(BrokenTemplate) as refused:
        writing.checked(Wording(subject, body), GREETING, NAMES)
    assert (refused.value.field, refused.value.line) == (field, line)
    assert said in refused.value.reason


def test_a_name_that_the_mail_lacks_is_refused_when_it_is_written():
    with pytest.raises(BrokenTemplate) as refused:
        wrote("a\n\n{{ gone }}")
    assert (refused.value.field, refused.value.line) == ("body", 3)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[click](https://evil.example)",
        "**bold** _it_ `code`",
        "# heading",
        "Anna\r\nBcc: everybody@example.org",
        "{{ number }}{% if x %}",
        "https://evil.example",
        "1. first",
        "> quote",
        "&lt;b&gt;",
        "\ue000lines\ue001",
    ],
)
def test_a_value_stays_a_value(hostile: str):
    subject, page, text = wrote("{{ name }}", "Hello {{ name }}", name=hostile)
    body = re.findall(r'<td class="words">(.*?)</td>', page, re.DOTALL)[0]
    seen = " ".join(hostile.replace("\ue000", "").replace("\ue001", "").split())
    assert re.fullmatch(r"<p>[^<]*</p>\s*", body)
    assert " ".join(html.unescape(body[3 : body.index("</p>")]).split()) == seen
    assert "\n" not in subject and " ".join(subject.split()) == f"Hello {seen}"
    assert seen in " ".join(text.split())


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "vbscript:x"])
def test_a_link_leads_to_the_web_or_nowhere(address: str):
    _, page, _ = wrote("[here]({{ link }})", link=address)
    assert 'href="' + address not in page


def test_what_staff_type_is_no_html_either():
    _, page, _ = wrote('<img src=x onerror="x"> ![pixel](https://spy.example/x.gif)')
    words = re.findall(r'<td class="words">(.*?)</td>', page, re.DOTALL)[0]
    assert "<img" not in words


@given(name=st.text(max_size=40))
def test_no_value_ever_becomes_markup(name: str):
    escaped = str(writing.markdown_of(name))
    tokens = writing._MARKDOWN.parse(f"x {escaped} y")
    kinds = {child.type for token in tokens for child in token.children or ()}
    assert kinds <= {"text"}


@pytest.mark.parametrize(
    ("source", "wording"),
    [
        ("Subject: Hi\n\nBody\n", Wording("Hi", "Body\n")),
        ("Subject: Hi\nPreview: See\n\nBody\n\nmore", Wording("Hi", "Body\n\nmore\n", "See")),
    ],
)
def test_words_of_a_file(source: str, wording: Wording):
    assert writing.parsed(source) == wording


@pytest.mark.parametrize("source", ["Body", "Preview: x\n\nBody", "Subject: x\nBody"])
def test_a_file_without_a_subject_is_a_mistake(source: str):
    with pytest.raises(ValueError, match="Subject"):
        writing.parsed(source)


@pytest.mark.parametrize(
    ("body", "is_enough"),
    [
        ("{{ number }}", True),
        ("[here]({{ number }})", True),
        ("{% if number %}here{% endif %}", False),
        ("{% if prepaid %}{{ number }}{% endif %}", False),
        ("{% if prepaid %}{{ number }}{% else %}No. {{ number }}{% endif %}", True),
        ("{% if prepaid %}{{ number }}{% elif name %}x{% else %}{{ number }}{% endif %}", False),
        ("{{ name or number }}", False),
        ("{{ number }}{% if not prepaid %}x{% else %}{{ name }}{% endif %}", True),
    ],
)
def test_what_a_mail_needs_is_shown_whatever_else_may_be(body: str, is_enough: bool):
    mail = structs.replace(GREETING, needs={"number": ""})
    if is_enough:
        writing.checked(Wording("Hello", body), mail, NAMES)
    else:
        with pytest.raises(PiecesMissing):
            writing.checked(Wording("Hello", body), mail, NAMES)


@pytest.mark.parametrize(
    ("flag", "body", "is_enough"),
    [
        ("prepaid", "{% if prepaid %}{{ number }}{% endif %}", True),
        ("prepaid", "{% if not prepaid %}x{% else %}{{ number }}{% endif %}", True),
        ("prepaid", "{% if not prepaid %}{{ number }}{% endif %}", False),
        ("not prepaid", "{% if not prepaid %}{{ number }}{% endif %}", True),
        ("not prepaid", "{% if prepaid %}x{% elif name %}{{ number }}{% else %}{{ number }}{% endif %}", True),
        ("not prepaid", "{% if prepaid %}{{ number }}{% endif %}", False),
    ],
)
def test_what_a_mail_needs_at_times_is_shown_at_those(flag: str, body: str, is_enough: bool):
    mail = structs.replace(GREETING, needs={"number": flag})
    if is_enough:
        writing.checked(Wording("Hello", body), mail, NAMES)
    else:
        with pytest.raises(PiecesMissing):
            writing.checked(Wording("Hello", body), mail, NAMES)
