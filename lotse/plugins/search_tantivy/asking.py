"""Answers questions from an index: what words may mean, what that weighs, who is found, what facets count.

What people type is taken apart here, word by word; it never goes through tantivy's query syntax. Each word becomes the
best of its alternatives (as written, inflected, inside a compound, a synonym, a correction) in the best of the fields;
all words must be met, unless the question says otherwise. A field's weight is a constant times how telling the word is
(its inverse document frequency over the whole index): BM25 on its own lets a rare spelling of a common word win over
the common one. A little BM25 on names remains, so that short names come before long ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import log
from typing import Any
from uuid import UUID

import tantivy
from tantivy import FieldType, Occur, Order, Query

from lotse.domains.search.contracts import BRAND, Answer, FacetCount, Filters, Question, Target, Why
from lotse.plugins.search_tantivy import index as disk
from lotse.plugins.search_tantivy.compounds import LANGUAGE as COMPOUNDS
from lotse.plugins.search_tantivy.compounds import NO_PARTS
from lotse.plugins.search_tantivy.reading import FACETS, Counts, Reading, id_of, ids_of, names_of
from lotse.plugins.search_tantivy.vocabulary import Known, Vocabulary
from lotse.plugins.search_tantivy.words import FREE, STOP, WITHOUT, Word, asked, fold, stem

# What a word weighs where it is met.
_FIELDS = {"name": 1.0, "kind": 1.05, "value": 0.8, "head": 0.85, "above": 0.5, "part": 0.35, "body": 0.22}
# Where a word is looked for while somebody types it.
_BEGUN_FIELDS = ("name", "kind", "value", "head", "part")
# Exactly as written, wherever it stands but in the text.
_EXACT = 0.3
_BRAND = 1.05
_BM25 = 0.25
_PLACED = 0.4
# What another reading of a word is worth beside the word itself.
_SYNONYM, _APART, _CORRECTED, _TOGETHER, _BEGINNING, _HEAD_ALONE = 0.8, 0.8, 0.75, 0.95, 0.7, 0.3
_OTHER_LANGUAGE = 0.9
# A second field that also has the word adds a little.
_TIE = 0.15
_PHRASE = 0.35
# How many words a beginning and an ending may stand for, and how far a correction may look.
_BEGINNINGS = 12
_ENDINGS = 24
_CORRECTIONS = 3
# Shorter endings are chance; those of words that also stand alone may be shorter.
_SHORTEST_HEAD = 5
_SHORTEST_TAIL = 4
# Three letters are the end of a word by chance, unless they are a word and so many others end in them: "Rad".
_COMMON = 3
_SHORTEST_MODIFIER = 3
# A word that so many times fewer articles have than its neighbour was perhaps meant otherwise.
_RATHER = 25
# A word that fewer articles have may be a slip of whoever described them; a neighbour as near as this is one.
_RARE = 5
_SURE = 1.0
_SLIPS = 3
# A page shows some dozens of values of a facet.
_VALUES = 60
# Deeper pages are nobody's.
MAX_OFFSET = 10_000
MAX_LIMIT = 200
# What is remembered of an analysis is bounded by its caches; of an answer's facets by this.
_KEPT_FACETS = 256
# And of words by this: a page's query with a hundred readings of its words is a rare one.
_KEPT_WORDS = 20_000
_KEPT_MEANINGS = 256


class Search:
    """One question to one state of the index."""

    def __init__(self, reading: Reading, question: Question) -> None:
        self.reading = reading
        self.searcher = reading.searcher
        if len(reading.met) > _KEPT_WORDS:
            reading.met = {}
        self.met = reading.met
        self.schema = reading.schema
        self.question = question
        own = question.language if question.language in reading.languages else reading.languages[0]
        self.languages = [own, *(language for language in reading.languages if language != own)]
        self.words = asked(question.words, own) if question.words else ()
        self.own = own
        self.all = max(1, self.searcher.num_docs)
        # Other readings of a word are no more telling than the word itself: a rare synonym would come before it.
        self.cap: float | None = None
        self.corrected: dict[int, str] = {}
        self.better: dict[int, str] = {}

    # -- what is found

    def answer(self) -> Answer:
        question = self.question
        found = self._understood()
        if found is None:
            if not question.steer.pins:
                return Answer([], 0)
            found = Query.empty_query()
        filters = self._filters(question.filters)
        query = _all([found, *(one for _, one in filters)])
        ids, total, variants = self._listed(query)
        only_pinned = bool(question.steer.pins) and total > 0 and not self._how_many(query)
        facets, price = self._counted(found, filters) if question.counts else ([], None)
        return Answer(
            ids, total, facets, price, self._said(self.corrected), self._said(self.better), variants, only_pinned
        )

    def counted(self) -> tuple[list[FacetCount], tuple[int, int] | None]:
        found = self._understood()
        return self._counted(found, self._filters(self.question.filters)) if found is not None else ([], None)

    def _understood(self) -> Query | None:
        """`_meaning`, remembered: a list and its facets, its pages and what narrows it ask for the same words."""
        question = self.question
        key = (question.words, question.language, question.any_words, question.spelled, question.typing)
        kept = self.reading.meanings.get(key)
        if kept is not None and kept[0] is question.synonyms:
            _, found, self.corrected, self.better = kept
            return found
        found = self._meaning()
        if len(self.reading.meanings) >= _KEPT_MEANINGS:
            self.reading.meanings = {}
        self.reading.meanings[key] = (question.synonyms, found, self.corrected, self.better)
        return found

    def _listed(self, query: Query) -> tuple[list[UUID], int, dict[UUID, list[UUID]]]:
        question = self.question
        offset, limit = min(max(question.offset, 0), MAX_OFFSET), min(max(question.limit, 0), MAX_LIMIT)
        pins = self._pins()
        if pins and question.sort == "relevance":
            query = Query.boolean_query([(Occur.Must, query), (Occur.MustNot, self._ids(pins.values()))])
        elif pins:
            # Sorted otherwise, they stand where that puts them.
            query = Query.boolean_query([(Occur.Should, query), (Occur.Should, self._ids(pins.values()))])
            pins = {}
        # A page from `offset` on shows the pins whose places lie on it; those before it move the others down.
        before = sum(1 for place in pins if place <= offset)
        ranked = self._steered(query) if question.sort == "relevance" else query
        found = self.searcher.search(ranked, max(limit, 1), count=True, offset=offset - before, **self._order())
        stored = [ids_of(self.searcher, address) for _, address in found.hits[:limit]]
        variants = {id: its for id, *its in stored}
        others = iter(variants)
        total = _count_of(found) + len(pins)
        ids: list[UUID] = []
        for place in range(offset + 1, offset + limit + 1):
            id = pins.get(place) or next(others, None)
            if id is None:
                # Fewer articles than the place of a pin: it follows the last one.
                ids += [pinned for at, pinned in sorted(pins.items()) if at > place and pinned not in ids]
                break
            ids.append(id)
        return ids[:limit], total, variants

    def _order(self) -> dict[str, Any]:
        match self.question.sort:
            case "newest":
                return {"order_by_field": "added", "order": Order.Desc}
            case "price":
                return {"order_by_field": "price", "order": Order.Asc}
            case "price_down":
                return {"order_by_field": "price", "order": Order.Desc}
            case "name":
                return {"order_by_field": f"sort_{self.own}", "order": Order.Asc}
            case "relevance" if self.words:
                return {"weight_by_field": "weight"}
            case _:
                # Without words: what is there and likely first, the newest of equals.
                return {"weight_by_field": "weight"}

    def _counted(
        self, found: Query, filters: Sequence[tuple[str, Query]]
    ) -> tuple[list[FacetCount], tuple[int, int] | None]:
        question = self.question
        key = (
            question.words,
            question.language,
            repr(question.filters),
            question.any_words,
            question.spelled,
            question.typing,
        )
        kept = self.reading.facets.get(key)
        # The synonyms themselves and not what stands in them: written out, the groups of a shop take a millisecond.
        if kept is not None and kept[0] is question.synonyms:
            return kept[1], kept[2]
        names = self._names(_all([found, *(one for _, one in filters)]), question.filters)
        # All facets that nothing is chosen of are counted in one pass; each other one without its own choice.
        chosen = [name for name, _ in filters if name in names or name == "price"]
        buckets: dict[str, list[tuple[str, int]]] = {}
        free = [name for name in names if name not in chosen]
        whole = _all([found, *(one for _, one in filters)])
        raw = self.searcher.aggregate(whole, self._aggregations(free, price="price" not in chosen))
        span = _span(raw)
        for name in free:
            buckets[name] = _buckets(raw, name)
        for name in chosen:
            without = _all(
                [found, *(one for other, one in filters if other != name)], self._pairs(question.filters, name)
            )
            raw = self.searcher.aggregate(
                without, self._aggregations([name] if name != "price" else [], price=name == "price")
            )
            if name == "price":
                span = _span(raw)
            else:
                buckets[name] = _with_chosen(_buckets(raw, name), question.filters.facets.get(name, ()))
        counted = [
            FacetCount(name, values, sum(count for _, count in values)) for name in names if (values := buckets[name])
        ]
        if len(self.reading.facets) >= _KEPT_FACETS:
            self.reading.facets.clear()
        self.reading.facets[key] = (question.synonyms, counted, span)
        return counted, span

    def _names(self, query: Query, filters: Filters) -> list[str]:
        """The facets that most of what is found has, and those that are chosen."""
        found = self.reading.facet_names()
        if len(found) > FACETS:
            found = names_of(self.searcher, query)
        return list(dict.fromkeys([*found[:FACETS], *filters.facets]))

    def _aggregations(self, names: Sequence[str], *, price: bool) -> dict[str, Any]:
        wanted: dict[str, Any] = {
            f"f:{name}": {"terms": {"field": f"counts.{disk.facet_key(name)}", "size": _VALUES}} for name in names
        }
        if price:
            wanted["price"] = {"stats": {"field": "price"}}
        return wanted or {"none": {"value_count": {"field": "added"}}}

    # -- filters

    def _filters(self, filters: Filters) -> list[tuple[str, Query]]:
        """Each with its facet's name; what must hold of one variant together comes last."""
        found: list[tuple[str, Query]] = []
        if filters.category:
            found.append(("", self._term("category", filters.category)))
        for name, values in filters.facets.items():
            found.append((name, Query.term_set_query(self.schema, "facet", [f"{name}\x1f{value}" for value in values])))
        if filters.price_from is not None or filters.price_to is not None:
            found.append(
                (
                    "price",
                    Query.range_query(self.schema, "price", FieldType.Integer, filters.price_from, filters.price_to),
                )
            )
        together = self._pairs(filters, "")
        return [*found, *(("", one) for one in together)]

    def _pairs(self, filters: Filters, left_out: str) -> list[Query]:
        """Size 42 and red must be one shoe: of two chosen facets that vary between variants one pair must be there.

        Stock is a fact of each variant and always asked together with its options.
        """
        names = [name for name in filters.facets if name != left_out]
        found: list[Query] = []
        for i, one in enumerate(names):
            for other in names[i + 1 :]:
                both = [
                    disk.pair((one, mine), (other, theirs))
                    for mine in filters.facets[one]
                    for theirs in filters.facets[other]
                ]
                vary = self._term("pair", disk.names(one, other))
                same = Query.boolean_query([(Occur.Must, Query.all_query()), (Occur.MustNot, vary)])
                fits = Query.term_set_query(self.schema, "pair", both)
                found.append(Query.boolean_query([(Occur.Should, fits), (Occur.Should, same)]))
        return found

    # -- what people decided

    def _pins(self) -> dict[int, UUID]:
        """The pins whose articles pass the filters; they need not match the words."""
        pins = self.question.steer.pins
        if not pins:
            return {}
        filters = [one for _, one in self._filters(self.question.filters)]
        found = self.searcher.search(_all([self._ids(pins.values()), *filters]), len(pins), count=False)
        there = {id_of(self.searcher, address) for _, address in found.hits}
        return {place: id for place, id in sorted(pins.items()) if id in there}

    def _ids(self, ids: Any) -> Query:
        return Query.term_set_query(self.schema, "id", [str(id) for id in ids])

    def _steered(self, query: Query) -> Query:
        steer = self.question.steer
        extra: list[tuple[Occur, Query]] = []
        for target in steer.boosts:
            extra.append((Occur.Should, Query.const_score_query(self._target(target), 6.0)))
        if steer.buries:
            spared = Query.boolean_query(
                [(Occur.Must, Query.all_query()), *((Occur.MustNot, self._target(target)) for target in steer.buries)]
            )
            extra.append((Occur.Should, Query.const_score_query(spared, 1_000.0)))
        return Query.boolean_query([(Occur.Must, query), *extra]) if extra else query

    def _target(self, target: Target) -> Query:
        match target.kind:
            case "product":
                return self._term("id", target.value)
            case "brand":
                return self._term("brand_is", target.value)
            case "category":
                return self._term("category", target.value)
            case "value":
                return self._term("facet", f"{target.name}\x1f{target.value}")

    # -- what words mean

    def _meaning(self) -> Query | None:
        """The query of the words; None if no word means anything."""
        if not self.question.words.strip():
            return Query.all_query()
        code = disk.plain_code(self.question.words[:64])
        by_code = self._term("code", code) if code and self.searcher.doc_freq("code", code) else None
        if not self.words:
            return by_code
        spans = dict(self._spans())
        musts = [self._unit(i, word, spans.get(i, ())) for i, word in enumerate(self.words)]
        if all(one is None for one in musts):
            return by_code
        if self.question.any_words:
            some = [one for one in musts if one is not None]
            enough = max(1, len(self.words) * 3 // 5)
            found = Query.boolean_query(
                [(Occur.Should, one) for one in some], minimum_number_should_match=min(enough, len(some))
            )
        else:
            if any(one is None for one in musts):
                return by_code
            found = _all([one for one in musts if one is not None])
            phrase = self._phrase()
            if phrase is not None:
                found = Query.boolean_query([(Occur.Must, found), (Occur.Should, phrase)])
        if by_code is not None:
            found = Query.boolean_query([(Occur.Should, found), (Occur.Should, Query.boost_query(by_code, 50.0))])
        return found

    def _unit(self, place: int, word: Word, spanning: Sequence[Query]) -> Query | None:
        """The best of everything that one word may mean."""
        found = list(spanning)
        self.cap = self._cap_of(word)
        written = self._anywhere(word.surface, 1.0)
        if written is not None:
            found.append(written)
        if COMPOUNDS in self.languages and word.form.isalpha():
            for known in self._ending_in(word.form):
                one = self._met(known.form, COMPOUNDS, 1.0, weight=_FIELDS["head"])
                if one is not None:
                    found.append(one)
        # Of "T-Shirt" the letter says nothing.
        hyphened = tuple(piece for piece in word.pieces or self._hyphened(word.form) if len(piece) > 1)
        for pieces in (hyphened,) if hyphened else self._apart(word.form):
            apart = self._together(pieces, _APART)
            if apart is not None:
                found.append(apart)
        begun = None
        if self.question.typing and place == len(self.words) - 1:
            begun = self._begun(place, word.form, met=written is not None or bool(spanning))
        if begun is not None:
            found.append(begun)
        # What begins a word is not misspelt, but unfinished.
        if self.question.spelled and word.form.isalpha() and begun is None:
            for rank, surface in enumerate(self._meant(place, word, met=written is not None or bool(spanning))):
                one = self._read_as(surface, _CORRECTED * 0.6**rank)
                if one is not None:
                    found.append(one)
        if not found or self.question.any_words:
            # The head alone rather than nothing: a "Tiefkühlpizza" is a pizza.
            for pieces in self._apart(word.form)[:1]:
                one = self._read_as(pieces[-1], _HEAD_ALONE)
                if one is not None:
                    found.append(one)
        if not found and self.question.any_words:
            found = self._by_tail(word.form)
        return _best(found)

    def _cap_of(self, word: Word) -> float | None:
        """How telling a word is at most, by how many articles are called so."""
        key = ("cap", word.surface, self.own)
        if key not in self.met:
            self.met[key] = self._cap_found(word)
        return self.met[key]

    def _cap_found(self, word: Word) -> float | None:
        most = 0
        for language in self.languages:
            counts = self._counts(fold(word.surface, language), language).terms
            most = max(most, counts["name"], counts["kind"], counts["head"], counts["value"])
        return self._telling(most) if most else None

    def _read_as(self, surface: str, weight: float, *, whole: bool = False) -> Query | None:
        """A word in any language, what it is made of, or what else it means."""
        found = [one] if (one := self._anywhere(surface, weight)) is not None else []
        for pieces in () if whole else self._apart(fold(surface, self.own)):
            apart = self._together(pieces, weight * _APART)
            if apart is not None:
                found.append(apart)
        for other in self.question.synonyms.get(stem(fold(surface, self.own), self.own), ()):
            meant = [word.surface for word in asked(other, self.own)]
            also = [self._anywhere(said, weight * _SYNONYM / len(meant) ** 0.5) for said in meant]
            if also and all(one is not None for one in also):
                found.append(_all([one for one in also if one is not None]))
        return _best(found)

    def _hyphened(self, form: str) -> tuple[str, ...]:
        """The pieces of a word that is also written with a hyphen: of "tshirt" those of "t-shirt"."""
        for other in self.question.synonyms.get(stem(form, self.own), ()):
            said = asked(other, self.own)
            if len(said) == 1 and said[0].pieces and stem(said[0].form, self.own) == stem(form, self.own):
                return said[0].pieces
        return ()

    def _ending_in(self, form: str) -> Sequence[Known]:
        """Compounds with this head that the catalogue's words could not split, because a part never stands alone."""
        splitter, vocabulary = self.reading.splitter, self.reading.vocabularies[COMPOUNDS]
        own = stem(form, COMPOUNDS)
        if not splitter.known.get(own, 0):
            return vocabulary.ending(form, _ENDINGS) if len(form) >= _SHORTEST_HEAD else ()
        if len(form) < _SHORTEST_TAIL:
            return ()
        key = ("ending", own)
        if key not in self.met:
            self.met[key] = self._compounds_of(own if form.startswith(own) and len(own) >= _SHORTEST_TAIL else form)
        return self.met[key]

    def _compounds_of(self, head: str) -> Sequence[Known]:
        """Those of a known head are what begins as other words do: "Fahrradhelm" where there is a "Fahrradlicht"."""
        splitter, vocabulary = self.reading.splitter, self.reading.vocabularies[COMPOUNDS]
        own, found = stem(head, COMPOUNDS), list[Known]()
        for known in vocabulary.ending(head, _ENDINGS * 4):
            before = known.form[: -len(head)]
            split = splitter.split(known.form)
            if (
                len(before) >= _SHORTEST_TAIL
                and (split is None or own not in split.all)
                and splitter.weighs(head, known.count)
                and vocabulary.begins_others(before, head)
            ):
                found.append(known)
        return found[:_ENDINGS]

    def _by_tail(self, form: str) -> list[Query]:
        """What a word nobody knows ends in, rather than nothing: a "Rennrad" is a "Rad"."""
        tail = self._tail(form) if form.isalpha() else ""
        if not tail:
            return []
        found = [self._anywhere(tail, _HEAD_ALONE)]
        if COMPOUNDS in self.languages:
            weight = _FIELDS["head"] * _HEAD_ALONE
            ending = self.reading.vocabularies[COMPOUNDS].ending
            compounds = self._ending_in(tail) if len(tail) >= _SHORTEST_TAIL else ending(tail, _ENDINGS)
            found += [self._met(one.form, COMPOUNDS, 1.0, weight=weight) for one in compounds]
        return [one for one in found if one is not None]

    def _tail(self, form: str) -> str:
        """The longest ending by which articles are called, or else one that their names end in."""
        tails = [form[at:] for at in range(_SHORTEST_MODIFIER, len(form) + 1 - _SHORTEST_TAIL)]
        for tail in tails:
            if tail not in NO_PARTS and any(self._called(tail, language) for language in self.languages):
                return tail
        if COMPOUNDS not in self.languages:
            return ""
        known, ending = self.reading.splitter.known, self.reading.vocabularies[COMPOUNDS].ending
        for tail in tails:
            if len(tail) >= _SHORTEST_HEAD and ending(tail, 1):
                return tail
        short = form[1 - _SHORTEST_TAIL :]
        common = known.get(stem(short, COMPOUNDS)) and len(ending(short, _COMMON)) == _COMMON
        return short if common and short not in NO_PARTS else ""

    def _called(self, form: str, language: str) -> int:
        """How many articles are called so; nought without asking the index for what no dictionary has."""
        own = stem(form, language)
        known = self.reading.vocabularies[language].count(form)
        if not known and not (language == COMPOUNDS and self.reading.splitter.known.get(own, 0)):
            return 0
        terms = self._counts(form, language).terms
        return max(terms[field] for field in ("name", "kind", "value", "head"))

    def _met(self, form: str, language: str, share: float, *, weight: float = 1.0) -> Query | None:
        """A word in all fields of a language."""
        key = (form, language, share, weight, self.cap, self.own)
        if key not in self.met:
            self.met[key] = self._met_in(form, language, share, weight)
        return self.met[key]

    def _met_in(self, form: str, language: str, share: float, weight: float) -> Query | None:
        own = stem(form, language)
        counts = self._counts(form, language)
        terms, exact = counts.terms, counts.exact
        brand = counts.brand if language == self.own else 0
        if not any(terms.values()) and not exact and not brand:
            return None
        telling = self._telling(
            max(terms["name"], terms["kind"], terms["value"], terms["head"], brand, terms["body"] // 3)
        )
        own_telling, telling = telling, min(telling, self.cap or telling)
        scale = telling * share * weight
        found: list[Query] = []
        for field, count in terms.items():
            if count:
                found.append(Query.const_score_query(self._term(f"{field}_{language}", own), _FIELDS[field] * scale))
        if exact:
            found.append(Query.const_score_query(self._term(f"form_{language}", form), _EXACT * scale))
        if brand:
            found.append(Query.const_score_query(self._term("brand", form), _BRAND * scale))
        best = Query.disjunction_max_query(found, _TIE)
        more: list[Query] = []
        if terms["name"]:
            # Short names before long ones.
            more.append(
                Query.boost_query(self._term(f"name_{language}", own), _BM25 * share * weight * telling / own_telling)
            )
        for field in ("kind", "above"):
            if terms[field]:
                # What also stands where such things stand is one more likely.
                more.append(Query.const_score_query(self._term(f"{field}_{language}", own), _PLACED * scale))
        if not more:
            return best
        return Query.boolean_query([(Occur.Must, best), *((Occur.Should, one) for one in more)])

    def _counts(self, form: str, language: str) -> "Counts":
        key = (form, language)
        found = self.met.get(key)
        if found is None:
            own = stem(form, language)
            frequency = self.searcher.doc_freq
            found = self.met[key] = Counts(
                {field: frequency(f"{field}_{language}", own) for field in _FIELDS},
                frequency(f"form_{language}", form),
                frequency("brand", form),
            )
        return found

    def _telling(self, count: int) -> float:
        return 1.0 + log(1.0 + self.all / (count + 1.0))

    def _anywhere(self, surface: str, weight: float) -> Query | None:
        """A word in any language."""
        found: list[Query] = []
        for language in self.languages:
            share = 1.0 if language == self.own else _OTHER_LANGUAGE
            one = self._met(fold(surface, language), language, share, weight=weight)
            if one is not None:
                found.append(one)
        return _best(found)

    def _together(self, surfaces: Sequence[str], weight: float) -> Query | None:
        """All of these words; None if one of them is nowhere."""
        if not surfaces:
            return None
        found = [self._read_as(surface, weight / len(surfaces) ** 0.5, whole=True) for surface in surfaces]
        if any(one is None for one in found):
            return None
        return _all([one for one in found if one is not None])

    def _apart(self, form: str) -> list[tuple[str, ...]]:
        """What a word is made of, if it is made of words: in two, and as far as it goes."""
        split = self.reading.splitter
        parts = split.parts(form)
        if parts:
            halves = split.halves(form)
            return [halves, parts] if halves and halves != parts else [parts]
        # Also where there are no compounds ("runningshoes"), and by words that only synonyms know ("Herrenuhr").
        if len(form) < 6 or not form.isalpha() or self._count(form):
            return []
        best: tuple[int, tuple[str, str]] | None = None
        for at in range(3, len(form) - 2):
            left, right = form[:at], form[at:]
            score = min(self._known(left), self._known(right)) * min(len(left), len(right))
            if score > 3 and (best is None or score > best[0]):
                best = (score, (left, right))
        return [best[1]] if best else []

    def _known(self, form: str) -> int:
        """How well a word is known: by articles, or as somebody's synonym."""
        count = self._count(form)
        return max(count, 5 if len(form) > 2 and stem(form, self.own) in self.question.synonyms else 0)

    def _spans(self) -> Iterator[tuple[int, list[Query]]]:
        """Readings of several words as one: synonyms of a phrase, two words that are one ("zucker frei").

        Each word of the span is met by what the whole span means.
        """
        found: dict[int, list[Query]] = {}
        forms = [word.form for word in self.words]
        stems = [stem(form, self.own) for form in forms]
        for begin in range(len(forms)):
            for end in range(begin + 1, min(len(forms), begin + 3) + 1):
                said = forms[begin:end]
                self.cap = max((cap for word in self.words[begin:end] if (cap := self._cap_of(word))), default=None)
                for other in self.question.synonyms.get(" ".join(stems[begin:end]), ()):
                    one = self._together([word.surface for word in asked(other, self.own)], _SYNONYM)
                    if one is not None:
                        for place in range(begin, end):
                            found.setdefault(place, []).append(one)
                if len(said) == 2:
                    for joined in self._joined(*said):
                        one = self._read_as(joined, _TOGETHER)
                        if one is not None:
                            for place in range(begin, end):
                                found.setdefault(place, []).append(one)
        return iter(found.items())

    def _joined(self, one: str, other: str) -> list[str]:
        without = WITHOUT.get(self.own, frozenset())
        found = [one + other]
        if one in without:
            found = [other + FREE[self.own]]
        elif one.endswith("en"):
            found.append(one[:-1] + other)
        return [joined for joined in found if one in without or self._known(joined)]

    def _begun(self, place: int, letters: str, *, met: bool) -> Query | None:
        """Words that begin with these letters, one as good as the other: whoever types knows which, and of two articles
        the likelier comes first. A query for each field and not for each word, of which there are two dozen."""
        found: list[Query] = []
        share, words = _BEGINNING, {language: self._beginning(letters, language) for language in self.languages}
        if not met and self.question.spelled and not any(words.values()):
            share, words = _BEGINNING * _CORRECTED, self._begun_like(letters)
            self.corrected.update((place, near[0].surface) for near in list(words.values())[:1])
        for language, begun in words.items():
            forms = [known.form for known in begun if known.form != letters]
            if not forms:
                continue
            telling = self._telling(max(known.count for known in begun))
            scale = share * min(telling, self.cap or telling) * (1.0 if language == self.own else _OTHER_LANGUAGE)
            stems = list({stem(form, language) for form in forms})
            for field in _BEGUN_FIELDS:
                found.append(Query.const_score_query(self._terms(f"{field}_{language}", stems), _FIELDS[field] * scale))
            if language == self.own:
                found.append(Query.const_score_query(self._terms("brand", forms), _BRAND * scale))
        return Query.disjunction_max_query(found, _TIE) if found else None

    def _beginning(self, letters: str, language: str) -> Sequence[Known]:
        return self.reading.vocabularies[language].beginning(letters, _BEGINNINGS)

    def _begun_like(self, letters: str) -> dict[str, Sequence[Known]]:
        """Words that begin nearly so, of each language that has some of the fewest mistakes."""
        near = {
            language: begun
            for language in self.languages
            if (begun := self.reading.vocabularies[language].begun_like(letters, _BEGINNINGS))
        }
        fewest = min((begun.mistakes for begun in near.values()), default=0)
        return {language: begun.forms for language, begun in near.items() if begun.mistakes == fewest}

    def _meant(self, place: int, word: Word, *, met: bool) -> list[str]:
        """Words that somebody perhaps meant: searched as well if the word is met nowhere, offered if it is rare."""
        mine = self._count(word.form)
        if mine >= _RARE or stem(word.form, self.own) in self.question.synonyms:
            return []
        near = sorted(
            (pair for language in self.languages for pair in self._near(word.surface, language)),
            key=lambda pair: pair[0],
        )
        near += self._near_synonyms(word.form)
        near.sort(key=lambda pair: pair[0])
        own = stem(word.form, self.own)
        near = [(cost, one) for cost, one in near if stem(one.form, self.own) != own]
        # Only what is about as likely as the likeliest: one guess too many buries the right one.
        found = [(one.form, one.surface, one.count) for cost, one in near if cost <= near[0][0] + 0.35]
        if met:
            if not found or found[0][2] < _RATHER * max(1, mine) or near[0][0] > _SURE:
                return []
            self.better[place] = found[0][1]
            return [] if mine >= _SLIPS else [surface for _, surface, _ in found[:1]]
        if not found:
            found = self._half_known(word.form)
        if found:
            self.corrected[place] = found[0][1]
        return [surface for _, surface, _ in found[:_CORRECTIONS]]

    def _near_synonyms(self, form: str) -> list[tuple[float, Known]]:
        """Also words that only the shop's synonyms know may be misspelt."""
        return list(_synonym_words(self.question.synonyms, self.own).nearest(form))

    def _near(self, surface: str, language: str) -> Sequence[tuple[float, Known]]:
        return self.reading.vocabularies[language].nearest(fold(surface, language))

    def _half_known(self, form: str) -> list[tuple[str, str, int]]:
        """A compound of which one half is misspelt: "wanderschue"."""
        if len(form) < 8 or not form.isalpha():
            return []
        vocabulary = self.reading.vocabularies[self.own]
        best: list[tuple[str, str, int]] = []
        for at in range(4, len(form) - 3):
            left, right = form[:at], form[at:]
            for known, broken, first in ((left, right, True), (right, left, False)):
                count = self.reading.splitter.known.get(stem(known, self.own), 0)
                if count < 2:
                    continue
                for _, near in vocabulary.nearest(broken)[:1]:
                    joined = known + near.form if first else near.form + known
                    if self._count(joined):
                        best.append((joined, vocabulary.surface(joined), self._count(joined)))
        return sorted(best, key=lambda one: -one[2])[:1]

    def _count(self, form: str) -> int:
        return max(vocabulary.count(form) for vocabulary in self.reading.vocabularies.values())

    def _phrase(self) -> Query | None:
        """Words that stand beside each other in the name say more."""
        if not 2 <= len(self.words) <= 5:
            return None
        stems = [stem(word.form, self.own) for word in self.words]
        return Query.boost_query(Query.phrase_query(self.schema, f"name_{self.own}", list(stems), 1), _PHRASE)

    def _said(self, replaced: Mapping[int, str]) -> str:
        """The query with these words in the place of those typed; empty if none is replaced."""
        if not replaced:
            return ""
        return " ".join(replaced.get(place, word.surface) for place, word in enumerate(self.words))

    def _term(self, field: str, value: str) -> Query:
        return Query.term_query(self.schema, field, value, index_option="basic")

    def _terms(self, field: str, values: Sequence[str]) -> Query:
        """Any of these. A term set query would walk the field's whole dictionary for them: half a millisecond."""
        return Query.boolean_query([(Occur.Should, self._term(field, value)) for value in values])

    # -- suggestions and reasons

    def completions(self, limit: int) -> list[str]:
        if not self.words:
            return []
        vocabulary = self.reading.vocabularies[self.own]
        last = self.words[-1]
        first = [self._spelled(word) for word in self.words[:-1]]
        before = " ".join(first)
        others = [one for surface in first if (one := self._anywhere(surface, 1.0))]
        found: dict[str, int] = {}
        candidates = self._beginning(last.form, self.own)
        if not candidates and not self.question.typing:
            return []
        if not candidates:
            like = vocabulary.begun_like(last.form, _BEGINNINGS)
            candidates = like.forms if like else [known for _, known in vocabulary.nearest(last.form)]
        for known in candidates:
            if len(known.form) < 3 or known.surface.isdigit() or known.surface in STOP.get(self.own, ()):
                continue
            # One word alone is in the dictionary, so it finds something: no need to ask in two dozen fields how telling
            # it would be. Several have to meet.
            count = known.count
            if others:
                query = self._anywhere(known.form, 1.0)
                count = self._how_many(_all([*others, query])) if query is not None else 0
            if count:
                found[f"{before} {known.surface}".strip()] = count
        ranked = sorted(found.items(), key=lambda pair: (-pair[1], len(pair[0])))
        return [said for said, _ in ranked[:limit]]

    def _spelled(self, word: Word) -> str:
        """A word as it is written, or else the likeliest that was meant."""
        if self._anywhere(word.surface, 1.0) is not None or stem(word.form, self.own) in self.question.synonyms:
            return word.surface
        near = self._near(word.surface, self.own)
        return near[0][1].surface if near else word.surface

    def _how_many(self, query: Query) -> int:
        return _count_of(self.searcher.search(query, 1, count=True))

    def reasons(self, ids: Sequence[UUID]) -> list[Why]:
        """Score and the fields in which each word is met, for a handful of articles."""
        found = self._meaning()
        if found is None:
            return []
        reasons: list[Why] = []
        for id in ids[:MAX_LIMIT]:
            one = self.searcher.search(
                _all([found, Query.const_score_query(self._term("id", str(id)), 0.0)]), 1, weight_by_field="weight"
            )
            if one.hits:
                reasons.append(Why(id, round(float(one.hits[0][0]), 2), self._where(id)))
        return reasons

    def _where(self, id: UUID) -> list[str]:
        met: list[str] = []
        this = self._term("id", str(id))
        for word in self.words:
            for language in self.languages:
                own = stem(fold(word.surface, language), language)
                for field in _FIELDS:
                    if self._how_many(_all([this, self._term(f"{field}_{language}", own)])):
                        met.append(f"{word.surface}: {field} ({language})")
            if self._how_many(_all([this, self._term(BRAND, word.form)])):
                met.append(f"{word.surface}: {BRAND}")
        return met


_words_of_synonyms: dict[int, tuple[Any, Vocabulary]] = {}


def _synonym_words(synonyms: Mapping[str, tuple[str, ...]], language: str) -> Vocabulary:
    """The words of a shop's synonyms, read once per state of them."""
    known = _words_of_synonyms.get(id(synonyms))
    if known is None or known[0] is not synonyms:
        said = {word.surface for others in synonyms.values() for other in others for word in asked(other, language)}
        if len(_words_of_synonyms) > 20:
            _words_of_synonyms.clear()
        known = _words_of_synonyms[id(synonyms)] = (synonyms, Vocabulary(language, ((one, 5) for one in said)))
    return known[1]


def _best(found: Sequence[Query]) -> Query | None:
    """The best of readings of one word."""
    if len(found) < 2:
        return found[0] if found else None
    return Query.disjunction_max_query(list(found), 0.0)


def _count_of(found: tantivy.SearchResult) -> int:
    counted: Any = found  # tantivy's stub leaves out this attribute
    return counted.count or 0


def _all(queries: Sequence[Query], more: Sequence[Query] = ()) -> Query:
    found = [*queries, *more]
    return found[0] if len(found) == 1 else Query.boolean_query([(Occur.Must, one) for one in found])


def _span(raw: Mapping[str, Any]) -> tuple[int, int] | None:
    stats = raw.get("price")
    if not stats or not stats.get("count"):
        return None
    return int(stats["min"]), int(stats["max"])


def _buckets(raw: Mapping[str, Any], name: str) -> list[tuple[str, int]]:
    return [(str(bucket["key"]), int(bucket["doc_count"])) for bucket in raw[f"f:{name}"]["buckets"]]


def _with_chosen(values: list[tuple[str, int]], chosen: Sequence[str]) -> list[tuple[str, int]]:
    """A chosen value stays to be seen, also when nothing has it: it has to be taken back."""
    known = {value for value, _ in values}
    return [*values, *((value, 0) for value in chosen if value not in known)]
