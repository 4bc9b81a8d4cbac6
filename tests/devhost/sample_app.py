"""Writes folders of Functions apps for the tests of the host."""

import asyncio
import json
import textwrap
from pathlib import Path
from typing import Any

HELLO = """
    import azure.functions as func
    def main(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("hello")
"""
RETURN = {"name": "$return", "type": "http", "direction": "out"}
ORCHESTRATION = {"name": "context", "type": "orchestrationTrigger", "direction": "in"}
ACTIVITY = {"name": "payload", "type": "activityTrigger", "direction": "in"}


def http_trigger(**properties: Any) -> dict[str, Any]:
    """An anonymous HTTP trigger named `req`."""
    trigger = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
    return {**trigger, **properties}


class SampleApp:
    """An app's folder, with an empty host.json to begin with."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file("host.json", {"version": "2.0"})
        self.file("requirements.txt", "azure-functions-durable>=1.7,<2")  # else the SDK warns on import

    def file(self, path: str, content: str | dict[str, Any]) -> Path:
        """Writes a text, or an object as JSON."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        text = textwrap.dedent(content) if isinstance(content, str) else json.dumps(content)
        target.write_text(text, encoding="utf-8")
        return target

    async def wrote(self, name: str) -> None:
        """Returns when the running app has written a file."""
        async with asyncio.timeout(30):
            while not (self.root / name).exists():
                await asyncio.sleep(0.01)

    def function(self, name: str, *bindings: dict[str, Any], code: str = HELLO, **settings: Any) -> Path:
        """Writes a function's folder; `settings` go into its function.json."""
        self.file(f"{name}/main.py", code)
        return self.file(
            f"{name}/function.json", {"scriptFile": "main.py", "bindings": list(bindings), **settings}
        )

    def http(self, name: str, code: str = HELLO, **properties: Any) -> None:
        """Writes an HTTP function that answers what it returns."""
        self.function(name, http_trigger(**properties), RETURN, code=code)

    def activity(self, name: str, code: str) -> None:
        """Writes an activity."""
        self.function(name, ACTIVITY, code=code)

    def orchestrator(self, name: str, body: str) -> None:
        """Writes an orchestrator around the body of a generator function."""
        code = "import azure.durable_functions as df\ndef run(context):\n"
        code += textwrap.indent(textwrap.dedent(body), "    ") + "\nmain = df.Orchestrator.create(run)\n"
        self.function(name, ORCHESTRATION, code=code)
