"""The source's country names as ISO 3166-1 codes. English names come from CLDR by Babel; here are the exceptions."""

from functools import cache
from typing import Final

from babel import Locale

# ISO leaves ZZ to its users and CLDR uses it for "not known".
UNKNOWN: Final = "ZZ"

# Names of the source that no standard has.
_OWN_NAMES: Final = {
    "channel islands": "JE",  # Jersey and Guernsey have a code each; the source does not tell them apart
    "czech republic": "CZ",
    "eire": "IE",
    "european community": "EU",  # reserved in ISO 3166-1 for just this
    "great britain": "GB",
    "hong kong": "HK",
    "korea": "KR",
    "rsa": "ZA",
    "turkey": "TR",
    "uk": "GB",
    "unspecified": UNKNOWN,
    "usa": "US",
    "west indies": UNKNOWN,  # a region of many countries
}


@cache
def _names() -> dict[str, str]:
    territories = Locale("en").territories.items()
    names = {str(name).lower(): str(code) for code, name in territories if len(code) == 2 and code.isalpha()}
    return names | _OWN_NAMES


def country_code(name: str | None) -> str | None:
    """ISO 3166-1 alpha-2, `ZZ` where the source says that it does not know; None for a name that nobody knows."""
    if name is None:
        return UNKNOWN
    return _names().get(name.lower())
