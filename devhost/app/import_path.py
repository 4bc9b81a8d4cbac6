"""Where an app imports from: what is installed, then its own folders; nothing that lies beside this host.

ADR 67 has the reasons.
"""

import os
from collections.abc import Iterable
from pathlib import Path

PYTHONPATH = "PYTHONPATH"

_HOME = Path(__file__).resolve().parents[2]  # holds this host, which may run from its sources
INSTALLED = frozenset({"site-packages", "dist-packages"})  # the latter on Debian
_OWN_PACKAGES = Path(".python_packages", "lib", "site-packages")  # where a deployment package has them


def import_path(app_dir: Path, current: Iterable[str], *, python_path: str | None) -> list[str]:
    """The entries of `sys.path` for an app.

    Its folder comes last, wherever it was before: a folder named `statistics` must not stand in for the
    library's module, here as little as on Azure. The folder of this host, and the working directory that
    Python puts in front, would lend the app modules that it does not have.

    Args:
        app_dir: the app's folder, resolved.
        current: the entries so far.
        python_path: the variable PYTHONPATH, by which a user may want the working directory all the same.
    """
    others = {app_dir, *_places_of_the_host()}
    if Path.cwd() not in _places(python_path or ""):
        others.add(Path.cwd())
    kept = [entry for entry in current if Path(entry).resolve() not in others]
    packages = app_dir / _OWN_PACKAGES
    return [*kept, *([str(packages)] if packages.is_dir() else []), str(app_dir)]


def without_host(python_path: str) -> str:
    """The variable PYTHONPATH for processes that the app starts."""
    home = _places_of_the_host()
    return os.pathsep.join(
        entry for entry in python_path.split(os.pathsep) if Path(entry).resolve() not in home
    )


def _places_of_the_host() -> frozenset[Path]:
    return frozenset() if _HOME.name in INSTALLED else frozenset({_HOME})


def _places(python_path: str) -> set[Path]:
    return {Path(entry).resolve() for entry in python_path.split(os.pathsep) if entry}
