"""Reports about mails that did not arrive: from a Maildir, from an IMAP server, and what is none."""

import asyncio
import imaplib
import mailbox
import socket
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace

from lotse.kernel.mail import bounces
from lotse.kernel.mail.bounces import MailboxAway, Report, reported
from tests.mail.conftest import AT, Mailbox, Office

pytestmark = pytest.mark.anyio

# As Postfix writes it (RFC 3464), shortened.
REPORT = """From: MAILER-DAEMON@mail.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: shop@example.org
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org
Arrival-Date: Sat, 21 Nov 2026 12:00:00 +0000 (UTC)

Final-Recipient: rfc822; nobody@example.net
Original-Recipient: rfc822;nobody@example.net
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <nobody@example.net>: Recipient address
    rejected: User unknown

--b1
Content-Description: Undelivered Message
Content-Type: {returned}

{inner}

--b1--
"""


def report(id: UUID, *, action: str = "failed", status: str = "5.1.1", whole: bool = True, own: bool = False) -> bytes:
    name = f"X-Lotse-Mail: {id.hex}" if own else f"Message-ID: <{id.hex}@example.org>"
    inner = f"{name}\nSubject: Your order\nTo: nobody@example.net\n\nHello\n"
    kind = "message/rfc822" if whole else "text/rfc822-headers"
    return REPORT.format(action=action, status=status, returned=kind, inner=inner).encode()


ID = UUID("019ab000-0000-7000-8000-000000000001")
SAID = "smtp; 550 5.1.1 <nobody@example.net>: Recipient address rejected: User unknown"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (report(ID), Report(ID, "failed", SAID)),
        (report(ID, whole=False), Report(ID, "failed", SAID)),
        (report(ID, own=True), Report(ID, "failed", SAID)),
        (report(ID, action="delayed", status="4.4.1"), Report(ID, "delayed", "4.4.1 " + SAID)),
        (report(ID, action="delivered", status="2.0.0"), None),
        (b"Subject: hello\n\nA person writes.\n", None),
        (report(ID).replace(ID.hex.encode(), b"not-ours"), None),
        (b"\xff\xfe\x00", None),
        (b"", None),
        (
            b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nx\n--b--\n",
            None,
        ),
    ],
)
def test_what_a_message_reports(raw: bytes, expected: Report | None):
    assert reported(raw) == expected


async def test_a_report_from_a_maildir_is_shown_at_its_mail(office: Office, server: Mailbox, tmp_path: Path):
    id, other = await office.put(), await office.put("ben@example.org")
    await office.sender().round(AT)
    box = mailbox.Maildir(str(tmp_path / "bounces"))
    box.add(report(id))
    box.add(report(other, action="delayed", status="4.4.1"))
    kept = box.add(b"From: anna@example.org\nSubject: A question\n\nWhere is it?\n")
    settings = replace(office.settings, mail_bounces=f"maildir:{tmp_path / 'bounces'}")
    assert await bounces.read(office.base, settings, at=AT) == 2
    row = await office.row(id)
    assert (row.state, row.bounced_at) == ("bounced", AT) and "User unknown" in row.error
    assert (await office.row(other)).state == "sent"
    # A second look finds nothing new, and what a person wrote is left to people.
    assert await bounces.read(office.base, settings, at=AT) == 0
    assert mailbox.Maildir(str(tmp_path / "bounces"))[kept].get_flags() == ""


async def test_a_mailbox_that_is_away_is_named(office: Office, tmp_path: Path):
    for place in (f"maildir:{tmp_path / 'none'}", "imap://a:b@127.0.0.1:9/INBOX"):
        with pytest.raises(MailboxAway):
            await bounces.read(office.base, replace(office.settings, mail_bounces=place), at=AT)


async def test_a_report_from_imap_is_shown_and_put_aside(office: Office, server: Mailbox, tmp_path: Path):
    """Against pymap, an IMAP server of its own process, on a Maildir."""
    id = await office.put()
    await office.sender().round(AT)
    port = free_port()
    command = ["pymap", "--host", "127.0.0.1", "--port", str(port), "--no-tls", "--no-service", "admin", "dict",
               "--demo-data"]  # fmt: skip
    running = await asyncio.to_thread(
        subprocess.Popen,
        [str(Path(sys.executable).parent / command[0]), *command[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        await _listening(port, running)
        await asyncio.to_thread(_deliver, port, report(id), b"Subject: A question\r\n\r\nWhere is it?\r\n")
        settings = replace(office.settings, mail_bounces=f"imap://demouser:demopass@127.0.0.1:{port}/INBOX")
        assert await bounces.read(office.base, settings, at=AT) == 1
        assert (await office.row(id)).state == "bounced"
        assert await bounces.read(office.base, settings, at=AT) == 0
        assert await asyncio.to_thread(_subjects, port, bounces.DONE_FOLDER) == ["Undelivered Mail Returned to Sender"]
    finally:
        running.terminate()
        running.wait(10)


def _deliver(port: int, *messages: bytes) -> None:
    with imaplib.IMAP4("127.0.0.1", port) as box:
        box.login("demouser", "demopass")
        for message in messages:
            assert box.append("INBOX", "", "", message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))[0] == "OK"


def _subjects(port: int, folder: str) -> list[str]:
    with imaplib.IMAP4("127.0.0.1", port) as box:
        box.login("demouser", "demopass")
        box.select(folder)
        _, found = box.fetch("1:*", "(BODY.PEEK[])")
        return [str(message_from_bytes(part[1])["Subject"]) for part in found if isinstance(part, tuple)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def _listening(port: int, running: "subprocess.Popen[bytes]") -> None:
    async with asyncio.timeout(30):
        while True:
            if running.poll() is not None:
                out = running.stdout.read() if running.stdout else b""
                pytest.fail(f"the IMAP server ended: {out.decode()[-2000:]}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)  # another process begins, which says nothing: there is no event to wait for
                continue
            writer.close()
            return
