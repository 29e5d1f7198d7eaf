"""Lotse and other systems on the web: webhooks, the feed of events, imports, masters and differences, jobs.

Puts out `api`, the routes that programs use, `routes`, the pages of the back office, and their `places` in it. What
they do is the kernel's: `lotse.kernel.webhooks`, `lotse.kernel.imports`, `lotse.kernel.masters`, `lotse.kernel.jobs`.
"""

from lotse.web.connect.api import api
from lotse.web.connect.pages import places, routes, tables

__all__ = ["api", "places", "routes", "tables"]
