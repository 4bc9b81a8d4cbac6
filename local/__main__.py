"""`python -m local services|start|demo|ask|put`; an error is one sentence, and exit code 1."""

import argparse
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from azure.core.exceptions import AzureError

from local.ask import run_ask
from local.demo.run import run_demo
from local.errors import LocalStackError
from local.put import run_put
from local.settings import StackSettings
from local.stack import run_host, run_services

COMMANDS = {"services": run_services, "start": run_host, "demo": run_demo, "ask": run_ask, "put": run_put}


def main() -> int:
    """Runs one command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description="The local stack.")
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args().command
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        COMMANDS[command](StackSettings.read(os.environ))
    except LocalStackError as error:
        return _fail(str(error))
    except AzureError as error:
        return _fail(f"An emulator refused a request: {str(error).splitlines()[0]}")
    except OSError as error:
        return _fail(f"The local stack cannot go on: {error}.")
    except KeyboardInterrupt:
        return 130 if command in {"demo", "ask", "put"} else 0  # the other two run until they are interrupted
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
