"""What the forms of content share: in which language something is written, and what refusals say."""

from typing import Any

from babel import Locale
from litestar import Request

from lotse.domains.parties.contracts import Shop
from lotse.kernel.auth.forms import Draft
from lotse.kernel.pages.i18n import N_
from lotse.kernel.refusals import Invalid

REFUSED = {
    "slug-of-page-taken": N_("There is a page at the address “%(slug)s” already."),
    "bad-block": N_("Block %(number)s: %(rule)s."),
    "bad-menu-line": N_("Line %(line)s: %(rule)s. Nothing was saved."),
    "bad-path": N_("Please check it: %(rule)s."),
    "bad-period": N_("It would end before it begins."),
    "redirect-loop": N_("From %(target)s one would come back to %(path)s: a circle."),
    "invalid": N_("This does not look right: %(rule)s."),
}
# What refusals say of fields, in the middle of these sentences.
RULES = (
    N_("small letters, digits and single hyphens"),
    N_("a path that begins with one /"),
    N_("a path that begins with one /, or an address with https://"),
    N_("at most 300 visible characters"),
    N_("at most 40 lines"),
    N_("words of at most 80 characters, then | and a link"),
    N_("a path such as /info/about, or an address with https://"),
    N_("| is missing between words and link"),
    N_("a target, or gone for good without one"),
    N_("not the first page"),
    N_("a picture of the library"),
    N_("a path such as /c/shoes, or an address with https://"),
    N_("choose a picture"),
    N_("some words"),
    N_("choose a category"),
    N_("name articles, one per line"),
    N_("label and link together, or none"),
    N_("the address of the video"),
    N_("a language of the shop"),
    N_("a day and a time of day"),
)


def language_in(request: Request[Any, Any, Any], shop: Shop, draft: Draft | None = None) -> str:
    """Which language is edited: what a form that came back was for, then `?in=en`. Refusal: `Invalid`."""
    language = (draft.typed.get("in") if draft else None) or request.query_params.get("in") or shop.language
    if language not in {*shop.languages, shop.language, "en"}:
        raise Invalid(field="in", rule="a language of the shop")
    return language


def named(code: str) -> str:
    return (Locale.parse(code).get_display_name(code) or code).capitalize()
