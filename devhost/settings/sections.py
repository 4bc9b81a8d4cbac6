"""Reads a settings file section by section; what cannot be used is named by file and key."""

import enum
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from devhost.errors import BrokenSettings, UnresolvedExpression
from devhost.jsonc import read_jsonc
from devhost.settings.app_settings import expand_settings
from devhost.timespan import parse_timespan

T = TypeVar("T")
E = TypeVar("E", bound=enum.StrEnum)


@dataclass(frozen=True, slots=True)
class Section:
    """An object in a settings file; its members may be named in any case.

    Attributes:
        path: the file.
        content: the members as they are written.
        name: where in the file it is, such as `extensions.http`; empty for the whole file.
    """

    path: Path
    content: dict[str, Any]
    name: str = ""

    def section(self, key: str) -> "Section":
        """The object below a key; an empty one if there is none.

        Raises:
            BrokenSettings: it is not an object.
        """
        return Section(self.path, self.value(key, {}), self._full_name(key))

    def value(self, key: str, default: T) -> T:
        """The value of a key, or `default` if it is not set; a number counts as a text too, as on Azure.

        Raises:
            BrokenSettings: it has another type than `default`, or names a setting that is not set.
        """
        value = self._written(key)
        if value is None:
            return default
        if isinstance(value, str):
            value = self._read_text(key, value, default)
        if isinstance(default, str) and isinstance(value, int | float) and not isinstance(value, bool):
            value = json.dumps(value)
        # A JSON true would otherwise pass for the number 1.
        if isinstance(value, bool) is not isinstance(default, bool) or not isinstance(value, type(default)):
            wanted = {str: "a text", int: "a number", dict: "an object", list: "a list"}[type(default)]
            raise BrokenSettings(self.path, f"{self._full_name(key)} is {json.dumps(value)}, not {wanted}.")
        return value

    def _written(self, key: str) -> Any:
        """The value of a key, which may be in any case."""
        return next((value for name, value in self.content.items() if name.lower() == key.lower()), None)

    def _read_text(self, key: str, text: str, default: object) -> Any:
        """A text with app settings in place of their names; a number, where one is wanted."""
        try:
            expanded = expand_settings(text)
        except UnresolvedExpression as error:
            reason = f"{self._full_name(key)} names {error.expression}: set that app setting."
            raise BrokenSettings(self.path, reason) from error
        is_number = isinstance(default, int) and re.fullmatch(r"\s*-?[0-9]+\s*", expanded)
        return int(expanded) if is_number else expanded

    def flag(self, key: str) -> bool:
        """A boolean, which Core Tools take as a text too; false if it is not set.

        Raises:
            BrokenSettings: it is neither.
        """
        written = self._written(key) or False
        text = written.lower() if isinstance(written, str) else json.dumps(written)
        if text not in ("true", "false"):
            raise BrokenSettings(
                self.path, f"{self._full_name(key)} is {json.dumps(written)}, not true or false."
            )
        return text == "true"

    def texts(self) -> dict[str, str]:
        """All members, which have to be texts.

        Raises:
            BrokenSettings: one is not.
        """
        return {key: self.value(key, "") for key in self.content}

    def timespan(self, key: str, default: timedelta) -> timedelta:
        """A duration such as `00:00:30`.

        Raises:
            BrokenSettings: it is not one.
        """
        text = self.value(key, "")
        try:
            return parse_timespan(text) if text else default
        except ValueError as error:
            raise BrokenSettings(self.path, f"{self._full_name(key)}: {error}") from error

    def number(self, key: str, default: int, allowed: range) -> int:
        """A whole number.

        Raises:
            BrokenSettings: it is none, or not among the allowed ones.
        """
        number = self.value(key, default)
        if number not in allowed:
            limits = f"{allowed.start} to {allowed.stop - 1}"
            raise BrokenSettings(self.path, f"{self._full_name(key)} is {number}: use {limits}.")
        return number

    def choice(self, key: str, default: E) -> E:
        """A word of a few, in any case.

        Raises:
            BrokenSettings: it is another one.
        """
        written = self.value(key, default.value)
        for member in type(default):
            if member.value.lower() == written.lower():
                return member
        members = ", ".join(type(default))
        raise BrokenSettings(self.path, f'{self._full_name(key)} is "{written}", not one of {members}.')

    def _full_name(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        BrokenSettings: it holds something else.
    """
    try:
        content = read_jsonc(path)
    except ValueError as error:
        raise BrokenSettings(path, f"it is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise BrokenSettings(path, "it is not a JSON object.")
    return content
