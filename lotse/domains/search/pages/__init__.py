"""Pages of search: lists and suggestions; in the back office what people decide about them."""

from lotse.domains.search.pages.lists import category, search, suggest
from lotse.domains.search.pages.office import delete_rule, delete_synonyms, office_search, save_rule, save_synonyms
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.places import Place

__all__ = ["places", "routes"]
routes = (
    category,
    search,
    suggest,
    office_search,
    save_rule,
    delete_rule,
    save_synonyms,
    delete_synonyms,
)
places = (Place("/office/search", N_("Search"), "search", "", "search.read", "goods", 50),)
