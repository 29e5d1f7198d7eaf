"""Makes a mail of a template: words in Markdown with names in them, as HTML in the frame and as plain text.

One source makes both, so they never say different things. Words come from files that belong to the code, or from staff;
both pass the same narrow gate (`checked`): names, conditions and parts. There is nothing in them that could run long,
read what it should not, or call anything. Values are escaped for Markdown before they go in, so a name stays a name.
"""

import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from lotse.kernel import seams
from lotse.kernel.mail.contracts import BrokenTemplate, Content, Mail, PiecesMissing, Wording, Written
from lotse.kernel.pages.environment import Templates

# A mail is a page or two; whoever needs more attaches it.
MOST_SUBJECT, MOST_PREVIEW, MOST_BODY = 200, 200, 20_000
# As wide as plain text is read well, and as RFC 3676 advises.
WIDTH = 74

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
# Private use: no keyboard types them, and what is not a part's mark is taken out of the words.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}([a-z_]+){_CLOSE}")
_SIGNS = re.compile(f"[{_OPEN}{_CLOSE}]")
_FILE = re.compile(r"(?:(Subject|Preview):[ \t]*(.*)\n)(?:(Preview):[ \t]*(.*)\n)?\s*\n", re.ASCII)
# What words may be made of. Nothing here repeats or multiplies, so writing takes as long as reading.
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.Compare,
    nodes.Operand,
)
_SAID = {
    nodes.For: "loops are not possible; use a part",
    nodes.Include: "other templates cannot be read",
    nodes.Import: "other templates cannot be read",
    nodes.FromImport: "other templates cannot be read",
    nodes.Extends: "other templates cannot be read",
    nodes.Filter: "filters are not possible; values are ready to be read",
    nodes.Getattr: "names have no points",
    nodes.Getitem: "names have no brackets",
    nodes.Call: 'only part("…") can be called',
    nodes.Assign: "nothing can be set",
    nodes.Macro: "nothing can be defined",
}


class _Words(ImmutableSandboxedEnvironment):
    """The environment of words. Not autoescaped: `finalize` escapes for Markdown, which makes the HTML."""

    def __init__(self, *, finalize: Callable[[object], object]) -> None:
        super().__init__(
            undefined=StrictUndefined,
            autoescape=False,  # values are escaped for Markdown instead, whose renderer writes none of their HTML
            finalize=finalize,
            trim_blocks=True,
            lstrip_blocks=True,
        )


def markdown_of(value: object) -> object:
    """A value as Markdown that reads as the value: every sign that could mean something stands for itself."""
    if isinstance(value, Markup):
        return value
    return _PUNCTUATION.sub(r"\\\1", _one_line(str(value)))


def line_of(value: object) -> str:
    """A value in a subject or another line of plain text."""
    return _one_line(str(value))


def _one_line(text: str) -> str:
    return _SIGNS.sub("", _BREAKS.sub(" ", text)).strip()


_BODY = _Words(finalize=markdown_of)
_LINE = _Words(finalize=line_of)
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False}).disable(["image"])


@cache  # packages do not come and go while a process lives
def templates() -> Templates:
    """The trusted templates of mails: themes first, then the domains' own, the frame as `mail/layout.html`."""
    root = Path(str(files("lotse")))
    owners = {domain.name: Path(str(files(domain.package))) / "templates" for domain in seams.domains()}
    owners["mail"] = Path(__file__).parent / "templates"
    points = sorted(entry_points(group=seams.THEMES), key=lambda point: point.name)
    themes = [Path(str(files(point.value))) for point in points]
    packages = [Path(str(files(domain.package))) for domain in seams.domains()]
    return Templates(
        {name: folder for name, folder in owners.items() if folder.is_dir()},
        catalogues=[folder / "locale" for folder in (*themes, root, *packages)],
        themes=[theme / "templates" for theme in themes],
    )


@cache  # domains do not come and go while a process lives
def installed() -> dict[str, Mail]:
    """The mails of every domain and plugin, by name. `ValueError` on a name that stands twice."""
    plugins = [seams.Domain(package, package) for package in seams.load_plugins()]
    found: dict[str, Mail] = {}
    for part in (*seams.domains(), *plugins):
        for mail in part.exported("queries", "mails"):
            if found.setdefault(mail.name, mail) is not mail:
                raise ValueError(f"two mails named {mail.name}")
    return found


# -- words


def file_wording(mail: Mail, language: str) -> Wording:
    """The words of the files: a theme's before the domain's; English where there is no file in the language."""
    owner, _, name = mail.name.partition(".")
    environment = templates().environment(language)
    loader: Any = environment.loader
    for wanted in (language, language.partition("-")[0], "en"):
        try:
            source, _, _ = loader.get_source(environment, f"{owner}/mail/{name}_{wanted}.txt")
        except TemplateNotFound:
            continue
        return parsed(source)
    raise LookupError(f"{mail.name} has no words: {owner}/templates/mail/{name}_en.txt")


def parsed(source: str) -> Wording:
    """Words from a file: `Subject:` and, if there is one, `Preview:`, an empty line, the body."""
    found = _FILE.match(source)
    if found is None or found[1] != "Subject":
        raise ValueError("words of a mail begin with `Subject: …` and an empty line")
    return Wording(found[2].strip(), source[found.end() :].strip() + "\n", (found[4] or "").strip())


def checked(wording: Wording, mail: Mail, names: Iterable[str]) -> None:
    """Whether the words can be used: signs, parts, names; and whether they hold what the mail needs.

    Refusals in this order: `BrokenTemplate`, with its line; `PiecesMissing`.
    """
    known = set(names)
    for field, text, most in (
        ("subject", wording.subject, MOST_SUBJECT),
        ("preview", wording.preview, MOST_PREVIEW),
        ("body", wording.body, MOST_BODY),
    ):
        if field != "preview" and not text.strip():
            raise BrokenTemplate(field=field, line=0, reason="it is empty")
        if len(text) > most:
            raise BrokenTemplate(field=field, line=0, reason=f"at most {most:,} characters")
        if field != "body" and "\n" in text.strip():
            raise BrokenTemplate(field=field, line=1, reason="one line only")
        _check_source(field, text, known, mail.parts if field == "body" else ())
    tree = _BODY.parse(wording.body)
    missing = [piece for piece, flag in mail.needs.items() if piece not in _shown(tree.body, flag)]
    if missing:
        raise PiecesMissing(pieces=", ".join(written_as(mail, piece) for piece in missing))


def written_as(mail: Mail, piece: str) -> str:
    """A value or a part as it is written in the text."""
    return f'{{{{ part("{piece}") }}}}' if piece in mail.parts else f"{{{{ {piece} }}}}"


def _shown(body: Sequence[nodes.Node], flag: str) -> set[str]:
    """The values and parts that stand in the text where the flag is as it is said, whatever else may be."""
    found: set[str] = set()
    for node in body:
        if isinstance(node, nodes.Output):
            for one in node.nodes:
                if isinstance(one, nodes.Name):
                    found.add(one.name)
                elif isinstance(one, nodes.Call) and one.args and isinstance(one.args[0], nodes.Const):
                    found.add(str(one.args[0].value))
        elif isinstance(node, nodes.If):
            first, *others = (_shown(way, flag) for way in _ways(node, flag))
            found |= first.intersection(*others)
    return found


def _ways(node: nodes.If, flag: str) -> list[list[nodes.Node]]:
    """The branches that may be taken where the flag is as it is said."""
    ways: list[list[nodes.Node]] = []
    for branch in (node, *node.elif_):
        is_taken = _is_so(branch.test, flag)
        if is_taken is not False:
            ways.append(branch.body)
        if is_taken:
            return ways
    return [*ways, node.else_]


def _is_so(test: nodes.Node, flag: str) -> bool | None:
    """Whether a condition holds where the flag is as it is said; None if that does not decide it."""
    if isinstance(test, nodes.Not):
        inner = _is_so(test.node, flag)
        return None if inner is None else not inner
    name = flag.removeprefix("not ")
    return not flag.startswith("not ") if isinstance(test, nodes.Name) and test.name == name else None


def _check_source(field: str, text: str, names: set[str], parts: Sequence[str]) -> None:
    try:
        tree = _BODY.parse(text)
    except TemplateSyntaxError as error:
        raise BrokenTemplate(field=field, line=error.lineno, reason=error.message or "it cannot be read") from None
    for node in tree.find_all(nodes.Node):
        line = getattr(node, "lineno", 0) or 0
        if isinstance(node, nodes.Call):
            _check_part(field, node, parts)
        elif not isinstance(node, _ALLOWED):
            reason = next((said for kind, said in _SAID.items() if isinstance(node, kind)), "this is not possible here")
            raise BrokenTemplate(field=field, line=line, reason=reason)
        elif isinstance(node, nodes.Name) and node.name not in names and node.name != "part":
            raise BrokenTemplate(field=field, line=line, reason=f"there is no name “{node.name}”")
    for name in tree.find_all(nodes.Name):
        if name.name == "part" and not any(
            call.node is name for call in tree.find_all(nodes.Call)
        ):  # `part` alone is nothing to show
            raise BrokenTemplate(field=field, line=name.lineno, reason='write part("…")')


def _check_part(field: str, node: nodes.Call, parts: Sequence[str]) -> None:
    function, arguments = node.node, node.args
    is_part = isinstance(function, nodes.Name) and function.name == "part"
    if not is_part or node.kwargs or node.dyn_args or node.dyn_kwargs or len(arguments) != 1:
        raise BrokenTemplate(field=field, line=node.lineno, reason=_SAID[nodes.Call])
    argument = arguments[0]
    if not isinstance(argument, nodes.Const) or argument.value not in parts:
        known = ", ".join(parts) or "none"
        raise BrokenTemplate(field=field, line=node.lineno, reason=f"the parts here are: {known}")


# -- writing


def written(mail: Mail, wording: Wording, content: Content, language: str) -> Written:
    """The mail as it reads. Refusal: `BrokenTemplate`, if the words need what the content has not."""
    subject = _filled("subject", _LINE, wording.subject, content.values)
    preview = _filled("preview", _LINE, wording.preview, content.values)
    used: list[str] = []

    def part(name: str) -> Markup:
        if name not in mail.parts:
            raise UndefinedError(f"there is no part {name}")
        used.append(name)
        # A paragraph of its own, whatever stands around it.
        return Markup(f"\n\n{_OPEN}{name}{_CLOSE}\n\n")  # noqa: S704 - a mark of ours, no text of anybody's

    source = _filled("body", _BODY, _without_marks(wording.body), {**content.values, "part": part})
    tokens = _MARKDOWN.parse(source)
    owner = mail.name.partition(".")[0]

    def shown(ending: str) -> dict[str, str]:
        return {
            name: templates().render(
                f"{owner}/mail/{name}.{ending}", language, {**content.values, **content.parts.get(name, {})}
            )
            for name in dict.fromkeys(used)
        }

    body = _html(tokens, shown("html"))
    frame = {"subject": subject, "preview": preview, "body": Markup(body), "sender": content.sender}  # noqa: S704 - of a renderer without HTML
    html = templates().render("mail/layout.html", language, frame)
    plain = {name: str(Markup(text).unescape()) for name, text in shown("txt").items()}  # noqa: S704 - back to text
    text = _text(tokens, plain).rstrip() + "\n"
    if content.sender.imprint:
        text += "\n-- \n" + "\n".join(content.sender.imprint) + "\n"
    return Written(subject, html, text)


def _filled(field: str, environment: _Words, source: str, values: Mapping[str, Any]) -> str:
    try:
        return environment.from_string(source).render(values)
    except TemplateSyntaxError as error:
        raise BrokenTemplate(field=field, line=error.lineno, reason=error.message or "it cannot be read") from None
    except (TemplateError, SecurityError, TypeError) as error:
        raise BrokenTemplate(field=field, line=_line_of(error), reason=str(error)[:300]) from None


def _line_of(error: BaseException) -> int:
    """Jinja puts the template's lines into the trace."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _without_marks(text: str) -> str:
    return _SIGNS.sub("", text)


def _html(tokens: Sequence[Token], parts: Mapping[str, str]) -> str:
    """The HTML of the words. A paragraph that is one strong link is a button; a part stands where its mark was."""
    out: list[str] = []
    skip = 0
    for index, token in enumerate(tokens):
        if skip:
            skip -= 1
            continue
        if token.type == "paragraph_open":
            inline = tokens[index + 1]
            if found := _MARK.fullmatch(inline.content.strip()):
                out.append(parts.get(found[1] or "", ""))
                skip = 2
                continue
            if _is_button(inline):
                token.attrSet("class", "button")
        piece = _MARKDOWN.renderer.render([token], _MARKDOWN.options, {})
        out.append(piece.rstrip("\n") if token.type.endswith("_open") else piece)
    return "".join(out)


def _is_button(inline: Token) -> bool:
    kinds = [child.type for child in inline.children or () if child.type != "text" or child.content]
    return kinds == ["strong_open", "link_open", "text", "link_close", "strong_close"]


def _text(tokens: Sequence[Token], parts: Mapping[str, str]) -> str:
    """The words as plain text that reads well: wrapped, links spelt out, headings underlined."""
    blocks: list[str] = []
    lists: list[int | None] = []
    prefix = ""
    heading = ""
    tight = False
    for token in tokens:
        if token.type == "heading_open":
            heading = "=" if token.tag == "h1" else "-"
        elif token.type == "hr":
            blocks.append("-" * WIDTH)
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            lists.append(None if token.type.startswith("bullet") else int(token.attrGet("start") or 1))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
            tight = False
        elif token.type == "list_item_open":
            number = lists[-1]
            prefix = "- " if number is None else f"{number}. "
            if number is not None:
                lists[-1] = number + 1
        elif token.type in ("fence", "code_block"):
            blocks.append(textwrap.indent(token.content.rstrip(), "    "))
        elif token.type == "inline":
            if found := _MARK.fullmatch(token.content.strip()):
                blocks.append(parts.get(found[1] or "", "").strip("\n"))
                continue
            said = _said(token)
            if heading:
                blocks.append(f"{said}\n{heading * min(len(said), WIDTH)}")
                heading = ""
                continue
            indent = "  " * max(len(lists) - 1, 0)
            wrapped = _wrapped(said, indent + prefix, indent + " " * len(prefix))
            if lists and tight and blocks:
                blocks[-1] += "\n" + wrapped
            else:
                blocks.append(wrapped)
            tight = bool(lists)
            prefix = ""
    return "\n\n".join(block for block in blocks if block)


def _wrapped(text: str, first: str, rest: str) -> str:
    """Wrapped at spaces only: an address is never broken."""
    return "\n".join(
        textwrap.fill(
            line,
            WIDTH,
            initial_indent=first if number == 0 else rest,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for number, line in enumerate(text.split("\n"))
    )


def _said(inline: Token) -> str:
    """A paragraph's words; a link is its words and its address."""
    out: list[str] = []
    address, begin = "", 0
    for child in inline.children or ():
        if child.type in ("text", "code_inline"):
            out.append(child.content)
        elif child.type == "softbreak":
            out.append(" ")
        elif child.type == "hardbreak":
            out.append("\n")
        elif child.type == "link_open":
            address, begin = str(child.attrGet("href") or ""), len(out)
        elif child.type == "link_close":
            words = "".join(out[begin:])
            if address.removeprefix("mailto:") != words:
                out.append(f": {address}" if not words.endswith(":") else f" {address}")
    return "".join(out)


def names_in(wording: Wording) -> set[str]:
    """The names that words use."""
    trees = [_BODY.parse(text) for text in (wording.subject, wording.preview, wording.body)]
    return {name.name for tree in trees for name in tree.find_all(nodes.Name)} - {"part"}
