"""SVG drawings, written anew from the shapes that they hold. Pure.

An SVG is a document that can run scripts, load from elsewhere and hide text, and it is served from the shop's own
address. So a drawing is read to its last element and written again from a list of what shapes need: what an editor left
behind (metadata, comments, its own namespaces) is not written, what could act is refused by name, because a drawing
that silently lost a part would be a riddle. It is served with a policy that runs nothing, all the same.
"""

import re
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from lotse.kernel.media.contracts import DrawingNotSafe, MediaBroken, MediaTooLarge

# Logos and packshots are some kilobytes; more is a traced photograph, which would stall every browser that draws it.
MAX_BYTES = 2 * 1024 * 1024
MAX_ELEMENTS = 20_000
MAX_DEPTH = 64

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_SHAPES = frozenset(
    """
    svg g defs symbol use path rect circle ellipse line polyline polygon linearGradient radialGradient
    stop pattern clipPath mask marker text tspan textPath title desc style filter feBlend feColorMatrix
    feComponentTransfer feComposite feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur
    feMerge feMergeNode feMorphology feOffset feTile feTurbulence switch
    """.split()  # noqa: SIM905 - a list of words reads better
)
# Says something about the drawing to machines; what it says (an author, a place) is nobody's business.
_DROPPED = frozenset(("metadata",))
_WORDED = frozenset(("title", "desc", "text", "tspan", "textPath", "style"))
# The space between separates URLs: `url( "#a" )`. Anything else that loads is not a reference into this drawing.
_URL = re.compile(r"url\(\s*['\"]?\s*(?!#)", re.IGNORECASE)
_ACTING = re.compile(
    r"@import|@font-face|javascript:|expression\s*\(|-moz-binding|behavior\s*:|image-set|\\", re.IGNORECASE
)
_LENGTH = re.compile(r"\s*(\d+(?:\.\d+)?)(?:px)?\s*")
_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Drawing(Struct, frozen=True):
    """A drawing as it is stored, with its size in its own units if it says one."""

    content: bytes
    width: int | None
    height: int | None


def drawn_anew(content: bytes) -> Drawing:
    """A drawing of nothing but shapes. Refusals: `MediaTooLarge`, `DrawingNotSafe`, `MediaBroken`."""
    if len(content) > MAX_BYTES:
        raise MediaTooLarge(size=len(content), limit=MAX_BYTES)
    writer = _Writer()
    try:
        writer.read(content)
    except expat.ExpatError as error:
        raise MediaBroken(
            rule=f"XML: {expat.errors.messages.get(error.code, error.code)}, line {error.lineno}"
        ) from None
    width, height = writer.size
    return Drawing("".join(writer.written).encode(), width, height)


class _Writer:
    def __init__(self) -> None:
        self.written: list[str] = []
        self.size: tuple[int | None, int | None] = (None, None)
        # The elements that are open, each with how much was written when it was.
        self._open: list[tuple[str, int]] = []
        self._skipping = 0
        self._elements = 0

    def read(self, content: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._entity
        parser.StartDoctypeDeclHandler = self._doctype
        # An entity from outside is not asked for: expat calls this handler, and None of it is loaded.
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.Parse(content, True)

    def _doctype(self, name: str, system_id: str | None, public_id: str | None, has_internal: bool) -> None:
        if has_internal:
            raise DrawingNotSafe(found="<!DOCTYPE> with declarations of its own")

    def _entity(self, *_: object) -> None:
        raise DrawingNotSafe(found="<!ENTITY>")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS or len(self._open) >= MAX_DEPTH:
            raise DrawingNotSafe(found=f"more than {MAX_ELEMENTS} elements, or {MAX_DEPTH} of them in each other")
        namespace, _, name = tag.rpartition(" ")
        if self._skipping or namespace not in (_SVG, "") or name in _DROPPED:
            if namespace == "http://www.w3.org/1999/xhtml":
                raise DrawingNotSafe(found=f"<{name}> of HTML")
            self._skipping += 1
            return
        if name not in _SHAPES:
            raise DrawingNotSafe(found=f"<{name}>")
        if not self._open:
            if name != "svg":
                raise DrawingNotSafe(found=f"<{name}> where <svg> should be")
            self.size = _size(attributes)
        kept = "".join(self._attribute(name, *pair) for pair in attributes.items())
        root = f' xmlns="{_SVG}"' if not self._open else ""
        self.written.append(f"<{name}{root}{kept}>")
        self._open.append((name, len(self.written)))

    def _attribute(self, element: str, name: str, value: str) -> str:
        namespace, _, plain = name.rpartition(" ")
        if plain.lower().startswith("on"):
            raise DrawingNotSafe(found=f"{plain}= on <{element}>")
        if namespace not in ("", _XLINK):
            return ""  # an editor's own
        if plain == "href":
            if not value.startswith("#"):
                raise DrawingNotSafe(found=f"a link to {value[:60]!r} on <{element}>")
        elif namespace == _XLINK:
            return ""
        _check_words(value, f"{plain}= on <{element}>")
        return f" {plain}={quoteattr(_CHARACTERS.sub('', value))}"

    def _end(self, tag: str) -> None:
        if self._skipping:
            self._skipping -= 1
            return
        name, written = self._open.pop()
        if len(self.written) == written:  # nothing is in it
            self.written[-1] = self.written[-1][:-1] + "/>"
        else:
            self.written.append(f"</{name}>")

    def _characters(self, text: str) -> None:
        if self._skipping or not self._open or self._open[-1][0] not in _WORDED:
            return
        if self._open[-1][0] == "style":
            _check_words(text, "<style>")
        self.written.append(escape(text))


def _check_words(text: str, where: str) -> None:
    if _URL.search(text) or _ACTING.search(text):
        raise DrawingNotSafe(found=f"{text.strip()[:60]!r} in {where}")


def _size(attributes: dict[str, str]) -> tuple[int | None, int | None]:
    """The size that the drawing says it has, else the proportions of its view box."""
    width, height = (_LENGTH.fullmatch(attributes.get(name, "")) for name in ("width", "height"))
    if width and height:
        return _whole(float(width[1])), _whole(float(height[1]))
    box = [float(part) for part in re.split(r"[\s,]+", attributes.get("viewBox", "").strip()) if _is_number(part)]
    return (_whole(box[2]), _whole(box[3])) if len(box) == 4 else (None, None)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def _whole(length: float) -> int | None:
    # Names have room for five digits, and nothing is drawn larger.
    return round(length) if 0.5 <= length < 99_999 else None
