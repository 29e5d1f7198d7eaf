"""The words of mails that staff write: versions per mail, shop and language; the file's words where there are none."""

from datetime import datetime
from uuid import UUID

import structlog
from msgspec import Struct, structs, to_builtins

from lotse.kernel import audit
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.mail import writing
from lotse.kernel.mail.contracts import (
    BrokenTemplate,
    Content,
    Edited,
    Mail,
    NoExample,
    To,
    UnknownMail,
    Ways,
    Wording,
    Written,
)
from lotse.kernel.refusals import NotFound
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "mail")

_log = structlog.get_logger("lotse.mail")


class Chosen(Struct, frozen=True):
    """The words that a mail is sent with; `edited` is None where they are the file's."""

    wording: Wording
    edited: Edited | None


def known(name: str) -> Mail:
    """A kind of mail. Refusal: `UnknownMail`."""
    found = writing.installed().get(name)
    if found is None:
        raise UnknownMail(mail=name[:100])
    return found


async def current(conn: Connection, mail: Mail, *, shop_id: UUID | None, language: str) -> Chosen:
    """The shop's own words, else those of all shops, else the file's."""
    found = await conn.many(SQL.current_texts, Edited, mail=mail.name, language=language, shop_id=shop_id)
    # The shop's own first; one that says "as in the file" gives way to what all shops say.
    for edited in sorted(found, key=lambda one: one.shop_id is None):
        if edited.wording is not None:
            return Chosen(edited.wording, edited)
    return Chosen(writing.file_wording(mail, language), None)


async def history(
    conn: Connection, mail: Mail, *, shop_id: UUID | None, language: str, limit: int = 50
) -> list[Edited]:
    """The versions that staff wrote for one place, the newest first."""
    return await conn.many(SQL.text_history, Edited, mail=mail.name, language=language, shop_id=shop_id, limit=limit)


async def edited(conn: Connection) -> list[Edited]:
    """The newest version of everything that staff have edited."""
    return await conn.many(SQL.edited_texts, Edited)


async def put(
    tx: Transaction,
    mail: Mail,
    wording: Wording | None,
    *,
    shop_id: UUID | None,
    language: str,
    ways: Ways,
    by: str,
    at: datetime,
) -> UUID | None:
    """Make these the words from now on, None: the file's. The id of the version; None if nothing changes.

    They are tried with a real example first. Refusals in this order: `BrokenTemplate`, with field, line and reason;
    `PiecesMissing`.
    """
    await tx.value(SQL.lock_text, key=f"{mail.name}:{shop_id}:{language}")
    newest = next(iter(await history(tx, mail, shop_id=shop_id, language=language, limit=1)), None)
    if (newest.wording if newest else None) == wording:
        return None
    if wording is not None:
        example = await example_of(tx, mail, shop_id=shop_id, language=language, ways=ways)
        if example is None:  # nothing of the kind has happened yet: what its file needs is all that is known
            writing.checked(wording, mail, writing.names_in(writing.file_wording(mail, language)))
        else:
            tried(mail, wording, example[1], language)
    id = uuid7()
    await tx.execute(
        SQL.put_text,
        id=id,
        mail=mail.name,
        shop_id=shop_id,
        language=language,
        wording=None if wording is None else to_builtins(wording),
        created_by=by,
        at=at,
    )
    await audit.record(
        tx,
        actor=by,
        subject=f"kernel.mail_text:{mail.name}:{language}:{shop_id or 'all'}",
        old=None if newest is None or newest.wording is None else structs.asdict(newest.wording),
        new=None if wording is None else structs.asdict(wording),
        at=at,
    )
    return id


async def version(conn: Connection, *, text_id: UUID) -> Edited:
    """One version. Refusal: `NotFound`."""
    found = await conn.maybe(SQL.text, Edited, id=text_id)
    if found is None:
        raise NotFound(what="version", id=str(text_id))
    return found


async def example_of(
    conn: Connection, mail: Mail, *, shop_id: UUID | None, language: str, ways: Ways
) -> tuple[To, Content] | None:
    """A real mail of the kind in a language, to look at; None while nothing of the kind has happened."""
    found = await mail.example(conn, shop_id)
    if found is None:
        return None
    payload, to = found
    to = structs.replace(to, language=language)
    content = await mail.gather(conn, payload, to, ways)
    return None if content is None else (to, content)


def tried(mail: Mail, wording: Wording, content: Content, language: str) -> Written:
    """The words with an example. Refusals: `BrokenTemplate`, `PiecesMissing`."""
    writing.checked(wording, mail, content.values)
    return writing.written(mail, wording, content, language)


async def preview(
    conn: Connection, mail: Mail, wording: Wording, *, shop_id: UUID | None, language: str, ways: Ways
) -> Written:
    """How words would read. Refusals: `NoExample`, `BrokenTemplate`, `PiecesMissing`."""
    example = await example_of(conn, mail, shop_id=shop_id, language=language, ways=ways)
    if example is None:
        raise NoExample(mail=mail.name)
    return tried(mail, wording, example[1], language)


async def write(tx: Transaction, mail: Mail, content: Content, *, to: To, wording: Wording | None) -> Written:
    """The mail for its recipient: `wording` (words on trial), else the current ones; the file's if those fail.

    What the file cannot say is a bug of the domain: its `BrokenTemplate` propagates.
    """
    if wording is not None:
        return writing.written(mail, wording, content, to.language)
    chosen = await current(tx, mail, shop_id=to.shop_id, language=to.language)
    try:
        return writing.written(mail, chosen.wording, content, to.language)
    except BrokenTemplate as broken:
        if chosen.edited is None:
            raise
        said = f"{broken.field}, line {broken.line}: {broken.reason}"
        _log.warning("words of a mail could not be used; the file's were sent", mail=mail.name, problem=said)
        await tx.execute(SQL.mark_text, id=chosen.edited.id, problem=said)
        return writing.written(mail, writing.file_wording(mail, to.language), content, to.language)
