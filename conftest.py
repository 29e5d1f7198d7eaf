"""What only Lotse's own tests need; the fixtures are in `lotse/testing.py`, a plugin that pytest finds by itself."""

import os

import pytest
from hypothesis import settings

pytest_plugins = ["pytester"]  # sessions inside tests, for the tests of the plugin

# Two shared cores are slow at times: an example that takes long is no failure. A failing one prints how to repeat it.
settings.register_profile("lotse", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "lotse"))


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    # The configuration asks for xdist; `-p no:xdist` (for a debugger) must not stumble over its options.
    if not pluginmanager.has_plugin("xdist"):
        for option in ("--numprocesses", "--dist"):
            parser.addoption(option, help="without xdist: ignored")
        parser.addoption("--no-loadscope-reorder", action="store_true", help="without xdist: ignored")
