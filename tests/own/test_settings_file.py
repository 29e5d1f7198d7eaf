"""`lotse.env`: what it may hold, and that the environment wins."""

from pathlib import Path

import pytest

from lotse.kernel.settings import SettingsError
from lotse.kernel.settings_file import add_file


def test_the_file_says_what_the_environment_does_not(tmp_path: Path):
    (tmp_path / "lotse.env").write_text(
        "# ours\n\nLOTSE_PORT=9000\nLOTSE_HOST=0.0.0.0\nLOTSE_HOME=.shop\n; old\nACME_KEY=\"a b=c #d\"\nEMPTY=''\n"
    )
    env = {"LOTSE_PORT": "8080", "LOTSE_HOST": ""}
    assert add_file(env, tmp_path) == tmp_path / "lotse.env"
    assert env == {
        "LOTSE_PORT": "8080",
        "LOTSE_HOST": "",
        "LOTSE_HOME": ".shop",
        "ACME_KEY": "a b=c #d",
        "EMPTY": "",
    }


def test_without_a_file_nothing_changes(tmp_path: Path):
    env: dict[str, str] = {}
    assert add_file(env, tmp_path) is None and env == {}


def test_another_file_or_none(tmp_path: Path):
    (tmp_path / "lotse.env").write_text("LOTSE_PORT=1\n")
    (tmp_path / "other.env").write_text("LOTSE_PORT=2\n")
    env = {"LOTSE_ENV_FILE": "other.env"}
    add_file(env, tmp_path)
    assert env["LOTSE_PORT"] == "2"
    env = {"LOTSE_ENV_FILE": "off"}
    assert add_file(env, tmp_path) is None and "LOTSE_PORT" not in env
    with pytest.raises(SettingsError, match="there is no file"):
        add_file({"LOTSE_ENV_FILE": "gone.env"}, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("LOTSE_PORT\n", "line 1: NAME=value"),
        ("\nexport LOTSE_PORT=1\n", "line 2: NAME=value"),
        ("lotse_port=1\n", "line 1: NAME=value"),
        ('LOTSE_HOME="a\n', "line 1: a quote"),
        ("A=1\nA=2\n", "line 2: A stands there twice"),
        ("A=" + "x" * 70_000, "larger than"),
    ],
)
def test_what_is_no_setting_is_named(tmp_path: Path, text: str, said: str):
    (tmp_path / "lotse.env").write_text(text)
    with pytest.raises(SettingsError, match=said):
        add_file({}, tmp_path)


def test_a_file_of_another_encoding_is_named(tmp_path: Path):
    (tmp_path / "lotse.env").write_bytes(b"LOTSE_HOME=gr\xf6\xdfe\n")
    with pytest.raises(SettingsError, match="cannot be read"):
        add_file({}, tmp_path)
