"""Bindings of a function.json, and how their values cross between host and function.

Every value goes through the converters of `azure.functions`, as in the Python worker.
"""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from azure.functions.meta import Datum, get_binding_registry

from devhost.app.generic_converter import GenericConverter
from devhost.engine.dotnet_json import to_json

# What this host can bind, by the name in function.json, which is case-insensitive there.
BINDING_TYPES: Mapping[str, str] = {
    name.lower(): name
    for name in (
        "httpTrigger",
        "http",
        "durableClient",
        "orchestrationTrigger",
        "activityTrigger",
        "entityTrigger",
        "queueTrigger",
        "timerTrigger",
        "warmupTrigger",
        "blobTrigger",
        "queue",
        "blob",
        "table",
    )
} | {"orchestrationclient": "durableClient"}  # its name before version 2 of the extension

OUT_ONLY = frozenset({"queue"})

_SENT_AS_JSON = frozenset({"list", "dict", "int", "double", "bool"})

Converter: TypeAlias = Any  # a class of the registry, which has no types, or GenericConverter


class Direction(enum.StrEnum):
    """Which way a binding's value goes, seen from the function."""

    IN = "in"
    OUT = "out"
    INOUT = "inout"


class Members(Mapping[str, Any]):
    """The members of a binding; they are found by their names in any case, as .NET reads them."""

    def __init__(self, written: Mapping[str, Any]) -> None:
        self._written = written
        self._values = {name.lower(): value for name, value in written.items()}

    def __getitem__(self, name: str) -> Any:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)


@dataclass(frozen=True, slots=True)
class Binding:
    """One entry of a function.json; `properties` holds all of it."""

    name: str
    type: str
    direction: Direction
    properties: Mapping[str, Any]

    @property
    def is_trigger(self) -> bool:
        """Whether the binding is what starts the function."""
        return self.type.lower().endswith("trigger")

    @property
    def is_return(self) -> bool:
        """Whether what the function returns goes out by this binding."""
        return self.name == "$return"

    @property
    def is_lacking(self) -> bool:
        """Whether this host has no such binding; Azure may have one."""
        return self.type.lower() not in BINDING_TYPES

    @property
    def has_implicit_output(self) -> bool:
        """Whether a function with this binding may return something without a `$return` binding."""
        return bool(getattr(_converter(self.type), "has_implicit_output", bool)())


@dataclass(frozen=True, slots=True)
class Conversion:
    """How the values of one binding are converted for one function's parameter or return value."""

    binding: Binding
    converter: Converter
    python_type: Any

    @classmethod
    def of(cls, binding: Binding, annotation: Any) -> "Conversion":
        """The conversion that the worker picks for a parameter with this annotation (`None`: it has none)."""
        passes_through = annotation in (str, bytes) and not binding.has_implicit_output
        return cls(binding, GenericConverter if passes_through else _converter(binding.type), annotation)

    @classmethod
    def of_result(cls, binding: Binding, annotation: Any) -> "Conversion":
        """The conversion of what the function returns."""
        return cls(binding, _converter(binding.type), annotation)

    def accepts_input(self, python_type: Any) -> bool:
        """Whether a parameter may be annotated so."""
        return bool(self.converter.check_input_type_annotation(python_type))

    def accepts_output(self, python_type: Any) -> bool:
        """Whether a return value or the inside of an `Out[...]` may be annotated so."""
        return bool(self.converter.check_output_type_annotation(python_type))

    def decode(self, value: Datum, metadata: Mapping[str, Datum]) -> Any:
        """The argument that the function gets.

        Raises:
            TypeError: the converter has no reading of such a value.
        """
        try:
            return self.converter.decode(value, trigger_metadata=metadata)
        except NotImplementedError:
            raise TypeError(
                f"unable to decode incoming TypedData: unsupported combination of TypedData field "
                f"'{value.type}' and expected binding type {self.converter}"
            ) from None

    def encode(self, value: Any) -> Datum:
        """What the host gets of the function's value.

        Raises:
            TypeError: the binding takes no value of this type.
        """
        try:
            datum = _as_host_takes_it(self.converter.encode(value, expected_type=self.python_type))
        except NotImplementedError:
            raise TypeError(
                f'unable to encode outgoing TypedData: unsupported type "{self.binding.type}" '
                f'for Python type "{type(value).__name__}"'
            ) from None
        if datum.type == "json" and not isinstance(datum.value, str):
            raise TypeError(
                f'"{self.binding.type}" puts out a text, not "{type(datum.value).__name__}". '
                "Does its main come from df.Orchestrator.create or df.Entity.create?"
            )
        return datum


class OutParameter:
    """What a function gets for an `Out[...]` parameter."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, value: Any) -> None:
        """Sets what the binding shall put out."""
        self._value = value

    def get(self) -> Any:
        """What was set last, `None` if nothing."""
        return self._value


def text_datum(value: str) -> Datum:
    """A text as the host hands it to a worker."""
    return Datum(value, "string")


def _as_host_takes_it(datum: Datum) -> Datum:
    """The value as the worker sends it: lists, objects, numbers and booleans travel as JSON."""
    if datum.type in _SENT_AS_JSON:
        return Datum(to_json(datum.value), "json")
    return datum


def _converter(binding_type: str) -> Converter:
    return get_binding_registry().get(binding_type) or GenericConverter
