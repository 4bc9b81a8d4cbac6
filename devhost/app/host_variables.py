"""Variables that the Functions host and Core Tools set, and that apps and extensions of the worker read."""

import os
from pathlib import Path

_SCRIPT_ROOT = "AzureWebJobsScriptRoot"


class HostVariables:
    """The variables of one host; those that the user has set already stay as they are, but for the folder."""

    def __init__(self, app_dir: Path, port: int) -> None:
        self._values = {
            _SCRIPT_ROOT: str(app_dir.resolve()),
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            "WEBSITE_HOSTNAME": f"localhost:{port}",
        }
        self._added: list[str] = []

    def set(self) -> None:
        """Sets them, before the app's code is imported."""
        self._added = [name for name in self._values if name == _SCRIPT_ROOT or name not in os.environ]
        os.environ.update({name: self._values[name] for name in self._added})

    def unset(self) -> None:
        """Takes away what was set."""
        for name in self._added:
            os.environ.pop(name, None)
