"""Checks a function's code against its function.json, as the Python worker does.

The checks and their texts follow the worker, so that what loads here loads on Azure: `dict[str, int]` is
refused there as a parameter's annotation, for instance, and `dict` is not.
"""

import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from devhost.app.bindings import Binding, Conversion, Direction
from devhost.app.functions import Function
from devhost.errors import FunctionLoadError

_CONTEXT = "context"
_DATA_TYPES = {"string": 1, "binary": 2, "stream": 3}  # as the worker writes them
_EXTENSION = r"azurefunctions\.extensions\.(bindings|http)\.\w+"
_NOT_GENERIC = (typing.Union, tuple, typing.ClassVar, typing.get_origin(typing.Callable))


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """A function that is ready to be called; parameters are keyed by name."""

    function: Function
    entry_point: Callable[..., Any]
    is_async: bool
    wants_context: bool
    inputs: Mapping[str, Conversion]
    outputs: Mapping[str, Conversion]
    result: Conversion | None


def bind(function: Function, entry_point: Callable[..., Any]) -> FunctionCode:
    """Matches the parameters of a function with its bindings.

    Raises:
        FunctionLoadError: they do not fit; the reason is the worker's text.
    """
    signature = _Signature.of(function, entry_point)
    bindings = {binding.name: binding for binding in function.bindings if not binding.is_return}
    wants_context = _CONTEXT in signature.parameters and _CONTEXT not in bindings
    signature.require_parameters({*bindings, _CONTEXT} if wants_context else {*bindings})
    if wants_context:
        signature.require_context_annotation()
    conversions = {name: signature.conversion(binding) for name, binding in bindings.items()}
    return FunctionCode(
        function=function,
        entry_point=entry_point,
        is_async=inspect.iscoroutinefunction(entry_point),
        wants_context=wants_context,
        inputs={n: c for n, c in conversions.items() if c.binding.direction is Direction.IN},
        outputs={n: c for n, c in conversions.items() if c.binding.direction is Direction.OUT},
        result=signature.result(),
    )


@dataclass(frozen=True, slots=True)
class _Signature:
    """The signature of an entry point, with the checks that the worker makes on it."""

    function: Function
    parameters: frozenset[str]
    annotations: Mapping[str, Any]

    @classmethod
    def of(cls, function: Function, entry_point: Callable[..., Any]) -> "_Signature":
        parameters = inspect.signature(entry_point).parameters
        return cls(function, frozenset(parameters), typing.get_type_hints(entry_point))

    def require_parameters(self, bound: set[str]) -> None:
        if undeclared := set(self.parameters) - bound:
            self._fail(
                f"the following parameters are declared in Python but not in function.json: {undeclared!r}"
            )
        if missing := bound - self.parameters:
            self._fail(
                f"the following parameters are declared in function.json but not in Python: {missing!r}"
            )

    def require_context_annotation(self) -> None:
        annotation = self.annotations.get(_CONTEXT)
        if annotation is None or (isinstance(annotation, type) and annotation.__name__ == "Context"):
            return
        self._fail(
            f'the "context" parameter is expected to be of type azure.functions.Context, got {annotation!r}'
        )

    def conversion(self, binding: Binding) -> Conversion:
        if binding.direction is Direction.INOUT:
            self._fail('"inout" bindings are not supported')
        if binding.name not in self.annotations:
            return Conversion.of(binding, None)
        annotation = self.annotations[binding.name]
        is_out = _is_out(annotation)
        python_type = self._inside_out(binding, annotation) if is_out else annotation
        self._require_type(binding, python_type, annotation)
        self._require_direction(binding, is_out=is_out)
        conversion = Conversion.of(binding, python_type)
        accepts = conversion.accepts_output if is_out else conversion.accepts_input
        if not accepts(python_type):
            if (data_type := _DATA_TYPES.get(str(binding.properties.get("dataType")).lower())) is not None:
                self._fail(
                    f'{binding.name!r} binding type "{binding.type}" and dataType "{data_type}" in '
                    "function.json do not match the corresponding function parameter's Python type "
                    f'annotation "{python_type.__name__}"'
                )
            self._fail(
                f'type of {binding.name} binding in function.json "{binding.type}" '
                f'does not match its Python annotation "{python_type.__name__}"{_of_an_extension()}'
            )
        return conversion

    def result(self) -> Conversion | None:
        explicit = next((binding for binding in self.function.bindings if binding.is_return), None)
        if explicit is None:
            implicit = [binding for binding in self.function.bindings if binding.has_implicit_output]
            return Conversion.of_result(implicit[-1], None) if implicit else None
        if explicit.direction is not Direction.OUT:
            self._fail('"$return" binding must have direction set to "out"')
        if "return" not in self.annotations:
            return Conversion.of_result(explicit, None)
        annotation = self.annotations["return"]
        if _is_out(annotation):
            self._fail("return annotation should not be azure.functions.Out")
        if not isinstance(annotation, type):
            self._fail(f"has invalid non-type return annotation {annotation!r}")
        conversion = Conversion.of_result(explicit, annotation)
        if not conversion.accepts_output(annotation):
            self._fail(
                f'Python return annotation "{annotation.__name__}" '
                f'does not match binding type "{explicit.type}"'
            )
        return conversion

    def _inside_out(self, binding: Binding, annotation: Any) -> Any:
        arguments = typing.get_args(annotation)
        if len(arguments) != 1:
            self._fail(f"binding {binding.name} has invalid Out annotation {annotation!r}")
        return arguments[0]

    def _require_type(self, binding: Binding, python_type: Any, annotation: Any) -> None:
        if not isinstance(python_type, type) and not _is_typing_generic(python_type):
            self._fail(f"binding {binding.name} has invalid non-type annotation {annotation!r}")

    def _require_direction(self, binding: Binding, *, is_out: bool) -> None:
        if is_out and binding.direction is Direction.IN:
            self._fail(
                f'binding {binding.name} is declared to have the "in" direction in function.json, '
                "but its annotation is azure.functions.Out in Python"
            )
        if not is_out and binding.direction is Direction.OUT:
            self._fail(
                f'binding {binding.name} is declared to have the "out" direction, '
                "but its annotation in Python is not a subclass of azure.functions.Out"
            )

    def _fail(self, reason: str) -> typing.NoReturn:
        raise FunctionLoadError(self.function.name, reason)


def _of_an_extension() -> str:
    """What to say of an annotation that only an extension of the worker would take, if the app has one."""
    packages = (name for name in sorted(sys.modules) if re.fullmatch(_EXTENSION, name))
    package = next(packages, "").replace(".", "-")
    if not package:
        return ""
    return (
        f". This host does not have what {package} adds, such as streams and the clients of other SDKs: use "
        "the types of azure.functions"
    )


def _is_out(annotation: Any) -> bool:
    plain = typing.get_origin(annotation) or annotation
    return isinstance(plain, type) and plain.__name__ == "Out"


def _is_typing_generic(annotation: Any) -> bool:
    """Whether the worker takes it for a generic type: `Dict[str, int]` is one, `dict[str, int]` is not."""
    if isinstance(annotation, types.GenericAlias | types.UnionType):
        return False
    origin = typing.get_origin(annotation)
    return origin is not None and origin not in _NOT_GENERIC
