"""Articles as products with variants. Pure.

A first look over all articles counts who belongs together; a second one gives the products, each as soon as it is
whole. Memory holds a short name per article, not the articles.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from lotse.domains.catalog.contracts import PutProduct, PutVariant, Text
from lotse.plugins.demo_large import words
from lotse.plugins.demo_large.article import Article

# More colours or sizes than this are no choice that anybody makes.
MOST_VARIANTS = 60


class Draft(Struct, frozen=True):
    """A product to be put, and the articles that are its variants, in the same order."""

    product: PutProduct
    articles: tuple[Article, ...]


class Sorter:
    """Knows which articles are variants of one product: those of one group of which no two have the same options."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._options: set[str] = set()
        self._mixed: set[str] = set()
        self._waiting: dict[str, list[Article]] = {}

    def count(self, article: Article) -> None:
        """The first look."""
        if not article.group:
            return
        group = words.digest(article.group, 16)
        option = words.digest(f"{article.group} {sorted(article.options.items())}".lower(), 16)
        if option in self._options:
            self._mixed.add(group)
        self._options.add(option)
        self._sizes[group] = self._sizes.get(group, 0) + 1

    def counted(self) -> None:
        """The first look is over."""
        self._options.clear()

    def drafts(self, articles: Iterable[Article]) -> Iterator[Draft]:
        """The second look."""
        for article in articles:
            group = words.digest(article.group, 16) if article.group else ""
            if not group or group in self._mixed or not 2 <= self._sizes.get(group, 0) <= MOST_VARIANTS:
                yield single(article)
                continue
            waiting = self._waiting.setdefault(group, [])
            waiting.append(article)
            if len(waiting) == self._sizes[group]:
                yield together(self._waiting.pop(group))


def single(article: Article) -> Draft:
    """An article that is a product by itself."""
    return Draft(_product(words.addressed(article.name, article.sku), article.name, [article]), (article,))


def together(articles: list[Article]) -> Draft:
    """Articles of a group as one product."""
    ordered = sorted(
        articles, key=lambda one: (one.attributes.get("content_g") or one.attributes.get("content_ml") or 0, one.sku)
    )
    first = ordered[0]
    slug = words.addressed(first.group_name, words.digest(first.group))
    return Draft(_product(slug, first.group_name, ordered), tuple(ordered))


def _product(slug: str, name: str, articles: list[Article]) -> PutProduct:
    first = articles[0]
    shared: dict[str, Any] = {
        attribute: value
        for attribute, value in first.attributes.items()
        if all(other.attributes.get(attribute) == value for other in articles)
    }
    text = Text(first.language, name, "", next((one.description for one in articles if one.description), ""))
    return PutProduct(
        slug=slug,
        brand=next((one.brand for one in articles if one.brand), ""),
        tax_class=first.tax_class,
        attributes={**shared, "derived": list(first.derived), "source": first.source},
        texts=(text,),
        variants=tuple(
            PutVariant(sku=one.sku, gtin=one.gtin, options=one.options, position=place)
            for place, one in enumerate(articles)
        ),
        # The home first, then what it stands below.
        categories=(first.path[-1].slug,),
    )
