"""Our side: the port `Provider` over HTTP, with deadlines and bounded repetition.

Whatever the network does ends as an outcome. `unknown` means that anything may be true: whoever asked looks the charge
up by its reference before anything else is done.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus

import aiohttp
import msgspec
import structlog
from msgspec import Struct

from lotse.domains.payments.contracts import Authorise, Method, Notice, Report, WebhookForged
from lotse.plugins.pay_simulated.pages import CARD
from lotse.plugins.pay_simulated.wire import SIGNATURE_HEADER, Event, Opening, View, forged

log = structlog.get_logger()

PREFIX = "LOTSE_PAY_SIMULATED_"
# A buyer waits for the answer, so the whole takes no longer than a person looks at a spinner; what is not known then is
# looked up by the page, and by a job.
DEADLINE_SECONDS = 10.0
ATTEMPT_SECONDS = 4.0
CONNECT_SECONDS = 2.0
PAUSES_SECONDS = (0.2, 0.8)
# What a charge's JSON has; anything longer is not ours.
MAX_ANSWER_BYTES = 64 * 1024


class Access(Struct, frozen=True):
    """How to reach the simulated provider."""

    url: str
    secret: str
    captures_at_once: bool

    @classmethod
    def read(cls) -> "Access | None":
        """From the environment, each time: it costs nothing, and nothing has to be told of a change."""
        url, secret = os.environ.get(PREFIX + "URL", "").strip(), os.environ.get(PREFIX + "SECRET", "")
        if not url or not secret:
            return None
        return cls(url.rstrip("/"), secret, os.environ.get(PREFIX + "CAPTURE", "") == "at_once")


class Simulated:
    """The adapter. See `Provider`."""

    def methods(self) -> Sequence[Method]:
        return (CARD,) if Access.read() else ()

    def captures_at_once(self, method: str) -> bool:
        access = Access.read()
        return access is not None and access.captures_at_once

    async def authorise(self, ask: Authorise) -> Report:
        opening = Opening(
            reference=ask.reference,
            amount_minor=ask.amount_minor,
            currency=ask.currency,
            capture=ask.capture,
            description=ask.description,
            language=ask.language,
            return_url=ask.return_url,
            webhook_url=ask.webhook_url,
            expires_at=ask.expires_at,
        )
        return await _asked(ask.reference, "POST", "/charges", opening)

    async def capture(self, reference: str, *, amount_minor: int, currency: str) -> Report:
        return await _asked(reference, "POST", f"/charges/{reference}/capture", {"amount_minor": amount_minor})

    async def void(self, reference: str) -> Report:
        return await _asked(reference, "POST", f"/charges/{reference}/void", {})

    async def refund(self, reference: str, *, refund_reference: str, amount_minor: int, currency: str) -> Report:
        body = {"refund_reference": refund_reference, "amount_minor": amount_minor}
        return await _asked(reference, "POST", f"/charges/{reference}/refund", body)

    async def status(self, reference: str) -> Report:
        return await _asked(reference, "GET", f"/charges/{reference}", None)

    def webhook(self, headers: Mapping[str, str], body: bytes, *, at: datetime) -> Notice:
        access = Access.read()
        rule = "sent to an installation that knows this provider"
        if access is not None:
            rule = forged(access.secret, body, headers.get(SIGNATURE_HEADER, ""), at) or ""
        if rule:
            raise WebhookForged(provider="simulated", rule=rule)
        try:
            event = msgspec.json.decode(body, type=Event)
        except msgspec.DecodeError as error:
            raise WebhookForged(provider="simulated", rule=f"a charge's event: {error}") from None
        return Notice(event.id, _report(event.charge))


async def _asked(reference: str, method: str, path: str, body: object) -> Report:
    """One request, repeated as long as the deadline lasts: the reference makes repeating it safe."""
    access = Access.read()
    unknown = Report(outcome="unknown", reference=reference, reason="no-answer")
    if access is None:
        log.error("the simulated payment provider is not set up", needs=PREFIX + "URL and _SECRET")
        return unknown
    asking = asyncio.create_task(_repeated(access, reference, method, path, body))
    _underway.add(asking)
    asking.add_done_callback(_underway.discard)
    # Waited for from outside: a connection that does not let itself be ended at once must not hold up who asks.
    await asyncio.wait({asking}, timeout=DEADLINE_SECONDS)
    if not asking.done():
        asking.cancel()
        return unknown
    return asking.result() or unknown


# The event loop itself keeps no hold of them.
_underway: set[asyncio.Task[Report | None]] = set()


async def _repeated(access: Access, reference: str, method: str, path: str, body: object) -> Report | None:
    for pause in (*PAUSES_SECONDS, None):
        report = await _once(access, reference, method, path, body)
        if report is not None:
            return report
        if pause is not None:
            await asyncio.sleep(pause)
    return None


async def _once(access: Access, reference: str, method: str, path: str, body: object) -> Report | None:
    # A connection for each question: a handful of questions make a payment, and one that is new cannot be stale.
    timeout = aiohttp.ClientTimeout(total=ATTEMPT_SECONDS, connect=CONNECT_SECONDS)
    headers = {"Authorization": f"Bearer {access.secret}", "Content-Type": "application/json"}
    payload = None if body is None else msgspec.json.encode(body)
    try:
        async with (
            aiohttp.ClientSession(
                timeout=timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(force_close=True),
            ) as session,
            session.request(
                method, access.url + path, data=payload, headers=headers, allow_redirects=False
            ) as response,
        ):
            answer = await response.content.read(MAX_ANSWER_BYTES)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        log.info("payment provider did not answer", path=path, error=repr(error))
        return None
    if response.status == HTTPStatus.NOT_FOUND:
        return Report(outcome="absent", reference=reference)
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return None
    try:
        if response.status == HTTPStatus.OK:
            return _report(msgspec.json.decode(answer, type=View))
    except msgspec.DecodeError as error:
        log.error("payment provider answered in riddles", path=path, error=str(error))
        return None
    log.error("payment provider refused the question", path=path, status=response.status, answer=answer[:500])
    return Report(outcome="unknown", reference=reference, reason=f"http-{response.status}")


def _report(view: View) -> Report:
    return Report(
        outcome=view.status,
        reference=view.reference,
        provider_reference=view.id,
        authorised_minor=view.authorised_minor,
        captured_minor=view.captured_minor,
        voided_minor=view.voided_minor,
        refunded_minor=view.refunded_minor,
        redirect_url=view.redirect_url,
        reason=view.reason,
    )
