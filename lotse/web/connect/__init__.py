"""Lotse and other systems on the web: webhooks, the feed of events, imports, masters and differences, jobs.

Puts out `api`, the routes that programs use, `routes` and `tables`, the pages of the back office, and their `places` in
it. What they do is the kernel's: `lotse.kernel.webhooks`, `lotse.kernel.imports`, `lotse.kernel.masters`,
`lotse.kernel.jobs`.
"""

from lotse.web.connect import deliveries, differences, events, imports, jobs, webhooks
from lotse.web.connect.api import api

__all__ = ["api", "places", "routes", "tables"]

_PAGES = (imports, differences, webhooks, deliveries, events, jobs)
routes = [route for page in _PAGES for route in page.routes]
tables = [table for page in _PAGES for table in page.tables]
places = (*imports.places, *differences.places, *webhooks.places, *events.places, *jobs.places)
