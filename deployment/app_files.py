"""Which files of the repository are the app: those that .funcignore leaves, as func and azd read it."""

import os
from pathlib import Path

from pathspec import GitIgnoreSpec


def app_files(root: Path) -> list[Path]:
    """Paths of the app's files, relative to `root` and sorted."""
    ignored = GitIgnoreSpec.from_lines((root / ".funcignore").read_text().splitlines())
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if not ignored.match_file(f"{(here / name).as_posix()}/")]
        found += [here / name for name in names if not ignored.match_file((here / name).as_posix())]
    return sorted(found)
