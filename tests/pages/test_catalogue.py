"""Every message of the pages is said in every language, and nothing is kept that nobody says."""

import re
from typing import Any

import pytest

from lotse.kernel.pages import catalogues

LANGUAGES = dict(catalogues.catalogues())
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_TAG = re.compile(r"<[^>]+>")


def test_german_is_there() -> None:
    assert "de" in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_and_none_is_left_over(language: str) -> None:
    said = {_texts(message.id)[0] for message in catalogues.messages() if message.id}
    known = {_texts(message.id)[0]: message for message in catalogues.read(LANGUAGES[language], language) if message.id}
    untranslated = [id for id in said if id not in known or not all(_texts(known[id].string))]
    assert not untranslated, "run `python -m lotse.kernel.pages.catalogues` and translate these"
    assert not [id for id in known if id not in said], "run `python -m lotse.kernel.pages.catalogues`"
    assert not [id for id, message in known.items() if message.fuzzy], "somebody has to look at these"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_fills_in_the_same_values_and_keeps_the_markup(language: str) -> None:
    for message in catalogues.read(LANGUAGES[language], language):
        if message.id:
            # The last form: a singular may say "one" without naming the number.
            english, other = _texts(message.id)[-1], _texts(message.string)[-1]
            assert set(_PLACEHOLDER.findall(other)) == set(_PLACEHOLDER.findall(english)), english
            assert _TAG.findall(other) == _TAG.findall(english), english


def test_a_word_means_the_same_wherever_it_stands() -> None:
    """From and To are of a span; where English says them of anything else, the message is another one."""
    spans = {"ledger", "pricing", "search", "content"}
    for message in catalogues.messages():
        if message.id in ("From", "To"):
            strangers = [name for name, _ in message.locations if not _is_span(name, spans)]
            assert not strangers, message.id
    german = catalogues.read(LANGUAGES["de"], "de")
    said = {english: german[english].string for english in ("Recipient", "Old address", "New address", "Destination")}
    assert said == {
        "Recipient": "An",
        "Old address": "Alte Adresse",
        "New address": "Neue Adresse",
        "Destination": "Ziel",
    }


def _is_span(name: str, domains: set[str]) -> bool:
    """Whether a page asks for a span there: of days, months, or what a table's column has."""
    if name.startswith("domains/content/"):
        return name.endswith("editor.html")
    return name.startswith("kernel/pages/") or name.split("/")[1] in domains


def _texts(string: Any) -> list[str]:
    """A message's forms: one, or singular and plural."""
    return [string] if isinstance(string, str) else list(string)
