"""Pages of inventory: what a shop says of its stock, the stores; in the back office stock and locations."""

from lotse.domains.inventory.pages.places import (
    LOCATIONS,
    edit_location,
    make_location,
    new_location,
    office_location,
    serve,
    serving,
)
from lotse.domains.inventory.pages.shown import slots
from lotse.domains.inventory.pages.stock import (
    POOLS,
    STOCK,
    count,
    office_article,
    office_pool,
    receive,
    receive_article,
    transfer,
)
from lotse.domains.inventory.pages.stores import stores
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place

__all__ = ["places", "routes", "slots", "tables"]
routes = (
    stores,
    *table_routes(STOCK),
    *table_routes(POOLS),
    office_article,
    office_pool,
    receive,
    count,
    transfer,
    receive_article,
    *table_routes(LOCATIONS),
    new_location,
    make_location,
    office_location,
    edit_location,
    serving,
    serve,
)
tables = (STOCK, POOLS, LOCATIONS)
places = (
    Place("/office/stock", N_("Stock"), "stock", "s", "inventory.read", "goods", 30),
    Place("/office/locations", N_("Locations"), "place", "l", "inventory.read", "goods", 40),
)
