"""Passwords: what may be one (NIST SP 800-63B-4, section 3.1.1), and their argon2id hashes.

Length is what counts; there are no rules about its characters and none expires. What is common, repeats itself or
follows the keyboard is refused, as is a password made of the account's own name. Hashing takes about 50 ms and 64 MiB
on purpose, so it happens before a transaction begins and outside the event loop.
"""

import asyncio
import re
import secrets
import unicodedata
from collections.abc import Iterable
from functools import cache

import argon2

from lotse.kernel.refusals import Invalid, Refusal
from lotse.kernel.settings import Settings

# RFC 9106, second recommended option (64 MiB, 3 passes), with one lane: Python's worker threads are few.
_HASHER = argon2.PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
# The standard's least where a password is all that is asked, and where a second factor always is.
LEAST_ALONE = 15
LEAST_WITH_SECOND_FACTOR = 8
# The standard wants at least 64; more than this was made by a program, and hashing it costs.
MOST = 200
# The estimate looks no further: its time grows with the square of the length, and this much decides.
_LOOKED_AT = 72
# zxcvbn's "somewhat guessable" ends here: online guessing is throttled, a stolen table of argon2id hashes is not.
_GUESSES = 10**8
# Letters that must be there besides log-in, name and the like.
_BESIDE_KNOWN = 4
# Each takes 64 MiB; more at a time would let a flood of log-ins take the machine's memory.
_HASHING = asyncio.Semaphore(2)


class PasswordCommon(Refusal, status=422, title="This password is easy to guess"):
    """It is among the common ones, repeats itself, or is made of your name. A few words in a row are better."""

    field: str = "password"


def least(settings: Settings) -> int:
    """How many characters a password of this installation has at least."""
    return LEAST_WITH_SECOND_FACTOR if settings.second_factor == "required" else LEAST_ALONE


def hashed(password: str, *, known: Iterable[str] = (), least: int = LEAST_ALONE, field: str = "password") -> str:
    """The argon2id hash of a new password in PHC format. Refusals: `Invalid` (its length), `PasswordCommon`.

    `known`: what an attacker knows about the account, such as log-in and name.
    """
    password = _normal(password)
    if not least <= len(password) <= MOST:
        raise Invalid(field=field, rule=f"{least} to {MOST} characters")
    if _is_easy(password, known):
        raise PasswordCommon(field=field)
    return _HASHER.hash(password)


async def new_hash(password: str, *, known: Iterable[str] = (), least: int = LEAST_ALONE, field: str) -> str:
    """`hashed`, outside the event loop."""
    async with _HASHING:
        return await asyncio.to_thread(lambda: hashed(password, known=known, least=least, field=field))


async def matches(known: str | None, password: str) -> bool:
    """Whether a password is the one of this hash; None takes as long and never matches."""
    async with _HASHING:
        try:
            against = known or await asyncio.to_thread(_nobody)
            same = await asyncio.to_thread(_HASHER.verify, against, _normal(password[: MOST + 1]))
        except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
            return False
    return same and known is not None


async def renewed(known: str, password: str) -> str | None:
    """A new hash if the parameters were raised since the old one was made."""
    if not _HASHER.check_needs_rehash(known):
        return None
    async with _HASHING:
        return await asyncio.to_thread(_HASHER.hash, _normal(password))


def _normal(password: str) -> str:
    # The same letter can be typed in two ways (é as one sign or as two), which keyboards choose and people do not see.
    return unicodedata.normalize("NFC", password)


def _is_easy(password: str, known: Iterable[str]) -> bool:
    # Its lists are megabytes: read by whoever sets a password, not by every process.
    from zxcvbn import zxcvbn

    words = [word for text in ("lotse", *known) for word in (text, *re.split(r"[\W_]+", text)) if len(word) > 2]
    rest = password.lower()
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word.lower(), "")
    if len(re.sub(r"[\W\d_]+", "", rest)) < _BESIDE_KNOWN and len(rest) < len(password):
        return True
    return int(zxcvbn(password[:_LOOKED_AT], user_inputs=words)["guesses"]) < _GUESSES


@cache
def _nobody() -> str:
    """The hash of a password that nobody has: an unknown log-in takes as long as a known one."""
    return _HASHER.hash(secrets.token_urlsafe())
