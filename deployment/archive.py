"""A zip file whose bytes follow from the names and contents of its files alone."""

import zipfile
from pathlib import Path

# No time of the zip format is earlier; the bits are those of a regular file, readable by all.
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16


def write_zip(folder: Path, archive: Path) -> None:
    """Writes every file below `folder`, in the order of their names."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in paths:
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _TIME)
            entry.external_attr = _MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, path.read_bytes())
