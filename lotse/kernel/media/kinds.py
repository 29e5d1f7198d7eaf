"""What a file is, told by its first bytes and never by its name or by what the sender says. Pure.

The list is short on purpose and the decoder has the last word, so no library of thousands of signatures is asked: what
is not on the list is refused whatever it is.
"""

import re

from lotse.kernel.media.contracts import Kind, MediaTypeNotAllowed

# As much as is needed to know a file.
HEAD_BYTES = 1024

_ALLOWED = ["JPEG", "PNG", "WebP", "AVIF", "GIF", "TIFF", "SVG", "PDF"]
_SVG = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*|<!DOCTYPE[^>\[]*>\s*)*<svg[\s>]", re.DOTALL
)
# What people send most often by mistake, so that the refusal can name it.
_OTHERS = (
    (b"PK\x03\x04", "a ZIP archive or Office document"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"#!", "a script"),
    (b"8BPS", "a Photoshop document"),
    (b"%!PS", "a PostScript document"),
    (b"BM", "a BMP picture"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"RIFF", "a sound or film"),
    (b"ID3", "a sound"),
    (b"\x1a\x45\xdf\xa3", "a film"),
)


def kind_of(head: bytes) -> Kind:
    """What the file that begins so is. Refusal: `MediaTypeNotAllowed`."""
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\x00", b"MM\x00*")):
        return "picture"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "picture"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"mif1", b"avis"):
        return "picture"
    # Only at the very beginning: readers search a kilobyte for it, and that is how files are two things at once.
    if head.startswith(b"%PDF-"):
        return "document"
    if _SVG.match(head):
        return "drawing"
    raise MediaTypeNotAllowed(found=_described(head), allowed=_ALLOWED)


def _described(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return "a HEIC picture" if head[8:11] in (b"hei", b"hev") else "a film"
    for signature, words in _OTHERS:
        if head.startswith(signature):
            return words
    if re.match(rb"\A(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|script|body|\?php)", head, re.IGNORECASE):
        return "a web page"
    if head.lstrip().startswith(b"<"):
        return "an XML document that is no drawing"
    return "text" if _is_text(head) else "an unknown kind of file"


def _is_text(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and b"\0" not in head  # a letter cut in two at the end
    return b"\0" not in head
