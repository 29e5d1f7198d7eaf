"""The repository itself: nothing of somebody's machine, nothing unfinished, nothing heavy, everything pinned."""

import ast
import json
import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
# Clones of a year from now shall still be quick.
MAX_BYTES = 1024 * 1024

# Spelled so that this file does not contain what it looks for.
FORBIDDEN = {
    "a registry's host": re.compile(
        "|".join(["pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.", r"deb\.debian" + r"\."])
    ),
    "a path of one machine": re.compile(r"(?<![\w.])/(work|farm|home/\w+)" + "/"),
    "unfinished work": re.compile(r"\b(TO" + "DO|FIX" + r"ME|X" + r"XX)\b"),
}


def tracked() -> list[Path]:
    """What a commit would hold: files that git knows or would take in."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def untidy(name: str, content: bytes) -> list[str]:
    """What must not be in a file of this name, one line each."""
    found = [f"{name}: {len(content):,} bytes"] if len(content) > MAX_BYTES else []
    text = content.decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        found += [f"{name}:{number}: {what}" for what, pattern in FORBIDDEN.items() if pattern.search(line)]
    return found


def test_the_tree_is_tidy():
    found = [line for path in tracked() for line in untidy(str(path.relative_to(ROOT)), path.read_bytes())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "https://pypi" + ".org/simple",
        "registry.npm" + "js.org",
        "see /wo" + "rk/main/x",
        "# TO" + "DO: later",
        "x" * MAX_BYTES + "y",
    ],
    ids=["host", "other-host", "path", "unfinished", "heavy"],
)
def test_what_is_untidy_is_named(line: str):
    assert untidy("some.py", b"fine\n") == []
    assert len(untidy("some.py", line.encode())) == 1


def broken_links(page: Path) -> list[str]:
    """Relative links and pictures of a Markdown page that lead nowhere."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    return [link for link in links if "://" not in link and not (page.parent / link.split("#")[0]).exists()]


def test_links_lead_somewhere():
    pages = [path for path in tracked() if path.suffix == ".md"]
    assert {str(page.relative_to(ROOT)): found for page in pages if (found := broken_links(page))} == {}


def test_a_link_to_nowhere_is_named(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("[a](page.md#there) [b](https://example.org) ![c](gone.jpg)\n")
    assert broken_links(page) == ["gone.jpg"]


# -- dependencies


def requirements() -> list[Requirement]:
    declared = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    return [Requirement(line) for line in declared]


def installed() -> dict[str, str]:
    """Name and version of everything that the declared dependencies bring here."""
    found: dict[str, str] = {}
    waiting = [(requirement.name, frozenset(requirement.extras)) for requirement in requirements()]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found[canonicalize_name(name)] = distribution(name).version
        except PackageNotFoundError:
            continue
        for line in distribution(name).requires or ():
            needed = Requirement(line)
            if not needed.marker or any(needed.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                waiting.append((needed.name, frozenset(needed.extras)))
    return found


def test_everything_installed_is_pinned():
    pins = {Requirement(line).name: line for line in PROJECT["tool"]["uv"]["constraint-dependencies"]}
    unpinned = [f"{name}=={version}" for name, version in installed().items() if name not in pins]
    assert not unpinned, f"run `uv run scripts/pin.py`: {unpinned}"


def test_every_dependency_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    lists = re.findall(r"^(?:dependencies|dev) = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    lines = [line for part in lists for line in part.splitlines() if line.strip().startswith('"')]
    assert len(lines) == len(requirements())
    assert not [line for line in lines if not re.search(r'",\s+# \S+', line)]


# Libraries under the LGPL, used as they come: imported, never changed, replaceable by the user (see CONTRIBUTING.md).
LGPL = {"python-stdnum", "psycopg", "psycopg-binary"}


def test_no_dependency_is_under_the_gpl():
    for name in installed():
        metadata = distribution(name).metadata.json
        # The old field often holds the whole text of the licence, of which the beginning says which one it is.
        said = [str(metadata.get("license_expression")), str(metadata.get("license"))[:100]]
        said += [str(line) for line in metadata.get("classifier", []) if str(line).startswith("License")]
        if re.search(r"GPL|General Public License", " ".join(said)):
            assert name in LGPL, f"{name}: {said}"


def test_the_lock_of_the_front_end_names_no_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name


def test_what_pages_load_from_vendor_is_built():
    """Somebody's own folder may hold more than a fresh clone gets."""
    text = (ROOT / "hatch_build.py").read_text("utf-8")
    built = set(ast.literal_eval(re.findall(r"^FILES = (\{.+?^\})", text, re.MULTILINE | re.DOTALL)[0]).values())
    built |= set(ast.literal_eval(re.findall(r"^FONTS: .+? = (\{.+?^\})", text, re.MULTILINE | re.DOTALL)[0]))
    loaded = {
        name
        for path in tracked()
        if path.is_relative_to(ROOT / "lotse") and path.suffix in (".html", ".css", ".js", ".py")
        for name in re.findall(r"""vendor/([\w.-]+\.\w+)["')]""", path.read_text("utf-8"))
    }
    assert "htmx.min.js" in loaded
    assert loaded <= built


# -- configuration


def test_pyright_is_strict_in_the_whole_kernel():
    """Its list has no recursion with exceptions, so each package of the kernel stands in it by name."""
    packages = {
        f"{path.parent.relative_to(ROOT)}/*.py"
        for path in (ROOT / "lotse/kernel").rglob("*.py")
        if "tests" not in path.parts
    }
    assert packages <= set(PROJECT["tool"]["pyright"]["strict"])
