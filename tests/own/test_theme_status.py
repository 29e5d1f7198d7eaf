"""`lotse theme`: what stands in for Lotse's templates, and what became of those since."""

from pathlib import Path

import pytest

from lotse.scaffold import making, repository, theme
from lotse.scaffold.naming import CannotMake
from lotse.scaffold.repository import Repository

HERO = "storefront/hero.html"
IMPRINT = "storefront/imprint.html"


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    making.new_shop(tmp_path / "hafen")
    return repository.here(tmp_path / "hafen")


@pytest.fixture
def lotse(shop: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Lotse with two templates, which a test may change."""
    folder = tmp_path / "lotse"
    for name, text in ((HERO, "<h1>Hello</h1>\n\n<p>one</p>\n"), (IMPRINT, "<p>law</p>\n")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    def originals(_: Repository) -> dict[str, Path]:
        return {f"storefront/{path.name}": path for path in sorted((folder / "storefront").iterdir())}

    monkeypatch.setattr(theme, "originals", originals)
    (shop.theme / "templates" / "storefront" / "foot_text.html").unlink()
    return folder


def states(shop: Repository) -> dict[str, str]:
    return {one.template: one.state for one in theme.status(shop)}


def test_a_new_shop_has_nothing_to_look_at(shop: Repository):
    assert states(shop) == {"storefront/foot_text.html": "extends"}
    assert theme.unknown_tokens(shop) == []


def test_every_template_of_lotse_can_be_overridden(shop: Repository):
    known = theme.originals(shop)
    assert {"storefront/layout.html", "catalog/product.html", "backoffice/layout.html", "kit/parts.html"} <= set(known)
    assert not any(name.startswith("advice/") for name in known)


def test_a_copy_says_where_it_is_from_and_when_that_changes(shop: Repository, lotse: Path):
    made = theme.override(shop, HERO)
    first, rest = made.read_text().split("\n", 1)
    assert first.startswith("{# Copied from Lotse ") and HERO in first and first.endswith("#}")
    assert rest == (lotse / HERO).read_text()
    assert states(shop) == {HERO: "current"} and theme.diff(shop, HERO) == ""

    made.write_text(made.read_text().replace("Hello", "Moin"))
    assert states(shop) == {HERO: "current"}, "what we change is ours"

    (lotse / HERO).write_text("<h1>Hello</h1>\n\n<p>two</p>\n")
    assert states(shop) == {HERO: "changed"}
    assert "-<p>one</p>\n+<p>two</p>\n" in theme.diff(shop, HERO)

    assert theme.merge(shop, HERO) == 0
    assert states(shop) == {HERO: "current"} and theme.diff(shop, HERO) == ""
    assert made.read_text().split("\n", 1)[1] == "<h1>Moin</h1>\n\n<p>two</p>\n"


def test_what_both_changed_is_left_to_decide(shop: Repository, lotse: Path):
    made = theme.override(shop, HERO)
    made.write_text(made.read_text().replace("Hello", "Moin"))
    (lotse / HERO).write_text("<h1>Welcome</h1>\n\n<p>one</p>\n")
    assert theme.merge(shop, HERO) == 1
    assert "<<<<<<< ours" in made.read_text() and "<h1>Moin</h1>" in made.read_text()


def test_a_copy_without_its_mark_is_found_and_can_be_marked(shop: Repository, lotse: Path):
    copy = shop.theme / "templates" / HERO
    copy.write_text("<h1>Moin</h1>\n")
    assert states(shop) == {HERO: "unmarked"}
    with pytest.raises(CannotMake, match="theme seen"):
        theme.diff(shop, HERO)
    theme.seen(shop, HERO)
    assert states(shop) == {HERO: "current"}
    theme.seen(shop, HERO)
    assert copy.read_text().count("{#") == 1


def test_a_copy_of_what_is_gone_is_found(shop: Repository, lotse: Path):
    theme.override(shop, HERO)
    (lotse / HERO).unlink()
    assert states(shop) == {HERO: "gone"}


def test_templates_of_our_own_are_nobodys_business(shop: Repository, lotse: Path):
    own = shop.theme / "templates" / "ours" / "part.html"
    own.parent.mkdir()
    own.write_text("<p></p>")
    assert states(shop) == {"ours/part.html": "own"}


def test_what_cannot_be_overridden_is_refused(shop: Repository, lotse: Path):
    with pytest.raises(CannotMake, match=r"did you mean storefront/hero\.html"):
        theme.override(shop, "storefront/heros.html")
    theme.override(shop, HERO)
    with pytest.raises(CannotMake, match="is there already"):
        theme.override(shop, HERO)
    with pytest.raises(CannotMake, match="Lotse itself"):
        theme.override(repository.here(Path(__file__)), HERO)


def test_a_misspelt_token_is_found(shop: Repository):
    tokens = shop.theme / "static" / "tokens.css"
    tokens.write_text(":root { --beacn: #f00; --beacon: #f00; --house: #0f0; }\n.a { color: var(--house); }\n")
    assert theme.unknown_tokens(shop) == ["--beacn"]
