"""The door of the back office: who wants in, how they prove it, and the way out; then who may in at all, what they may,
and what was done: one's own account, staff, roles, the audit log."""

import os

from litestar.config.app import AppConfig

from lotse.kernel.auth import oidc
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.places import Place
from lotse.web.signin import account, log, pages, roles, staff

__all__ = ["on_app_init", "places", "routes", "tables"]

routes = (*pages.routes, *account.routes, *staff.routes, *roles.routes, *log.routes)
tables = (*staff.tables, *roles.tables, *log.tables)
places = (
    Place(staff.STAFF, N_("Staff"), "people", "t", "staff.read", "system", 10),
    Place(roles.ROLES, N_("Roles"), "key", "", "roles.read", "system", 15),
    Place(log.AUDIT, N_("Audit log"), "history", "", "audit.read", "system", 20),
)


def on_app_init(config: AppConfig) -> AppConfig:
    """What the role `pages` knows of providers. A setting that is wrong keeps it from starting, with one line."""
    settings = config.state["process"].settings
    config.state["oidc_providers"] = oidc.providers(settings, os.environ)
    config.state["oidc_directory"] = oidc.Directory()
    return config
