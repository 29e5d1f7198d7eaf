"""The templates: one Jinja environment per language, all on the same folders.

A template is found by `<owner>/<file>`: `catalog/product.html` lies in the templates folder of the domain catalog,
`storefront/layout.html` in the storefront's. The web composes the owners; a theme is a folder that is asked first.
An undefined name is an error and never an empty place on a page.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from babel.support import NullTranslations
from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from lotse.kernel.pages.formatting import filters, locale_of
from lotse.kernel.pages.i18n import catalogue


class Templates:
    """Renders named templates in a language."""

    def __init__(
        self,
        owners: Mapping[str, Path],
        *,
        catalogues: Sequence[Path] = (),
        themes: Sequence[Path] = (),
        names: Mapping[str, Any] | None = None,
        reload: bool = False,
    ) -> None:
        """`names` are the globals of every template; `reload` looks at the files' times on every page (development)."""
        owned = PrefixLoader({name: FileSystemLoader(folder) for name, folder in owners.items()})
        self._loader: BaseLoader = ChoiceLoader([*(FileSystemLoader(theme) for theme in themes), owned])
        self._catalogues = tuple(catalogues)
        self._names = dict(names or {})
        self._reload = reload
        self._environments: dict[str, Environment] = {}

    def environment(self, language: str) -> Environment:
        """The environment of a language, made when it is first needed."""
        if language not in self._environments:
            self._environments[language] = self._made(language)
        return self._environments[language]

    def render(self, template: str, language: str, values: Mapping[str, Any]) -> str:
        return self.environment(language).get_template(template).render(values)

    def gettext(self, language: str) -> Callable[..., str]:
        """`_` of a language for Python: `_("Hello %(name)s", name="Ada")`."""
        environment: Any = self.environment(language)

        def translated(message: str, **values: Any) -> str:
            text = str(environment.globals["_translations"].gettext(message))
            return text % values if values else text

        return translated

    def _made(self, language: str) -> Environment:
        environment = Environment(
            loader=self._loader,
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=self._reload,
            # Every template of Lotse and a theme; the default of 400 would do, but eviction would be a riddle.
            cache_size=1_000,
        )
        translations: NullTranslations = catalogue(self._catalogues, language)
        made: Any = environment  # what Jinja holds for templates has no types
        made.install_gettext_translations(translations, newstyle=True)
        locale = locale_of(language)
        made.filters.update(filters(locale))
        # For words that come from data (a colour, a reason): unlike `_` it reads no `%` in them.
        made.filters["said"] = translations.gettext
        made.globals.update({"_translations": translations, "language": language, "locale": locale, **self._names})
        return environment
