"""The statements of `queries.sql` by their names."""

import re
from importlib import resources
from typing import Final


def _load() -> dict[str, str]:
    text = resources.files(__package__).joinpath("queries.sql").read_text("utf-8")
    return dict(re.findall(r"-- name: (\w+)\n(.*?;)", text, re.DOTALL))


SQL: Final = _load()
