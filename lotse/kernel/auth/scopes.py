"""The names of rights, as people type them."""

import re
from collections.abc import Iterable

from lotse.kernel.auth.principal import ALL
from lotse.kernel.refusals import Invalid

_FORM = re.compile(r"^[a-z][a-z_]*\.[a-z][a-z_]*$")
# A right list longer than this was made by a program.
MAX_RIGHTS = 200


def dotted(right: str) -> str:
    """Rights were written `thing:verb` once; what is typed that way still counts."""
    return right.strip().replace(":", ".")


def checked_right(right: str, field: str) -> str:
    """A right as it is written now. Refusal: `Invalid`."""
    found = dotted(right)
    if found != ALL and not _FORM.match(found):
        raise Invalid(field=field, rule=f"thing.verb, e.g. orders.read, not {right[:50]!r}")
    return found


def checked(scopes: Iterable[str]) -> list[str]:
    """Sorted and each once. Refusal: `Invalid`."""
    found = sorted({checked_right(scope, "scopes") for scope in scopes})
    if not found or len(found) > MAX_RIGHTS:
        raise Invalid(field="scopes", rule=f"1 to {MAX_RIGHTS} rights")
    return found
