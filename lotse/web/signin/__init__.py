"""Signing in to the back office, and out of it."""

from lotse.web.signin.pages import routes

__all__ = ["routes"]
