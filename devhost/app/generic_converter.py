"""How values cross that no converter of `azure.functions` knows, such as those of `table` bindings.

The Python worker has such a converter of its own: texts, bytes and JSON pass as they are.
"""

from typing import Any

from azure.functions.meta import Datum

_READABLE = frozenset({"string", "bytes", "json", None})


class GenericConverter:
    """The worker's converter for binding types that the SDK does not know."""

    @classmethod
    def has_implicit_output(cls) -> bool:
        """Whether a function with such a binding may return something without a `$return` binding."""
        return True

    @classmethod
    def check_input_type_annotation(cls, python_type: Any) -> bool:
        """Whether a parameter may be annotated so."""
        return isinstance(python_type, type) and issubclass(python_type, str | bytes)

    @classmethod
    def check_output_type_annotation(cls, python_type: Any) -> bool:
        """Whether what goes out may be annotated so."""
        return isinstance(python_type, type) and issubclass(python_type, str | bytes | bytearray)

    @classmethod
    def decode(cls, data: Datum, *, trigger_metadata: Any) -> Any:
        """The function's argument; a JSON value arrives as its text."""
        del trigger_metadata
        if data.type not in _READABLE:
            raise NotImplementedError
        return data.value

    @classmethod
    def encode(cls, value: Any, *, expected_type: Any) -> Datum:
        """What the function has put out."""
        del expected_type
        match value:
            case str():
                return Datum(value, "string")
            case bytes() | bytearray():
                return Datum(bytes(value), "bytes")
            case None:
                return Datum(None, None)
            case bool():
                return Datum(value, "bool")
            case dict() | list() | int():
                return Datum(value, type(value).__name__)
            case float():
                return Datum(value, "double")
        raise NotImplementedError
