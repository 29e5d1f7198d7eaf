"""The back office of content: pages with their editor, menus, redirects, lost paths."""

from lotse.domains.content.pages import editor, menus, redirects
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.places import Place

__all__ = ["places", "routes", "tables"]
routes = (*editor.routes, *menus.routes, *redirects.routes)
tables = (editor.PAGE_TABLE, redirects.REDIRECT_TABLE, redirects.LOST_TABLE)
places = (
    Place(editor.PAGES, N_("Pages"), "edit", "", "content.read", "goods", 60),
    Place(redirects.LOST, N_("Addresses not found"), "warn", "", "content.read", "goods", 62),
)
