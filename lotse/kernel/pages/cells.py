"""What the cells of tables show, by the kind of their column.

In Python and not in a template: a page has some five hundred of them, and a macro costs four times as much as a
filter. Cells that show more than a value have a template of their own (`Column.template`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup, escape

from lotse.kernel.pages.table import Column

_NOTHING = Markup("")
_NO = Markup('<span class="faint">–</span>')


def cell(
    filters: Mapping[str, Callable[..., str]], said: Callable[[str], Markup], icon: Callable[[str], Markup]
) -> Callable[[Column, Any, str], Markup | str]:
    """The filter of one language: `column | cell(row, zone)`. Escaped by the template where it is not markup."""
    money, unit_price, quantity = filters["money"], filters["unit_price"], filters["quantity"]
    percent, day, moment = filters["percent"], filters["day"], filters["moment"]
    exact, iso = filters["exact"], filters["iso"]

    def wrapped(css: str, text: object) -> Markup:
        # Not `Markup.format`, which reads its pattern anew for each cell.
        return Markup(f'<span class="{css}">{escape(text)}</span>')  # noqa: S704 - the text is escaped

    def shown(column: Column, row: Any, zone: str) -> Markup | str:
        given = getattr(row, column.name)
        if given is None or given == "":
            if not column.empty:
                return _NOTHING
            return wrapped(f"tag {column.empty_tone}" if column.empty_tone else "faint", said(column.empty))
        match column.kind:
            case "money":
                return money(given, row.currency)
            case "price":
                return unit_price(given, row.currency)
            case "number":
                return quantity(given)
            case "percent":
                return percent(given)
            case "moment":
                said_so, exactly = escape(moment(given, zone, "short")), escape(exact(given, zone))
                return Markup(  # noqa: S704 - the texts are escaped
                    f'<time datetime="{iso(given)}" title="{exactly}">{said_so}</time>'
                )
            case "day":
                return day(given, zone)
            case "choice":
                option = column.options.get(given)
                if option is None:
                    return str(given)
                label = said(option.label)
                return wrapped(f"tag {option.tone}", label) if option.tone else label
            case "flag":
                if not given:
                    return _NO
                return icon("check") + wrapped("visually-hidden", said("yes"))
            case "code":
                return wrapped("code", given)
            case _:
                return str(given)

    return shown
