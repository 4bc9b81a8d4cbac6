"""What can go wrong on the way to Azure; each message is the one sentence the user reads.

DeploymentError
├── NotACheckout      the app's folder is not the checkout of a commit
├── Unpackable        the commit holds what a package cannot hold
├── ResolutionFailed  the app's dependencies could not be resolved or installed
├── NotPinned         the lock file leaves the version of a package open
└── SmokeFailed       the deployed app did not do its job
"""

from pathlib import Path


class DeploymentError(Exception):
    """The app is not on its way."""


class NotACheckout(DeploymentError):
    """The app's folder is not the checkout of a commit."""

    def __init__(self, root: Path, reason: str) -> None:
        super().__init__(
            f"A package is what git has committed, and {root} is not the checkout of a commit ({reason}): "
            "clone the repository; or, in a downloaded tree, run git init, git add --all and git commit."
        )
        self.root = root


class Unpackable(DeploymentError):
    """The commit holds what a package cannot hold."""


class ResolutionFailed(DeploymentError):
    """The app's dependencies could not be resolved or installed."""


class NotPinned(DeploymentError):
    """The lock file leaves the version of a package open."""


class SmokeFailed(DeploymentError):
    """The deployed app did not do its job."""
