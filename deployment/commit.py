"""The commit that a package is made of: its files as git holds them, and what lies beside them.

Files are read from git and not from the checkout, so that a clone, a checkout at work and one with other line
endings give the same bytes, and so that nothing is deployed that nobody has committed.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deployment.errors import NotACheckout, Unpackable

_LINK, _SUBMODULE = "120000", "160000"


@dataclass(frozen=True, slots=True)
class BesideTheCommit:
    """Paths of a checkout that are not as the commit has them; of folders that git ignores, the topmost."""

    uncommitted: list[str]
    changed: list[str]
    ignored: list[str]


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that is checked out at `root`."""

    root: Path
    id: str

    @classmethod
    def checked_out(cls, root: Path) -> Self:
        """The commit of a checkout.

        Raises:
            NotACheckout: the folder is not a checkout with a commit.
        """
        if _git(root, "rev-parse", "--show-prefix").strip():
            raise NotACheckout(root, "it lies in the checkout of another repository")
        return cls(root, _git(root, "rev-parse", "--verify", "HEAD^{commit}").decode().strip())

    def export(self, folder: Path) -> None:
        """Writes every file and link of the commit below `folder`.

        Raises:
            Unpackable: a link leads out of the tree.
        """
        entries = [_Entry.parse(line) for line in _split(_git(self.root, "ls-tree", "-r", "-z", self.id))]
        for entry in entries:
            if entry.mode == _SUBMODULE:
                raise Unpackable(f"{entry.path} is a submodule: commit its files, or take it out.")
        for entry, content in zip(entries, self._contents(entries), strict=True):
            path = folder / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.mode == _LINK:
                path.symlink_to(os.fsdecode(content))
            else:
                path.write_bytes(content)

    def beside(self) -> BesideTheCommit:
        """What the checkout holds that the commit does not, or not so."""
        found = BesideTheCommit([], [], [])
        options = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--ignored=matching")
        for line in _split(_git(self.root, "status", *options)):
            code, path = line[:2].decode(), line[3:].decode("utf-8", "backslashreplace")
            if code == "!!":
                found.ignored.append(path)
            elif code == "??" or code.startswith("A"):
                found.uncommitted.append(path)
            else:
                found.changed.append(path)
        return found

    def _contents(self, entries: list["_Entry"]) -> list[bytes]:
        asked = "".join(f"{entry.blob}\n" for entry in entries).encode()
        answer = _git(self.root, "cat-file", "--batch=%(objectsize)", given=asked)
        contents: list[bytes] = []
        position = 0
        for _ in entries:
            begin = answer.index(b"\n", position) + 1
            position = begin + int(answer[position:begin])
            contents.append(answer[begin:position])
            position += 1  # the line feed after each
        return contents


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    blob: str
    path: str

    @classmethod
    def parse(cls, line: bytes) -> Self:
        description, _, path = line.partition(b"\t")
        mode, _, blob = description.decode().split(" ")
        return cls(mode, blob, os.fsdecode(path))


def _git(root: Path, *arguments: str, given: bytes | None = None) -> bytes:
    # A hook that runs this has set variables for a repository of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, input=given, capture_output=True, check=False, env=environment)
    except FileNotFoundError as error:
        raise NotACheckout(root, "git is not installed") from error
    if done.returncode:
        raise NotACheckout(root, " ".join(done.stderr.decode(errors="replace").split()))
    return done.stdout


def _split(output: bytes) -> list[bytes]:
    return output.split(b"\0")[:-1]
