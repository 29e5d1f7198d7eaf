"""What the docs site takes from the code: commands, refusals, events, the API, and ARCHITECTURE.md as a page.

A hook of MkDocs (mkdocs.yml). These pages are made while the site is built, so they cannot lag behind, and nobody has
to write or merge them. Links that lead out of docs/ (to code) become plain text: the site stands by itself.
"""

import importlib
import inspect
import os
import re
import warnings
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

# Litestar 2 tells of names in 3; the site is no place for it.
warnings.filterwarnings("ignore", category=DeprecationWarning)

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
# Their pages come into the navigation by themselves.
SECTIONS = {"concepts": "Concepts", "guides": "Guides", "operations": "Operations", "reference": "Reference"}
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put pages that nobody named in mkdocs.yml at the end of their section."""
    nav: list[Any] = config.nav or []
    named = set(_named(nav))
    for folder, title in SECTIONS.items():
        section: list[Any] = next(entry[title] for entry in nav if isinstance(entry, dict) and title in entry)
        for path in sorted((DOCS / folder).glob("*.md")):
            name = f"{folder}/{path.name}"
            if name not in named:
                section.append(name)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    made = {
        "concepts/architecture.md": (ROOT / "ARCHITECTURE.md").read_text("utf-8"),
        "reference/cli.md": commands(),
        "reference/refusals.md": refusals(),
        "reference/events.md": events(),
        "reference/api.md": api(),
    }
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to files that are no part of the site become what they say."""
    here = DOCS / Path(page.file.src_uri).parent
    if page.file.src_uri == "concepts/architecture.md":
        here = ROOT

    def kept(match: re.Match[str]) -> str:
        said, target = match[1], match[2]
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        inside = Path(os.path.normpath(here / target))
        return match[0] if inside.is_relative_to(DOCS) and here != ROOT else said

    return _LINK.sub(kept, markdown)


# -- pages from code


def commands() -> str:
    """Every command with its options, from the command line's own definitions."""
    from lotse.cli import app

    text = app.generate_docs(output_format="markdown", recursive=True, heading_level=1)
    return re.sub(r"\A# .*\n", "# Commands\n", text, count=1)


def refusals() -> str:
    """Every named "no" of the kernel and the domains, by where it is declared."""
    from lotse.kernel.refusals import Refusal

    parts = [
        "# Refusals",
        'Every expected "no" has a name: `type` of the problem answer is `urn:lotse:refusal:` and the name (RFC 9457).'
        " Names and fields stay; titles are for people.",
    ]
    found: dict[str, list[type[Refusal]]] = {}
    for module in _modules():
        for thing in vars(module).values():
            if inspect.isclass(thing) and issubclass(thing, Refusal) and thing.__module__ == module.__name__:
                found.setdefault(_owner(module.__name__), []).append(thing)
    for owner in sorted(found):
        rows = ["| name | status | title | fields | when |", "|---|---|---|---|---|"]
        for refusal in sorted(set(found[owner]), key=lambda one: one.code):
            fields = ", ".join(f"`{name}`" for name in getattr(refusal, "__dataclass_fields__", {}))
            said = (
                "" if refusal.__doc__ is None or refusal.__doc__.startswith(refusal.__name__ + "(") else refusal.__doc__
            )
            rows.append(f"| `{refusal.code}` | {refusal.status} | {refusal.title} | {fields} | {_line(said)} |")
        parts += [f"## {owner}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def events() -> str:
    """Every event of the domains with its fields."""
    import msgspec

    from lotse.kernel import outbox, seams

    parts = ["# Events", "What consumers, webhooks and the feed get. A version only ever gains fields."]
    for domain in seams.domains():
        module = domain.module("contracts")
        if module is None:
            continue
        rows = ["| event | version | fields | when |", "|---|---|---|---|"]
        for thing in vars(module).values():
            if inspect.isclass(thing) and issubclass(thing, msgspec.Struct) and thing.__module__ == module.__name__:
                tag = thing.__struct_config__.tag
                if isinstance(tag, str) and "." in tag:
                    _, version = outbox.described(thing)
                    fields = ", ".join(f"`{field.encode_name}`" for field in msgspec.structs.fields(thing))
                    rows.append(f"| `{tag}` | {version} | {fields} | {_line(thing.__doc__ or '')} |")
        if len(rows) > 2:
            parts += [f"## {domain.name}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def api() -> str:
    """Every operation of the API with its right and its refusals, from the OpenAPI document."""
    from lotse.kernel import seams
    from lotse.kernel.auth.rights import declared

    parts = [
        "# API",
        "Everything below is under `/api/v1`. The whole document with every field (OpenAPI 3.1) is at"
        " `/api/v1/openapi.json` of a running shop, and its page at `/api/v1/docs`.",
    ]
    rows: dict[str, list[str]] = {}
    packages = [(domain.name, domain.exported("api", "routes")) for domain in seams.domains()]
    for name in ("connect", "media", "live"):
        module = f"lotse.web.{name}.api"
        try:
            packages.append((name, tuple(getattr(importlib.import_module(module), "routes", ()))))
        except ModuleNotFoundError:
            continue
    for owner, routes in packages:
        for route in routes:
            right = declared(getattr(route, "guards", None))
            needed = "anybody" if right is None or right.name is None else f"`{right.name}`"
            for method in sorted(str(method) for method in route.http_methods):
                for path in sorted(route.paths):
                    said = _line(inspect.getdoc(route.fn) or "")
                    shown = re.sub(r":\w+\}", "}", path)
                    rows.setdefault(owner, []).append(f"| `{method} {shown}` | {needed} | {said} |")
    for owner, found in rows.items():
        parts += [f"## {owner}", "\n".join(["| operation | right | does |", "|---|---|---|", *found])]
    return "\n\n".join(parts) + "\n"


# -- details


def _named(nav: list[Any]) -> list[str]:
    found: list[str] = []
    for entry in nav:
        if isinstance(entry, str):
            found.append(entry)
        elif isinstance(entry, dict):
            for value in entry.values():
                found += _named(value) if isinstance(value, list) else [value]
    return found


def _modules() -> list[Any]:
    names = [
        "lotse." + ".".join(path.relative_to(ROOT / "lotse").with_suffix("").parts)
        for path in sorted((ROOT / "lotse").rglob("*.py"))
        if "tests" not in path.parts and "(Refusal, status" in path.read_text("utf-8")
    ]
    return [importlib.import_module(name.removesuffix(".__init__")) for name in names]


def _owner(module: str) -> str:
    parts = module.split(".")
    return parts[2] if parts[1] == "domains" else parts[1]


def _line(text: str) -> str:
    """The first paragraph of a docstring, as one cell of a table."""
    first = inspect.cleandoc(text).split("\n\n")[0]
    return " ".join(first.split()).replace("|", "\\|").replace("{", "&#123;").replace("<", "&lt;")
