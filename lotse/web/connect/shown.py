"""How pages about other systems say what all of them say: states of deliveries, the way back after a post, JSON."""

from collections.abc import Mapping

import msgspec
from litestar.response import Redirect

from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.table import Option

DELIVERY_STATES: Mapping[str, Option] = {
    "waiting": Option(N_("Waiting"), "warn"),
    "delivered": Option(N_("Delivered"), "good"),
    "failed": Option(N_("Given up"), "bad"),
    "skipped": Option(N_("Skipped")),
}


def to(path: str, done: str) -> Redirect:
    """Back to a page that says what was done."""
    return Redirect(f"{path}?done={done}", status_code=303)


def indented(body: bytes) -> str:
    """JSON for people."""
    return msgspec.json.format(body, indent=2).decode()
