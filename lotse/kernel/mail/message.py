"""A message as it goes over the wire (RFC 5322, MIME): both forms of the words, attachments, headers that tell machines
what it is."""

import re
from datetime import datetime
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

from lotse.kernel.mail.contracts import Attachment, Sender, To, Written

# Plain enough for every server; what is exotic and legal (quotes, comments) is nobody's address in a shop.
_ADDRESS = re.compile(r"[^@\s<>\"(),:;\[\]\\]{1,64}@[^@\s<>\"(),:;\[\]\\_]{1,250}")
# No part of it can be too long then.
_SHORT = 64
# Nearly every address: no need to take it apart.
_USUAL = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9]+([.-][A-Za-z0-9]+)*\.[A-Za-z]{2,}")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


def is_address(text: str) -> bool:
    """Whether a mail can be sent there, as far as its look tells."""
    if len(text) <= _SHORT and _USUAL.fullmatch(text):
        return True
    if not _ADDRESS.fullmatch(text) or _CONTROLS.search(text):
        return False
    local, _, domain = text.rpartition("@")
    if local.startswith(".") or local.endswith(".") or ".." in text or domain.startswith((".", "-")):
        return False
    try:
        # Letters beyond ASCII before the @ need SMTPUTF8, which half of the servers do not speak.
        Address(addr_spec=f"{local}@{domain.encode('idna').decode()}")
    except (HeaderParseError, MessageError, ValueError, IndexError):
        return False
    return True


def message_id(mail_id: UUID, sender_address: str) -> str:
    """The same for every try of a mail."""
    return f"<{mail_id.hex}@{sender_address.rpartition('@')[2]}>"


def mail_of(message_id: str) -> UUID | None:
    """The mail that a Message-ID of ours names."""
    found = re.search(r"<?([0-9a-f]{32})@", message_id)
    return UUID(found[1]) if found else None


def composed(
    mail_id: UUID,
    *,
    to: To,
    sender: Sender,
    sender_address: str,
    written: Written,
    attachments: tuple[Attachment, ...] = (),
    at: datetime,
) -> bytes:
    """The bytes of a mail. `ValueError` for an address that is none."""
    if not is_address(to.address):
        raise ValueError(f"{to.address[:200]!r} is no mail address")
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = message_id(mail_id, sender_address)
    message["Date"] = at
    message["From"] = Address(_plain(sender.name), addr_spec=sender_address)
    message["To"] = Address(_plain(to.name), addr_spec=_ascii_domain(to.address))
    if sender.reply_to and is_address(sender.reply_to) and sender.reply_to.lower() != sender_address.lower():
        message["Reply-To"] = Address(_plain(sender.name), addr_spec=sender.reply_to)
    message["Subject"] = _plain(written.subject)
    message["Content-Language"] = to.language
    # RFC 3834: vacation notices and the like do not answer it.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["X-Lotse-Mail"] = mail_id.hex
    message.set_content(written.text, cte="quoted-printable")
    message.add_alternative(written.html, subtype="html", cte="quoted-printable")
    for one in attachments:
        message.add_attachment(one.text, subtype=one.kind, filename=one.name, cte="base64")
    return message.as_bytes()


def _plain(text: str) -> str:
    return _CONTROLS.sub(" ", text).strip()


def _ascii_domain(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode()}"
