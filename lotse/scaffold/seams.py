"""The seams: everything of Lotse that a retailer's own repository may build on, read from the code.

docs/reference/seams.md lists each by name with the version since which it holds; a test fails for one that the page
lacks and for one that is gone. After adding a seam:

    python -m lotse.scaffold.seams              # adds what is new, under the present version
    python -m lotse.scaffold.seams --drop       # also takes away what is gone: say so in CHANGELOG.md

Where a name alone does not say what it is for (entry points, what a domain's files put out, slots), it stands in a
table of this file, and the list cannot be made without it.
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from msgspec import Struct

from lotse.kernel import seams

ROOT = Path(str(files("lotse")))
PAGE = ROOT.parent / "docs" / "reference" / "seams.md"

POINTS = {
    seams.DOMAINS: "a domain: the name is its PostgreSQL schema, the value a package with the files of a domain",
    seams.PLUGINS: "a package that registers itself on registries when it is imported, and may have `jobs.py`",
    seams.THEMES: "a package with `templates/`, `static/`, `locale/` that come before Lotse's own",
}

# What a file of a domain may put out, and what becomes of it.
EXPORTS = {
    "api.routes": "Litestar handlers, served below `/api/v1`",
    "pages.routes": "Litestar handlers: pages, and posts that render nothing",
    "pages.slots": "`Answerer`s: what this domain shows on pages of others",
    "pages.places": "`Place`s: entries of the back office's navigation",
    "pages.finders": "`Finder`s: what the command palette finds",
    "pages.tables": "`Table`s: what the back office lists, with filters, saved views, export and bulk change",
    "imports.imports": "kinds of rows that other systems send (bulk API, files), and the fields they may be masters of",
    "jobs.jobs": "the timetable and what the queue runs (also of a plugin)",
    "jobs.loops": "what runs for as long as a worker lives, `async (database, stop, *, settings)`",
    "desk.kinds": "kinds of work that the desk commits in batches",
    "desk.locks": "rows that these kinds need, with their second statements",
    "desk.finishes": "what is done to a batch's rows after all was decided",
    "queries.shop_finders": "`ShopFinder`s: the shop of a thing that an event names, for webhooks of one shop",
    "queries.mails": "`Mail`s that this domain writes, each with an example for those who edit its words",
    "queries.pushes": "`Push`es: news that this domain has for devices that want them",
    "queries.export_party": "what is kept about a person, for them",
    "commands.erase_party": "erases what is kept about a person",
    "commands.forget_visitors": "forgets what is kept under the numbers of visitors who take their consent back",
}
# Files of a domain that count without a name in them.
FILES = {
    "reactions": "functions under `@reacts(Event)` are called for each event, once",
    "sql/schema.sql": "the whole truth; `sql/migrations/` leads there",
    "sql/public.sql": "set-based functions that statements of higher domains may call",
    "sql/reads.sql": "statements; one named `check_…` is run by `lotse check`",
    "templates": "HTML, found as `<domain>/<file>`",
    "locale": "words of this package: `<language>/LC_MESSAGES/lotse.po`",
}

# Where a page asks other domains: which ids it asks with, and where the answer shows.
SLOTS = {
    "card.offer": "variants; the price on a card",
    "card.stock": "variants; whether it is there, on a card",
    "card.buy": "variants; the way into the basket, on a card of the wish list",
    "product.offer": "variants; the price on an article's page",
    "product.stock": "variants; whether it is there, on an article's page",
    "product.places": "variants; where it is, on an article's page",
    "product.buy": "variants; the way into the basket",
    "product.wish": "variants; the way onto the wish list",
    "account.orders": "customers; what they ordered, in their account",
    "product.promise": "variants; by when it arrives, on an article's page",
    "product.below": "products; below everything else on an article's page",
    "home.below": "the shop; below everything else on the first page",
    "line.picture": "variants; beside a line of basket and order",
    "delivery.costs": "the shop; what delivery costs and to where, on the page about delivery and payment",
    "delivery.payment": "the shop; the ways to pay, on the same page",
    "order.payment": "payments; on the buyer's order page",
    "order.above": "orders; what has become of one, at the top of the buyer's order page (`Above`)",
    "order.below": "orders; what else can be done with one, on the buyer's order page",
    "office.order": "orders; what else is known of one, on the back office's order page",
    "office.order.payment": "payments; on the back office's order page",
    "office.variant": "variants; a variant's name in the back office",
    "office.variant.price": "variants; its price on the back office's article page",
    "office.product.price": "products; from what to what they cost, in the back office's table and on the page",
    "office.product.offers": "products; how much of one the shop sells, on the back office's article page",
    "office.product.stock": "products; how many pieces the shop can sell, in the same places",
    "office.variant.stock": "variants; its stock on the back office's article page",
    "office.customer": "customers; what is known of one, on the back office's customer page",
    "office.customer.orders": "customers; how often one has bought, in the table of customers",
    "office.customer.bought": "customers; what that came to, in the same place",
    "office.customer.last": "customers; when that was last, in the same place",
    "office.payment.purpose": "what payments are for; the order of a payment in the back office",
    "office.shop": "shops; what a shop has to do with it, on the back office's page of a shop",
    "office.legal_entities": "legal entities; the name of one in the back office",
    "office.location": "locations; a location's name in the back office",
}

# Of the kernel, what is made to be used; the rest of it may change with any version.
MODULES = (
    "lotse.conformance",
    "lotse.kernel.audit",
    "lotse.kernel.auth.forms",
    "lotse.kernel.auth.names",
    "lotse.kernel.auth.principal",
    "lotse.kernel.auth.rights",
    "lotse.kernel.clock",
    "lotse.kernel.consumers",
    "lotse.kernel.db",
    "lotse.kernel.desk.desk",
    "lotse.kernel.desk.kinds",
    "lotse.kernel.http",
    "lotse.kernel.idempotency",
    "lotse.kernel.ids",
    "lotse.kernel.imports.contracts",
    "lotse.kernel.jobs",
    "lotse.kernel.masters",
    "lotse.kernel.money",
    "lotse.kernel.outbox",
    "lotse.kernel.pages.bulk",
    "lotse.kernel.pages.finders",
    "lotse.kernel.pages.formatting",
    "lotse.kernel.pages.forms",
    "lotse.kernel.pages.i18n",
    "lotse.kernel.pages.listing",
    "lotse.kernel.pages.places",
    "lotse.kernel.pages.slots",
    "lotse.kernel.pages.table",
    "lotse.kernel.pages.view",
    "lotse.kernel.paging",
    "lotse.kernel.privacy",
    "lotse.kernel.refusals",
    "lotse.kernel.rows",
    "lotse.kernel.seams",
    "lotse.kernel.settings",
    "lotse.kernel.sql",
    "lotse.kernel.tags",
    "lotse.kernel.webhooks.shops",
    "lotse.scaffold.trial",
    "lotse.testing",
)
# Of a domain the files that are public downwards.
PUBLIC = ("contracts", "commands", "queries", "rules")

_SLOT = re.compile(r"""slot\(\s*["']([a-z_.]+)["']""")
_TOKEN = re.compile(r"^\s*(--[a-z][a-z0-9-]*):", re.MULTILINE)
_NAMES = re.compile(r"^- since (?P<since>\S+): (?P<names>.+)$")
_ROW = re.compile(r"^\| `(?P<name>[^`]+)` \| (?P<since>\S+) \|")


class Section(Struct, frozen=True):
    """A part of the list: its heading, what it is about, and its seams with what each is for (empty: see its code)."""

    title: str
    about: str
    seams: dict[str, str]
    since: dict[str, str] = {}


class Undescribed(Exception):
    """A seam that has no words yet; says where to write them."""


def sections() -> list[Section]:
    """Every seam that the code has. Raises `Undescribed`."""
    registries = dict(_registries())
    return [
        Section(
            "Entry points", "Groups in a pyproject.toml that Lotse looks into.", _described(POINTS, set(_groups()))
        ),
        Section(
            "What a domain's files put out",
            "Names that Lotse looks for in `<package>/<file>.py` of every domain, its own and yours.",
            _described(EXPORTS, set(_exports())),
        ),
        Section("Other files of a domain", "They count by being there.", FILES),
        Section(
            "Registries",
            "A plugin registers something under a name when it is imported: `registry.register(name, thing)`.",
            {name: said for name, (said, _) in registries.items()},
            {name: since for name, (_, since) in registries.items()},
        ),
        Section(
            "Slots",
            "A page asks each once with all ids that it shows; `pages.slots` answers.",
            _described(SLOTS, set(_slots())),
        ),
        Section(
            "Design tokens",
            "Custom properties of CSS; `theme/static/tokens.css` sets them anew for storefront and back office.",
            dict.fromkeys(_tokens(), ""),
        ),
        Section(
            "Templates",
            "A file of the same path in `theme/templates/` stands in for it; `lotse/` before it leads to Lotse's own.",
            dict.fromkeys(_templates(), ""),
        ),
        *(
            Section(module, "", dict.fromkeys((name.removeprefix(f"{module}.") for name in found), ""))
            for module, found in modules().items()
        ),
    ]


@cache
def names() -> frozenset[str]:
    """Every Python name that may be imported, with its module: `lotse.kernel.money.Money`; and the modules."""
    found = {name for members in modules().values() for name in members}
    return frozenset(found | set(modules()))


@cache
def modules() -> dict[str, list[str]]:
    """The modules that may be imported from, with the full names of what they define."""
    public = [f"lotse.domains.{name}.{file}" for line in seams.ORDER for name in line for file in PUBLIC]
    there = [module for module in (*MODULES, *public) if _path(module).is_file()]
    return {module: sorted(f"{module}.{name}" for name in _defined(_path(module))) for module in there}


def page(documented: dict[str, dict[str, str]], *, drop: bool = False) -> str:
    """The page, with the versions that it told so far. What is gone stays on it unless `drop`."""
    now = _release()
    parts = [_HEAD]
    made = sections()
    for section in made:
        known = documented.get(section.title, {})
        since = {name: section.since.get(name) or known.get(name, now) for name in section.seams}
        if not drop:
            since |= {name: told for name, told in known.items() if name not in since}
        if not since:
            continue
        parts.append(f"## {section.title}\n" if section.about else f"### `{section.title}`\n")
        if section.about:
            parts.append(section.about + "\n")
        if any(section.seams.values()):
            rows = [f"| `{name}` | {told} | {section.seams.get(name, 'gone')} |" for name, told in since.items()]
            parts.append("\n".join(["| name | since | what |", "|---|---|---|", *rows]) + "\n")
        else:
            for told in sorted(set(since.values()), key=_ordered):
                listed = ", ".join(f"`{name}`" for name in sorted(since) if since[name] == told)
                parts.append(f"- since {told}: {listed}\n")
        if section.title == "Templates":
            parts.append(_PYTHON)
    return "\n".join(parts)


def read(text: str) -> dict[str, dict[str, str]]:
    """What a page says: by section, each seam with its version."""
    found: dict[str, dict[str, str]] = {}
    current = ""
    for line in text.splitlines():
        if line.startswith("#"):
            current = line.lstrip("# ").strip("`")
        elif row := _ROW.match(line):
            found.setdefault(current, {})[row["name"]] = row["since"]
        elif listed := _NAMES.match(line):
            found.setdefault(current, {}).update(
                dict.fromkeys(re.findall(r"`([^`]+)`", listed["names"]), listed["since"])
            )
    return found


def differences(text: str) -> list[str]:
    """How a page and the code differ, a line each."""
    documented = read(text)
    there = {section.title: set(section.seams) for section in sections() if section.seams}
    found = [
        f"undocumented: {name} ({title})" for title in there for name in there[title] - set(documented.get(title, {}))
    ]
    found += [
        f"gone: {name} ({title})" for title in documented for name in set(documented[title]) - there.get(title, set())
    ]
    return sorted(found)


_HEAD = """# Seams

<!-- Kept by `python -m lotse.scaffold.seams`, which reads the code; a test compares them. -->

Everything of Lotse that your own repository may build on, by name, with the version since which it holds. What stands
here goes on holding, or CHANGELOG.md says what took its place; anything else may change with any version. The
ready-made test `test_only_seams_are_used` holds your repository to it.
"""

_PYTHON = """## Python

What may be imported, by module. Of a domain these are its contracts, commands, queries and rules; a command takes a
transaction and raises the refusals that its docstring names.
"""


# -- read from the code


@cache
def _sources() -> dict[Path, ast.Module]:
    return {
        path: ast.parse(path.read_text("utf-8"))
        for path in sorted(ROOT.rglob("*.py"))
        if "tests" not in path.parts and "bench" not in path.parts
    }


def _calls(name: str) -> Iterator[ast.Call]:
    """Calls of a function or method of this name, anywhere."""
    for tree in _sources().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func
                if (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) == name:
                    yield node


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _groups() -> Iterator[str]:
    for call in _calls("entry_points"):
        for keyword in call.keywords:
            if keyword.arg == "group":
                said = _text(keyword.value)
                name = (
                    keyword.value.attr if isinstance(keyword.value, ast.Attribute) else getattr(keyword.value, "id", "")
                )
                yield said or getattr(seams, name)


def _exports() -> Iterator[str]:
    for call in _calls("exported"):
        file, name = (_text(argument) for argument in call.args)
        yield f"{file}.{name}"
    for call in _calls("getattr"):  # getattr(domain.module("queries"), "export_party", None)
        of = call.args[0]
        if isinstance(of, ast.Call) and isinstance(of.func, ast.Attribute) and of.func.attr == "module":
            yield f"{_text(of.args[0])}.{_text(call.args[1])}"


def _registries() -> Iterator[tuple[str, tuple[str, str]]]:
    """Each `name: Seam[Type] = Seam("what it is called", since=…)`, with the comment above it."""
    for path, tree in _sources().items():
        lines = path.read_text("utf-8").splitlines()
        for node in tree.body:
            call = node.value if isinstance(node, ast.AnnAssign) else None
            if (
                isinstance(node, ast.AnnAssign)
                and isinstance(call, ast.Call)
                and getattr(call.func, "id", "") == "Seam"
            ):
                module = "lotse." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
                since = next(_text(word.value) for word in call.keywords if word.arg == "since")
                comment: list[str] = []
                for line in reversed(lines[: node.lineno - 1]):
                    if not line.startswith("# "):
                        break
                    comment.insert(0, line.removeprefix("# "))
                if not comment:
                    raise Undescribed(f"{path}:{node.lineno}: say in a comment above it what registers here")
                yield f"{module}.{ast.unparse(node.target)}", (" ".join(comment), since)


def _slots() -> Iterator[str]:
    for path in ROOT.rglob("*.html"):
        yield from _SLOT.findall(path.read_text("utf-8"))
    for call in _calls("Answerer"):
        if call.args and (name := _text(call.args[0])):
            yield name


def _tokens() -> list[str]:
    return sorted(set(_TOKEN.findall((ROOT / "web" / "static" / "css" / "tokens.css").read_text("utf-8"))))


def _templates() -> list[str]:
    from lotse.web.storefront.frame import owners

    return sorted(
        f"{owner}/{path.relative_to(folder).as_posix()}"
        for owner, folder in owners().items()
        if folder.is_relative_to(ROOT)
        for path in folder.rglob("*.html")
    )


def _path(module: str) -> Path:
    path = ROOT.parent.joinpath(*module.split("."))
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"


def _defined(path: Path) -> set[str]:
    """The public names that a module defines itself, and those that it passes on (`__all__`)."""
    found: set[str] = set()
    for node in _sources()[path].body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            found |= set(ast.literal_eval(node.value)) if names == {"__all__"} else names
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return {name for name in found if not name.startswith("_")} - {"log"}


def _described(words: dict[str, str], there: set[str]) -> dict[str, str]:
    """The words of those that are there, in the order in which they were written down."""
    if unknown := there - words.keys():
        raise Undescribed(f"say in lotse/scaffold/seams.py what these are for: {', '.join(sorted(unknown))}")
    return {name: said for name, said in words.items() if name in there}


def _release() -> str:
    """The version without what follows its numbers."""
    return re.match(r"[0-9.]*[0-9]", version("lotse"))[0]  # type: ignore[index]


def _ordered(told: str) -> tuple[int, ...]:
    return tuple(int(part) for part in told.split("."))


def _main(arguments: list[str]) -> None:
    before = PAGE.read_text("utf-8") if PAGE.is_file() else ""
    for line in differences(before):
        sys.stdout.write(line + "\n")
    PAGE.write_text(page(read(before), drop="--drop" in arguments), "utf-8")


if __name__ == "__main__":
    _main(sys.argv[1:])
