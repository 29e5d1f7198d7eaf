"""The settings file: `lotse.env` in the folder where `lotse` is called, lines `NAME=value`.

Its form is that of systemd's `EnvironmentFile` without line continuation, so one file serves both. What the
environment says wins. `LOTSE_ENV_FILE` names another file; `off` reads none, which is what tests want.
"""

import re
from collections.abc import MutableMapping
from pathlib import Path

from lotse.kernel.settings import SettingsError

VARIABLE = "LOTSE_ENV_FILE"
NAME = "lotse.env"
OFF = "off"
# A settings file of hundreds of lines is a few kilobytes; anything larger is another file.
_MAX_BYTES = 64 * 1024
_LINE = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)")


def add_file(env: MutableMapping[str, str], folder: Path) -> Path | None:
    """Put the file's settings into `env` where it has none; the file that was read, if there is one.

    Raises `SettingsError` for a file that was named and is absent, and for a line that is no setting.
    """
    named = env.get(VARIABLE, "").strip()
    if named == OFF:
        return None
    path = folder / (named or NAME)
    if not path.is_file():
        if named:
            raise SettingsError(f"{VARIABLE}: there is no file {path}")
        return None
    for name, value in _read(path).items():
        # One that is set to nothing wins as well: `LOTSE_DATABASE_URL= lotse db restore …` must not reach the shop's.
        env.setdefault(name, value)
    return path


def _read(path: Path) -> dict[str, str]:
    try:
        content = path.read_bytes()
        if len(content) > _MAX_BYTES:
            raise SettingsError(f"{path}: larger than {_MAX_BYTES // 1024} KiB; this is no settings file")
        lines = content.decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith(("#", ";")):
            continue
        match = _LINE.fullmatch(text)
        if match is None:
            raise SettingsError(f"{path}, line {number}: NAME=value is expected")
        if match["name"] in found:
            raise SettingsError(f"{path}, line {number}: {match['name']} stands there twice")
        found[match["name"]] = _unquoted(match["value"].strip(), path, number)
    return found


def _unquoted(value: str, path: Path, number: int) -> str:
    """Quotes around the whole value fall away; one that is open is a mistake."""
    for quote in ('"', "'"):
        if value.startswith(quote):
            if len(value) < 2 or not value.endswith(quote):
                raise SettingsError(f"{path}, line {number}: a quote is not closed")
            return value[1:-1]
    return value
