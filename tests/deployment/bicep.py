"""Reads the infrastructure's Bicep files, with parameters and other modules' outputs left as their names.

Nothing here compiles Bicep: the parser knows its grammar, not the resources' types.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pycep import BicepParser

from local.settings import ROOT

INFRA = ROOT / "infra"
FILES = sorted(INFRA.rglob("*.bicep"))


@cache
def parsed(file: Path) -> dict[str, Any]:
    """The declarations of a file: parameters, variables, resources, modules, outputs."""
    return dict(BicepParser().parse(text=file.read_text()))


def module(name: str) -> dict[str, Any]:
    return parsed(INFRA / "modules" / f"{name}.bicep")


def resources(tree: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """What a file says of its own resources of a type, loops unwrapped."""
    for resource in tree["resources"].values():
        if resource["type"] == kind and not resource["existing"]:
            config = resource["config"]
            yield config["config"] if "loop_type" in config or "condition" in config else config


def resource(name: str, kind: str) -> dict[str, Any]:
    """The one resource of a type in a module."""
    (found,) = resources(module(name), kind)
    return found


def names_in(node: Any) -> Iterator[str]:
    """Every string in a tree, for what refers to what."""
    if isinstance(node, str):
        yield from re.findall(r"[\w-]+", node)
    elif isinstance(node, dict):
        for value in node.values():
            yield from names_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from names_in(value)
