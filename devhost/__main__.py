"""`python -m devhost APP_DIR`: checks the Python version before it imports what a lower one cannot parse."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this is the check that says so
    sys.exit(f"Python {sys.version.split()[0]} is too old for this host: use Python 3.11 or newer.")

from devhost.cli import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
