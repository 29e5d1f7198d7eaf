"""The files to install from: systemd takes the units, and what they call is there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lotse.cli import app
from tests.own.linked import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())


def test_systemd_takes_the_units(tmp_path: Path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in UNITS:
        # The program is not there on the machine that tests, nor is the user.
        text = re.sub(r"/srv/shop/\.venv/bin/lotse", "/bin/true", unit.read_text("utf-8"))
        text = text.replace("User=lotse\n", "").replace("WorkingDirectory=/srv/shop\n", "")
        (tmp_path / unit.name.replace("@.", "@api.")).write_text(text)
    done = subprocess.run([analyze, "verify", *tmp_path.iterdir()], capture_output=True, text=True)
    # Whatever else the machine has is not ours to mend.
    wrong = [line for line in (done.stdout + done.stderr).splitlines() if "lotse" in line]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", [*UNITS, DEPLOY / "Containerfile"], ids=lambda path: path.name)
def test_they_call_commands_that_there_are(path: Path):
    text = path.read_text("utf-8")
    called = re.findall(r"^(?:ExecStart=.*?|CMD \[\")/?[\w/.]*lotse(?:\", \"| )(\w+)", text, re.MULTILINE)
    assert set(called) <= set(app), called
    if path.name.endswith(".service") or path.name == "Containerfile":
        assert called, f"{path.name} calls no command of Lotse"


def test_every_setting_that_they_name_exists():
    from lotse.kernel.settings import Settings, variable

    known = {variable(field) for field in Settings.__struct_fields__}
    for path in (*UNITS, DEPLOY / "Containerfile", DEPLOY / "Caddyfile", DEPLOY / "nginx.conf"):
        named = set(re.findall(r"\bLOTSE_[A-Z_]+", path.read_text("utf-8")))
        assert named <= known, f"{path.name}: {named - known}"
