"""The index on disk: its fields, how a document fills them, and how a folder of it is found, replaced and kept whole.

    <folder>/current          the name of the generation that answers
    <folder>/<generation>/    tantivy's files
    <folder>/<generation>.json  version, languages, what the compounds were learnt from
    <folder>/<generation>.mark  the mark of the last write

A rebuild writes a generation beside the present one and then names it in `current`, so there is always a whole one. One
index holds all languages of a shop: an article that is described in one of them only is found by visitors of the other
one, too, and prices, stock and facets stand there once.
"""

import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

import msgspec
import tantivy
from msgspec import Struct

from lotse.domains.search.contracts import IN_STOCK, STOCK, Document, Texts
from lotse.plugins.search_tantivy.compounds import LANGUAGE, Splitter
from lotse.plugins.search_tantivy.words import fold, stem, words

# Counts up with every change of fields or analysis: an index of another version is built anew.
VERSION = 4
CURRENT = "current"
# Tantivy's buffer for a writer of one thread; more threads make more segments, which searches pay for.
HEAP_BYTES = 64_000_000
# Descriptions beyond this repeat themselves; it bounds what one article can cost.
_MAX_BODY = 2_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Meta(Struct):
    """What stands beside a generation."""

    version: int
    languages: list[str]
    known: dict[str, int]
    unseen: list[str]


@lru_cache(maxsize=10_000)
def facet_key(name: str) -> str:
    """The name of a facet as a path in the index: letters, digits and underscores."""
    return "".join(c if c.isascii() and c.isalnum() else f"_{ord(c):x}_" for c in name)


def pair(one: tuple[str, str], other: tuple[str, str]) -> str:
    """Two values of one variant, as a word."""
    return "\x1f".join(part for value in sorted((one, other)) for part in value)


def names(one: str, other: str) -> str:
    """Two names of facets that vary between variants, as a word."""
    return "\x1e".join(sorted((one, other)))


def schema(languages: Sequence[str]) -> tantivy.Schema:
    """Per language: `name`, `kind` (own categories), `above` (the others), `value`, `head` and `part` (of compounds)
    and `body` as stems; `form` as folded words of all but the body; `seen` as people write them, for corrections."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", tokenizer_name="raw", index_option="basic")
    # What is read of what is found, in one piece: the article's id and those of its variants, sixteen bytes each.
    builder.add_bytes_field("ids", stored=True, indexed=False)
    for language in languages:
        builder.add_text_field(f"name_{language}", tokenizer_name="words")
        for field in ("kind", "above", "value", "head", "part", "body", "form", "seen"):
            builder.add_text_field(f"{field}_{language}", tokenizer_name="words", index_option="basic")
        builder.add_text_field(f"sort_{language}", tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_text_field("brand", tokenizer_name="words", index_option="basic")
    builder.add_text_field("brand_is", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("code", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("category", tokenizer_name="raw", index_option="basic")
    # `facet` to filter, `counts` (a column per name) to count, `pair` for what must hold of one variant.
    builder.add_text_field("facet", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("pair", tokenizer_name="raw", index_option="basic")
    builder.add_json_field("counts", tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_text_field("names", tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_integer_field("price", indexed=True, fast=True)
    builder.add_integer_field("added", fast=True)
    builder.add_integer_field("due", indexed=True, fast=True)
    builder.add_float_field("weight", fast=True)
    builder.add_unsigned_field("sign", fast=True)
    return builder.build()


def opened(path: Path, languages: Sequence[str] | None = None) -> tantivy.Index:
    """The index in a folder; with languages a new one."""
    index = tantivy.Index(schema(languages), str(path)) if languages else tantivy.Index.open(str(path))
    analyzer = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("words", analyzer)
    return index


def filled(document: Document, languages: Sequence[str], splitter: Splitter) -> tantivy.Document:
    """A document's fields. Texts of a language that the shop does not speak stand in its first one."""
    made = tantivy.Document()
    made.add_text("id", str(document.id))
    made.add_bytes("ids", b"".join(id.bytes for id in (document.id, *document.variants)))
    said = {language: text for language, text in document.texts.items() if language in languages}
    if not said and document.texts:
        said = {languages[0]: next(iter(document.texts.values()))}
    for language, text in said.items():
        _fill_texts(made, document, language, text, splitter)
    fallback = next(iter(said.values()), Texts(""))
    for language in languages:
        made.add_text(f"sort_{language}", fold(said.get(language, fallback).name.lower(), language)[:100])
    if document.brand:
        made.add_text("brand_is", document.brand)
        made.add_text("brand", " ".join(_said(document.brand, languages[0]).forms))
    for code in {plain_code(code) for code in document.codes}:
        made.add_text("code", code)
    for slug in document.categories:
        made.add_text("category", slug)
    counted: dict[str, list[str]] = {}
    for name, values in document.facets.items():
        counted[facet_key(name)] = list(dict.fromkeys(values))
        made.add_text("names", name)
        for value in counted[facet_key(name)]:
            made.add_text("facet", f"{name}\x1f{value}")
    if document.in_stock:
        made.add_text("facet", f"{STOCK}\x1f{IN_STOCK}")
        counted[facet_key(STOCK)] = [IN_STOCK]
    if counted:
        made.add_json("counts", counted)
    pairs = {
        pair(options[i], options[j])
        for combination in document.combinations
        for options in (sorted(combination.items()),)
        for i in range(len(options))
        for j in range(i + 1, len(options))
    }
    # And which two vary together at all: what is said of the whole article has no pairs, and asks for none.
    together = {
        names(one, other) for combination in document.combinations for one in combination for other in combination
    }
    for word in (*pairs, *together):
        made.add_text("pair", word)
    if document.price_minor is not None:
        made.add_integer("price", document.price_minor)
    made.add_integer("added", document.added)
    made.add_unsigned("sign", document.sign)
    if document.due is not None:
        made.add_integer("due", int((document.due - _EPOCH).total_seconds()))
    # What cannot be had comes after what can, if the words fit both alike.
    made.add_float("weight", document.weight * (1.0 if document.in_stock else 0.8))
    return made


class _Said(Struct, frozen=True):
    """A short text that many articles share, taken apart: `stems` each once."""

    forms: tuple[str, ...]
    surfaces: tuple[str, ...]
    stems: tuple[str, ...]


# Brands, categories and values come again and again: most of what an index of 50,000 articles is made of.
@lru_cache(maxsize=50_000)
def _said(text: str, language: str) -> _Said:
    found = words(text, language)
    return _Said(
        tuple([word.form for word in found]),
        tuple([word.surface for word in found]),
        tuple(_unique([stem(word.form, language) for word in found])),
    )


def _fill_texts(made: tantivy.Document, document: Document, language: str, text: Texts, splitter: Splitter) -> None:
    name = words(text.name, language)
    names = [word.form for word in name]
    kinds = _said(" \n ".join(text.kinds), language)
    above = _said(" \n ".join(text.categories), language)
    values = _said(" \n ".join(text.values), language)
    brand = _said(document.brand, language)
    body = words(f"{text.summary}\n{text.description}"[:_MAX_BODY], language)
    heads: dict[str, None] = {}
    parts: dict[str, None] = {}
    inside: dict[str, None] = {}
    if language == LANGUAGE:
        for form in (*names, *kinds.forms, *values.forms):
            split = splitter.split(form)
            if split:
                heads.update(dict.fromkeys(split.heads))
                parts.update(dict.fromkeys(split.modifiers))
        # Descriptions stay whole: lists of ingredients in four languages would make words of their misprints.
        for form in (*(word.form for word in words(text.summary, language)), *above.forms):
            split = splitter.split(form)
            if split:
                inside.update(dict.fromkeys(split.all))

    def put(field: str, found: Iterable[str]) -> None:
        said = " ".join(found)
        if said:
            made.add_text(f"{field}_{language}", said)

    put("name", [stem(form, language) for form in names])
    put("kind", kinds.stems)
    put("above", above.stems)
    put("value", values.stems)
    put("head", heads)
    put("part", parts)
    put("body", [*_unique([stem(word.form, language) for word in body]), *inside])
    put("form", _unique((*names, *kinds.forms, *values.forms, *above.forms, *brand.forms)))
    surfaces = [word.surface for word in name]
    put("seen", _unique((*surfaces, *kinds.surfaces, *values.surfaces, *above.surfaces, *brand.surfaces)))


def _unique(found: Iterable[str]) -> dict[str, None]:
    return dict.fromkeys(found)


def plain_code(code: str) -> str:
    """SKU or GTIN without what people leave out; leading zeros of a GTIN do not count."""
    plain = "".join(filter(str.isalnum, code.lower()))
    return plain.lstrip("0") or plain if plain.isdigit() else plain


# -- folders


def read_current(folder: Path) -> str:
    """The generation that answers, or empty."""
    try:
        return (folder / CURRENT).read_text().strip()
    except OSError:
        return ""


def read_meta(folder: Path, generation: str) -> Meta | None:
    """What stands beside a generation; None if it is of another version or cannot be read."""
    try:
        meta = msgspec.json.decode((folder / f"{generation}.json").read_bytes(), type=Meta)
    except (OSError, msgspec.DecodeError):
        return None
    return meta if meta.version == VERSION else None


def write_meta(folder: Path, generation: str, meta: Meta) -> None:
    _replace(folder / f"{generation}.json", msgspec.json.encode(meta))


def read_mark(folder: Path, generation: str) -> str:
    """The mark of the last write, or empty."""
    try:
        return (folder / f"{generation}.mark").read_text()
    except OSError:
        return ""


def write_mark(folder: Path, generation: str, mark: str) -> None:
    _replace(folder / f"{generation}.mark", mark.encode())


def name_current(folder: Path, generation: str) -> None:
    """From now on this one answers; the others go. Who reads one of them still has its files open."""
    _replace(folder / CURRENT, generation.encode())
    for path in folder.iterdir():
        if path.name.partition(".")[0] not in (generation, CURRENT, "lock"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def new_generation() -> str:
    return uuid4().hex[:12]


def seconds(at: datetime) -> int:
    return int((at - _EPOCH).total_seconds())


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_bytes(content)
    temporary.replace(path)
