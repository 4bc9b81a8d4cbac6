"""Runs the development host on an unpacked package; started by its path, with -I -S, in an empty environment.

So `sys.path` begins as the standard library alone. To it come the package's own dependencies and, behind
them, a folder with the host and one with what it needs beside those. At the end it writes down where every
module came from.
"""

import atexit
import json
import runpy
import sys
from pathlib import Path


def main() -> None:
    app, host_folder, modules_file, *options = sys.argv[1:]
    sys.path += [str(Path(app) / ".python_packages/lib/site-packages"), host_folder]
    sys.path += [str(Path(host_folder) / "site-packages")]
    atexit.register(write_origins, Path(modules_file))
    sys.argv = ["devhost", app, *options]
    runpy.run_module("devhost", run_name="__main__", alter_sys=True)


def write_origins(file: Path) -> None:
    origins = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    file.write_text(json.dumps({name: path for name, path in origins.items() if path}))


if __name__ == "__main__":
    main()
