"""A package is what git has committed: nothing that lies beside it, however dirty the checkout."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from deployment.errors import DeploymentError, NotACheckout, Unpackable
from deployment.package import Package, build
from tests.deployment.conftest import RUNNING_PYTHON

APP = {"host.json": "{}", "job/main.py": "def main(): ...\n", "shared_code/a.py": "A = 1\n"}
BESIDE = {".funcignore": "/docs\n.*\nrequirements.lock\n", ".gitignore": "*.log\n.local/\n"}
TREE = {**APP, **BESIDE, "requirements.txt": "", "requirements.lock": "", "docs/notes.md": "notes\n"}


@dataclass(frozen=True)
class Repository:
    root: Path

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example", "-c", "core.autocrlf=false")
        environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        command = ["git", *identity, *arguments]
        done = subprocess.run(
            command, cwd=self.root, capture_output=True, text=True, check=True, env=environment
        )
        return done.stdout.strip()

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_bytes(text.encode())

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A commit")

    def package(self) -> Package:
        return build(self.root.parent / f"{self.root.name}-dist", python=RUNNING_PYTHON, root=self.root)

    def link(self, name: str, target: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).symlink_to(target)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "checkout")
    repository.root.mkdir()
    repository.git("init", "--quiet")
    repository.write(TREE)
    repository.commit()
    return repository


def contents(package: Package) -> dict[str, str]:
    with ZipFile(package.archive) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_app_as_committed_is_the_package_and_nothing_else(repository: Repository) -> None:
    assert contents(repository.package()) == {**APP, "requirements.txt": ""}


DIRT = {
    ".env": "KEY=secret",
    "shared_code/private.pem": "secret",
    "notes.txt": "draft",
    "state/jobs.db": "state",
    ".local/azurite/blob": "state",
    "debug.log": "secret",
    "new-function/function.json": "{}",
}


def test_clone_and_dirty_checkout_of_a_commit_give_the_same_bytes(
    repository: Repository, tmp_path: Path
) -> None:
    repository.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    repository.write(DIRT | {"shared_code/a.py": "A = 2\n", "requirements.txt": "no-such-package==1\n"})
    repository.write({"staged.py": "", "host.json": "{}\r\n"})
    repository.git("add", "staged.py")
    (repository.root / "job/main.py").unlink()
    clean, dirty = Repository(tmp_path / "clone").package(), repository.package()

    assert contents(dirty) == {**APP, "requirements.txt": ""}
    assert clean.archive.read_bytes() == dirty.archive.read_bytes()


def test_report_names_the_commit_and_each_thing_that_was_left_out(repository: Repository) -> None:
    repository.write(DIRT | {"shared_code/a.py": "A = 2\n"})
    (repository.root / "job/main.py").unlink()
    report = repository.package().report().splitlines()

    assert f"  commit {repository.git('rev-parse', 'HEAD')}" in report
    untracked = ".env, new-function/function.json, notes.txt, shared_code/private.pem, state/jobs.db"
    assert report[-4:] == [
        f"Not committed, so not in it: {untracked}",
        "Changed since the commit, in it as committed: job/main.py, shared_code/a.py",
        "Ignored by git: .local/, debug.log",
        "Ignored by .funcignore: .funcignore, .gitignore, docs/, requirements.lock",
    ]


def test_link_inside_the_commit_becomes_what_it_leads_to(repository: Repository) -> None:
    repository.link("shared_code/b.py", "a.py")
    repository.link("job/code", f"{os.pardir}/shared_code")
    repository.commit()

    packed = contents(repository.package())
    linked = {packed[name] for name in ("shared_code/b.py", "job/code/b.py", "job/code/a.py")}
    assert linked == {APP["shared_code/a.py"]}


LINKS = {
    "absolute": "/etc/hostname",
    "above": "../../outside.txt",
    "folder": "/etc",
    "nowhere": "no-such-file",
    "itself": "linked",
    "around": "..",
    "uncommitted": "private.pem",
    "ignored by git": "debug.log",
    "through git": "../.git/config",
}


@pytest.mark.parametrize("target", LINKS.values(), ids=LINKS)
def test_link_out_of_the_commit_is_refused_by_name(repository: Repository, target: str) -> None:
    (repository.root.parent / "outside.txt").write_text("secret")
    repository.write({".gitignore": "*.log\n*.pem\n"})
    repository.write({"shared_code/private.pem": "secret", "shared_code/debug.log": "secret"})
    repository.link("shared_code/linked", target)
    repository.commit()

    with pytest.raises(Unpackable, match=rf"^shared_code/linked links to {target}"):
        repository.package()


def test_link_that_funcignore_names_is_left_alone(repository: Repository) -> None:
    repository.link("docs/linked", "/etc/hostname")
    repository.commit()

    assert contents(repository.package()) == {**APP, "requirements.txt": ""}


def test_refused_package_leaves_no_older_one_behind(repository: Repository) -> None:
    archive = repository.package().archive
    repository.link("shared_code/linked", "/etc/hostname")
    repository.commit()

    with pytest.raises(Unpackable):
        repository.package()
    assert not archive.exists()


def test_names_and_contents_of_every_kind_are_kept(repository: Repository) -> None:
    odd = {"job/a b.txt": "", "job/ü\n.txt": "\r\n\0\n\n", "job/-x": "blob 5\n", "job/big": "x" * 100_000}
    repository.write(odd)
    repository.commit()

    packed = contents(repository.package())
    assert {name: packed[name] for name in odd} == odd


def test_tree_without_git_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    Repository(tmp_path).write(TREE)

    with pytest.raises(NotACheckout, match=r"git init, git add --all and git commit"):
        Repository(tmp_path).package()


def test_folder_inside_another_repository_is_refused(repository: Repository) -> None:
    archive = Repository(repository.root / "downloaded")
    archive.write(TREE)

    with pytest.raises(NotACheckout, match="lies in the checkout of another repository"):
        archive.package()


def test_repository_without_a_commit_is_refused(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.write(TREE)
    repository.git("init", "--quiet")

    with pytest.raises(NotACheckout):
        repository.package()


def test_machine_without_git_is_told_so(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository.root))

    with pytest.raises(DeploymentError, match="git is not installed"):
        repository.package()


def test_variables_of_a_git_hook_lead_to_no_other_repository(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(repository.root / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository.root / "elsewhere/index"))

    assert "host.json" in contents(repository.package())
