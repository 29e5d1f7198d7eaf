"""The way to a page, as search engines read it: the same steps that the page shows."""

from collections.abc import Sequence
from typing import Any

from lotse.kernel.pages.view import View


def breadcrumbs(view: View, steps: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """A schema.org `BreadcrumbList` of names and paths, the first page first."""
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": name, "item": view.address(path)}
            for place, (name, path) in enumerate(steps, 1)
        ],
    }
