"""The site builds strictly, and nothing in it asks another host."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.own.linked import ROOT

pytest.importorskip("material", reason="the group `docs` is not installed")
# What loads something: a link that somebody follows does not.
_LOADS = re.compile(r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(https?:)?//|<link\b[^>]*\brel=["']?(?:stylesheet|preload|preconnect|icon)["']?[^>]*href=["']?(?:https?:)?//|@import\s+(?:url\()?["']?(?:https?:)?//|url\(["']?https?://""")  # fmt: skip  # noqa: E501


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_it_asks_no_other_host(site: Path):
    found = [
        f"{path.relative_to(site)}: {match[0][:200]}"
        for path in (*site.rglob("*.html"), *site.rglob("*.css"))
        for match in _LOADS.finditer(path.read_text("utf-8"))
    ]
    assert not found, "\n".join(found[:10])


def test_what_is_read_from_the_code_is_there(site: Path):
    for page, said in (
        ("reference/cli/index.html", "lotse db backup"),
        ("reference/refusals/index.html", "out-of-stock"),
        ("reference/events/index.html", "orders.Placed"),
        ("reference/api/index.html", "/baskets/{basket_id}"),
        ("reference/settings/index.html", "LOTSE_DATABASE_URL"),
        ("reference/seams/index.html", "product.below"),
        ("concepts/architecture/index.html", "The stack of domains"),
    ):
        assert said in (site / page).read_text("utf-8"), page
