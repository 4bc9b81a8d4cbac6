"""`python -m local.emulators.cosmos --port N --folder STATE/cosmos`."""

import argparse
from pathlib import Path

from aiohttp import web

from local.emulators.cosmos.app import create_app
from local.emulators.cosmos.certificate import tls
from local.emulators.cosmos.store import Store


def main() -> None:
    """Serves until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m local.emulators.cosmos")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
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
