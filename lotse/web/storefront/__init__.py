"""The storefront's frame: layout, home, service pages, the app on a phone, and what all pages share: templates, slots,
files, languages.

Puts out `routes` and `on_app_init`, as every frame of the web does.
"""

from lotse.web.storefront import house as house  # fills a seam of search
from lotse.web.storefront.frame import on_app_init
from lotse.web.storefront.installed import routes as _installed
from lotse.web.storefront.pages import routes as _pages

routes = (*_pages, *_installed)

__all__ = ["on_app_init", "routes"]
