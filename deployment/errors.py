"""What can go wrong on the way to Azure; each message is the one sentence the user reads.

DeploymentError
├── ResolutionFailed  the app's dependencies could not be resolved or installed
├── NotPinned         the lock file leaves the version of a package open
└── SmokeFailed       the deployed app did not do its job
"""


class DeploymentError(Exception):
    """The app is not on its way."""


class ResolutionFailed(DeploymentError):
    """The app's dependencies could not be resolved or installed."""


class NotPinned(DeploymentError):
    """The lock file leaves the version of a package open."""


class SmokeFailed(DeploymentError):
    """The deployed app did not do its job."""
