"""Pure: Markdown to clean HTML and to text, blocks from forms, paths, slugs, videos."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from uuid import UUID

import msgspec
import nh3
from markdown_it import MarkdownIt

from lotse.domains.content.contracts import (
    HOME,
    KINDS,
    LEGAL,
    BadBlock,
    BadMenuLine,
    BadPath,
    BannerBlock,
    Block,
    Fields,
    MenuItem,
    PictureBlock,
    ProductsBlock,
    TextBlock,
    VideoBlock,
)
from lotse.kernel.media import names as media_names

MOST_BLOCKS = 60
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable("table").disable("image")
# What Markdown makes, and nothing else: the second lock behind a renderer that passes no HTML on.
_TAGS = {
    *(
        "p",
        "br",
        "hr",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "strong",
        "em",
        "ul",
        "ol",
        "li",
        "blockquote",
        "code",
        "pre",
        "a",
    ),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_FIELD = re.compile(r"b(\d{1,3})\.([a-z]+)")
# Who may be embedded, and how their addresses read.
_YOUTUBE = re.compile(r"[A-Za-z0-9_-]{6,20}")


def html_of(text: str) -> str:
    """Markdown as HTML that may stand on a page. A page has one first heading, its own: others begin below it."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close") and token.tag == "h1":
            token.tag = "h2"
    rendered = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return nh3.clean(
        rendered,
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener",
    )


def text_of(blocks: Sequence[Block]) -> str:
    """The words of a page as plain text, for a mail's attachment and for search."""
    found: list[str] = []
    for block in blocks:
        if isinstance(block, TextBlock):
            found.append(block.text.strip())
        elif isinstance(block, BannerBlock):
            found += [part for part in (block.title, block.text) if part]
        elif isinstance(block, PictureBlock):
            found += [block.caption] if block.caption else []
        elif block.title:
            found.append(block.title)
    return "\n\n".join(found).strip() + "\n" if found else ""


def slug_of(title: str) -> str:
    """An address for a title; `seite` if nothing of it is left."""
    plain = unicodedata.normalize("NFKD", title.lower().translate(_UMLAUTS)).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:80].strip("-") or "page"


def is_slug(text: str) -> bool:
    return len(text) <= 80 and _SLUG.fullmatch(text) is not None


# Blocks above the articles of a department: by its id, so that they stay where they are when it is renamed.
_DEPARTMENT = "department-"


def department_slug(category_id: UUID) -> str:
    """The name of the page that stands above the articles of a department."""
    return f"{_DEPARTMENT}{category_id}"


def department_of(slug: str) -> UUID | None:
    """Above which department's articles a page of this name stands, if it does."""
    if not slug.startswith(_DEPARTMENT):
        return None
    try:
        return UUID(slug.removeprefix(_DEPARTMENT))
    except ValueError:
        return None


def stands_alone(slug: str) -> bool:
    """Whether a page of this name is one of its own, at `/info`: not in place of one of Lotse's, nor part of one."""
    return slug != HOME and slug not in LEGAL and department_of(slug) is None


def address_of(slug: str) -> str:
    """Where a page of this name is shown, if it is none above a department's articles: that is where these are."""
    if slug == HOME:
        return "/"
    return f"/{slug}" if slug in LEGAL else f"/info/{slug}"


# -- links


def is_link(text: str) -> bool:
    """A path of this shop, or an address of the web; nothing that runs, or looks like one and is another."""
    if not text or len(text) > 500 or any(sign.isspace() or not sign.isprintable() or sign == "\\" for sign in text):
        return False
    if text.startswith("/"):
        return not text.startswith("//")
    if text.startswith(("mailto:", "tel:")):
        return len(text) > 7
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def path_of(text: str) -> str:
    """A path as redirects and counts know it: without language, query and slash at the end. Refusal: `BadPath`."""
    path = text.strip().partition("?")[0].partition("#")[0]
    if not path.startswith("/") or path.startswith("//"):
        raise BadPath(field="path", rule="a path that begins with one /")
    path = re.sub(r"^/[a-z]{2}(?=/|$)", "", path)
    path = "/" + path.strip("/")
    if len(path) > 300 or any(sign.isspace() or not sign.isprintable() or sign in "\\<>\"'" for sign in path):
        raise BadPath(field="path", rule="at most 300 visible characters")
    return path


def target_of(text: str) -> str:
    """Where a redirect may lead: a path, or another shop over TLS. Refusal: `BadPath`."""
    target = text.strip()
    if not is_link(target) or target.startswith(("http:", "mailto:", "tel:")):
        raise BadPath(field="target", rule="a path that begins with one /, or an address with https://")
    return target


# -- videos


class Player(msgspec.Struct, frozen=True):
    """How a video is shown once somebody presses: the address of its frame, and whose it is."""

    frame: str
    host: str


def player_of(link: str) -> Player | None:
    """The player of a video's address without cookies where it has one; None: it is only linked to."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    if parts.scheme != "https":
        return None
    if host in ("youtube.com", "youtube-nocookie.com", "youtu.be"):
        first = parts.path.strip("/").split("/")
        name = first[0] if host == "youtu.be" else parse_qs(parts.query).get("v", [first[-1]])[0]
        if _YOUTUBE.fullmatch(name):
            return Player(f"https://www.youtube-nocookie.com/embed/{name}?autoplay=1", "YouTube")
    if host in ("vimeo.com", "player.vimeo.com"):
        name = parts.path.rstrip("/").rpartition("/")[2]
        if name.isdigit():
            return Player(f"https://player.vimeo.com/video/{name}?dnt=1&autoplay=1", "Vimeo")
    return None


# Hosts that frames of videos may come from, for the page's policy.
PLAYERS = ("https://www.youtube-nocookie.com", "https://player.vimeo.com")


# -- blocks


def check(blocks: Sequence[Block]) -> None:
    """What types cannot say of blocks that are published. Refusal: `BadBlock`, the first one."""
    if len(blocks) > MOST_BLOCKS:
        raise BadBlock(position=MOST_BLOCKS, field="kind", rule=f"at most {MOST_BLOCKS} blocks")
    for position, block in enumerate(blocks):
        for field, rule in _mistakes(block):
            raise BadBlock(position=position, field=field, rule=rule)


def _mistakes(block: Block) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    media = getattr(block, "media", "")
    if media and media_names.parsed(media) is None:
        found.append(("media", "a picture of the library"))
    link = getattr(block, "link", "")
    if link and not is_link(link):
        found.append(("link", "a path such as /c/shoes, or an address with https://"))
    if isinstance(block, PictureBlock) and not block.media:
        found.append(("media", "choose a picture"))
    if isinstance(block, TextBlock) and not block.text.strip():
        found.append(("text", "some words"))
    if isinstance(block, ProductsBlock):
        if block.source == "category" and not block.category:
            found.append(("category", "choose a category"))
        if block.source == "chosen" and not slugs_of(block.chosen):
            found.append(("chosen", "name articles, one per line"))
    if isinstance(block, BannerBlock) and bool(block.label) != bool(block.link):
        found.append(("link", "label and link together, or none"))
    if isinstance(block, VideoBlock) and not block.link:
        found.append(("link", "the address of the video"))
    return found


def slugs_of(text: str) -> list[str]:
    """Addresses, one per line; a whole link is as good as its last part."""
    found = (line.strip().rstrip("/").rpartition("/")[2].partition("?")[0] for line in text.splitlines())
    return list(dict.fromkeys(slug for slug in found if slug))[:24]


def raw_blocks(posted: Mapping[str, Any]) -> list[Fields]:
    """The blocks of a form as they were typed, by the numbers of their fields: `b3.text`."""
    found: dict[int, Fields] = {}
    for name, value in posted.items():
        if match := _FIELD.fullmatch(name):
            found.setdefault(int(match[1]), {})[match[2]] = str(value).replace("\r\n", "\n")
    return [fields for _, fields in sorted(found.items()) if fields.get("kind") in KINDS][: MOST_BLOCKS + 1]


def block_of(position: int, fields: Fields) -> Block:
    """One block of what was typed. Refusal: `BadBlock`."""
    kind = KINDS[fields["kind"]]
    typed = {name: fields[name].strip() for name in kind.__struct_fields__ if name in fields}
    if "count" in typed and not typed["count"]:
        del typed["count"]
    for name, text in typed.items():
        try:
            msgspec.convert({"kind": fields["kind"], name: text}, kind, strict=False)
        except msgspec.ValidationError as error:
            rule = str(error).partition(" - at ")[0]
            raise BadBlock(position=position, field=name, rule=rule) from None
    return msgspec.convert({"kind": fields["kind"], **typed}, kind, strict=False)


def acted(blocks: Sequence[Fields], act: str) -> list[Fields]:
    """Blocks after a button of the editor: `up:2`, `down:2`, `remove:2`, `add:text`, `add:text:2` (before 2)."""
    verb, _, rest = act.partition(":")
    found = list(blocks)
    if verb == "add":
        kind, _, place = rest.partition(":")
        if kind in KINDS and len(found) < MOST_BLOCKS:
            found.insert(min(int(place), len(found)) if place.isdigit() else len(found), {"kind": kind})
        return found
    if not rest.isdigit() or int(rest) >= len(found):
        return found
    at = int(rest)
    if verb == "remove":
        del found[at]
    elif verb == "up" and at > 0:
        found[at - 1], found[at] = found[at], found[at - 1]
    elif verb == "down" and at < len(found) - 1:
        found[at], found[at + 1] = found[at + 1], found[at]
    return found


# -- menus


def menu_text(items: Sequence[MenuItem]) -> str:
    """A menu as staff edit it: a line per link, `label | address`; a heading has no address."""
    return "\n".join(f"{item.label} | {item.link}" if item.link else item.label for item in items)


def menu_of(text: str, place: str) -> list[MenuItem]:
    """What was typed for `header` or `footer`. Refusals: `BadMenuLine`, `BadPath`.

    A heading is for the foot alone, and nothing in it looks like an address: that is a link whose stroke is missing.
    """
    found: list[MenuItem] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        label, _, link = (part.strip() for part in line.partition("|"))
        if not 1 <= len(label) <= 80:
            raise BadMenuLine(line=number, rule="words of at most 80 characters, then | and a link")
        if link and not is_link(link):
            raise BadMenuLine(line=number, rule="a path such as /info/about, or an address with https://")
        if not link and (place == "header" or is_link(label.split()[-1])):
            raise BadMenuLine(line=number, rule="| is missing between words and link")
        found.append(MenuItem(label, link))
    if len(found) > 40:
        raise BadPath(field="items", rule="at most 40 lines")
    return found


def live_header(departments: Sequence[tuple[str, str]]) -> list[MenuItem]:
    """The head that comes with Lotse: the first departments, given as names and slugs."""
    return [MenuItem(name, f"/c/{slug}") for name, slug in departments[:_IN_THE_HEAD]]


# As many as the head shows (storefront/top.html).
_IN_THE_HEAD = 7


def live_footer(said: Callable[[str], str], pages: Sequence[tuple[str, str]]) -> list[MenuItem]:
    """The foot that comes with Lotse (storefront/foot.html), in the words of `said`; `pages`: titles and slugs."""
    own = [(title, slug) for title, slug in pages if stands_alone(slug)][:_IN_THE_FOOT]
    has_terms = any(slug == "terms" for _, slug in pages)
    return [
        MenuItem(said("Service")),
        MenuItem(said("Stores and opening hours"), "/stores"),
        MenuItem(said("Delivery and payment"), "/delivery"),
        *(MenuItem(title, address_of(slug)) for title, slug in own),
        MenuItem(said("Legal")),
        MenuItem(said("Imprint"), "/imprint"),
        MenuItem(said("Privacy"), "/privacy"),
        *([MenuItem(said("Terms of business"), "/terms")] if has_terms else []),
        MenuItem(said("Right of withdrawal"), "/withdrawal"),
    ]


# As many as a foot has that nobody has arranged (web/storefront/menus.py).
_IN_THE_FOOT = 8


# -- lost paths

_NOT_COUNTED = ("/office", "/static", "/media", "/api", "/order/", "/withdrawn/", "/preview/", "/basket", "/checkout")
# What robots try everywhere, looking for other people's software.
_PROBES = re.compile(
    r"\.(php|aspx?|env|git|cgi|jsp|sql|bak|zip|gz|ini|ya?ml|xml|json|map)\b|/wp-|/\.|/cgi-bin|/vendor/"
)


def counted(path: str) -> str | None:
    """A path as it is counted, or None: signed links, what robots try, what cannot be read."""
    try:
        plain = path_of(unquote(path, errors="strict"))
    except (BadPath, UnicodeDecodeError):
        return None
    if plain == "/" or plain.startswith(_NOT_COUNTED) or _PROBES.search(plain.lower()) or "@" in plain:
        return None
    # Long numbers and letters without order are somebody's token.
    if any(len(part) > 60 or re.fullmatch(r"(?=.*\d)[A-Za-z0-9_-]{24,}", part) for part in plain.split("/")):
        return None
    return plain


def host_of(referrer: str) -> str:
    """The host of a referrer, nothing more."""
    try:
        return (urlsplit(referrer).hostname or "")[:100]
    except ValueError:
        return ""


def escaped(target: str) -> str:
    """A target as a header holds it."""
    return quote(target, safe="/:?#[]@!$&'()*+,;=%~-._")
