"""`python -m deployment package|lock`; an error is one sentence, with exit code 1."""

import argparse
import sys

from deployment.dependencies import PYTHON, lock
from deployment.errors import DeploymentError
from deployment.package import LOCK_FILE, REQUIREMENTS, build


def main() -> int:
    """Runs one command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deployment", description="The app's way to Azure.")
    commands = parser.add_subparsers(dest="command", required=True)
    packaging = commands.add_parser("package", help="build dist/app.zip")
    packaging.add_argument(
        "--python", default=PYTHON, help="version of the function app (default: %(default)s)"
    )
    commands.add_parser("lock", help="pin the newest versions that requirements.txt allows")
    options = parser.parse_args()
    try:
        if options.command == "lock":
            lock(REQUIREMENTS, LOCK_FILE)
        else:
            print(build(python=options.python).report())
    except DeploymentError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
