"""Forms that change one thing: fields, rules, the warning of two people at one thing.

    EDITOR = Editor(NewName, (Field("name", N_("Name")), Field("note", N_("Note"), kind="long", required=False)))

    # the page                                        # the post, inside the command's transaction
    editing = shown(EDITOR, view, draft, now=row)     typed = typed_in(EDITOR, posted)
    view.show("….html", editing=editing)              same_version(EDITOR, posted, now=row)

The rules stand in the Struct (`Meta`), the words in the fields; the browser checks what it can (`attributes_of`), the
post checks all. The form carries a fingerprint of the values that it was made from: when they are others by the time it
is sent, nothing is written, and the form comes back with both versions beside each field that differs.
"""

import types
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from babel.numbers import get_decimal_symbol
from msgspec import Struct

from lotse.kernel.auth.forms import Draft
from lotse.kernel.pages.bulk import stored
from lotse.kernel.pages.forms import Error, Form, FormIncomplete, metas_of, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.table import Field
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Refusal

T = TypeVar("T", bound=Struct)

VERSION = "_version"
CHANGED = N_(
    "Somebody else changed this meanwhile. Both versions stand below; sending it once more keeps what you typed."
)


class EditedMeanwhile(Refusal, status=409, title="Somebody else changed this meanwhile"):
    """`theirs` is what it is now, by field."""

    theirs: dict[str, str]


class Editor(Struct, Generic[T], frozen=True):
    """The description of a form. `check` says what a type cannot: by field, a message id. `refusals` are message ids by
    the code of what the command may refuse."""

    content: type[T]
    fields: tuple[Field, ...]
    check: Callable[[T], Mapping[str, str]] | None = None
    messages: Mapping[str, str] = {}
    refusals: Mapping[str, str] = {}


class Editing(Struct, frozen=True):
    """A form as a page shows it (`kit/form.html`). `theirs`: what somebody else made of a field meanwhile."""

    editor: Editor[Any]
    form: Form[Any]
    version: str
    theirs: dict[str, str]
    # Why it was sent back, for above the form; None if it was not or the fields say it.
    refused: str | None
    attributes: dict[str, dict[str, Any]]


def typed_in(editor: Editor[T], posted: Mapping[str, Any]) -> T:
    """What was posted. Refusal: `FormIncomplete`, with every mistake."""
    form = Form.read(posted, editor.content, messages=editor.messages)
    if form.content is None:
        raise FormIncomplete(errors=form.errors)
    wrong: Mapping[str, str] = editor.check(form.content) if editor.check else {}
    if wrong:
        raise FormIncomplete(errors={name: Error(message) for name, message in wrong.items()})
    return form.content


def same_version(editor: Editor[Any], posted: Mapping[str, Any], *, now: Any) -> None:
    """Go on only if the thing is what the form was made from. Ask with its row locked. Refusal: `EditedMeanwhile`.

    A form without a version (a program's) asks for no such care.
    """
    version = str(posted.get(VERSION, ""))
    if version and version != fingerprint(editor, now):
        raise EditedMeanwhile(theirs=texts_of(editor, now))


def shown(
    editor: Editor[Any], view: View, draft: Draft | None, *, now: Any = None, form: Form[Any] | None = None
) -> Editing:
    """The form of a page: with the values of `now` (a Struct or mapping; None: a new thing), or as it was sent back."""
    current = _as_read(editor, texts_of(editor, now), view)
    shown_form: Form[Any] = form or Form.drafted(draft, editor.content)
    theirs: dict[str, str] = {}
    if draft is not None and draft.problem.get("type", "").endswith(f":{EditedMeanwhile.code}"):
        theirs = {name: text for name, text in current.items() if shown_form.typed.get(name, "") != text}
    if not shown_form.typed:
        shown_form = Form(dict(current), shown_form.errors)
    messages = {EditedMeanwhile.code: CHANGED, **editor.refusals}
    said = refused(view, draft, messages)
    attributes = {field.name: attributes_of(editor.content, field) for field in editor.fields}
    return Editing(editor, shown_form, fingerprint(editor, now), theirs, said, attributes)


def fingerprint(editor: Editor[Any], now: Any) -> str:
    """The version of the values that a form shows; empty for a new thing."""
    if now is None:
        return ""
    return sha256(msgspec.json.encode(sorted(texts_of(editor, now).items()))).hexdigest()[:16]


def texts_of(editor: Editor[Any], now: Any) -> dict[str, str]:
    """The values of a thing as its form's fields hold them. A field that is no part of it (why, from when) has none."""
    if now is None:
        return {}
    values = cast("Mapping[str, Any]", now) if isinstance(now, Mapping) else msgspec.structs.asdict(now)
    kept = stored({field.name: values[field.name] for field in editor.fields if field.name in values})
    return {name: _text(value) for name, value in kept.items()}


def _as_read(editor: Editor[Any], texts: Mapping[str, str], view: View) -> dict[str, str]:
    """Amounts with the reader's sign before the cents; with it or with a point they may be typed."""
    amounts = {field.name for field in editor.fields if field.kind == "amount"}
    sign = get_decimal_symbol(view.locale)
    return {name: text.replace(".", sign) if name in amounts else text for name, text in texts.items()}


def attributes_of(content: type[Struct], field: Field) -> dict[str, Any]:
    """What the browser checks before anything is sent: the Struct's rules as HTML attributes."""
    hint = get_type_hints(content, include_extras=True).get(field.name, str)
    kind, metas = metas_of(_without_none(hint))
    found = dict(field.attributes)
    for meta in metas:
        if kind is str and meta.max_length is not None:
            found["maxlength"] = meta.max_length
        if kind is str and meta.min_length and meta.min_length > 1:
            found["minlength"] = meta.min_length
        if kind is str and meta.pattern is not None:
            found["pattern"] = meta.pattern.removeprefix("^").removesuffix("$")
        if kind is int and meta.ge is not None:
            found["min"] = meta.ge
        if kind is int and meta.le is not None:
            found["max"] = meta.le
    return found


def _without_none(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        return next(part for part in get_args(hint) if part is not type(None))
    return hint


def _text(value: Any) -> str:
    if value is None or value is False:
        return ""
    return "yes" if value is True else str(value)
