"""What can go wrong around the local stack; each message is the one sentence the user reads.

LocalStackError
├── InvalidOption      a setting of the stack that cannot be used
├── PortTaken          something else listens where a service has to
├── StateInUse         another stack works in the same state folder
├── NodeMissing        no usable Node.js, and none could be installed
├── PackagesMissing    the emulators' packages could not be installed
├── ServiceDied        a service ended by itself
├── ServiceSilent      a service runs but does not answer
├── ForeignTable       the audit table holds rows that are not the sample data
├── DemoFailed         the demo's job did not give the right answer
├── QuestionRefused    a question to the index has no answer
└── NothingToPut       no file is named, or no storage is there to take it
"""


class LocalStackError(Exception):
    """The local stack cannot go on."""


class InvalidOption(LocalStackError):
    """A setting of the stack cannot be used."""


class PortTaken(LocalStackError):
    """Something else listens where a service has to."""


class StateInUse(LocalStackError):
    """Another stack works in the same state folder."""


class NodeMissing(LocalStackError):
    """No usable Node.js is there, and none could be installed."""


class PackagesMissing(LocalStackError):
    """The emulators' packages could not be installed."""


class ServiceDied(LocalStackError):
    """A service ended by itself."""


class ServiceSilent(LocalStackError):
    """A service runs but does not answer."""


class ForeignTable(LocalStackError):
    """The audit table holds rows that are not the sample data."""


class DemoFailed(LocalStackError):
    """The demo's job did not give the right answer."""


class QuestionRefused(LocalStackError):
    """A question to the index has no answer."""


class NothingToPut(LocalStackError):
    """No file is named, or no storage is there to take it."""
