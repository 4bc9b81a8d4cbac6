"""Sends a host the recorded requests again, in their order, each when the host has come as far."""

import asyncio
from typing import Any

import aiohttp
from yarl import URL

from devhost.host import Host
from tests.conformance.records import Exchange

_PATIENCE = 15.0  # seconds for any one step
_ENDED = ("Completed", "Failed", "Terminated")


class Replay:
    """One run of the recorded requests against one host."""

    def __init__(self, host: Host, session: aiohttp.ClientSession) -> None:
        self._host = host
        self._session = session
        self._ids: dict[str, str] = {}

    async def run(self, recorded: list[Exchange]) -> list[Exchange]:
        """The exchanges as they were this time; when it returns, nothing runs any more."""
        exchanges = [await self._repeat(exchange) for exchange in recorded]
        await self._settle()
        return exchanges

    async def _repeat(self, recorded: Exchange) -> Exchange:
        if not recorded.name.startswith("start"):
            await self._settle()
        async with asyncio.timeout(_PATIENCE):
            given = await self._send(recorded)
            while recorded.name.startswith("wait for") and not _as_far(given, recorded):
                await asyncio.sleep(0.01)
                given = await self._send(recorded)
        if given.status == recorded.status and recorded.name.startswith("start"):
            self._learn_id(recorded.content, given.content)
        return given

    async def _settle(self) -> None:
        """Lets the host do what it can do at once, as the recorded pauses between requests did."""
        async with asyncio.timeout(_PATIENCE):
            await self._host.hub.settle()

    async def _send(self, recorded: Exchange) -> Exchange:
        path = self._translated(recorded.path)
        async with self._session.request(
            recorded.method,
            URL(f"http://127.0.0.1:{self._host.port}{path}", encoded=True),
            json=recorded.body,
            headers={"Host": f"localhost:{self._host.port}", "Content-Type": "application/json"},
        ) as response:
            return Exchange(
                name=recorded.name,
                method=recorded.method,
                path=path,
                body=recorded.body,
                status=response.status,
                headers=dict(response.headers),
                text=await response.text(),
            )

    def _translated(self, path: str) -> str:
        for theirs, ours in self._ids.items():
            path = path.replace(theirs, ours)
        return path

    def _learn_id(self, recorded: Any, given: Any) -> None:
        if isinstance(recorded, dict) and "id" in recorded:
            self._ids[recorded["id"]] = given["id"]


def _as_far(given: Exchange, recorded: Exchange) -> bool:
    """Whether the instance asked for is where it was, or has ended and will never be there."""
    if given.status != recorded.status:
        return True
    status = given.content["ok"]["status"]
    return status in (recorded.content["ok"]["status"], *_ENDED)
