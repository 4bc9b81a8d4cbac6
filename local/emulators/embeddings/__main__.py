"""`python -m local.emulators.embeddings --host H --port N --model wordllama|hashing`."""

import argparse
import sys

from aiohttp import web

from local.emulators.embeddings.app import create_app
from local.emulators.embeddings.models import LOADERS

_SWITCH_SECONDS = 0.0005


def main() -> None:
    """Serves until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m local.emulators.embeddings")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", choices=LOADERS, required=True)
    options = parser.parse_args()
    # A question would wait for the thread that embeds the texts of a job, each time for 5 ms.
    sys.setswitchinterval(_SWITCH_SECONDS)
    app = create_app(LOADERS[options.model]())
    web.run_app(
        app,
        host=options.host,
        port=options.port,
        access_log=None,
        print=None,
        shutdown_timeout=1,
        handler_cancellation=True,  # a client that has given up is not counted as answered
    )


if __name__ == "__main__":
    main()
