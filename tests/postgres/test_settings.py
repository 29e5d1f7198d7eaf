"""Settings: typed, refused by name, and documented."""

from pathlib import Path

import pytest

from lotse.kernel.settings import Settings, SettingsError, reference

ROOT = Path(__file__).parents[2]


def test_defaults_need_no_environment(tmp_path: Path) -> None:
    settings = Settings.load({}, cwd=tmp_path)
    assert settings.home == tmp_path / ".lotse"
    assert settings.database_url is None
    assert settings.postgres_fsync


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("LOTSE_HOME", "/srv/shop", "home", Path("/srv/shop")),
        ("LOTSE_PORT", "8080", "port", 8080),
        ("LOTSE_PORT", "", "port", 8000),
        ("LOTSE_DATABASE_URL", "postgresql://a/b", "database_url", "postgresql://a/b"),
        ("LOTSE_LOG_FORMAT", "json", "log_format", "json"),
        ("LOTSE_POSTGRES_FSYNC", "off", "postgres_fsync", False),
        ("LOTSE_POSTGRES_FSYNC", "ON", "postgres_fsync", True),
        ("LOTSE_POSTGRES_FSYNC", "0", "postgres_fsync", False),
        ("LOTSE_POSTGRES_MEMORY_MB", "2048", "postgres_memory_mb", 2048),
    ],
)
def test_values(name: str, text: str, field: str, value: object) -> None:
    assert getattr(Settings.load({name: text}), field) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LOTSE_PORT", "eighty"),
        ("LOTSE_PORT", "0"),
        ("LOTSE_PORT", "65536"),
        ("LOTSE_LOG_FORMAT", "xml"),
        ("LOTSE_POSTGRES_FSYNC", "perhaps"),
        ("LOTSE_POSTGRES_MEMORY_MB", "16"),
    ],
)
def test_a_bad_value_is_refused_by_name_in_one_line(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.load({name: text})
    assert name in str(refused.value) and text in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_misspelt_setting_is_refused_with_the_right_name() -> None:
    with pytest.raises(SettingsError, match="did you mean LOTSE_DATABASE_URL"):
        Settings.load({"LOTSE_DATABSE_URL": "postgresql://a/b"})


def test_a_plugin_may_have_variables_of_its_own() -> None:
    Settings.load({"LOTSE_STRIPE_KEY": "k"})


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    assert page == reference(), "run: python -m lotse.kernel.settings > docs/reference/settings.md"
    for field in Settings.__struct_fields__:
        assert f"## `LOTSE_{field.upper()}`" in page
