"""What a consent allows, who is no person, which words say too much; with properties of what comes from outside."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotse.domains.behaviour.contracts import Consent
from lotse.domains.behaviour.rules import (
    CONSENT_COOKIE,
    TEXT_VERSION,
    VISIT_COOKIE,
    VISITOR_COOKIE,
    Allowance,
    Pace,
    bot_of,
    objects,
    read_consent,
    scrubbed,
    visit_of,
    written_consent,
)

ID = UUID("01a201ca-44fc-7c5b-97f6-93fc9933d034")
WHO, VISIT = uuid4(), uuid4()


@given(measurement=st.booleans(), marketing=st.booleans())
def test_a_consent_reads_as_it_was_written(measurement: bool, marketing: bool):
    consent = Consent(TEXT_VERSION, measurement, marketing, ID if measurement or marketing else None)
    assert read_consent(written_consent(consent)) == consent


@given(st.text())
def test_whatever_stands_in_a_cookie_is_no_mistake(text: str):
    found = read_consent(text)
    assert found is None or found.text_version == TEXT_VERSION


@pytest.mark.parametrize(
    ("cookie", "why"),
    [
        (None, "nothing was chosen"),
        ("", "nothing was chosen"),
        (f"2020-01.11.{ID.hex}", "the words were others"),
        (f"{TEXT_VERSION}.11", "agreement without its proof"),
        (f"{TEXT_VERSION}.12.{ID.hex}", "no such choice"),
    ],
)
def test_what_has_to_be_asked(cookie: str | None, why: str):
    assert read_consent(cookie) is None, why


def test_a_refusal_leaves_no_number():
    assert written_consent(Consent(TEXT_VERSION, False, False)) == f"{TEXT_VERSION}.00"


@pytest.mark.parametrize(
    ("consent", "objecting", "is_known"),
    [("11", False, True), ("10", False, True), ("01", False, False), ("00", False, False), ("11", True, False)],
)
def test_a_number_counts_only_with_consent(consent: str, objecting: bool, is_known: bool):
    cookies = {
        CONSENT_COOKIE: f"{TEXT_VERSION}.{consent}.{ID.hex}",
        VISITOR_COOKIE: WHO.hex,
        VISIT_COOKIE: VISIT.hex,
    }
    found = visit_of(cookies, objecting)
    assert (found.visitor, found.session) == ((WHO, VISIT) if is_known else (None, None))


@pytest.mark.parametrize("headers", [{"sec-gpc": "1"}, {"dnt": "1"}])
def test_a_browser_may_say_no(headers: dict[str, str]):
    assert objects(headers)
    assert not objects({"dnt": "0"})


@pytest.mark.parametrize(
    ("agent", "why"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", ""),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1", ""),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "known crawler"),
        ("curl/8.5.0", "known crawler"),
        ("", "no name"),
    ],
)
def test_who_is_no_person(agent: str, why: str):
    assert bot_of(agent) == why


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("schuh 42", "schuh 42"),
        ("anna.muster@example.org", "@"),
        ("ruf 0171 234 56 78 an", "ruf # an"),
        ("DE89 3704 0044 0532 0130 00", "DE#"),
    ],
)
def test_words_that_may_name_a_person_are_not_kept(words: str, kept: str):
    assert scrubbed(words) == kept


def test_too_fast_is_said_of_one_address_and_forgotten():
    pace = Pace(views=3, seconds=10, most=2)
    assert [pace.too_many("a", 0.1 * i) for i in range(5)] == [0, 0, 0, 1, 1]
    assert pace.too_many("b", 0.5) == 0
    assert pace.too_many("a", 20.0) == 0
    assert [pace.too_many("c", 0.5, 2) for _ in range(3)] == [0, 1, 2]


def test_an_allowance_fills_again():
    bucket = Allowance(rate=10, burst=20)
    assert bucket.take("a", 20, 0.0)
    assert not bucket.take("a", 1, 0.0)
    assert bucket.take("b", 20, 0.0)
    assert bucket.take("a", 10, 1.0)
    assert not bucket.take("a", 21, 100.0)
