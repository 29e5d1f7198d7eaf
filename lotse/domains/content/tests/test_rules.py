"""What may stand on a page, and what becomes of what is typed."""

import ast
import inspect
import re
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotse.domains.content import commands, rules
from lotse.domains.content.contracts import (
    KINDS,
    BadBlock,
    BadMenuLine,
    BadPath,
    BannerBlock,
    Block,
    CategoriesBlock,
    MenuItem,
    PictureBlock,
    ProductsBlock,
    TextBlock,
    VideoBlock,
)
from lotse.domains.content.pages import editor, form, menus, redirects
from lotse.domains.content.rules import (
    acted,
    block_of,
    check,
    counted,
    host_of,
    html_of,
    is_link,
    is_slug,
    live_header,
    menu_of,
    menu_text,
    path_of,
    player_of,
    raw_blocks,
    slug_of,
    target_of,
    text_of,
)
from lotse.kernel.pages.i18n import catalogue

MEDIA = "a" * 64 + "-1200x800.jpg"


# -- Markdown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# One", "<h2>One</h2>"),
        ("**b** *i*", "<p><strong>b</strong> <em>i</em></p>"),
        ("[shoes](/c/shoes)", '<p><a href="/c/shoes" rel="noopener">shoes</a></p>'),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("<img src=x onerror=y>", "<p>&lt;img src=x onerror=y&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("![x](https://spy.example/p.gif)", '<p>!<a href="https://spy.example/p.gif" rel="noopener">x</a></p>'),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
    ],
)
def test_markdown(text: str, html: str):
    assert html_of(text).strip() == html


@given(st.text(max_size=200))
def test_no_text_becomes_a_script(text: str):
    html = html_of(text)
    assert not re.search(
        r"<(?!/?(?:p|br|hr|h[2-6]|strong|em|ul|ol|li|blockquote|code|pre|a|t(?:able|head|body|r|h|d))\b)", html
    )
    assert not re.search(r"<[^>]*\son\w+\s*=", html)


# -- blocks


def blocks() -> st.SearchStrategy[Block]:
    words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60).map(str.strip)
    return st.one_of(
        st.builds(TextBlock, text=words),
        st.builds(PictureBlock, media=st.just(MEDIA), alt=words, caption=words, link=st.sampled_from(["", "/c/a"])),
        st.builds(ProductsBlock, title=words, source=st.sampled_from(["new", "category", "chosen"]), category=words,
                  chosen=words, count=st.integers(1, 24)),
        st.builds(CategoriesBlock, title=words, chosen=words),
        st.builds(BannerBlock, title=words, text=words, label=words, link=words, media=st.just(MEDIA),
                  tone=st.sampled_from(["calm", "beacon", "sea"])),
        st.builds(VideoBlock, title=words, link=words, media=st.just(MEDIA)),
    )  # fmt: skip


@given(st.lists(blocks(), max_size=6))
def test_blocks_survive_the_database_and_the_form(given_blocks: list[Block]):
    stored = msgspec.json.encode(given_blocks)
    assert msgspec.json.decode(stored, type=list[Block]) == given_blocks
    # As the editor's fields hold them and post them.
    posted = {
        f"b{number}.{name}": str(value)
        for number, block in enumerate(given_blocks)
        for name, value in msgspec.to_builtins(block).items()
    }
    raw = raw_blocks(posted)
    assert [block_of(position, fields) for position, fields in enumerate(raw)] == given_blocks


@pytest.mark.parametrize(
    ("block", "field"),
    [
        (TextBlock(" "), "text"),
        (PictureBlock(), "media"),
        (PictureBlock("../../etc/passwd"), "media"),
        (PictureBlock(MEDIA, link="javascript:alert(1)"), "link"),
        (ProductsBlock(source="category"), "category"),
        (ProductsBlock(source="chosen"), "chosen"),
        (BannerBlock(label="Go"), "link"),
        (BannerBlock(label="Go", link="//evil.example"), "link"),
        (VideoBlock(), "link"),
    ],
)
def test_what_cannot_be_published_is_named(block: Block, field: str):
    with pytest.raises(BadBlock) as refused:
        check([TextBlock("fine"), block])
    assert (refused.value.position, refused.value.field) == (1, field)


def test_what_can_be_published():
    check(
        [
            TextBlock("a"),
            PictureBlock(MEDIA),
            ProductsBlock(),
            CategoriesBlock(),
            BannerBlock("t"),
            VideoBlock("t", "https://x.org/v"),
        ]
    )
    with pytest.raises(BadBlock):
        check([TextBlock("a")] * 61)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "text", "text": "x" * 20_001}, "text"),
        ({"kind": "products", "count": "25"}, "count"),
        ({"kind": "products", "count": "many"}, "count"),
        ({"kind": "products", "source": "stolen"}, "source"),
        ({"kind": "banner", "tone": "pink"}, "tone"),
    ],
)
def test_what_is_typed_wrongly_is_named(fields: dict[str, str], field: str):
    with pytest.raises(BadBlock) as refused:
        block_of(3, fields)
    assert (refused.value.position, refused.value.field) == (3, field)


@pytest.mark.parametrize(
    ("act", "kinds"),
    [
        ("", "tpv"), ("up:1", "ptv"), ("up:0", "tpv"), ("down:0", "ptv"), ("down:2", "tpv"), ("remove:1", "tv"),
        ("remove:9", "tpv"), ("add:banner", "tpvb"), ("add:banner:1", "tbpv"), ("add:html", "tpv"), ("up:x", "tpv"),
    ],
)  # fmt: skip
def test_buttons_of_the_editor(act: str, kinds: str):
    first = [{"kind": "text"}, {"kind": "picture"}, {"kind": "video"}]
    assert "".join(fields["kind"][0] for fields in acted(first, act)) == kinds


def test_html_is_no_block():
    assert "html" not in KINDS
    assert raw_blocks({"b0.kind": "html", "b0.text": "<b>"}) == []


def test_the_words_of_a_page():
    assert (
        text_of([BannerBlock("Hi", "there"), TextBlock("## A\n\nb"), ProductsBlock("New")])
        == "Hi\n\nthere\n\n## A\n\nb\n\nNew\n"
    )


# -- addresses


@given(st.text(max_size=120))
def test_every_title_has_an_address(title: str):
    slug = slug_of(title)
    assert is_slug(slug) and slug_of(slug) == slug


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Über uns", "ueber-uns"),
        ("Größen & Maße", "groessen-masse"),
        ("  ", "page"),
        ("日本", "page"),
        ("a" * 90, "a" * 80),
    ],
)
def test_addresses_of_titles(title: str, slug: str):
    assert slug_of(title) == slug


@pytest.mark.parametrize(
    "link", ["/", "/c/shoes?x=1#y", "https://example.org/a", "http://example.org", "mailto:a@b.de"]
)
def test_links(link: str):
    assert is_link(link)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "shoes",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "/a b",
        "mailto:",
        "/" + "x" * 500,
    ],
)
def test_what_is_no_link(link: str):
    assert not is_link(link)


@pytest.mark.parametrize(
    ("text", "path"),
    [("/a/", "/a"), ("/de/a?x=1", "/a"), ("/en", "/"), ("/a#b", "/a"), ("/p/schuh", "/p/schuh")],
)
def test_paths(text: str, path: str):
    assert path_of(text) == path


@pytest.mark.parametrize("text", ["", "a", "//a", "https://a.de", "/a b", "/<x>", "/" + "a" * 301])
def test_what_is_no_path(text: str):
    with pytest.raises(BadPath):
        path_of(text)


@pytest.mark.parametrize("text", ["", "http://a.de", "//a.de", "mailto:a@b.de", "javascript:x", "/\\a"])
def test_where_nothing_may_lead(text: str):
    with pytest.raises(BadPath):
        target_of(text)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/p/old-shoe", "/p/old-shoe"), ("/de/sale", "/sale"), ("/%C3%BCber", "/über"), ("/", None),
        ("/wp-login.php", None),
        ("/.env", None), ("/office/x", None), ("/order/abc", None), ("/a/" + "b1" * 20, None), ("/%ff", None),
        ("/anna@example.org", None), ("/x" * 200, None),
    ],
)  # fmt: skip
def test_what_is_counted(path: str, expected: str | None):
    assert counted(path) == expected


def test_of_a_referrer_only_the_host():
    assert host_of("https://Blog.example.org/a?mail=anna@example.org") == "blog.example.org"
    assert host_of("http://[broken") == "" and host_of("") == ""


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?autoplay=1",
        ),
        ("https://youtu.be/dQw4w9WgXcQ?t=3", "https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?autoplay=1"),
        ("https://vimeo.com/76979871", "https://player.vimeo.com/video/76979871?dnt=1&autoplay=1"),
        ("https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ", None),
        ("http://www.youtube.com/watch?v=dQw4w9WgXcQ", None),
        ('https://youtu.be/"onload=x', None),
        ("https://example.org/video.mp4", None),
    ],
)
def test_players(link: str, frame: str | None):
    found = player_of(link)
    assert (found.frame if found else None) == frame


# -- menus


def test_a_menu_reads_as_it_is_typed():
    items = [MenuItem("Service"), MenuItem("Über uns", "/info/ueber-uns"), MenuItem("Blog", "https://blog.example.org")]
    assert menu_of(menu_text(items), "footer") == items
    assert menu_of("\n  \n", "header") == []


@pytest.mark.parametrize(
    "text", ["x | javascript:alert(1)", "| /a", "a" * 81, "x | //evil.example", "\n".join(["a"] * 41)]
)
def test_what_is_no_menu(text: str):
    with pytest.raises((BadPath, BadMenuLine)):
        menu_of(text, "footer")


@pytest.mark.parametrize(
    ("text", "place", "line"),
    [
        ("Neu | /new\n\nohne Strich /x", "header", 3),
        ("Neu | /new\nService", "header", 2),
        ("ohne Strich /x", "footer", 1),
        ("Service\nx | javascript:alert(1)", "footer", 2),
    ],
)
def test_a_wrong_line_of_a_menu_is_named_by_its_number(text: str, place: str, line: int):
    with pytest.raises(BadMenuLine) as refused:
        menu_of(text, place)
    assert refused.value.line == line
    assert menu_of("Damen / Herren", "footer") == [MenuItem("Damen / Herren")]


def test_the_head_that_comes_with_lotse_is_shown_as_it_would_be_typed():
    departments = [(f"Department {n}", f"d-{n}") for n in range(9)]
    items = live_header(departments)
    assert len(items) == 7 and menu_of(menu_text(items), "header") == items


def test_every_rule_that_a_refusal_says_has_words_in_german():
    """They stand in the middle of translated sentences."""
    german = catalogue([Path(str(files("lotse"))) / "locale"], "de")
    for rule in form.RULES:
        assert german.gettext(rule) != rule
    said: set[str] = set()
    for module in (rules, commands, editor, form, menus, redirects):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.keyword) and node.arg == "rule" and isinstance(node.value, ast.Constant):
                said.add(str(node.value.value))
    assert said and said <= set(form.RULES)
