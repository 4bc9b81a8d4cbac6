"""Histories of released versions still replay: a change that would break running jobs fails here.

Each file holds the history of one execution, recorded by the version that its name begins with. Files are
only ever added: a job that such a version started may still be running when a newer one is deployed.
"""

import json
from pathlib import Path

import pytest

from devhost.testing import running_app
from local.settings import ROOT

HISTORIES = {path.stem: json.loads(path.read_text()) for path in Path(__file__).parent.glob("*.json")}


@pytest.mark.parametrize("recorded", sorted(HISTORIES))
async def test_histories_of_released_versions_still_replay(recorded: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "true")
    history = HISTORIES[recorded]
    name = next(event["Name"] for event in history if event["EventType"] == 0)
    async with running_app(ROOT) as app:
        assert await app.replay(name, history) is None
