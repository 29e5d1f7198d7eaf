"""The live page: what is being sold, where, and how the machinery stands, as it happens. In the demo it has buttons.

`hub` reads the event log once per process and fans it out; `api` streams it (server-sent events) and takes the buttons;
`pages` shows it. Puts out `routes`, `api` and `places`, as frames of the web do.
"""

from lotse.web.live.api import api
from lotse.web.live.pages import places, routes

__all__ = ["api", "places", "routes"]
