"""Keep the catalogues: collect every message of the source, and write what is new into the `.po` files.

    python -m lotse.kernel.pages.catalogues

Messages are what stands in `_("…")`, `{% trans %}`, `ngettext` of templates, and in `N_("…")` and `view.text("…")` of
Python. A test fails for a message that a language lacks and for one that nobody says any more.
"""

import io
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from lotse.kernel.pages.i18n import DOMAIN

ROOT = Path(str(files("lotse")))
_METHODS = [
    ("**/tests/**", "ignore"),
    # A plugin's `pages.py` has our pages say something (a way to pay); its own templates speak for themselves.
    ("plugins/*/templates/**", "ignore"),
    ("**.py", "python"),
    ("**/templates/**.html", "jinja2"),
]
_KEYWORDS = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2), "text": None}
_OPTIONS = {
    "**/templates/**.html": {
        "extensions": "jinja2.ext.do,jinja2.ext.loopcontrols",
        "newstyle_gettext": "true",
        "trim_blocks": "true",
        "lstrip_blocks": "true",
        # A template that cannot be read would lose its messages without a word.
        "silent": "false",
    }
}

_HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plural}\\n"

"""


def messages(root: Path = ROOT) -> Catalog:
    """Every message that the source says, with where."""
    found = Catalog(domain=DOMAIN, charset="utf-8")
    for name, line, message, _, context in extract_from_dir(root, _METHODS, _OPTIONS, keywords=_KEYWORDS):
        # Only what pages say: other Python has functions called `text`, too.
        if message and (name.endswith(".html") or _is_page(name)):
            found.add(message, locations=[(name, line)], context=context)
    return found


def catalogues(root: Path = ROOT) -> Iterator[tuple[str, Path]]:
    """The languages that Lotse is translated to, with their files."""
    for path in sorted((root / "locale").glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        yield path.parts[-3], path


def read(path: Path, language: str) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def write(path: Path, catalogue: Catalog) -> None:
    """In one order and without dates and line numbers: what changes in the file is what somebody said differently."""
    body = io.BytesIO()
    write_po(body, catalogue, width=120, include_lineno=False, sort_output=True, omit_header=True)
    header = _HEADER.format(language=catalogue.locale_identifier, plural=catalogue.plural_forms)
    path.write_bytes(header.encode() + body.getvalue().lstrip(b"\n"))


def update(root: Path = ROOT) -> None:
    """Add what is new and drop what nobody says, in every language; what is translated stays."""
    template = messages(root)
    for language, path in catalogues(root):
        catalogue = read(path, language)
        catalogue.update(template, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        write(path, catalogue)
        missing = sum(1 for message in catalogue if message.id and not message.string)
        sys.stdout.write(f"{language}: {len(catalogue)} messages, {missing} without a translation\n")


def _is_page(name: str) -> bool:
    # What mails are called stands with what they say.
    folders = ("web/", "kernel/pages/", "kernel/auth/")
    endings = ("pages.py", "domains/messages/queries.py")
    return name.endswith(endings) or "/pages/" in name or name.startswith(folders)


if __name__ == "__main__":
    update()
