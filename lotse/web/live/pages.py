"""The live page of the back office. It renders the map and the frame of everything; what moves comes by the stream."""

from litestar import Response, get

from lotse.domains.inventory.queries import locations
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Database
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.view import View
from lotse.web.live.demo import LIVE, buyers
from lotse.web.live.outline import HEIGHT, WIDTH, dots, path

PACES = {"pause": N_("Pause"), "calm": N_("Calm"), "busy": N_("Busy"), "rush": N_("Rush")}
VICTIMS = {"desk": N_("Desk"), "worker": N_("Worker"), "pages": N_("Pages"), "api": N_("API")}
# A retailer has some hundred stores; a map of more needs another drawing.
_MOST_PLACES = 200


@get(LIVE, guards=[needs("live.read")])
async def live(view: View, database: Database, principal: Principal) -> Response[str]:
    """The map with its stores, and the places of what moves."""
    async with database.reading() as conn:
        found = (await locations(conn, limit=_MOST_PLACES)).items
    return view.show(
        "live/live.html",
        outline=path(),
        width=WIDTH,
        height=HEIGHT,
        dots=dots(found),
        acts=buyers() is not None and principal.may("demo.act"),
        paces=PACES,
        victims=VICTIMS,
    )


routes = (live,)
places = (Place(LIVE, N_("Live"), "place", "v", "live.read", "sales", 5),)
