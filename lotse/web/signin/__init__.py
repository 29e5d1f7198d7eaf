"""The door of the back office: who wants in, how they prove it, and the way out."""

import os

from litestar.config.app import AppConfig

from lotse.kernel.auth import oidc
from lotse.web.signin.pages import routes

__all__ = ["on_app_init", "routes"]


def on_app_init(config: AppConfig) -> AppConfig:
    """What the role `pages` knows of providers. A setting that is wrong keeps it from starting, with one line."""
    settings = config.state["process"].settings
    config.state["oidc_providers"] = oidc.providers(settings, os.environ)
    config.state["oidc_directory"] = oidc.Directory()
    return config
