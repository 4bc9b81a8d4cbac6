"""What a setting is: its row of docs/settings.md, and how the text in the environment becomes a value."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from shared_code.errors import InvalidSetting, MissingSetting, UnresolvedReference

Value = TypeVar("Value")
Environment = Mapping[str, str]

# What Azure hands to an app as it is where it could not put the value in its place.
_REFERENCE = re.compile(r"@Microsoft\.(KeyVault|AppConfiguration)\(", re.IGNORECASE)


class _HasEnvironment(Protocol):
    @property
    def environment(self) -> Environment: ...


@dataclass(frozen=True)
class Setting(Generic[Value]):
    """A setting, declared once as an attribute of Settings.

    An instance of Settings has its checked value there, the class this declaration.

    Attributes:
        name: the environment variable.
        default: what holds where it is absent or empty, as the table shows it; empty: nothing does.
        meaning: what it is for, in one line of Markdown.
        parse: checks a text and makes the value of it, or raises what `missing` or `invalid` gives.
        example: a valid text for error messages; empty: the default.
        fallback: finds the text in other settings where this one is absent or empty.
    """

    name: str
    default: str
    meaning: str
    parse: Callable[["Setting[Any]", str], Value]
    example: str = ""
    fallback: Callable[[Environment], str] | None = None

    @overload
    def __get__(self, settings: None, owner: type) -> Self: ...

    @overload
    def __get__(self, settings: _HasEnvironment, owner: type) -> Value: ...

    def __get__(self, settings: _HasEnvironment | None, owner: type) -> Self | Value:
        return self if settings is None else self.parse(self, self.text(settings.environment))

    def text(self, environment: Environment) -> str:
        """What the environment says, or else the default.

        Raises:
            UnresolvedReference: Azure could not put the value in its place.
        """
        text = environment.get(self.name, "").strip()
        if reference := _REFERENCE.match(text):
            raise UnresolvedReference(self.name, reference[1])
        return text or (self.fallback(environment) if self.fallback else self.default)

    def missing(self, fix: str) -> MissingSetting:
        """The error for a setting that is needed and absent; `fix` says what to do, without a full stop."""
        return MissingSetting(self.name, fix)

    def invalid(self, fix: str) -> InvalidSetting:
        """The error for a value that cannot be used; `fix` says what to do, and never repeats the value."""
        return InvalidSetting(self.name, fix)
