"""The names of rights that accounts and tokens hold."""

import re
from collections.abc import Iterable

from lotse.kernel.auth.principal import ALL
from lotse.kernel.refusals import Invalid

_FORM = re.compile(r"^[a-z][a-z_]*\.[a-z][a-z_]*$")
# A right list longer than this was made by a program.
_MAX_SCOPES = 100


def dotted(scopes: Iterable[str]) -> list[str]:
    """Rights were written `thing:verb` once; what was stored or is typed that way still counts."""
    return [scope.replace(":", ".") for scope in scopes]


def checked(scopes: Iterable[str]) -> list[str]:
    """Sorted and each once. Refusal: `Invalid`."""
    found = sorted(set(dotted(scopes)))
    if not found or len(found) > _MAX_SCOPES:
        raise Invalid(field="scopes", rule=f"1 to {_MAX_SCOPES} rights")
    for scope in found:
        if scope != ALL and not _FORM.match(scope):
            raise Invalid(field="scopes", rule=f"thing.verb, e.g. orders.read, not {scope[:50]!r}")
    return found
