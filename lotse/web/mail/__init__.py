"""Mails in the back office: what was sent to whom, what became of it, and the words that staff may edit.

Puts out `routes` and `places`, as every frame of the web does. What they do is the kernel's: `lotse.kernel.mail`.
"""

from lotse.web.mail.pages import places, routes, tables

__all__ = ["places", "routes", "tables"]
