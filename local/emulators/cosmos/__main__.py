"""`python -m local.emulators.cosmos --port N --folder STATE/cosmos`."""

import argparse
import sys
from pathlib import Path

from aiohttp import web

from local.emulators.cosmos.app import create_app
from local.emulators.cosmos.certificate import tls
from local.emulators.cosmos.store import Store

_SWITCH_SECONDS = 0.0005


def main() -> None:
    """Serves until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m local.emulators.cosmos")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    # Whatever is read or searched would wait for the thread that writes, each time for 5 ms.
    sys.setswitchinterval(_SWITCH_SECONDS)
    store = Store.in_folder(options.folder)
    web.run_app(
        create_app(store),
        host=options.host,
        port=options.port,
        ssl_context=tls(options.folder),
        access_log=None,
        print=None,
        shutdown_timeout=1,
    )


if __name__ == "__main__":
    main()
