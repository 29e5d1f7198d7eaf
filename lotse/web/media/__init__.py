"""Pictures and files on the web: served to everybody, taken in from staff and programs, looked after in the library.

Puts out `routes`, as every frame of the web does, and `api`: the routes of it that programs use.
"""

from lotse.web.media.api import api
from lotse.web.media.pages import places, routes

__all__ = ["api", "places", "routes"]
