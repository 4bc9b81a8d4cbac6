"""The app's folder as the place to import from and to run in, laid out for Python as the worker does it."""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devhost.app.app_frames import AppFrames
from devhost.app.function_code import FunctionCode, bind
from devhost.app.functions import Function
from devhost.app.import_path import PYTHONPATH, import_path, without_host
from devhost.engine.errors import describe_error
from devhost.errors import FunctionLoadError

_NAMESPACE = "__app__"  # the worker imports a function's script as __app__.<folder>.<script>


class AppFolder:
    """One app's folder; one at a time, since modules and the working directory belong to the process."""

    def __init__(self, app_dir: Path) -> None:
        self.path = app_dir.resolve()
        self._frames = AppFrames(app_dir)
        self._previous_directory = Path.cwd()
        self._previous_path: list[str] = []
        self._previous_python_path: str | None = None
        self._others: frozenset[str] = frozenset()
        self._displaced: dict[str, types.ModuleType] = {}

    def enter(self) -> None:
        """Makes the folder importable, as itself and as the worker's namespace package, and works in it."""
        self._previous_directory = Path.cwd()
        self._others = frozenset(sys.modules)
        self._previous_path = [*sys.path]
        self._previous_python_path = os.environ.get(PYTHONPATH)
        sys.path[:] = import_path(self.path, sys.path, python_path=self._previous_python_path)
        if self._previous_python_path is not None:
            os.environ[PYTHONPATH] = without_host(self._previous_python_path)
        os.chdir(self.path)
        namespace = importlib.machinery.ModuleSpec(_NAMESPACE, None, is_package=True)
        namespace.submodule_search_locations = [str(self.path)]
        sys.modules[_NAMESPACE] = importlib.util.module_from_spec(namespace)
        importlib.invalidate_caches()

    def leave(self) -> None:
        """Forgets the app's modules, so that another app, or a newer one, can be loaded.

        A module of the folder that was there before stays: a test that hosts its own app goes on using it.
        """
        os.chdir(self._previous_directory)
        sys.path[:] = self._previous_path
        if self._previous_python_path is not None:
            os.environ[PYTHONPATH] = self._previous_python_path
        others = self._others - self._displaced.keys()
        added = [(name, module) for name, module in sys.modules.items() if name not in others]
        for name in [name for name, module in added if self._owns(name, module)]:
            del sys.modules[name]
        sys.modules.update(self._displaced)

    def load(self, function: Function) -> FunctionCode:
        """Imports a function and checks its signature.

        Raises:
            FunctionLoadError: the import fails, or the code does not fit the function.json.
        """
        try:
            return bind(function, self._import(function))
        except FunctionLoadError:
            raise
        except BaseException as error:  # a module may raise anything; Ctrl-C is for another thread
            raise FunctionLoadError(function.name, self.describe(error)) from error

    def import_script(self, script: Path) -> types.ModuleType:
        """Imports a script of the folder under its plain name, as the worker does with `function_app.py`.

        It is that file and no other: a module of the name that is there already gives way until the folder
        is left.
        """
        name = script.stem
        present = sys.modules.get(name)
        if present is not None and getattr(present, "__file__", None) == str(script):
            return present
        if present is not None:
            self._displaced[name] = present
        spec = importlib.util.spec_from_file_location(name, script)
        if spec is None or spec.loader is None:
            raise ImportError(f"{script} is not a Python file", name=name)
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module

    def format_stack(self, error: BaseException) -> str:
        """The frames of a traceback as text, from the app's first one on if it has one."""
        text = traceback.TracebackException.from_exception(error)
        own = [position for position, frame in enumerate(text.stack) if self._frames.holds(frame.filename)]
        frames = text.stack[own[0] :] if own else text.stack
        return "".join(traceback.StackSummary.from_list(frames).format())

    def describe(self, error: BaseException) -> str:
        """What an error of the app's code says, with file and line where they are known."""
        if isinstance(error, SyntaxError):  # whose own text leaves the folders of the file out
            return f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})"
        text = describe_error(error)
        place = self._frames.place_of(error)
        return f"{text} ({place[0]}, line {place[1]})" if place else text

    def _import(self, function: Function) -> Callable[..., Any]:
        if function.code is not None:
            return function.code
        module = importlib.import_module(self._module_name(function))
        entry_point: Callable[..., Any] | None = getattr(module, function.entry_point, None)
        if not callable(entry_point):
            raise FunctionLoadError(
                function.name, f"function {function.entry_point}() is not present in {function.script}"
            )
        return entry_point

    def _owns(self, name: str, module: types.ModuleType) -> bool:
        # A folder without __init__.py is a module with places but no file.
        places = [getattr(module, "__file__", None) or "", *getattr(module, "__path__", ())]
        return name.partition(".")[0] == _NAMESPACE or any(self._frames.holds(place) for place in places)

    def _module_name(self, function: Function) -> str:
        if not function.script.is_relative_to(self.path):
            raise FunctionLoadError(
                function.name, f"script path {function.script} is not below the app's folder {self.path}"
            )
        path = function.script.relative_to(self.path).with_suffix("")
        is_package = path.name.lower() == "__init__"  # which must not run twice, as package and as module
        return ".".join((_NAMESPACE, *(path.parent if is_package else path).parts))
