"""The boundaries of ARCHITECTURE.md: who imports whom, which files a domain may have. Each check is shown to fail."""

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lotse.kernel import seams

ROOT = Path(__file__).parents[1]
DOMAINS = sorted(path.parent for path in ROOT.glob("lotse/domains/*/__init__.py"))

# The same file names everywhere; what is not here needs a place in design and ARCHITECTURE.md first.
MODULES = (
    "__init__",
    "contracts",
    "commands",
    "queries",
    "rules",
    "desk",
    "reactions",
    "jobs",
    "imports",
    "api",
    "pages",
)
FILES = {"README.md", *(f"{name}.py" for name in MODULES)}
FOLDERS = {
    # Statements by who runs them; functions for other domains; the whole truth and the way to it.
    "sql": re.compile(r"(schema|reads|writes|desk|public)\.sql|migrations/\d{4}_[a-z0-9_]+(\.pre|\.post)?\.sql"),
    # In place of `commands.py` and `pages.py`, where they are many.
    "commands": re.compile(r"[a-z0-9_]+\.py"),
    "pages": re.compile(r"[a-z0-9_]+\.py"),
    "templates": re.compile(r"([a-z0-9_]+/)*[a-z0-9_]+\.(html|txt|xml)"),
    "tests": re.compile(r"(test_[a-z0-9_]+|conftest)\.py|samples/.+"),
}
# A heading of a domain's README.md begins with each of these words.
SECTIONS = ("Words", "Promises", "Events", "Budget")


# -- imports


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    # What it imports is found through the working directory, which import-linter puts before all other paths.
    command = Path(sys.executable).with_name("lint-imports")
    env = {**os.environ, "PYTHONPATH": str(root), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run([command, "--no-cache"], cwd=root, env=env, capture_output=True, text=True)


def test_the_import_contracts_hold():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_know_the_order_that_the_kernel_knows():
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    layers = parser["importlinter:contract:stack"]["layers"].split("\n")
    stack = [tuple(re.findall(r"\w+", layer)) for layer in layers if layer]
    assert tuple(reversed(stack)) == seams.ORDER


# Each row breaks one contract in a copy of Lotse's skeleton: file, what it imports, the contract's name begins with.
VIOLATIONS = [
    ("kernel/ids.py", "lotse.domains.parties.contracts", "The command line over"),
    ("domains/parties/queries.py", "lotse.web", "The command line over"),
    ("web/pages.py", "lotse.plugins", "The command line over"),
    ("domains/parties/commands.py", "lotse.domains.orders.commands", "The order of domains"),
    ("domains/catalog/queries.py", "lotse.domains.pools.queries", "The order of domains"),
    ("domains/catalogue/__init__.py", "datetime", "The order of domains"),
    ("domains/orders/rules.py", "lotse.domains.orders.queries", "Inside a domain"),
    ("domains/orders/queries.py", "lotse.domains.orders.commands", "Inside a domain"),
    ("domains/orders/pages.py", "lotse.domains.orders.api", "Inside a domain"),
    ("domains/orders/commands.py", "lotse.domains.orders.imports", "Inside a domain"),
    ("domains/orders/extras.py", "datetime", "Inside a domain"),
    ("domains/orders/commands.py", "lotse.domains.parties.desk", "Of a domain only"),
    ("web/pages.py", "lotse.domains.orders.pages", "Of a domain only"),
    ("domains/orders/commands.py", "litestar", "No web framework"),
    ("domains/orders/desk.py", "lotse.kernel.rendering", "No web framework"),
    ("domains/orders/commands.py", "lotse.kernel.clock", "Time enters at the edge"),
]


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """The least that the contracts accept: Lotse's folders, two domains, and a kernel file that renders."""
    for folder in ("kernel", "web", "plugins", "domains", "domains/parties", "domains/orders", "domains/catalog"):
        write(tmp_path / "lotse" / folder / "__init__.py")
    write(tmp_path / "lotse/__init__.py")
    write(tmp_path / "lotse/domains/pools/__init__.py")
    for name in ("contracts", "rules", "queries", "commands", "api", "pages", "imports", "desk"):
        for domain in ("parties", "orders", "catalog", "pools"):
            write(tmp_path / f"lotse/domains/{domain}/{name}.py")
    write(tmp_path / "lotse/kernel/rendering.py", "import jinja2\n")
    write(tmp_path / "lotse/kernel/clock.py")
    write(tmp_path / "lotse/testing.py")
    shutil.copy(ROOT / ".importlinter", tmp_path)
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/private_files.py", tmp_path / "scripts")
    return tmp_path


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_skeleton_breaks_nothing(skeleton: Path):
    done = lint_imports(skeleton)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("file", "imported", "contract"), VIOLATIONS)
def test_a_broken_boundary_is_named(skeleton: Path, file: str, imported: str, contract: str):
    write(skeleton / "lotse" / file, f"import {imported}\n")
    done = lint_imports(skeleton)
    assert done.returncode == 1, done.stdout + done.stderr
    broken = [line for line in done.stdout.splitlines() if line.endswith("BROKEN")]
    assert [line for line in broken if line.startswith(contract)], done.stdout


# -- files


def strange_files(domain: Path) -> list[str]:
    """The files of a domain that the pattern does not know, and those that hold nothing."""
    found: list[str] = []
    for path in sorted(domain.rglob("*")):
        if path.is_dir() or "__pycache__" in path.parts:
            continue
        name = path.relative_to(domain).as_posix()
        folder, _, rest = name.partition("/")
        known = FOLDERS[folder].fullmatch(rest) if rest and folder in FOLDERS else name in FILES
        if not known or not path.read_bytes().strip():
            found.append(name)
    return found


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda path: path.name)
def test_a_domain_has_no_file_of_another_name(domain: Path):
    assert strange_files(domain) == []


@pytest.mark.parametrize(
    "name",
    [
        "utils.py",
        "models.py",
        "sql/views.sql",
        "sql/migrations/1_init.sql",
        "templates/page.jinja",
        "tests/__init__.py",
    ],
)
def test_a_file_of_another_name_is_found(tmp_path: Path, name: str):
    write(tmp_path / "__init__.py", '"""A domain."""\n')
    assert strange_files(tmp_path) == []
    write(tmp_path / name, "something")
    assert strange_files(tmp_path) == [name]


def test_an_empty_file_is_found(tmp_path: Path):
    write(tmp_path / "rules.py", "\n")
    assert strange_files(tmp_path) == ["rules.py"]


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda path: path.name)
def test_a_domain_begins_with_its_docstring_alone(domain: Path):
    body = ast.parse((domain / "__init__.py").read_text("utf-8")).body
    assert len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)


# -- README.md


def missing_sections(readme: str) -> list[str]:
    headings = re.findall(r"^#+ +(.+)$", readme, re.MULTILINE)
    return [section for section in SECTIONS if not any(h.lower().startswith(section.lower()) for h in headings)]


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda path: path.name)
def test_a_domain_explains_itself(domain: Path):
    readme = domain / "README.md"
    assert readme.is_file(), f"{domain.name} has no README.md"
    text = readme.read_text("utf-8")
    purpose = re.match(rf"# {domain.name}\n\n(?=[^#\s])", text, re.IGNORECASE)
    assert purpose, f"{domain.name}/README.md begins with its name and its purpose in three sentences"
    assert missing_sections(text) == []


def test_a_missing_section_is_named():
    whole = "# x\n\nPurpose.\n\n## Words\n\n## Promises (invariants)\n\n## Events\n\n## Budget\n"
    assert missing_sections(whole) == []
    assert missing_sections(whole.replace("## Events\n", "")) == ["Events"]
