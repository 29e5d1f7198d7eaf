"""Subscriptions that are refused, messages that only their browser reads, answers and pauses. Pure."""

from datetime import timedelta
from uuid import UUID

import http_ece  # pyright: ignore[reportMissingTypeStubs]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lotse.kernel.push import rules
from lotse.kernel.push.contracts import Keys, News, Subscription, SubscriptionInvalid
from lotse.kernel.webhooks.rules import Answer
from tests.push.conftest import AT, Browser, b64

SOMEBODY = Browser()
GOOD = SOMEBODY.subscription("https://push.example.com")


def test_a_good_subscription():
    assert rules.checked(GOOD) == (SOMEBODY.point, SOMEBODY.auth)
    padded = replace(GOOD, keys=Keys(GOOD.keys.p256dh + "=", GOOD.keys.auth + "=="))
    assert rules.checked(padded) == (SOMEBODY.point, SOMEBODY.auth)


@pytest.mark.parametrize(
    ("endpoint", "rule"),
    [
        ("https://push.example.com/" + "x" * 1_000, "1,000 characters"),
        ("http://push.example.com/x", "https://"),
        ("ftp://push.example.com/x", "https://"),
        ("javascript:alert(1)", "https://"),
        ("", "https://"),
        ("https://user:pw@push.example.com/x", "no user name"),
        ("https://push.example.com/x y", "visible"),
        ("https://push.example.com/ä", "ASCII"),
        ("https://push.example.com/x#y", "after #"),
        ("https://localhost/x", "public"),
        ("https://a.localhost/x", "public"),
        ("https://shop.internal/x", "public"),
        ("https://printer.local/x", "public"),
        ("https://127.0.0.1/x", "public"),
        ("https://10.1.2.3/x", "public"),
        ("https://169.254.169.254/latest/meta-data", "public"),
        ("https://[::1]/x", "public"),
        ("https://[::ffff:10.0.0.1]/x", "public"),
        ("https://[64:ff9b::a00:1]/x", "public"),
        ("https://push.example.com:22/x", "HTTP is spoken"),
        ("https://push.example.com:8443/x", "443"),
    ],
)
def test_endpoints_that_are_refused(endpoint: str, rule: str):
    with pytest.raises(SubscriptionInvalid) as refused:
        rules.checked(replace(GOOD, endpoint=endpoint))
    assert refused.value.field == "endpoint" and rule in refused.value.rule


@pytest.mark.parametrize(
    ("key", "auth", "field"),
    [
        ("", GOOD.keys.auth, "p256dh"),
        ("!!!", GOOD.keys.auth, "p256dh"),
        (b64(b"\x04" + b"\x01" * 64), GOOD.keys.auth, "p256dh"),  # on no curve
        (b64(SOMEBODY.point[:64]), GOOD.keys.auth, "p256dh"),
        (b64(bytes([2 + SOMEBODY.point[-1] % 2]) + SOMEBODY.point[1:33]), GOOD.keys.auth, "p256dh"),  # compressed
        (b64(b"\x00"), GOOD.keys.auth, "p256dh"),  # the point at infinity
        (GOOD.keys.p256dh, "", "auth"),
        (GOOD.keys.p256dh, "ä", "auth"),
        (GOOD.keys.p256dh, b64(b"x" * 15), "auth"),
        (GOOD.keys.p256dh, b64(b"x" * 17), "auth"),
    ],
    # The keys are new in each process, names of tests must not be.
    ids=[
        "no key", "no base64", "on no curve", "short", "compressed", "infinity",
        "no secret", "no base64 secret", "short secret", "long secret",
    ],
)  # fmt: skip
def test_keys_that_are_refused(key: str, auth: str, field: str):
    with pytest.raises(SubscriptionInvalid) as refused:
        rules.checked(Subscription(GOOD.endpoint, Keys(key, auth)))
    assert refused.value.field == field


@given(st.text(max_size=2_000))
def test_no_text_is_a_bug(text: str):
    for subscription in (replace(GOOD, endpoint=text), replace(GOOD, keys=Keys(text, text))):
        try:
            rules.checked(subscription)
        except SubscriptionInvalid:
            continue


@given(st.binary(min_size=1, max_size=rules.MOST_BYTES))
def test_only_its_browser_reads_a_message(said: bytes):
    sealed = rules.encrypted(said, SOMEBODY.point, SOMEBODY.auth)
    assert len(sealed) <= 4_096
    assert http_ece.decrypt(sealed, private_key=SOMEBODY.private, auth_secret=SOMEBODY.auth) == said  # pyright: ignore[reportUnknownMemberType]
    other = Browser()
    with pytest.raises(http_ece.ECEException):
        http_ece.decrypt(sealed, private_key=other.private, auth_secret=other.auth)  # pyright: ignore[reportUnknownMemberType]


def test_two_messages_share_no_key():
    one, other = (rules.encrypted(b"x", SOMEBODY.point, SOMEBODY.auth) for _ in range(2))
    assert one[:16] != other[:16] and one[21:86] != other[21:86]


def test_news_that_are_too_long_are_a_bug():
    def say(message: str, **values: str) -> str:
        return message % values if values else message

    assert len(rules.body(News("t", "x" * 3_900, "/"), "de", say)) <= rules.MOST_BYTES
    assert b'"title":"Order 7"' in rules.body(News("Order %(number)s", "", "/", {"number": "7"}), "de", say)
    with pytest.raises(ValueError, match="3993"):
        rules.body(News("t", "x" * 4_000, "/"), "de", say)


def test_the_key_pair_comes_from_the_secret_alone():
    one, again, other = (rules.Signer(secret, "mailto:a@example.org") for secret in (b"a" * 32, b"a" * 32, b"b" * 32))
    assert one.public == again.public != other.public
    # All bits set is beyond the group's order: it leads to a key all the same.
    assert len(rules.Signer(b"\xff" * 32, "mailto:a@example.org").public) == 87


@pytest.mark.parametrize(
    ("answer", "kind", "wait"),
    [
        (Answer(201), "sent", None),
        (Answer(200), "sent", None),
        (Answer(202), "sent", None),
        (Answer(404), "gone", None),
        (Answer(410), "gone", None),
        (Answer(429, headers={"retry-after": "120"}), "later", 120),
        (Answer(429), "later", None),
        (Answer(500), "later", None),
        (Answer(503, headers={"retry-after": "Sat, 21 Nov 2026 13:00:00 GMT"}), "later", 3_600),
        (Answer(503, headers={"retry-after": "soon"}), "later", None),
        (Answer(None, "no answer within 10 s"), "later", None),
        (Answer(400), "refused", None),
        (Answer(403), "refused", None),
        (Answer(413), "refused", None),
        (Answer(301), "refused", None),
    ],
)
def test_what_answers_mean(answer: Answer, kind: str, wait: int | None):
    verdict = rules.judged(answer, AT)
    assert verdict.kind == kind and verdict.wait == (None if wait is None else timedelta(seconds=wait))


@given(st.integers(1, 100), st.floats(0, 1), st.none() | st.integers(0, 86_400))
def test_pauses_grow_and_heed_what_was_wished(tries: int, draw: float, wished: int | None):
    wish = None if wished is None else timedelta(seconds=wished)
    wait = rules.pause(tries, draw, wish)
    assert wait >= rules.PAUSES[min(tries, len(rules.PAUSES)) - 1] * 0.9 and (wish is None or wait >= wish)
    assert rules.pause(tries + 1, draw) >= rules.pause(tries, draw)


def test_headers():
    signer = rules.Signer(b"a" * 32, "mailto:a@example.org")
    made = rules.headers(
        signer, GOOD.endpoint, UUID(int=7), ttl=timedelta(hours=2), urgency="high", at=AT
    )  # fmt: skip
    assert (made["ttl"], made["urgency"], made["content-encoding"]) == ("7200", "high", "aes128gcm")
    # RFC 8030, 5.4: at most 32 characters of base64url; the same for every try of an event.
    assert len(made["topic"]) <= 32
    again = rules.headers(signer, GOOD.endpoint, UUID(int=7), ttl=timedelta(0), urgency="low", at=AT)
    assert again["topic"] == made["topic"] and again["ttl"] == "0"
