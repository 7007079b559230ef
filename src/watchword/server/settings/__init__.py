"""
Settings: one table, read once.

A value comes from a flag, else the environment, else `HOME/watchword.toml`, else its default.

Every setting `x` is also `WATCHWORD_X`, and `WATCHWORD_X_FILE` names a file that holds it. Unknown names are errors.
"""

from watchword.server.settings.sources import PREFIX, Resolved, check_names, resolve
from watchword.server.settings.table import FILE_NAME, Settings, SettingsError, default_home

__all__ = [
    "FILE_NAME",
    "PREFIX",
    "Resolved",
    "Settings",
    "SettingsError",
    "check_names",
    "default_home",
    "resolve",
]
