"""Forms: posted text becomes a typed Struct, or the form again with what was typed and a message beside each field.

    class Address(Struct, frozen=True):
        name: Annotated[str, Meta(min_length=1, max_length=120)]

    form = Form.read(posted, Address)
    if form.errors: return await page.show("…", form=form)

Messages are English ids for the catalogue; the template translates them: `_(error.message) | format(...)`.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from litestar import Request
from msgspec import Meta, Struct

from lotse.kernel.auth.forms import Draft
from lotse.kernel.idempotency import MAX_KEY_LENGTH
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View
from lotse.kernel.problems import IdempotencyKeyMissing
from lotse.kernel.refusals import Refusal

T = TypeVar("T", bound=Struct)
S = TypeVar("S", bound=Struct)

REQUIRED = N_("Please fill this in.")
TOO_LONG = N_("At most %(limit)s characters, please.")
TOO_SHORT = N_("At least %(limit)s characters, please.")
NOT_A_NUMBER = N_("Please enter a whole number.")
TOO_SMALL = N_("At least %(limit)s, please.")
TOO_LARGE = N_("At most %(limit)s, please.")
NOT_ALLOWED = N_("This does not look right. Please check it.")
SENT_BACK = N_("That did not work. Please look over it and send it once more.")
# Refusals that any form may meet.
GENERAL = {
    "form-expired": N_("You were away for a while. Please send it once more."),
    "idempotency-key-missing": N_("Please send it once more."),
    "key-reused": N_("This was sent before. Please look at what is there now."),
    "not-the-master": N_(
        "%(master)s has the say over this (%(field)s). Change it there, or give the field to Lotse under Differences."
    ),
}


class Error(Struct, frozen=True):
    """What is wrong with one field: a message id and what stands in it."""

    message: str
    values: dict[str, Any] = {}


class FormIncomplete(Refusal, status=422, title="Some fields need a second look"):
    """By field, what is wrong with it."""

    errors: dict[str, Error]


class Form(Struct, Generic[T]):
    """A form as it is shown: what was typed, what is wrong; `content` is there if nothing is wrong."""

    typed: dict[str, str] = {}
    errors: dict[str, Error] = {}
    content: T | None = None

    @staticmethod
    def read(
        posted: Mapping[str, Any],
        into: type[S],
        *,
        messages: Mapping[str, str] | None = None,
        checks: Mapping[str, Callable[[Any], str | None]] | None = None,
    ) -> "Form[S]":
        """Convert every field by itself, so that all mistakes show at once.

        `messages` say it better than the rule does, by field. `checks` run on converted values and return a message
        id or None. Fields that the Struct does not have are ignored: a browser extension may have added them.
        """
        typed: dict[str, str] = {}
        values: dict[str, Any] = {}
        errors: dict[str, Error] = {}
        fields, hints = _rules_of(into)
        for field in fields:
            text = str(posted.get(field.name, "")).strip()
            typed[field.name] = text
            if not text:
                if field.required and not _takes_empty(hints[field.name]):
                    errors[field.name] = Error((messages or {}).get(field.name, REQUIRED))
                elif field.required:
                    values[field.name] = None if _optional(hints[field.name]) else ""
                continue
            try:
                value = _converted(text, hints[field.name])
            except msgspec.ValidationError:
                error = _explained(text, hints[field.name])
                errors[field.name] = Error((messages or {}).get(field.name, error.message), error.values)
                continue
            values[field.name] = value
            wrong = checks[field.name](value) if checks and field.name in checks else None
            if wrong:
                errors[field.name] = Error(wrong)
        return Form(typed, errors, None if errors else into(**values))

    @staticmethod
    def drafted(draft: Draft | None, into: type[S]) -> "Form[S]":
        """The form as it was sent back, or an empty one."""
        if draft is None:
            return Form()
        typed = {name: text for name, text in draft.typed.items() if isinstance(text, str)}
        found: dict[str, Any] = draft.problem.get("errors", {})
        return Form(typed, {name: msgspec.convert(error, Error) for name, error in found.items()})

    def value(self, name: str, otherwise: Any = "") -> Any:
        """What to show in a field."""
        return self.typed.get(name, otherwise)

    def error(self, name: str) -> Error | None:
        return self.errors.get(name)

    def with_error(self, field: str, message: str, **values: Any) -> "Form[T]":
        """The form with a mistake that only the command could see."""
        return Form(self.typed, {**self.errors, field: Error(message, values)}, None)


@cache  # what a form asks for is the same for every post; finding out takes a tenth of a millisecond
def _rules_of(into: type[Struct]) -> tuple[tuple[msgspec.structs.FieldInfo, ...], dict[str, Any]]:
    return msgspec.structs.fields(into), get_type_hints(into, include_extras=True)


def metas_of(hint: Any) -> tuple[Any, list[Meta]]:
    """The type behind an annotation and the rules that stand on it."""
    if get_origin(hint) is Annotated:
        kind, *rest = get_args(hint)
        inner, more = metas_of(kind)
        return inner, [*(meta for meta in rest if isinstance(meta, Meta)), *more]
    return hint, []


def _optional(hint: Any) -> bool:
    return type(None) in get_args(metas_of(hint)[0])


def _takes_empty(hint: Any) -> bool:
    kind, metas = metas_of(hint)
    if _optional(hint):
        return True
    return kind is str and not any(meta.min_length for meta in metas)


def _explained(text: str, hint: Any) -> Error:
    """The rule that the text breaks, in words."""
    kind, metas = metas_of(hint)
    for part in get_args(kind) if _optional(hint) else ():
        if part is not type(None):
            kind, more = metas_of(part)
            metas = [*metas, *more]
    for meta in metas:
        if kind is str and meta.max_length is not None and len(text) > meta.max_length:
            return Error(TOO_LONG, {"limit": meta.max_length})
        if kind is str and meta.min_length is not None and len(text) < meta.min_length:
            return Error(TOO_SHORT, {"limit": meta.min_length})
    if kind is int:
        try:
            number = int(text)
        except ValueError:
            return Error(NOT_A_NUMBER)
        for meta in metas:
            if meta.ge is not None and number < meta.ge:
                return Error(TOO_SMALL, {"limit": int(meta.ge)})
            if meta.le is not None and number > meta.le:
                return Error(TOO_LARGE, {"limit": int(meta.le)})
    return Error(NOT_ALLOWED)


def checked(
    posted: Mapping[str, Any],
    into: type[T],
    *,
    messages: Mapping[str, str] | None = None,
    checks: Mapping[str, Callable[[Any], str | None]] | None = None,
) -> T:
    """What was posted, as `into`, for a post that cannot render. Refusal: `FormIncomplete`, with every mistake."""
    form = Form.read(posted, into, messages=messages, checks=checks)
    if form.content is None:
        raise FormIncomplete(errors=form.errors)
    return form.content


def _converted(text: str, hint: Any) -> Any:
    """A whole number is typed in digits: nobody who types 1e3 means a thousand pieces."""
    value = msgspec.convert(text, hint, strict=False)
    if type(value) is int and not text.lstrip("+-").isdecimal():
        raise msgspec.ValidationError("no whole number")
    return value


def refused(view: View, draft: Draft | None, messages: Mapping[str, str], *, fields: bool = True) -> str | None:
    """Why the form of this page was sent back, in the visitor's language; None if it was not.

    `messages` are ids by the refusal's code and may name its fields: `%(available)s`. `fields`: the page says itself
    what is wrong with which field.
    """
    if draft is None:
        return None
    code = str(draft.problem.get("type", "")).rpartition(":")[2]
    if code == FormIncomplete.code and fields:
        return None  # said beside the fields
    message = messages.get(code) or GENERAL.get(code, SENT_BACK)
    if "%(" not in message:
        return view.text(message)
    # A rule is a sentence's part of its own: whoever writes one marks it (`N_`) where its pages are.
    rule = draft.problem.get("rule")
    return view.text(message, **{**draft.problem, **({"rule": view.text(rule)} if isinstance(rule, str) else {})})


async def posted_key(request: Request[Any, Any, Any]) -> str:
    """The idempotency key in the hidden field `key` of a form. Refusal: `IdempotencyKeyMissing`."""
    key = str((await request.form()).get("key", "")).strip()
    if not key or len(key) > MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise IdempotencyKeyMissing(field="key")
    return key
