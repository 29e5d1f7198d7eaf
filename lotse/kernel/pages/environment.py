"""The templates: one Jinja environment per language, all on the same folders.

What is the same on every page of a language is worked out when a template is compiled and not when it is rendered:
messages without values, addresses of static files, icons (`constants`). Half of a page's time went there.

A template is found by `<owner>/<file>`: `catalog/product.html` lies in the templates folder of the domain catalog,
`storefront/layout.html` in the storefront's. The web composes the owners; a theme is a folder that is asked first.
With `lotse/` before it a name leads past the themes, so that a theme's `storefront/home.html` can extend the template
that it stands in for (`{% extends "lotse/storefront/home.html" %}`) and change one block of it.
An undefined name is an error and never an empty place on a page.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from keyword import iskeyword
from pathlib import Path
from typing import Any

from babel import Locale
from babel.support import NullTranslations
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    Undefined,
    nodes,
)
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from lotse.kernel.pages.cells import cell
from lotse.kernel.pages.deciding import decide, note
from lotse.kernel.pages.formatting import filters, locale_of, measured
from lotse.kernel.pages.i18n import catalogue

# Before a template's name: the one that lies beneath the themes.
BENEATH = "lotse"


class Templates:
    """Renders named templates in a language."""

    def __init__(
        self,
        owners: Mapping[str, Path],
        *,
        catalogues: Sequence[Path] = (),
        themes: Sequence[Path] = (),
        names: Mapping[str, Any] | None = None,
        constants: Mapping[str, Callable[..., Any]] | None = None,
        reload: bool = False,
    ) -> None:
        """`names` are the globals of every template. `constants` are more of them: functions whose answer depends on
        their arguments only, so that a call with constants is worked out once. `reload` looks at the files' times on
        every page (development).
        """
        owned = PrefixLoader({name: FileSystemLoader(folder) for name, folder in owners.items()})
        beneath = PrefixLoader({BENEATH: owned})
        self._loader: BaseLoader = ChoiceLoader([*(FileSystemLoader(theme) for theme in themes), owned, beneath])
        self._catalogues = tuple(catalogues)
        self._constants = dict(constants or {})
        self._names = {**(names or {}), **self._constants}
        self._reload = reload
        self._environments: dict[str, Environment] = {}

    def environment(self, language: str) -> Environment:
        """The environment of a language, made when it is first needed."""
        if language not in self._environments:
            self._environments[language] = self._made(language)
        return self._environments[language]

    def render(self, template: str, language: str, values: Mapping[str, Any]) -> str:
        """A template with values. What every template knows joins them here, in one copy: Jinja's own way looks each
        name up in a chain of mappings, 0.1 ms for each of the fifty pieces of a list."""
        environment: Any = self.environment(language)  # what Jinja holds for templates has no types
        names: dict[str, Any] = environment.globals
        found = environment.get_template(template)
        try:
            # No globals beside these: every template has the same, so what is imported is made once for all.
            context = Context(environment, {**names, **values}, found.name, found.blocks)
            return str(environment.concat(found.root_render_func(context)))
        except Exception:
            # Raises it again, with the lines of templates in its trace.
            return str(environment.handle_exception())

    def languages(self) -> list[str]:
        """The languages that there are texts in."""
        found = {
            path.name for folder in self._catalogues if folder.is_dir() for path in folder.iterdir() if path.is_dir()
        }
        return ["en", *sorted(found - {"en"})]

    def gettext(self, language: str) -> Callable[..., str]:
        """`_` of a language for Python: `_("Hello %(name)s", name="Ada")`."""
        environment: Any = self.environment(language)
        plain: Callable[[str], str] = environment.globals["_plain"]

        def translated(message: str, **values: Any) -> str:
            text = plain(message)
            return text % values if values else text

        return translated

    def _made(self, language: str) -> Environment:
        environment = _Folding(
            self._constants,
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
        said = _said(translations)
        # In place of the extension's own, which asks through the context three times for each word.
        made.globals.update({"_": said, "gettext": said})
        locale = locale_of(language)
        forms = filters(locale)
        made.filters.update(forms)
        made.filters["cell"] = cell(forms, said, self._names.get("icon", Markup))
        made.filters["said"] = plain = _plainly(translations, locale)
        made.globals.update(
            {
                "decide": decide,
                "note": note,
                "_plain": plain,
                "language": language,
                "locale": locale,
                **self._names,
            }
        )
        return environment


def _plainly(translations: NullTranslations, locale: Locale) -> Callable[[str], str]:
    """For words that come from data (a colour, a reason, a size): unlike `_` it reads no `%` in them."""

    # One that is no message is looked up four times until that is known, and a list with facets says two hundred.
    # `typed`: what is markup is not what reads the same.
    @lru_cache(10_000, typed=True)
    def plain(message: str) -> str:
        return measured(translations.gettext(message), locale)

    return plain


def _said(translations: NullTranslations) -> Callable[..., Markup]:
    """`_`: as the extension does it, a translation is markup, and `%%` in it is a percent sign."""

    # Some messages come from data (a reason, a colour), so it is bounded; a language has two thousand.
    @lru_cache(10_000)
    def known(message: str) -> Markup:
        return Markup(translations.gettext(message))  # noqa: S704 - catalogues are code

    @lru_cache(10_000)
    def bare(message: str) -> Markup:
        return known(message) % {}

    def said(message: str, /, **values: Any) -> Markup:
        return known(message) % values if values else bare(message)

    return said


_needs_escaping = re.compile("[&<>'\"]").search


def _shown(value: Any) -> str:
    """A value as it stands on the page. As `escape`, which makes markup of each piece; here they are only joined, and
    most of the some hundred pieces of a list are markup already, or have nothing to escape."""
    kind = value.__class__
    if kind is Markup:
        return value
    if kind is str:
        return escape(value) if _needs_escaping(value) else value
    if kind is int:
        return str(value)
    if kind is Undefined:
        # What `{{ " checked" if chosen }}` is otherwise; names that nobody defined are of another kind, and raise.
        # Asking it whether it is markup took as long as all other escaping of a list with facets.
        return ""
    return escape(value)


# What pages call most often, and what takes nothing of a template's context.
_PLAIN = frozenset(("_", "href", "slot"))


class _Code(CodeGenerator):
    """Writes `_shown` in the place of `escape` around what a template shows, and plain calls of `_PLAIN`: Jinja's own
    asks each function twice what it wants to be told, which took a twentieth of a list's time."""

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        function = node.node
        if (
            forward_caller
            or not isinstance(function, nodes.Name)
            or function.name not in _PLAIN
            or node.dyn_kwargs is not None
            or any(iskeyword(keyword.key) for keyword in node.kwargs)
        ):
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(function, frame)
        self.write("(")
        for argument in node.args:
            self.visit(argument, frame)
            self.write(", ")
        if node.dyn_args is not None:
            self.write("*")
            self.visit(node.dyn_args, frame)
            self.write(", ")
        for keyword in node.kwargs:
            self.write(f"{keyword.key}=")
            self.visit(keyword.value, frame)
            self.write(", ")
        self.write(")")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)
            return
        self.write("environment.shown(")
        if finalize.src is not None:
            self.write(finalize.src)


class _Folding(Environment):
    """Compiles a template with its constant calls worked out."""

    code_generator_class = _Code
    shown = staticmethod(_shown)

    def __init__(self, constants: Mapping[str, Callable[..., Any]], **options: Any) -> None:
        self.constants = dict(constants)
        super().__init__(**options)

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        folded = _Fold(self).visit(source)
        # The answers are constants now, so blocks, conditions and texts around them fold as well.
        return super()._generate(folded, name, filename, defer_init)


class _Fold(NodeTransformer):
    """Replaces calls whose answer no page can change. Names that a template sets itself are its own."""

    def __init__(self, environment: _Folding) -> None:
        self._constants = environment.constants
        made: Any = environment  # what Jinja holds for templates has no types
        self._globals: dict[str, Any] = made.globals
        self._own: frozenset[str] = frozenset()

    def visit_Template(self, node: nodes.Template) -> nodes.Node:
        stored = {name.name for name in node.find_all(nodes.Name) if name.ctx in ("store", "param")}
        defined = {macro.name for macro in node.find_all(nodes.Macro)}
        imported: set[str] = set()
        for statement in node.find_all(nodes.FromImport):
            imported |= {name if isinstance(name, str) else name[1] for name in statement.names}
        self._own = frozenset(stored | defined | imported)
        return self.generic_visit(node)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        self.generic_visit(node)
        function = node.node
        if (
            not isinstance(function, nodes.Name)
            or function.name in self._own
            or node.kwargs
            or node.dyn_args is not None
            or node.dyn_kwargs is not None
            or not all(isinstance(argument, nodes.Const) for argument in node.args)
        ):
            return node
        arguments = [argument.value for argument in node.args if isinstance(argument, nodes.Const)]
        if function.name in ("_", "gettext") and len(arguments) == 1:
            answer: Any = self._globals["_"](arguments[0])
        elif function.name in self._constants:
            try:
                answer = self._constants[function.name](*arguments)
            except LookupError:
                return node  # behind a condition that asks first; if not, rendering fails
        else:
            return node
        return nodes.Const(answer, lineno=node.lineno)
