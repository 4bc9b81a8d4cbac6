"""Which files of a tree are the app: those that .funcignore leaves, as func and azd read it."""

import os
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from deployment.errors import Unpackable


def app_files(root: Path) -> list[Path]:
    """Paths of the app's files, relative to `root` and sorted; a link stands for what it leads to.

    Raises:
        Unpackable: a link leads out of the tree, to nothing or back to where it lies.
    """
    return sorted(path for path, is_app in _sorted_out(root) if is_app)


def ignored_paths(root: Path) -> list[str]:
    """What .funcignore leaves out: files, and the topmost of folders, with a slash after them."""
    ignored = sorted(path for path, is_app in _sorted_out(root) if not is_app)
    return [f"{path.as_posix()}/" if (root / path).is_dir() else path.as_posix() for path in ignored]


def _sorted_out(root: Path) -> Iterator[tuple[Path, bool]]:
    spec = GitIgnoreSpec.from_lines((root / ".funcignore").read_text().splitlines())
    yield from _below(root, Path(), spec, (root.resolve(),))


def _below(
    root: Path, folder: Path, spec: GitIgnoreSpec, inside: tuple[Path, ...]
) -> Iterator[tuple[Path, bool]]:
    """The paths below a folder, and whether each is the app's; `inside` are the folders that lead there."""
    for entry in (root / folder).iterdir():
        path = folder / entry.name
        if spec.match_file(f"{path.as_posix()}/" if entry.is_dir() else path.as_posix()):
            yield path, False
            continue
        target = _target(root, path)
        if target in inside:
            raise Unpackable(f"{path} links to {entry.readlink()}, in which it lies: take the link out.")
        if target.is_dir():
            yield from _below(root, path, spec, (*inside, target))
        else:
            yield path, True


def _target(root: Path, path: Path) -> Path:
    target = Path(os.path.realpath(root / path))  # which, unlike resolve(), takes links that go in circles
    if target.exists() and target.is_relative_to(root.resolve()):
        return target
    link = next(place for place in (root / path, *(root / path).parents) if place.is_symlink())
    raise Unpackable(
        f"{link.relative_to(root)} links to {link.readlink()}, which the commit does not hold: "
        "commit the file in the link's place, or name the link in .funcignore."
    )
