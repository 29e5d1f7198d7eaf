"""Every message of the pages is said in every language, and nothing is kept that nobody says."""

import re

import pytest

from lotse.kernel.pages import catalogues

LANGUAGES = dict(catalogues.catalogues())
_PLACEHOLDER = re.compile(r"%\((\w+)\)s|</?\w+")


def test_german_is_there() -> None:
    assert "de" in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_and_none_is_left_over(language: str) -> None:
    said = {message.id for message in catalogues.messages() if message.id}
    catalogue = catalogues.read(LANGUAGES[language], language)
    known = {message.id: message for message in catalogue if message.id}
    untranslated = [id for id in said if id not in known or not all(_texts(known[id].string))]
    assert not untranslated, "run `python -m lotse.kernel.pages.catalogues` and translate these"
    assert not [id for id in known if id not in said], "run `python -m lotse.kernel.pages.catalogues`"
    assert not [message.id for message in known.values() if message.fuzzy], "somebody has to look at these"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_fills_in_the_same_values_and_keeps_the_markup(language: str) -> None:
    for message in catalogues.read(LANGUAGES[language], language):
        if message.id:
            # The singular may say "one" without naming the number.
            expected = set(_PLACEHOLDER.findall(_texts(message.id)[-1])), _tags(_texts(message.id)[-1])
            found = set(_PLACEHOLDER.findall(_texts(message.string)[-1])), _tags(_texts(message.string)[-1])
            assert found == expected, message.id


def _texts(string: str | tuple[str, ...] | list[str]) -> list[str]:
    return [string] if isinstance(string, str) else list(string)


def _tags(text: str) -> list[str]:
    return re.findall(r"<[^>]+>", text)
