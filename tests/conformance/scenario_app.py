"""Writes the folders of the scenario app, whose functions are those of `scenario_functions.py`."""

import json
import shutil
from pathlib import Path
from typing import Any

HUB = "scenariohub"
ACTIVITIES = ("echo", "slow", "boom", "flaky")
ORCHESTRATORS = (
    *("o-chain", "o-fan", "o-fan-fail", "o-any", "o-any-cancel", "o-retry", "o-retry-fail", "o-fan-retry"),
    *("o-sub", "o-sub-fail", "o-event", "o-events", "o-can", "o-fail", "o-act-fail", "o-entity", "o-timer"),
    *("o-none", "o-nonreturn", "o-missing"),
)
_FUNCTIONS = Path(__file__).with_name("scenario_functions.py")


def write_scenario_app(root: Path) -> None:
    """Writes the app; what its functions record comes to lie in `root`, too."""
    shutil.copy(_FUNCTIONS, root)
    _write(root / "host.json", {"version": "2.0", "extensions": {"durableTask": {"hubName": HUB}}})
    # The SDK warns if it does not find itself there.
    (root / "requirements.txt").write_text("azure-functions-durable>=1.7,<2\n")
    _client(root, "http-start", "start/{name}")
    _client(root, "http-op", "op/{op}/{id}")
    for name in ACTIVITIES:
        _function(root, name, f"from scenario_functions import {name} as main\n", _trigger("activity"))
    for name in ORCHESTRATORS:
        _recorded(root, name, "orchestration", "recorded_orchestrator")
    _recorded(root, "counter", "entity", "recorded_entity")


def _client(root: Path, name: str, route: str) -> None:
    request = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
    answer = {"name": "$return", "type": "http", "direction": "out"}
    starter = {"name": "starter", "type": "durableClient", "direction": "in"}
    code = f"from scenario_functions import {name.replace('-', '_')} as main\n"
    _function(root, name, code, {**request, "route": route, "methods": ["get", "post"]}, answer, starter)


def _recorded(root: Path, name: str, kind: str, recorder: str) -> None:
    code = f"from scenario_functions import {recorder}\n\nmain = {recorder}({name!r})\n"
    _function(root, name, code, _trigger(kind))


def _trigger(kind: str) -> dict[str, Any]:
    parameter = "payload" if kind == "activity" else "context"
    return {"name": parameter, "type": f"{kind}Trigger", "direction": "in"}


def _function(root: Path, name: str, code: str, *bindings: dict[str, Any]) -> None:
    folder = root / name
    folder.mkdir()
    (folder / "main.py").write_text(code)
    _write(folder / "function.json", {"scriptFile": "main.py", "bindings": bindings})


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content))
