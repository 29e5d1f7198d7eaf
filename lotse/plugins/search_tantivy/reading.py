"""One state of an index, as a searcher sees it, with what was learnt from its words."""

import time
from typing import Any
from uuid import UUID

import tantivy
from asyncpg.pgproto.pgproto import UUID as RowUUID  # what rows hold: made in a fifth of the time, hashed in a third
from msgspec import Struct
from tantivy import Query

from lotse.domains.search.contracts import FacetCount
from lotse.plugins.search_tantivy import index as disk
from lotse.plugins.search_tantivy.compounds import Splitter
from lotse.plugins.search_tantivy.vocabulary import Vocabulary

# How many facets of a list are counted.
FACETS = 24


class Reading:
    """What searches of this state ask, and what they found out about it."""

    def __init__(self, generation: str, index: tantivy.Index, meta: disk.Meta) -> None:
        self.generation = generation
        self.index = index
        self.schema = index.schema
        self.languages = meta.languages
        self.splitter = Splitter(meta.known, meta.unseen)
        self.searcher = index.searcher()
        self.stamp = ""
        self.vocabularies: dict[str, Vocabulary] = {}
        self.learnt_at = 0.0
        self.facets: dict[Any, tuple[Any, list[FacetCount], tuple[int, int] | None]] = {}
        self._facet_names: list[str] | None = None
        # What a word is in the fields of this state of the index: asking costs a look-up for each of two dozen fields,
        # and whoever types asks for the same words with every letter.
        self.met: dict[Any, Any] = {}
        # And what a query is.
        self.meanings: dict[Any, tuple[Any, Query | None, dict[int, str], dict[int, str]]] = {}
        self.learn()

    def renew(self) -> None:
        """Go on with what was written meanwhile."""
        self.index.reload()
        self.searcher = self.index.searcher()
        self.facets.clear()
        self._facet_names = None
        # New ones: a search that is under way goes on with what it began with.
        self.met, self.meanings = {}, {}

    def facet_names(self) -> list[str]:
        """The facets of all articles. A catalogue with few has all of them counted, without asking first which."""
        if self._facet_names is None:
            self._facet_names = names_of(self.searcher, Query.all_query())
        return self._facet_names

    def learn(self) -> None:
        """Read the words of the index, all but `spell`. It takes some ten milliseconds per ten thousand words."""
        self.vocabularies = self._learnt()

    def learn_and_spell(self) -> None:
        """The same for a thread, while others go on with the words known so far."""
        vocabularies = self._learnt()
        for vocabulary in vocabularies.values():
            vocabulary.spell()
        self.vocabularies = vocabularies

    def spell(self) -> None:
        """Get ready for misspelt words."""
        for vocabulary in self.vocabularies.values():
            vocabulary.spell()

    def _learnt(self) -> dict[str, Vocabulary]:
        searcher = self.searcher
        self.learnt_at = time.monotonic()
        return {
            language: Vocabulary(language, searcher.terms_with_prefix(f"seen_{language}", "", limit=None))
            for language in self.languages
        }


class Counts(Struct, frozen=True):
    """How many articles have a word: in each field of a language, exactly as written, as their brand."""

    terms: dict[str, int]
    exact: int
    brand: int


def names_of(searcher: tantivy.Searcher, query: Query) -> list[str]:
    """The facets that most of these articles have; one more than are counted, where there are more."""
    raw = searcher.aggregate(query, {"names": {"terms": {"field": "names", "size": FACETS + 1}}})
    return [str(bucket["key"]) for bucket in raw["names"]["buckets"]]


def id_of(searcher: tantivy.Searcher, address: tantivy.DocAddress) -> UUID:
    return ids_of(searcher, address)[0]


def ids_of(searcher: tantivy.Searcher, address: tantivy.DocAddress) -> list[UUID]:
    """The article's id, and those of its variants."""
    stored: bytes = searcher.doc(address)["ids"][0]
    return [RowUUID(stored[at : at + 16]) for at in range(0, len(stored), 16)]
