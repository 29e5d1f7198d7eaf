"""Pages of the catalogue: what is new, products; in the back office articles and categories."""

from lotse.domains.catalog.pages.article import (
    add_combinations,
    begin_product,
    move_product,
    office_new_product,
    office_product,
    save_pictures,
    save_product,
    save_successor,
    save_variants,
)
from lotse.domains.catalog.pages.articles import PRODUCTS
from lotse.domains.catalog.pages.categories import office_categories, save_category
from lotse.domains.catalog.pages.shop import new_arrivals, product
from lotse.domains.catalog.pages.shown import finders, slots
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place

__all__ = ["finders", "places", "routes", "slots", "tables"]
routes = (
    new_arrivals,
    product,
    office_new_product,
    begin_product,
    *table_routes(PRODUCTS),
    office_product,
    save_product,
    move_product,
    save_successor,
    save_variants,
    add_combinations,
    save_pictures,
    office_categories,
    save_category,
)
tables = (PRODUCTS,)
places = (
    Place("/office/products", N_("Articles"), "products", "p", "catalog.read", "goods", 10),
    Place("/office/categories", N_("Categories"), "list", "", "catalog.read", "goods", 12),
)
