"""The waiting room on the web: the gate before the front (`gate`), what it shows (`parts`), and the back office's page.

Puts out `routes`, as every frame of the web does. How to run a sale with it: docs/operations/waiting-room.md.
"""

from lotse.web.waiting.pages import routes

__all__ = ["routes"]
