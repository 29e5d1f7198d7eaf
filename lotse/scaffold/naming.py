"""Names of shops, domains and plugins: what they may be, and what to take instead.

A name becomes a Python package, a PostgreSQL schema, a folder, a part of addresses and of event types. So it has what
all of these take without quotes.
"""

import keyword
import re
import sys
import unicodedata
from importlib.util import find_spec

from lotse.kernel import seams

# Long enough for any word; short enough for what is made of it (constraints of PostgreSQL have 63 bytes).
_FORM = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
MIN_LENGTH, MAX_LENGTH = 2, 30
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa"})
# Reserved in PostgreSQL 18 (appendix C of its manual): a schema of such a name would need quotes everywhere.
_SQL = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check
    collate collation column concurrently constraint create cross current_catalog current_date
    current_role current_schema current_time current_timestamp current_user default deferrable desc
    distinct do else end except false fetch for foreign freeze from full grant group having ilike in
    initially inner intersect into is isnull join lateral leading left like limit localtime
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary
    references returning right select session_user similar some symmetric system_user table tablesample
    then to trailing true union unique user using variadic verbose when where window with
    """.split()  # noqa: SIM905 - a list of these would fill two pages
)


class CannotMake(Exception):
    """One line that says why, and what to do."""


def suggested(text: str) -> str:
    """The nearest name that is allowed: `Größe & Co` becomes `groesse_co`; empty if nothing is left of it."""
    plain = unicodedata.normalize("NFC", text).lower().translate(_GERMAN)
    ascii_only = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "_", ascii_only).strip("_0123456789")
    return words[:MAX_LENGTH].rstrip("_")


def camel(name: str) -> str:
    """`gift_card` as a part of a class's name: `GiftCard`."""
    return "".join(word.capitalize() for word in name.split("_"))


def check(name: str, what: str) -> str:
    """The name itself. Raises `CannotMake` with another one that would do."""
    if not _FORM.fullmatch(name) or not MIN_LENGTH <= len(name) <= MAX_LENGTH:
        near = suggested(name)
        hint = f"; `{near}` would do" if near != name and _FORM.fullmatch(near) and len(near) >= MIN_LENGTH else ""
        raise CannotMake(
            f"{name!r} cannot name a {what}: {MIN_LENGTH} to {MAX_LENGTH} small letters a-z, digits and single _,"
            f" beginning with a letter{hint}"
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise CannotMake(f"{name!r} cannot name a {what}: it is a word of the Python language")
    if name in ("test", "tests", "lotse", "theme", "scaffold"):
        raise CannotMake(f"{name!r} cannot name a {what}: something else has that name in every repository")
    return name


def check_package(name: str) -> str:
    """The name of a repository's package: also nothing that can be imported already."""
    check(name, "shop")
    if name in sys.stdlib_module_names:
        raise CannotMake(f"{name!r} cannot name a shop: it is a part of Python")
    if find_spec(name) is not None:
        raise CannotMake(f"{name!r} cannot name a shop: a Python package of that name is installed already")
    return name


def check_domain(name: str) -> str:
    """The name of a retailer's own domain: also a PostgreSQL schema, and none that Lotse has or will have."""
    check(name, "domain")
    if name in _SQL or name.startswith("pg_"):
        raise CannotMake(f"{name!r} cannot name a domain: it is a reserved word of PostgreSQL, where it names a schema")
    if name in seams.TAKEN:
        raise CannotMake(f"{name!r} cannot name a domain: Lotse has that name for one of its own parts")
    return name
