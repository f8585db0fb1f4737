"""The Stash double with the plugin as it is in this checkout."""

from tests.line.conftest import data, plugin, stash

__all__ = ["data", "plugin", "stash"]
