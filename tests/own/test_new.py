"""`lotse new`: what it refuses and how, and that what it makes is whole or not there."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from lotse.kernel import seams
from lotse.scaffold import making, naming, rendering, repository
from lotse.scaffold.naming import CannotMake
from tests.own.linked import environment, run

# name, what, words of the refusal
REFUSED = [
    ("Größe", "domain", "`groesse` would do"),
    ("müller & söhne", "domain", "`mueller_soehne` would do"),
    ("Advice", "domain", "`advice` would do"),
    ("gift-card", "domain", "`gift_card` would do"),
    ("2nd", "domain", "`nd` would do"),
    ("a", "domain", "2 to 30"),
    ("x" * 31, "domain", "2 to 30"),
    ("two__parts", "domain", "single _"),
    ("日本", "domain", "small letters"),
    ("", "domain", "small letters"),
    ("../up", "domain", "`up` would do"),
    ("class", "domain", "Python language"),
    ("match", "domain", "Python language"),
    ("user", "domain", "reserved word of PostgreSQL"),
    ("order", "domain", "reserved word of PostgreSQL"),
    ("orders", "domain", "Lotse has that name"),
    ("kernel", "domain", "Lotse has that name"),
    ("storefront", "domain", "Lotse has that name"),
    ("tests", "domain", "every repository"),
]


@pytest.mark.parametrize(("name", "what", "said"), REFUSED, ids=[row[0] or "empty" for row in REFUSED])
def test_a_name_is_refused_with_one_that_would_do(name: str, what: str, said: str):
    with pytest.raises(CannotMake, match=said.replace("(", r"\(")):
        naming.check_domain(name)


@pytest.mark.parametrize("name", ["json", "pytest", "lotse"])
def test_a_package_stands_in_nobodys_way(name: str):
    with pytest.raises(CannotMake):
        naming.check_package(name)


@pytest.mark.parametrize("name", ["advice", "gift_card", "b2b", "x" * 30])
def test_these_names_are_fine(name: str):
    assert naming.check_domain(name) == name


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        ("größe", {}, "`groesse` would do"),
        ("class", {}, "Python language"),
        ("json", {}, "part of Python"),
        ("full", {}, "not empty"),
        ("full/file", {}, "no folder"),
        ("shop", {"title": 'A "B"'}, "quotes"),
        ("shop", {"title": "x" * 81}, "80 signs"),
        ("shop", {"package": "B2B"}, "`b2b` would do"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(tmp_path: Path, target: str, options: dict[str, str], said: str):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    before = everything(tmp_path)
    with pytest.raises(CannotMake, match=said):
        making.new_shop(tmp_path / target, **options)
    assert everything(tmp_path) == before


def test_a_shop_that_fails_halfway_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    written: list[Path] = []

    def write(folder: Path, made: dict[Path, str]) -> None:
        (folder / "half").write_text("done")
        written.append(folder)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rendering, "write", write)
    with pytest.raises(CannotMake, match="No space left"):
        making.new_shop(tmp_path / "deep" / "below" / "hafen")
    assert written and everything(tmp_path) == []


def test_a_shop_without_git_says_so_and_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    said = making.new_shop(tmp_path / "hafen")
    assert any("git is not installed" in line for line in said)
    assert (tmp_path / "hafen" / "pyproject.toml").is_file()


def test_a_shop_in_another_repository_gets_no_git_of_its_own(tmp_path: Path):
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    said = making.new_shop(tmp_path / "hafen")
    assert any("another git repository" in line for line in said)
    assert not (tmp_path / "hafen" / ".git").exists()


def test_a_folder_that_is_empty_is_taken(tmp_path: Path):
    (tmp_path / "hafen").mkdir()
    making.new_shop(tmp_path / "hafen", title="Müller & Söhne")
    project = tomllib.loads((tmp_path / "hafen" / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["entry-points"][seams.DOMAINS] == {"advice": "hafen.advice"}
    assert "Müller & Söhne" in (tmp_path / "hafen" / "README.md").read_text("utf-8")
    assert not any("«" in path.read_text("utf-8") for path in (tmp_path / "hafen").rglob("*.*") if path.is_file())


def test_a_path_with_a_hyphen_names_a_package_without(tmp_path: Path):
    making.new_shop(tmp_path / "sport-nord")
    assert (tmp_path / "sport-nord" / "sport_nord" / "__init__.py").is_file()


# -- inside a repository


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    making.new_shop(tmp_path / "hafen")
    return tmp_path / "hafen"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("advice", "is there already"),
        ("basket", "pages of Lotse have the address"),
        ("api", "pages of Lotse have the address"),
        ("Treue", "`treue` would do"),
        ("payments", "Lotse has that name"),
    ],
)
def test_a_domain_that_cannot_be_made_changes_nothing(shop: Path, name: str, said: str):
    before = (everything(shop), (shop / "pyproject.toml").read_text())
    with pytest.raises(CannotMake, match=said):
        making.new_domain(shop, name)
    assert (everything(shop), (shop / "pyproject.toml").read_text()) == before


def test_a_plugin_of_an_unknown_kind_is_refused(shop: Path):
    with pytest.raises(CannotMake, match="no kind of plugin 'warehouse'"):
        making.new_plugin(shop, "warehouse", "x2")


def test_outside_of_a_repository_nothing_is_made(tmp_path: Path):
    with pytest.raises(CannotMake, match="lotse new shop"):
        making.new_domain(Path("/"), "loyalty")  # a folder that has no other above it
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "other"\n')
    with pytest.raises(CannotMake, match=r"\[tool.lotse\]"):
        making.new_domain(tmp_path, "loyalty")


def test_domains_and_plugins_are_added_from_any_folder_below(shop: Path):
    making.new_domain(shop / "hafen" / "advice", "loyalty")
    making.new_plugin(shop, "pay", "gift_card")
    points = tomllib.loads((shop / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    assert points[seams.DOMAINS] == {"advice": "hafen.advice", "loyalty": "hafen.loyalty"}
    assert points[seams.PLUGINS]["pay_gift_card"] == "hafen.pay_gift_card"
    assert "# pyright runs on Node" in (shop / "pyproject.toml").read_text("utf-8"), "comments stay"


def test_a_file_of_an_unknown_form_is_left_alone_and_the_domain_is_gone(shop: Path):
    path = shop / "pyproject.toml"
    text = path.read_text("utf-8").replace(
        '[project.entry-points."lotse.domains"]\nadvice = "hafen.advice"\n',
        "[project.entry-points]\n\"lotse.domains\" = { advice = 'hafen.advice' }\n",
    )
    path.write_text(text)
    tomllib.loads(text)
    with pytest.raises(CannotMake, match="cannot be changed from here"):
        making.new_domain(shop, "loyalty")
    assert not (shop / "hafen" / "loyalty").exists() and path.read_text("utf-8") == text


def test_an_entry_point_comes_into_its_table_or_a_new_one():
    text = '[project]\nname = "a"\n\n[project.entry-points."lotse.domains"]\none = "a.one"\n\n[tool.x]\ny = 1\n'
    made = repository.with_entry_point(text, seams.DOMAINS, "two", "a.two")
    assert 'one = "a.one"\ntwo = "a.two"\n' in made
    made = repository.with_entry_point(made, seams.PLUGINS, "pay", "a.pay")
    assert '[project.entry-points."lotse.plugins"]\npay = "a.pay"\n\n[tool.x]' in made
    with pytest.raises(CannotMake, match="already"):
        repository.with_entry_point(made, seams.PLUGINS, "pay", "a.pay")


def test_the_command_line_says_it_in_one_line(tmp_path: Path):
    said = run(environment(tmp_path / "home"), tmp_path, "lotse", "new", "shop", "größe", code=1)
    assert said.startswith("lotse: 'größe' cannot name a shop") and len(said.splitlines()) == 1


# -- inside Lotse itself


def test_a_domain_of_lotses_own_needs_its_place_first(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "lotse"\n')
    with pytest.raises(CannotMake, match="no place in the order of domains"):
        making.new_domain(tmp_path, "loyalty")
    with pytest.raises(CannotMake, match="stands too low"):
        making.new_domain(tmp_path, "ledger")


def test_a_domain_of_lotses_own_is_made_where_they_are(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "lotse"\n')
    samples = tmp_path / "tests" / "kernel" / "samples" / "events.jsonl"
    samples.parent.mkdir(parents=True)
    samples.write_text("")
    making.new_domain(tmp_path, "reviews")
    commands = (tmp_path / "lotse" / "domains" / "reviews" / "commands.py").read_text("utf-8")
    assert "from lotse.domains.reviews.contracts import" in commands
    assert "reviews.ShownChanged" in samples.read_text("utf-8")
    assert not (tmp_path / "lotse" / "domains" / "reviews" / "locale").exists()
    making.new_plugin(tmp_path, "pay", "later")
    assert (tmp_path / "lotse" / "plugins" / "pay_later" / "__init__.py").is_file()


# -- imports of what is made


def test_imports_are_ordered_as_linters_want():
    text = (
        '"""Doc."""\n\nfrom zoo.a import (\n    B,\n    C,\n)\nfrom lotse.kernel import audit\n'
        "import pytest\nfrom datetime import date\nimport ast\n\nX = 1\n"
    )
    assert rendering.ordered(text, "zoo") == (
        '"""Doc."""\n\nimport ast\nfrom datetime import date\n\nimport pytest\nfrom lotse.kernel import audit\n\n'
        "from zoo.a import (\n    B,\n    C,\n)\n\nX = 1\n"
    )
    assert rendering.ordered("X = 1\n", "zoo") == "X = 1\n"
