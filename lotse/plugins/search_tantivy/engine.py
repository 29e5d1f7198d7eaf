"""An index for each shop: opened when somebody asks, renewed when somebody wrote, built anew when broken."""

import threading
import time
from collections.abc import AsyncIterable, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import structlog
import tantivy
from tantivy import FieldType, Query

from lotse.domains.search.contracts import Answer, Document, FacetCount, NoIndex, Question, Why
from lotse.plugins.search_tantivy import index as disk
from lotse.plugins.search_tantivy.asking import MAX_LIMIT, Search
from lotse.plugins.search_tantivy.beginnings import BEGINNINGS
from lotse.plugins.search_tantivy.compounds import LANGUAGE as COMPOUNDS
from lotse.plugins.search_tantivy.compounds import Splitter, learnt
from lotse.plugins.search_tantivy.reading import Reading, id_of
from lotse.plugins.search_tantivy.words import comparable, words

_log = structlog.get_logger("lotse.search")

_LOOK_SECONDS = 0.05
_VOCABULARY_SECONDS = 5.0
_RETRY_SECONDS = 2


class TantivyIndex:
    """See `contracts.Index`. Reading is safe from any thread; one process at a time writes (`lock`)."""

    def __init__(self, folder: Path, languages: Sequence[str]) -> None:
        self.folder = folder
        self.languages = list(languages)
        self._reading: Reading | None = None
        self._looked_at = 0.0
        self._learning = threading.Lock()
        self._sound = ""
        self._writer: tuple[str, tantivy.IndexWriter, Splitter] | None = None

    # -- reading

    async def search(self, question: Question) -> Answer:
        reading = self._read()
        return Search(reading, question).answer()

    def counted(self, question: Question) -> tuple[list[FacetCount], tuple[int, int] | None]:
        return Search(self._read(), question).counted()

    async def complete(self, question: Question, limit: int) -> list[str]:
        return Search(self._read(), question).completions(limit)

    async def explain(self, question: Question, ids: Sequence[UUID]) -> list[Why]:
        return Search(self._read(), question).reasons(ids)

    def stamp(self) -> str:
        try:
            reading = self._read()
        except NoIndex:
            return ""
        return f"{reading.generation}:{reading.stamp}"

    def size(self) -> int:
        try:
            return self._read().searcher.num_docs
        except NoIndex:
            return 0

    def mark(self) -> str | None:
        generation = disk.read_current(self.folder)
        if not generation or (generation != self._sound and not self._is_sound(generation)):
            return None
        self._sound = generation
        return disk.read_mark(self.folder, generation) or None

    def _is_sound(self, generation: str) -> bool:
        """Whether this version can use it; looked at once per generation and after every failure."""
        meta = disk.read_meta(self.folder, generation)
        if meta is None or meta.languages != self.languages:
            return False
        try:
            searcher = disk.opened(self.folder / generation).searcher()
            for _, address in searcher.search(Query.all_query(), 1).hits:
                searcher.doc(address)
        except (ValueError, OSError) as error:
            _log.warning("the index is broken and is built anew", folder=str(self.folder), error=str(error))
            return False
        return True

    def _read(self) -> Reading:
        now = time.monotonic()
        reading = self._reading
        if reading is not None and now - self._looked_at < _LOOK_SECONDS:
            return reading
        self._looked_at = now
        generation = disk.read_current(self.folder)
        if not generation:
            raise NoIndex(retry_seconds=_RETRY_SECONDS)
        if reading is None or reading.generation != generation:
            meta = disk.read_meta(self.folder, generation)
            if meta is None:
                raise NoIndex(retry_seconds=_RETRY_SECONDS)
            try:
                index = disk.opened(self.folder / generation)
            except ValueError as error:
                _log.warning("the index cannot be opened", folder=str(self.folder), error=str(error))
                raise NoIndex(retry_seconds=_RETRY_SECONDS) from None
            index.config_reader("manual")
            index.reload()
            reading = self._reading = Reading(generation, index, meta)
            threading.Thread(target=reading.spell, name="search spelling", daemon=True).start()
        try:
            stamp = str((self.folder / generation / "meta.json").stat().st_mtime_ns)
        except OSError:
            return reading  # a rebuild just took its place; the next look finds that
        if stamp != reading.stamp:
            reading.renew()
            reading.stamp = stamp
            if now - reading.learnt_at > _VOCABULARY_SECONDS and self._learning.acquire(blocking=False):
                threading.Thread(target=self._learn, args=(reading,), name="search words", daemon=True).start()
        return reading

    def _learn(self, reading: Reading) -> None:
        try:
            reading.learn_and_spell()
        finally:
            self._learning.release()

    # -- writing

    async def rebuild(self, documents: AsyncIterable[Sequence[Document]], mark: str) -> int:
        self._writer = None
        self.folder.mkdir(parents=True, exist_ok=True)
        # All of them at once: what splits compounds is learnt from all names before the first is written.
        everything = [document async for batch in documents for document in batch]
        forms: dict[str, int] = {}
        for document in everything:
            for form in _forms_of(document):
                forms[form] = forms.get(form, 0) + 1
        splitter = learnt(forms)
        generation = disk.new_generation()
        path = self.folder / generation
        path.mkdir()
        index = disk.opened(path, self.languages)
        writer = index.writer(disk.HEAP_BYTES, 1)
        for document in everything:
            writer.add_document(disk.filled(document, self.languages, splitter))
        writer.commit()
        writer.wait_merging_threads()
        meta = disk.Meta(disk.VERSION, self.languages, splitter.known, sorted(splitter.unseen))
        disk.write_meta(self.folder, generation, meta)
        disk.write_mark(self.folder, generation, mark)
        disk.name_current(self.folder, generation)
        return len(everything)

    async def write(self, documents: Sequence[Document], gone: Sequence[UUID], mark: str) -> None:
        try:
            generation, writer, splitter = self._writing()
            if documents or gone:
                for id in (*gone, *(document.id for document in documents)):
                    writer.delete_documents_by_term("id", str(id))
                for document in documents:
                    writer.add_document(disk.filled(document, self.languages, splitter))
                writer.commit()
        except (ValueError, OSError):
            self._writer, self._sound = None, ""  # look at it anew; if it is broken, it is built again
            raise
        if mark:
            disk.write_mark(self.folder, generation, mark)

    async def due(self, at: datetime) -> list[UUID]:
        reading = self._read()
        query = Query.range_query(reading.schema, "due", FieldType.Integer, None, disk.seconds(at))
        found = reading.searcher.search(query, MAX_LIMIT, count=False)
        return [id_of(reading.searcher, address) for _, address in found.hits]

    async def signs(self, ids: Sequence[UUID]) -> dict[UUID, int]:
        reading = self._read()
        query = Query.term_set_query(reading.schema, "id", [str(id) for id in ids])
        found = reading.searcher.search(query, max(len(ids), 1), count=False)
        addresses = [address for _, address in found.hits]
        signs = reading.searcher.fast_field_values("sign", addresses)
        return {
            id_of(reading.searcher, address): int(sign or 0) for address, sign in zip(addresses, signs, strict=True)
        }

    def _writing(self) -> tuple[str, tantivy.IndexWriter, Splitter]:
        generation = disk.read_current(self.folder)
        if self._writer is None or self._writer[0] != generation:
            self._writer = None  # gives its lock back
            meta = disk.read_meta(self.folder, generation)
            if meta is None:
                raise NoIndex(retry_seconds=_RETRY_SECONDS)
            writer = disk.opened(self.folder / generation).writer(disk.HEAP_BYTES, 1)
            self._writer = (generation, writer, Splitter(meta.known, meta.unseen))
        return self._writer


def _forms_of(document: Document) -> set[str]:
    """The words that compounds are learnt from: what things are called, in the language that has compounds; brands are
    words of every language."""
    found: set[str] = set()
    text = document.texts.get(COMPOUNDS)
    if text is not None:
        for said in (text.name, *text.kinds, *text.categories, *text.values, text.summary):
            found.update(word.form for word in words(said, COMPOUNDS))
    found.update(word.form for word in words(document.brand, COMPOUNDS))
    return found


class Tantivy:
    """See `contracts.Engine`."""

    def __init__(self) -> None:
        self._open: dict[Path, TantivyIndex] = {}

    def open(self, folder: Path, shop: str, languages: Sequence[str]) -> TantivyIndex:
        path = folder / shop
        found = self._open.get(path)
        if found is None or found.languages != list(languages):
            found = self._open[path] = TantivyIndex(path, languages)
        return found

    def analysed(self, text: str, language: str) -> str:
        return comparable(text, language)

    def beginnings(self, language: str) -> Sequence[Sequence[str]]:
        return BEGINNINGS.get(language, ())
