"""What crosses the border of `content`: blocks, pages as shown and as written, menus, redirects, refusals, events."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import Meta, Struct

from lotse.kernel.refusals import Refusal

# What signed links to drafts are made for, with the language behind a colon.
PREVIEW_LINK = "content"
HOME = "home"
# Pages that stand in for texts that come with Lotse.
LEGAL = ("imprint", "privacy", "terms", "withdrawal", "delivery")

Line = Annotated[str, Meta(max_length=200)]
Words = Annotated[str, Meta(max_length=20_000)]
Media = Annotated[str, Meta(max_length=120)]
Link = Annotated[str, Meta(max_length=500)]


class TextBlock(Struct, frozen=True, tag="text", tag_field="kind"):
    """Words as Markdown."""

    text: Words = ""


class PictureBlock(Struct, frozen=True, tag="picture", tag_field="kind"):
    """A picture of the library; `alt` says what it shows, empty if it only adorns."""

    media: Media = ""
    alt: Line = ""
    caption: Line = ""
    link: Link = ""


class ProductsBlock(Struct, frozen=True, tag="products", tag_field="kind"):
    """A row of products: the newest of all or of a category (its slug), or chosen ones (slugs, one per line)."""

    title: Line = ""
    source: Literal["new", "category", "chosen"] = "new"
    category: Line = ""
    chosen: Annotated[str, Meta(max_length=4_000)] = ""
    count: Annotated[int, Meta(ge=1, le=24)] = 8


class CategoriesBlock(Struct, frozen=True, tag="categories", tag_field="kind"):
    """Departments as tiles; `chosen`: slugs, one per line, empty for all."""

    title: Line = ""
    chosen: Annotated[str, Meta(max_length=4_000)] = ""


class BannerBlock(Struct, frozen=True, tag="banner", tag_field="kind"):
    """A loud one: words, a picture, a button."""

    title: Line = ""
    text: Annotated[str, Meta(max_length=600)] = ""
    label: Line = ""
    link: Link = ""
    media: Media = ""
    tone: Literal["calm", "beacon", "sea"] = "calm"


class VideoBlock(Struct, frozen=True, tag="video", tag_field="kind"):
    """A video of another host, asked for only when a visitor presses; `media` is the picture before that."""

    title: Line = ""
    link: Link = ""
    media: Media = ""


Block = TextBlock | PictureBlock | ProductsBlock | CategoriesBlock | BannerBlock | VideoBlock
KINDS: dict[str, type[Block]] = {
    "text": TextBlock,
    "banner": BannerBlock,
    "picture": PictureBlock,
    "products": ProductsBlock,
    "categories": CategoriesBlock,
    "video": VideoBlock,
}


class Written(Struct, frozen=True):
    """What is on a page in one language."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    description: Annotated[str, Meta(max_length=300)] = ""
    blocks: Annotated[list[Block], Meta(max_length=60)] = []


class Shown(Struct, frozen=True):
    """A page as a visitor sees it; `language` may be a fallback."""

    page_id: UUID
    slug: str
    version_id: UUID
    language: str
    title: str
    description: str
    blocks: list[Block]


class Validity(Struct, frozen=True):
    """How a page stands at a moment: in which languages it is shown, and until when nothing of that changes."""

    languages: list[str]
    until: datetime | None


class ListedPage(Struct, frozen=True):
    """A page that is shown now: in the first of the languages that were asked for, and all of them that it is in."""

    slug: str
    language: str
    title: str
    description: str
    made_at: datetime
    languages: list[str]


class Page(Struct, frozen=True):
    """A page by its address."""

    id: UUID
    shop_id: UUID
    slug: str
    created_by: str
    created_at: datetime


class Draft(Struct, frozen=True):
    """What is being written in a language."""

    page_id: UUID
    language: str
    title: str
    description: str
    blocks: list[Block]
    changed_by: str
    changed_at: datetime

    @property
    def written(self) -> Written:
        return Written(self.title, self.description, self.blocks)


class Version(Struct, frozen=True):
    """A draft as it was published."""

    id: UUID
    page_id: UUID
    language: str
    title: str
    description: str
    blocks: list[Block]
    made_by: str
    made_at: datetime


class Publication(Struct, frozen=True):
    """From when to when a version is shown; none: nothing is."""

    id: UUID
    page_id: UUID
    language: str
    version_id: UUID | None
    valid_from: datetime
    valid_until: datetime | None
    published_by: str
    published_at: datetime


class PageRow(Struct, frozen=True):
    """A page in the back office's table."""

    id: UUID
    slug: str
    created_at: datetime
    title: str
    drafted: list[str]
    shown: list[str]
    changed_at: datetime | None
    address: str = ""


class MenuItem(Struct, frozen=True):
    """A link of a menu; without one it is a heading."""

    label: Annotated[str, Meta(min_length=1, max_length=80)]
    link: Link = ""


class Menu(Struct, frozen=True):
    """The links of head or foot."""

    place: Literal["header", "footer"]
    language: str
    items: list[MenuItem]


class Redirect(Struct, frozen=True):
    """Where a path leads."""

    id: UUID
    shop_id: UUID
    path: str
    target: str | None
    status: int
    made_by: str
    made_at: datetime


class RedirectRow(Struct, frozen=True):
    """A redirect in the back office's table."""

    id: UUID
    path: str
    target: str | None
    status: int
    made_at: datetime


class LostPath(Struct, frozen=True):
    """A path that visitors asked for in vain."""

    id: UUID
    path: str
    asked: int
    referrer_host: str
    first_at: datetime
    last_at: datetime
    ignored: bool


class Asked(Struct, frozen=True):
    """A path that was asked for in vain so often, as a process counted."""

    path: str
    asked: int
    referrer_host: str


class UnknownPage(Refusal, status=404, title="There is no such page"):
    page: str


class SlugOfPageTaken(Refusal, status=409, title="There is a page at this address"):
    slug: str


class BadBlock(Refusal, status=422, title="A block cannot be like this"):
    """`position` counts from 0."""

    position: int
    field: str
    rule: str


class BadPeriod(Refusal, status=422, title="It would end before it begins"):
    valid_from: datetime
    valid_until: datetime


class RedirectLoop(Refusal, status=409, title="It would lead in a circle"):
    path: str
    target: str


class BadPath(Refusal, status=422, title="This is no path of the shop"):
    field: str
    rule: str


class BadMenuLine(Refusal, status=422, title="This line is no link of a menu"):
    """`line` counts from one, as people do."""

    line: int
    rule: str


class PageChanged(Struct, frozen=True, tag="content.PageChanged"):
    """What a page shows changed, or will at a moment that was planned."""

    version: ClassVar[int] = 1
    page_id: UUID
    shop_id: UUID
    slug: str

    @property
    def key(self) -> str:
        return str(self.page_id)


class MenuChanged(Struct, frozen=True, tag="content.MenuChanged"):
    """The links of head or foot of a shop changed."""

    version: ClassVar[int] = 1
    shop_id: UUID

    @property
    def key(self) -> str:
        return str(self.shop_id)


Fields = dict[str, Any]
