"""`lotse new`: a repository, a domain, a plugin. Everything is made beside its place and moved there whole."""

import json
import os
import secrets
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from lotse.kernel import seams
from lotse.scaffold import naming, rendering, repository
from lotse.scaffold.naming import CannotMake
from lotse.scaffold.repository import Repository

# Where a plugin fills a seam that a template shows; others begin as a copy of the plugin that is nearest.
KINDS = ("pay",)
# What a new repository begins with.
DOMAIN = "advice"
METHOD = "club_invoice"
_METHOD_TITLES = ("Invoice for clubs", "Rechnung für Vereine")


def new_shop(target: Path, *, title: str = "", package: str = "") -> list[str]:
    """Make a retailer's repository; what to say about it, line by line. Raises `CannotMake`; then nothing was made."""
    target = target.absolute()
    package = naming.check_package(package or _as_package(target.name))
    title = title.strip() or target.name.replace("_", " ").replace("-", " ").title()
    if any(sign in title for sign in '"\\\n\r{}«»') or not 1 <= len(title) <= 80:
        raise CannotMake("a shop's name has 1 to 80 signs, and no quotes, backslashes, brackets or line breaks")
    if target.exists() and not target.is_dir():
        raise CannotMake(f"{target} is there already and no folder")
    if target.exists() and any(target.iterdir()):
        raise CannotMake(f"{target} is there already and not empty")
    values = {
        "package": package,
        "slug": package.replace("_", "-"),
        "title": title,
        "version": version("lotse"),
        "python": ">=3.11,<3.15",
        "source": repository.source_of_lotse(target),
        "tests": "tests",
    }
    made = rendering.rendered("shop", values, own=package)
    made |= _below(Path(package) / DOMAIN, _domain(f"{package}.{DOMAIN}", DOMAIN, own=package))
    method = _plugin(f"{package}.pay_{METHOD}", METHOD, *_METHOD_TITLES, own=package)
    made |= _below(Path(package) / f"pay_{METHOD}", method)
    project = made[Path(repository.FILE)]
    project = repository.with_entry_point(project, seams.DOMAINS, DOMAIN, f"{package}.{DOMAIN}")
    project = repository.with_entry_point(project, seams.PLUGINS, f"pay_{METHOD}", f"{package}.pay_{METHOD}")
    made[Path(repository.FILE)] = project
    with _whole(target) as folder:
        rendering.write(folder, made)
    about_git = repository.begin_git(target)
    said = [f"{target} is made: the package {package} with a theme, the domain {DOMAIN} and a way to pay."]
    return [
        *said,
        *([f"Note: {about_git}."] if about_git else []),
        "Next:",
        f"  cd {_shown(target)}",
        "  uv run lotse up",
    ]


def new_domain(folder: Path, name: str) -> list[str]:
    """Make a domain in the repository that a folder lies in. Raises `CannotMake`; then nothing was made."""
    found = repository.here(folder)
    if found.is_lotse:
        return _lotses_domain(found, name)
    naming.check_domain(name)
    _check_free(found, name, name)
    _check_address(name)
    package = f"{found.package}.{name}"
    with _whole(found.folder / name) as made:
        rendering.write(made, _domain(package, name, own=found.package))
        repository.with_entry_point(_project(found), seams.DOMAINS, name, package)  # refused before anything is there
    _register(found, seams.DOMAINS, name, package, found.folder / name)
    return [
        f"{found.folder / name} is made, and {repository.FILE} tells Lotse of it.",
        "Next: `uv sync`, `uv run lotse db upgrade`, `uv run pytest`; then make it yours, the README first.",
    ]


def new_plugin(folder: Path, kind: str, name: str) -> list[str]:
    """Make a plugin in the repository that a folder lies in. Raises `CannotMake`; then nothing was made."""
    if kind not in KINDS:
        raise CannotMake(f"there is no kind of plugin {kind!r}, but {', '.join(KINDS)}; see docs/reference/seams.md")
    found = repository.here(folder)
    naming.check(name, "plugin")
    title = name.replace("_", " ").capitalize()
    whole = f"{kind}_{name}"
    if found.is_lotse:
        target = found.folder / "plugins" / whole
        _check_absent(target)
        made = _plugin(f"lotse.plugins.{whole}", name, title, title, own="lotse", without=("locale",))
        with _whole(target) as inside:
            rendering.write(inside, made)
        return [f"{target} is made.", "Next: `python -m lotse.kernel.pages.catalogues`, then translate what it says."]
    _check_free(found, whole, whole)
    package = f"{found.package}.{whole}"
    with _whole(found.folder / whole) as inside:
        rendering.write(inside, _plugin(package, name, title, title, own=found.package))
        repository.with_entry_point(_project(found), seams.PLUGINS, whole, package)
    _register(found, seams.PLUGINS, whole, package, found.folder / whole)
    return [
        f"{found.folder / whole} is made, and {repository.FILE} tells Lotse of it.",
        "Next: `uv sync`, `uv run pytest`; then make it yours: what it is called and its terms stand in pages.py.",
    ]


# -- what is made


def _domain(package: str, name: str, *, own: str, without: tuple[str, ...] = ()) -> dict[Path, str]:
    values = {
        "package": package,
        "name": name,
        "Name": naming.camel(name),
        "code": name.replace("_", "-"),
        "path": name.replace("_", "-"),
        "tests": "tests",
    }
    return rendering.rendered("domain", values, own=own, without=without)


def _plugin(
    package: str, name: str, title: str, title_de: str, *, own: str, without: tuple[str, ...] = ()
) -> dict[Path, str]:
    values = {"package": package, "name": name, "title": title, "title_de": title_de, "tests": "tests"}
    return rendering.rendered("pay", values, own=own, without=without)


def _lotses_domain(found: Repository, name: str) -> list[str]:
    """A domain of Lotse's own needs its place in the order of domains first, which no command can decide."""
    if not any(name in line for line in seams.ORDER):
        raise CannotMake(
            f"{name} has no place in the order of domains; write it into lotse/kernel/seams.py (ORDER) and"
            " .importlinter first, above catalog"
        )
    places = {known: number for number, line in enumerate(seams.ORDER) for known in line}
    if places[name] <= places["catalog"]:
        raise CannotMake(f"{name} stands too low: what is made uses catalog, which a domain imports from above only")
    target = found.folder / "domains" / name
    _check_absent(target)
    package = f"lotse.domains.{name}"
    samples = found.root / "tests" / "kernel" / "samples" / "events.jsonl"
    with _whole(target) as inside:
        rendering.write(inside, _domain(package, name, own="lotse", without=("locale",)))
    event = {"type": f"{name}.ShownChanged", "product_id": _SAMPLE, "language": "de", "note_id": _SAMPLE}
    line = json.dumps({"version": 1, "event": event}, ensure_ascii=False)
    with samples.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    return [
        f"{target} is made, and its event has a sample in {samples.relative_to(found.root)}.",
        "Next: `python -m lotse.kernel.pages.catalogues`, translate what it says; `python -m lotse.scaffold.seams`.",
    ]


_SAMPLE = "01890a5d-ac96-774b-bcce-b302099a8057"


# -- all or nothing


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """A folder beside the target that takes its place when everything is in it; else it is gone."""
    parents = [folder for folder in target.parents if not folder.exists()]
    temporary = target.parent / f".{target.name}.{secrets.token_hex(4)}.partial"
    try:
        temporary.mkdir(parents=True)
        yield temporary
        temporary.rename(target)
    except OSError as error:
        _clear(temporary, parents)
        raise CannotMake(f"{target} cannot be made: {error.strerror or error}") from None
    except BaseException:
        _clear(temporary, parents)
        raise


def _clear(temporary: Path, parents: list[Path]) -> None:
    shutil.rmtree(temporary, ignore_errors=True)
    for folder in parents:  # the innermost first; only those that were made for this
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _register(found: Repository, group: str, name: str, package: str, target: Path) -> None:
    try:
        repository.add_entry_point(found.root, group, name, package)
    except BaseException:
        shutil.rmtree(target)
        raise


def _check_free(found: Repository, folder: str, name: str) -> None:
    _check_absent(found.folder / folder)
    for group in (seams.DOMAINS, seams.PLUGINS):
        if name in _points(found, group):
            raise CannotMake(f"{repository.FILE} has an entry point {name} of {group} already")


def _points(found: Repository, group: str) -> Mapping[str, object]:
    return tomllib.loads(_project(found)).get("project", {}).get("entry-points", {}).get(group, {})


def _project(found: Repository) -> str:
    return (found.root / repository.FILE).read_text("utf-8")


def _check_absent(target: Path) -> None:
    if target.exists():
        raise CannotMake(f"{target} is there already")


def _check_address(name: str) -> None:
    """The pages of a domain stand below its name; Lotse's own addresses are taken."""
    from lotse.web.app import page_routes

    path = name.replace("_", "-")
    taken = {part for route in page_routes() for at in route.paths if (part := at.strip("/").partition("/")[0])}
    if path in taken | {"api", "health", "ready", "metrics"}:
        raise CannotMake(f"{name!r} cannot name a domain: pages of Lotse have the address /{path} already")


def _as_package(folder: str) -> str:
    return folder.replace("-", "_").replace(" ", "_") if folder.isascii() else folder


def _below(folder: Path, made: Mapping[Path, str]) -> dict[Path, str]:
    return {folder / inside: text for inside, text in made.items()}


def _shown(path: Path) -> str:
    near = os.path.relpath(path)
    return near if not near.startswith("../..") else str(path)
