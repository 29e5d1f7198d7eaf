"""The back office's frame: layout, navigation, who is signed in. Its pages live in the domains that own the things."""

from lotse.web.backoffice.pages import routes

__all__ = ["routes"]
