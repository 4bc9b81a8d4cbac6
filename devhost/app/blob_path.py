"""The path of a blob trigger: one container, and which of its blobs, with names for parts of theirs."""

import re
from dataclasses import dataclass

_PARAMETER = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_CONTAINER = re.compile(r"\$root|\$web|\$logs|[a-z0-9](?:-?[a-z0-9])+")


class InvalidBlobPath(ValueError):
    """The text is not the path of a blob trigger."""


@dataclass(frozen=True, slots=True)
class BlobPath:
    """A parsed path such as `in/{folder}/{name}.txt`; `prefix` begins the names of all blobs that fit."""

    container: str
    prefix: str
    names: tuple[str, ...]
    pattern: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> "BlobPath":
        """Parses a path; a container alone stands for everything in it.

        Raises:
            InvalidBlobPath: the container's name is not valid, or a parameter's name cannot be used.
        """
        container, _, rest = text.strip().lstrip("/").partition("/")
        if not _CONTAINER.fullmatch(container):
            raise InvalidBlobPath(
                f"'{text}' is not a path of a blob trigger: it begins with the name of a container, which "
                "has lower-case letters, digits and single dashes within, as in samples/{name}."
            )
        names = tuple(_PARAMETER.findall(rest))
        bad = next((name for name in names if not _NAME.fullmatch(name) or names.count(name) > 1), None)
        literals = _PARAMETER.split(rest)[::2]
        if bad is not None or any(bracket in literal for literal in literals for bracket in "{}"):
            raise InvalidBlobPath(
                f"'{text}' is not a path of a blob trigger: give each part a name, as in {{name}}."
            )
        pattern = "(.*)".join(map(re.escape, literals)) if rest else ".*"
        return cls(container, literals[0], names, re.compile(pattern, re.DOTALL))

    def match(self, blob: str) -> dict[str, str] | None:
        """The named parts of a blob's name, `None` if the blob does not fit."""
        found = self.pattern.fullmatch(blob)
        return None if found is None else dict(zip(self.names, found.groups(), strict=True))
